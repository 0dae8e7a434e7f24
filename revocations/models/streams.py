"""How each partner is reached, how well it answers, and the events that are not about one line."""

from django.db import models
from django.db.models import Q

from revocations.models.orders import TO_PUSH, ResponsibleParty, State


class Breaker(models.Model):
    """Whether one partner is left alone for a while, because most of what was pushed to it failed.

    Open until `open_until`; then half open: one verification event (`probe_id`) goes out, and its fate decides. The row
    is also the partner's turnstile: whoever claims for it holds this lock while counting what is in flight.
    """

    party_id = models.BigIntegerField(primary_key=True)
    opened_at = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True)
    probe_id = models.UUIDField(null=True)

    def __str__(self) -> str:
        return f"party {self.party_id}: {'open' if self.open_until else 'closed'}"


class PushTally(models.Model):
    """How many pushes to one partner were tried, and failed, in one minute."""

    pk = models.CompositePrimaryKey("party_id", "minute")
    party_id = models.BigIntegerField()
    minute = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"party {self.party_id} at {self.minute:%H:%M}: {self.failures} of {self.tries} failed"


class Pulse(models.Model):
    """A minute in which our own delivery ran: only then could a partner have been told anything."""

    minute = models.DateTimeField(primary_key=True)

    def __str__(self) -> str:
        return f"{self.minute:%Y-%m-%d %H:%M}"


class Stream(models.Model):
    """How one partner receives events (SSF 1.0, 8.1). Without a row: pushed to its contract's address, enabled.

    `status_by` is whose word the status is; a partner may not enable what an officer or the system paused.
    """

    class Method(models.TextChoices):
        PUSH = "urn:ietf:rfc:8935", "Push"
        POLL = "urn:ietf:rfc:8936", "Poll"

    class Status(models.TextChoices):
        ENABLED = "enabled", "Enabled"
        PAUSED = "paused", "Paused"
        DISABLED = "disabled", "Disabled"

    id = models.UUIDField(primary_key=True)
    party_id = models.BigIntegerField(unique=True)
    method = models.CharField(max_length=20, choices=Method)
    endpoint_url = models.CharField(max_length=1000, blank=True)
    authorization_sealed = models.BinaryField(null=True)
    description = models.CharField(max_length=300, blank=True)
    events_requested = models.JSONField(default=list)
    algorithm = models.CharField(max_length=5, choices=[("ES256", "ES256"), ("RS256", "RS256")], default="ES256")
    status = models.CharField(max_length=8, choices=Status, default=Status.ENABLED)
    status_reason = models.CharField(max_length=300, blank=True)
    status_by = models.CharField(max_length=120)
    status_at = models.DateTimeField()
    created_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(method="urn:ietf:rfc:8935") & ~Q(endpoint_url="")) | Q(method="urn:ietf:rfc:8936"),
                name="revocations_stream_push_has_an_address",
            )
        ]

    def __str__(self) -> str:
        return f"stream {self.id} ({self.status})"


class StreamHealth(models.Model):
    """How one partner's verifications went. Kept with the partner, whatever becomes of its stream.

    `failed_verifications`: so many in a row. `counts_from`: since when it is asked, which begins anew where a stream is
    enabled again, and not where another one is made.
    """

    party_id = models.BigIntegerField(primary_key=True)
    failed_verifications = models.PositiveSmallIntegerField(default=0)
    counts_from = models.DateTimeField()

    def __str__(self) -> str:
        return f"party {self.party_id}: {self.failed_verifications} verifications failed in a row"


class StreamEvent(models.Model):
    """An event to one partner that is no order: a cohort, a verification, a change of the stream's status, a question.

    Delivered by the same workers over the same two channels as orders, before them. `claims` is the whole token body
    but `iss`, `aud`, `iat`, `jti`; `state` is one of QUEUED, SENT, ACKNOWLEDGED, PARKED, COMPLETED, PARTIAL, REJECTED,
    CONTRADICTED. `cohort_id`: the end that a `cohort-revoked` tells of.
    """

    class Kind(models.TextChoices):
        COHORT = "cohort-revoked", "Cohort revoked"
        VERIFICATION = "verification", "Verification"
        STREAM_UPDATED = "stream-updated", "Stream updated"
        EVIDENCE = "evidence-request", "Evidence request"

    id = models.UUIDField(primary_key=True)
    party_id = models.BigIntegerField()
    contract_id = models.BigIntegerField(null=True)
    cohort_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=16, choices=Kind)
    jti = models.CharField(max_length=64, unique=True)
    claims = models.JSONField()
    queued_at = models.DateTimeField()
    state = models.CharField(max_length=14, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    polled_until = models.DateTimeField(null=True)
    again_at = models.DateTimeField(null=True)
    parked_with = models.CharField(max_length=8, choices=ResponsibleParty, blank=True)
    sent_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=TO_PUSH, next_attempt_at__isnull=False)
                | (~Q(state__in=TO_PUSH) & Q(next_attempt_at__isnull=True)),
                name="revocations_event_due_iff_to_push",
            )
        ]
        indexes = [
            models.Index(
                fields=["party_id", "next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="revocations_event_due",
            ),
            models.Index(
                fields=["party_id", "leased_until"],
                condition=Q(leased_until__isnull=False),
                name="revocations_event_in_flight",
            ),
            models.Index(fields=["party_id", "-queued_at", "id"], name="revocations_event_of_party"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.state})"


class StreamAttempt(models.Model):
    """One try to hand a stream event over. Append-only."""

    pk = models.CompositePrimaryKey("event_id", "number")
    event_id = models.UUIDField()
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    outcome = models.CharField(max_length=14)
    status = models.PositiveSmallIntegerField(null=True)
    detail = models.CharField(max_length=300, blank=True)
    token = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"attempt {self.number} of event {self.event_id}: {self.outcome}"
