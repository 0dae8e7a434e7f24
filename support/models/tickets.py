"""A ticket, and its thread."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

# Characters of what somebody may write at once.
LONGEST = 10_000


class Ticket(models.Model):
    """One case. `code` is what the person quotes; ids, not keys, name what it is about.

    `about_kind` and `about_ref`: the look-up, choice, order or incident in question, by its own id; "" for none.
    `number_ending`: the last four digits of the line's number when it was opened, by which a caller's case is found.
    Which state may follow which is `lifecycle.NEXT`, and the database holds it too.
    `asked_by`: whose case it is, where a person wrote it; they alone read it. `mail_sealed`: where its news is mailed.
    """

    class Kind(models.TextChoices):
        DISPUTE = "dispute", "I never agreed"
        LOOK_UP = "look_up", "About one look-up"
        CHOICE = "choice", "About a choice"
        ORDER = "order", "About what a partner was told"
        STILL_HAVE = "still_have", "They still have my data"
        SIGN_IN = "sign_in", "Trouble signing in"
        OTHER = "other", "Something else"
        INCIDENT = "incident", "Incident"
        OVERDUE = "overdue", "A partner is late"
        PARTIAL = "partial", "A partner signed in part"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        WAITING = "waiting", "Waiting for the person"
        PARTNER = "partner", "Waiting for a partner"
        SOLVED = "solved", "Answered"
        CLOSED = "closed", "Closed"
        MERGED = "merged", "Merged"

    class Priority(models.IntegerChoices):
        URGENT = 1, "Urgent"
        HIGH = 2, "High"
        NORMAL = 3, "Normal"
        LOW = 4, "Low"

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
            models.Index(fields=["state", "due_at"], name="support_ticket_due"),
            models.Index(fields=["assignee", "state", "due_at"], name="support_ticket_whose"),
            models.Index(fields=["line_id", "opened_at"], name="support_ticket_line"),
            models.Index(fields=["party_id", "due_at"], name="support_ticket_party"),
            models.Index(fields=["number_ending", "due_at"], name="support_ticket_number"),
            models.Index(fields=["about_kind", "about_ref"], name="support_ticket_about_ref"),
            models.Index(fields=["opened_at"], name="support_ticket_opened"),
            GinIndex(OpClass(Upper("about"), name="gin_trgm_ops"), name="support_ticket_about_like"),
        ]

    def __str__(self) -> str:
        return self.code


class Entry(models.Model):
    """One thing said or done in a ticket. Never changed, never taken away.

    `author`: as the trail names them ("agent:7", "subscriber:3", "system:tickets", "partner:4"). What a person of ours
    writes as a note is for staff alone, as are the words of a partner until an answer tells of them.
    """

    class Kind(models.TextChoices):
        HEARD = "heard", "From the person"
        ANSWER = "answer", "Our answer"
        NOTE = "note", "A note among us"
        EVIDENCE = "evidence", "From a partner"
        EVENT = "event", "What happened"

    class Channel(models.TextChoices):
        WEB = "web", "Web"
        MAIL = "mail", "Mail"
        TEXT = "text", "Text"
        PHONE = "phone", "Phone"
        DESK = "desk", "Desk"
        SYSTEM = "system", "System"

    id = models.BigAutoField(primary_key=True)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=8, choices=Kind)
    author = models.CharField(max_length=40)
    channel = models.CharField(max_length=8, choices=Channel)
    at = models.DateTimeField()
    body = models.CharField(max_length=LONGEST)
    language = models.CharField(max_length=12, default="en", db_default="en")
    words = models.GeneratedField(
        expression=SearchVector("body", config="simple"), output_field=SearchVectorField(), db_persist=True
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(body=""), name="support_entry_says_something"),
        ]
        indexes = [
            models.Index(fields=["ticket", "at"], name="support_entry_thread"),
            GinIndex(fields=["words"], name="support_entry_words"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in ticket {self.ticket_id}"
