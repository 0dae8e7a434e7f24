"""Who else has to do with a line: delegates, a safe number, a separation; and who comes back after its end."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from accounts.models.lines import Account, Line, User


class Delegation(models.Model):
    """Somebody whom a line's user asked to look after it: they see it, stop for it, or both, until a day.

    Asked by the number of their own line; whoever signs in by that takes it on. Ends with its day, with either line's
    tenure, and whenever either of the two says so.
    """

    class May(models.TextChoices):
        SEE = "see", "See"
        STOP = "stop", "Stop"
        BOTH = "both", "See and stop"

    id = models.UUIDField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="delegations")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_given")
    asked_hash = models.BinaryField()
    asked_sealed = models.BinaryField()
    may = models.CharField(max_length=4, choices=May)
    asked_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="delegations")
    taken_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("asked_at"), ends_at__lte=F("asked_at") + timedelta(days=366)),
                name="accounts_delegation_a_year_at_most",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=True, taken_at__isnull=True)
                | Q(user__isnull=False, taken_at__gte=F("asked_at"), taken_at__lt=F("ends_at")),
                name="accounts_delegation_taken_in_its_time",
            ),
            models.CheckConstraint(condition=~Q(user=F("by")), name="accounts_delegation_to_another"),
            models.UniqueConstraint(
                fields=["line", "asked_hash"], condition=Q(ended_at__isnull=True), name="accounts_delegation_once_each"
            ),
        ]
        indexes = [models.Index(fields=["asked_hash"], name="accounts_delegation_asked")]

    def __str__(self) -> str:
        return f"delegation {self.id}"


class SafeContact(models.Model):
    """A number of the line user's own to which news about the line goes instead of the line's phone.

    It counts once a code that was texted there was typed. For a day from then on the phone is told as well.
    """

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="safe_contacts")
    to_sealed = models.BinaryField()
    code_sealed = models.BinaryField()
    tries_left = models.PositiveSmallIntegerField(default=5)
    asked_at = models.DateTimeField()
    proved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line"],
                condition=Q(ended_at__isnull=True, proved_at__isnull=False),
                name="accounts_safecontact_one_counts",
            ),
            models.UniqueConstraint(
                fields=["line"],
                condition=Q(ended_at__isnull=True, proved_at__isnull=True),
                name="accounts_safecontact_one_waits",
            ),
        ]

    def __str__(self) -> str:
        return f"safe contact {self.pk}"


class Separation(models.Model):
    """A request, in confidence, that a line leaves its account (47 USC 345). Nobody who holds the account hears of it.

    `from_account`: until `tell_from` its holder's list shows the line as it was, also when it has left already.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        NOT_DONE = "not_done", "Could not be done"
        TAKEN_BACK = "taken_back", "Taken back by the person"

    id = models.UUIDField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="separations")
    from_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="separations")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="separations")
    reach_sealed = models.BinaryField()
    note_sealed = models.BinaryField()
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    closed_at = models.DateTimeField(null=True)
    tell_from = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="accounts_separation_closed_or_open",
            ),
            models.CheckConstraint(
                condition=Q(state="done") | Q(tell_from__isnull=True), name="accounts_separation_told_when_done"
            ),
            models.UniqueConstraint(fields=["line"], condition=Q(state="open"), name="accounts_separation_one_open"),
        ]

    def __str__(self) -> str:
        return f"separation {self.id}"
