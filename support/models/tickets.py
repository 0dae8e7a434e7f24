"""A ticket, and its thread."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

# Characters of what somebody may write at once.
LONGEST = 10_000
# What codes are made of: no letter or digit that can be read as another.
CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
# How the keys of cases begin that a mail from nobody we know opened; then comes a keyed hash of the sender's address.
MAILED = "mail:"
# Literal, as an index's condition has to be.
STATES_UNDER_WAY = ["open", "waiting", "partner"]
UNDER_WAY = Q(state__in=STATES_UNDER_WAY)


class Ticket(models.Model):
    """One case. `code` is what the person quotes; ids, not keys, name what it is about.

    `about_kind` and `about_ref`: the look-up, choice, order or incident in question, by its own id; "" for none.
    `number_ending`: the last four digits of the line's number when it was opened, by which a caller's case is found.
    Which state may follow which is `lifecycle.NEXT`, and the database holds it too.
    `asked_by`: whose case it is, where a person wrote it; they alone read it. `mail_sealed`: where its news is mailed.
    """

    class Kind(models.TextChoices):
        DISPUTE = "dispute", _("I never agreed")
        LOOK_UP = "look_up", _("About one look-up")
        CHOICE = "choice", _("About a choice")
        ORDER = "order", _("About what a partner was told")
        STILL_HAVE = "still_have", _("They still have my data")
        SIGN_IN = "sign_in", _("Trouble signing in")
        OTHER = "other", _("Something else")
        INCIDENT = "incident", _("Incident")
        OVERDUE = "overdue", _("A partner is late")
        PARTIAL = "partial", _("A partner signed in part")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        WAITING = "waiting", _("Waiting for the person")
        PARTNER = "partner", _("Waiting for a partner")
        SOLVED = "solved", _("Answered")
        CLOSED = "closed", _("Closed")
        MERGED = "merged", _("Merged")

    class Priority(models.IntegerChoices):
        URGENT = 1, _("Urgent")
        HIGH = 2, _("High")
        NORMAL = 3, _("Normal")
        LOW = 4, _("Low")

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=12, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL, db_default=Priority.NORMAL)
    line_id = models.BigIntegerField(null=True)
    party_id = models.BigIntegerField(null=True)
    about = models.CharField(max_length=200)
    about_kind = models.CharField(max_length=12, blank=True, default="", db_default="")
    about_ref = models.CharField(max_length=80, blank=True, default="", db_default="")
    number_ending = models.CharField(max_length=4, blank=True, default="", db_default="")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="cases")
    mail_sealed = models.BinaryField(default=b"", db_default=b"")
    language = models.CharField(max_length=12, default="en", db_default="en")
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="tickets")
    claimed_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    first_answer_at = models.DateTimeField(null=True)
    answered_on_time = models.BooleanField(null=True)
    last_at = models.DateTimeField(null=True)
    solved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)
    reopened = models.PositiveSmallIntegerField(default=0, db_default=0)
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="merged")
    rating = models.PositiveSmallIntegerField(null=True)
    rating_words = models.CharField(max_length=1000, blank=True, default="", db_default="")
    rated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False) | (~Q(state="closed") & Q(closed_at__isnull=True)),
                name="support_ticket_closed_at",
            ),
            models.CheckConstraint(
                condition=Q(state="merged", merged_into__isnull=False)
                | (~Q(state="merged") & Q(merged_into__isnull=True)),
                name="support_ticket_merged_into",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")), name="support_ticket_not_into_itself"
            ),
            models.CheckConstraint(
                condition=Q(assignee__isnull=True, claimed_at__isnull=True)
                | Q(assignee__isnull=False, claimed_at__isnull=False),
                name="support_ticket_claimed_at",
            ),
            models.CheckConstraint(
                condition=Q(rating__isnull=True, rated_at__isnull=True)
                | Q(rating__range=(1, 5), rated_at__isnull=False),
                name="support_ticket_rating",
            ),
        ]
        indexes = [
            # The queue in its two orders, and narrowed; few tickets of many are under way.
            models.Index(fields=["due_at", "id"], name="support_ticket_due", condition=UNDER_WAY),
            models.Index(fields=["priority", "due_at", "id"], name="support_ticket_priority", condition=UNDER_WAY),
            models.Index(fields=["assignee", "due_at", "id"], name="support_ticket_whose", condition=UNDER_WAY),
            models.Index(fields=["kind", "due_at", "id"], name="support_ticket_kind", condition=UNDER_WAY),
            models.Index(fields=["state", "due_at", "id"], name="support_ticket_state", condition=UNDER_WAY),
            models.Index(fields=["party_id", "due_at", "id"], name="support_ticket_party", condition=UNDER_WAY),
            models.Index(fields=["language", "due_at", "id"], name="support_ticket_language", condition=UNDER_WAY),
            # What was handed up to the privacy office.
            models.Index(
                fields=["due_at", "id"],
                name="support_ticket_handed_up",
                condition=UNDER_WAY & Q(escalated_at__isnull=False),
            ),
            models.Index(fields=["solved_at"], name="support_ticket_solved", condition=Q(state="solved")),
            # Those that are done too, the newest first.
            models.Index(fields=["state", "-id"], name="support_ticket_newest"),
            models.Index(fields=["party_id", "-id"], name="support_ticket_company"),
            models.Index(fields=["number_ending", "-id"], name="support_ticket_number"),
            models.Index(fields=["line_id", "opened_at"], name="support_ticket_line"),
            models.Index(fields=["about_kind", "about_ref"], name="support_ticket_about_ref"),
            models.Index(fields=["opened_at"], name="support_ticket_opened"),
            GinIndex(OpClass(Upper("about"), name="gin_trgm_ops"), name="support_ticket_about_like"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_under_way(self) -> bool:
        """Whether somebody waits, so that its date still counts."""
        return self.state in STATES_UNDER_WAY

    @property
    def sender(self) -> str:
        """By what cases that mails opened are known to be of one address; "" for all others."""
        return self.key.rpartition(":")[0] if self.key.startswith(MAILED) else ""

    def list_chain(self) -> "list[Ticket]":
        """Return it and those that it was merged into, one after another; the last goes on."""
        found: list[Ticket] = [self]
        while (into := found[-1].merged_into) is not None:
            found.append(into)
        return found


class Entry(models.Model):
    """One thing said or done in a ticket. Never changed, never taken away.

    `author`: as the trail names them ("agent:7", "subscriber:3", "system:tickets", "partner:4"). What a person of ours
    writes as a note is for staff alone, as are the words of a partner until an answer tells of them.
    `key`: what it came from elsewhere, so that it comes in once.
    """

    class Kind(models.TextChoices):
        HEARD = "heard", "From the person"
        ANSWER = "answer", "Our answer"
        NOTE = "note", "A note among us"
        EVIDENCE = "evidence", "From a partner"
        EVENT = "event", "What happened"

    class Channel(models.TextChoices):
        WEB = "web", _("Web")
        MAIL = "mail", _("Mail")
        TEXT = "text", _("Text")
        PHONE = "phone", _("Phone")
        DESK = "desk", _("Desk")
        SYSTEM = "system", _("System")

    id = models.BigAutoField(primary_key=True)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=8, choices=Kind)
    author = models.CharField(max_length=40)
    channel = models.CharField(max_length=8, choices=Channel)
    at = models.DateTimeField()
    body = models.CharField(max_length=LONGEST)
    language = models.CharField(max_length=12, default="en", db_default="en")
    key = models.CharField(max_length=120, blank=True, default="", db_default="")
    # Made by the database of what is said: a generated column, of which Django only knows that it has a value.
    words = SearchVectorField(db_default=models.Value(""), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(body=""), name="support_entry_says_something"),
            models.UniqueConstraint(fields=["key"], condition=~Q(key=""), name="support_entry_comes_in_once"),
        ]
        indexes = [
            models.Index(fields=["ticket", "at"], name="support_entry_thread"),
            GinIndex(fields=["words"], name="support_entry_words"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in ticket {self.ticket_id}"


class LoggedCall(models.Model):
    """The telephone system says that we called a line's number of record and it was answered. Good once, for a stop.

    `by`: who of staff called, by e-mail or as "agent:7". It is good for their own stops alone; "" for none.
    """

    id = models.BigAutoField(primary_key=True)
    call_ref = models.CharField(max_length=80, unique=True)
    line_id = models.BigIntegerField()
    answered_at = models.DateTimeField()
    heard_at = models.DateTimeField()
    by = models.CharField(max_length=40, blank=True, default="")
    used_at = models.DateTimeField(null=True)
    used_for = models.CharField(max_length=12, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at__isnull=True, used_for="") | (Q(used_at__isnull=False) & ~Q(used_for="")),
                name="support_call_used_for",
            )
        ]
        indexes = [models.Index(fields=["line_id", "answered_at"], name="support_call_line")]

    def __str__(self) -> str:
        return f"call {self.call_ref}"


class ProtectedLine(models.Model):
    """An officer said that two of staff must agree before one of them sees whose this line is."""

    id = models.BigAutoField(primary_key=True)
    line_id = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    by = models.CharField(max_length=40)
    at = models.DateTimeField()
    ended_by = models.CharField(max_length=40, blank=True, default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="support_protected_has_a_reason"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="") | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
                name="support_protected_ended_by",
            ),
            models.UniqueConstraint(
                fields=["line_id"], condition=Q(ended_at__isnull=True), name="support_protected_once"
            ),
        ]

    def __str__(self) -> str:
        return f"protection of line {self.line_id}"
