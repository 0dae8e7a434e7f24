"""Orders about one line: the outbox, what was tried, what is owed, what the partner signed. The row is the queue."""

from django.db import models
from django.db.models import Q


class State(models.TextChoices):
    QUEUED = "queued", "Waiting to send"
    SENT = "sent", "Sent"
    ACKNOWLEDGED = "acknowledged", "Received"
    COMPLETED = "completed", "Signed as done"
    PARTIAL = "partial", "Signed in part"
    SUPERSEDED = "superseded", "Replaced by a newer order"
    PARKED = "parked", "On hold: we are looking into it"
    REJECTED = "rejected", "Refused by the partner"
    CONTRADICTED = "contradicted", "Continued after signing"


UNFINISHED = (
    State.QUEUED,
    State.SENT,
    State.ACKNOWLEDGED,
    State.PARTIAL,
    State.PARKED,
    State.REJECTED,
    State.CONTRADICTED,
)
TO_PUSH = (State.QUEUED, State.SENT, State.PARKED)


class ResponsibleParty(models.TextChoices):
    """Whose move it is while an order is parked."""

    US = "us", "Us"
    PARTNER = "partner", "The partner"
    BOTH = "both", "Both"


class Standing(models.Model):
    """Where one line stands under one agreement: the newest version told, and the order that tells it.

    The row is locked while a new order is numbered.
    """

    pk = models.CompositePrimaryKey("line_id", "contract_id")
    line_id = models.BigIntegerField()
    contract_id = models.BigIntegerField()
    epoch = models.PositiveIntegerField()
    version = models.PositiveIntegerField()
    order_id = models.UUIDField()

    def __str__(self) -> str:
        return f"line {self.line_id} under contract {self.contract_id}: {self.epoch}.{self.version}"


class Order(models.Model):
    """One signed message to one partner about one line: a whole snapshot at `(epoch, version)`.

    `snapshot` is what the SET carries: `changes`, `state`, `required_actions`, `duties`, `stop_by`, `complete_by`.
    """

    class Lane(models.TextChoices):
        STOP = "stop", "Stop"
        ALLOW = "allow", "Allow"
        # What no person waits for: pauses that end, tellings again, whole cohorts.
        BULK = "bulk", "Bulk"

    pk = models.CompositePrimaryKey("line_id", "id")
    line_id = models.BigIntegerField()
    id = models.UUIDField()
    contract_id = models.BigIntegerField()
    party_id = models.BigIntegerField()
    epoch = models.PositiveIntegerField()
    version = models.PositiveIntegerField()
    jti = models.CharField(max_length=64)
    txn = models.CharField(max_length=64)
    record_id = models.UUIDField()
    lane = models.CharField(max_length=6, choices=Lane)
    snapshot = models.JSONField()
    queued_at = models.DateTimeField()
    state = models.CharField(max_length=14, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    complete_by = models.DateTimeField(null=True)
    # Claimed by a worker until then: what is in flight to a partner can be counted.
    leased_until = models.DateTimeField(null=True)
    # Given to a poll: until then no other poll gets it, so that there is time to acknowledge.
    polled_until = models.DateTimeField(null=True)
    # When to offer it again although it was acknowledged: the partner lost its store. Its state stays what it is.
    again_at = models.DateTimeField(null=True)
    parked_with = models.CharField(max_length=8, choices=ResponsibleParty, blank=True)
    superseded_by = models.UUIDField(null=True)
    note = models.CharField(max_length=300, blank=True)
    # What it came of, as W3C's `traceparent`, where traces are on. Partners aren't sent it: two could join what they
    # know of one person by it.
    trace = models.CharField(max_length=55, blank=True, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line_id", "contract_id", "epoch", "version"], name="revocations_order_one_per_version"
            ),
            models.UniqueConstraint(fields=["line_id", "jti"], name="revocations_order_jti"),
            models.CheckConstraint(
                condition=Q(state__in=TO_PUSH, next_attempt_at__isnull=False)
                | (~Q(state__in=TO_PUSH) & Q(next_attempt_at__isnull=True)),
                name="revocations_order_due_iff_to_push",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=(State.ACKNOWLEDGED,)) | Q(acknowledged_at__isnull=False),
                name="revocations_order_acknowledged_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=(State.COMPLETED, State.PARTIAL, State.CONTRADICTED))
                | Q(completed_at__isnull=False),
                name="revocations_order_completed_has_time",
            ),
            models.CheckConstraint(
                condition=(Q(state=State.SUPERSEDED) & Q(superseded_by__isnull=False))
                | (~Q(state=State.SUPERSEDED) & Q(superseded_by__isnull=True)),
                name="revocations_order_superseded_names_newer",
            ),
        ]
        indexes = [
            models.Index(
                fields=["party_id", "lane", "next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="revocations_due_in_lane",
            ),
            models.Index(
                fields=["party_id", "again_at"], condition=Q(again_at__isnull=False), name="revocations_due_again"
            ),
            models.Index(
                fields=["party_id", "leased_until"],
                condition=Q(leased_until__isnull=False),
                name="revocations_in_flight",
            ),
            models.Index(fields=["party_id", "-queued_at", "id"], name="revocations_of_party"),
            models.Index(
                fields=["party_id", "queued_at"], condition=Q(next_attempt_at__isnull=False), name="revocations_waiting"
            ),
            models.Index(
                fields=["complete_by"],
                condition=Q(complete_by__isnull=False) & ~Q(state__in=(State.COMPLETED, State.SUPERSEDED)),
                name="revocations_owed_by",
            ),
            models.Index(fields=["completed_at"], condition=Q(state=State.PARTIAL), name="revocations_signed_in_part"),
            models.Index(fields=["jti"], name="revocations_by_jti"),
            models.Index(fields=["id"], name="revocations_by_id"),
        ]

    def __str__(self) -> str:
        return f"order {self.id} ({self.state})"


class Attempt(models.Model):
    """One try to hand an order over, and what came of it. Append-only."""

    pk = models.CompositePrimaryKey("line_id", "order_id", "number")
    line_id = models.BigIntegerField()
    order_id = models.UUIDField()
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    outcome = models.CharField(max_length=14)
    status = models.PositiveSmallIntegerField(null=True)
    detail = models.CharField(max_length=300, blank=True)
    token = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"attempt {self.number} of order {self.order_id}: {self.outcome}"


class Duty(models.Model):
    """What a partner owes for a line since a moment, until a valid completed receipt names it."""

    class Action(models.TextChoices):
        STOP_USE = "stop_use", "Stop using"
        DELETE_HELD = "delete_held", "Delete what is held"
        NOTIFY_DOWNSTREAM = "notify_downstream", "Tell those who received it"

    pk = models.CompositePrimaryKey("line_id", "id")
    line_id = models.BigIntegerField()
    id = models.UUIDField()
    contract_id = models.BigIntegerField()
    action = models.CharField(max_length=20, choices=Action)
    scope = models.TextField()
    since = models.DateTimeField()
    discharged_at = models.DateTimeField(null=True)
    discharged_by = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["line_id", "contract_id"], condition=Q(discharged_at__isnull=True), name="revocations_duty_owed"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} owed since {self.since}"


class Receipt(models.Model):
    """What a partner signed about one order, word for word. Append-only."""

    pk = models.CompositePrimaryKey("line_id", "order_id", "jti")
    line_id = models.BigIntegerField()
    order_id = models.UUIDField()
    jti = models.CharField(max_length=200)
    party_id = models.BigIntegerField()
    received_at = models.DateTimeField()
    status = models.CharField(max_length=14)
    token = models.TextField()
    token_hash = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["party_id", "jti"], name="revocations_receipt_jti")]

    def __str__(self) -> str:
        return f"receipt {self.jti} ({self.status})"


class DownstreamReport(models.Model):
    """A party below the partner that did, or is said to have done, its part. `signed`: by its own key."""

    pk = models.CompositePrimaryKey("line_id", "order_id", "party_uri")
    line_id = models.BigIntegerField()
    order_id = models.UUIDField()
    party_uri = models.CharField(max_length=1000)
    status = models.CharField(max_length=14)
    at = models.DateTimeField()
    signed = models.BooleanField()
    receipt_jti = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"{self.party_uri}: {self.status}"
