"""What the desk works with beside the thread."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from support.models.tickets import LONGEST, Entry, Ticket

# So long a second person may say yes to what somebody asked to see.
ASKED_FOR = timedelta(hours=8)


class Draft(models.Model):
    """What somebody has begun to write in a ticket. One for each person and kind; gone once it is sent.

    `send_at`: when an answer goes out that its writer may still take back; `then`: the state that it leaves behind.
    `mentions`: the colleagues ("agent:7") chosen for a note.
    """

    id = models.BigAutoField(primary_key=True)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="drafts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    kind = models.CharField(max_length=8, choices=Entry.Kind)
    body = models.CharField(max_length=LONGEST)
    updated_at = models.DateTimeField()
    send_at = models.DateTimeField(null=True)
    then = models.CharField(max_length=8, choices=Ticket.State, blank=True, default="", db_default="")
    mentions = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(send_at__isnull=True, then="")
                | Q(send_at__isnull=False, kind="answer", then__in=["waiting", "solved"]),
                name="support_draft_on_its_way",
            ),
            models.UniqueConstraint(fields=["ticket", "user", "kind"], name="support_draft_one_for_each"),
            models.CheckConstraint(condition=Q(kind__in=["answer", "note"]), name="support_draft_of_ours"),
        ]
        indexes = [models.Index(fields=["send_at"], name="support_draft_due", condition=Q(send_at__isnull=False))]

    def __str__(self) -> str:
        return f"draft in ticket {self.ticket_id}"


class Attachment(models.Model):
    """A file in a ticket. Its bytes lie outside the database and the web root, under its id; here is what is known.

    `scanned_at`: when it was looked at, or last tried while it still waits.
    """

    class Scan(models.TextChoices):
        WAITING = "waiting", "Not looked at yet"
        CLEAN = "clean", "Nothing found"
        REFUSED = "refused", "Something was found: nobody can open it"
        FAILED = "failed", "Could not be looked at"
        REMOVED = "removed", "Taken back before it was sent"

    id = models.UUIDField(primary_key=True)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="attachments")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, null=True, related_name="attachments")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    author = models.CharField(max_length=40)
    at = models.DateTimeField()
    scan = models.CharField(max_length=8, choices=Scan, default=Scan.WAITING)
    scanned_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="support_attachment_unscanned", condition=Q(scan="waiting"))]

    def __str__(self) -> str:
        return f"attachment {self.id}"


class SavedReply(models.Model):
    """An answer that is written often, in one language; `{name}`-like variables in it are filled in on use.

    `used`: how often it was put into an answer.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=40)
    language = models.CharField(max_length=12)
    title = models.CharField(max_length=80)
    body = models.CharField(max_length=LONGEST)
    changed_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    used = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "support_cannedreply"
        constraints = [models.UniqueConstraint(fields=["key", "language"], name="support_canned_once_a_language")]

    def __str__(self) -> str:
        return f"{self.key} ({self.language})"


class Reveal(models.Model):
    """One of staff asked to see who a ticket's person is: why, until when, and who agreed where two are needed."""

    id = models.BigAutoField(primary_key=True)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="reveals")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reveals")
    line_id = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    two_needed = models.BooleanField(default=False)
    second = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="reveals_agreed"
    )
    agreed_at = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="support_reveal_has_a_reason"),
            models.CheckConstraint(
                condition=Q(second__isnull=True) | ~Q(second=models.F("user")), name="support_reveal_by_two_people"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(two_needed=False) | Q(second__isnull=False),
                name="support_reveal_waits_for_the_second",
            ),
        ]
        indexes = [models.Index(fields=["ticket", "user", "until"], name="support_reveal_now")]

    def __str__(self) -> str:
        return f"reveal in ticket {self.ticket_id}"

    def is_waiting(self, *, at: datetime) -> bool:
        """Return whether another of staff may still say yes to it."""
        return self.until is None and self.asked_at > at - ASKED_FOR


class SuspendRequest(models.Model):
    """An agent asks an officer to suspend a party. The officer decides, once."""

    class Decision(models.TextChoices):
        SUSPENDED = "suspended", "Suspended"
        DECLINED = "declined", "Declined"

    id = models.BigAutoField(primary_key=True)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="suspend_requests")
    party_id = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    asked_by = models.CharField(max_length=40)
    asked_at = models.DateTimeField()
    decision = models.CharField(max_length=10, choices=Decision, blank=True, default="")
    decided_by = models.CharField(max_length=40, blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decision="", decided_by="", decided_at__isnull=True)
                | (~Q(decision="") & ~Q(decided_by="") & Q(decided_at__isnull=False)),
                name="support_suspend_request_decided",
            ),
            models.UniqueConstraint(
                fields=["ticket", "party_id"], condition=Q(decision=""), name="support_suspend_request_open_once"
            ),
        ]

    def __str__(self) -> str:
        return f"request to suspend party {self.party_id}"


class BulkReply(models.Model):
    """One answer to many tickets, sent in batches from `begins_at` on; until then it can be taken back.

    The first `answered + skipped` of `ticket_ids` are dealt with. Skipped is a ticket that was done by
    then, or that had nothing any more for one of the variables.
    """

    id = models.UUIDField(primary_key=True)
    incident_id = models.BigIntegerField(null=True)
    body = models.CharField(max_length=LONGEST)
    by = models.CharField(max_length=40)
    at = models.DateTimeField()
    begins_at = models.DateTimeField(db_default=Now())
    ticket_ids = models.JSONField()
    answered = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    undone_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | Q(answered=0, skipped=0, finished_at__isnull=True),
                name="support_bulk_reply_undone_before_it_began",
            )
        ]
        indexes = [
            models.Index(
                fields=["begins_at"],
                name="support_bulk_reply_due",
                condition=Q(finished_at__isnull=True, undone_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"reply to {len(self.ticket_ids)} tickets"
