"""Agreements that were ended for all their lines at once, and dates that a partner let pass."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

# Who ends what is over by its own term.
BY_TERM = "system:terms"


class Cohort(models.Model):
    """All lines under a contract or campaign that ended: told by one event and a manifest of names.

    `actor` is the officer who terminated it, or `BY_TERM`; `plan` is what was seen before it was ended. The epoch and
    the gate moved in the transaction that wrote this row; the manifest is made after it, shard by shard (`manifest_at`:
    all made and the event queued).

    `event_id` is the newest event that tells of it: a partner that went on after it had signed is told again by
    another. `contradicted_at`: when we last found that it had; until it signs for the newest, `completed_at` is None.
    """

    class Of(models.TextChoices):
        CONTRACT = "contract", "Contract"
        CAMPAIGN = "campaign", "Campaign"

    id = models.UUIDField(primary_key=True)
    of = models.CharField(max_length=10, choices=Of)
    target_id = models.BigIntegerField()
    contract_id = models.BigIntegerField()
    party_id = models.BigIntegerField()
    epoch = models.PositiveIntegerField()
    terminated_at = models.DateTimeField()
    # Later than its end where a term ran out by itself.
    recorded_at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=120)
    second_actor = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=500)
    plan = models.JSONField()
    complete_by = models.DateTimeField()
    listed_to_line = models.BigIntegerField(default=0)
    subject_count = models.PositiveBigIntegerField(default=0)
    manifest_at = models.DateTimeField(null=True)
    manifest_expires_at = models.DateTimeField(null=True)
    index_token = models.TextField(blank=True)
    event_id = models.UUIDField(null=True)
    told_to_line = models.BigIntegerField(default=0)
    subscribers_told_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    contradicted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract_id", "epoch"], name="revocations_cohort_one_per_epoch"),
            models.UniqueConstraint(fields=["of", "target_id"], name="revocations_cohort_ends_once"),
        ]

    def __str__(self) -> str:
        return f"cohort {self.id} of {self.of} {self.target_id}"

    @property
    def by_term(self) -> bool:
        """Whether its term was over, and nobody terminated it."""
        return self.actor == BY_TERM

    @property
    def is_contradicted(self) -> bool:
        """Whether its partner went on after it had signed, and has not signed anew for all of it."""
        return self.contradicted_at is not None and self.completed_at is None


class ManifestShard(models.Model):
    """Part `number` (from 1) of a cohort's list: `{"sub": …}` a line, NDJSON, gzip. `sha256` is of the gzip bytes."""

    pk = models.CompositePrimaryKey("cohort_id", "number")
    cohort_id = models.UUIDField()
    number = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=43)
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"shard {self.number} of cohort {self.cohort_id}"


class CohortReceipt(models.Model):
    """What a partner signed about a cohort, word for word. `signer_uri` is the partner, or a company below it.

    `event_id`: the event that it answers. Append-only.
    """

    pk = models.CompositePrimaryKey("cohort_id", "signer_uri", "jti")
    cohort_id = models.UUIDField()
    event_id = models.UUIDField()
    signer_uri = models.CharField(max_length=1000)
    jti = models.CharField(max_length=200)
    received_at = models.DateTimeField()
    status = models.CharField(max_length=14)
    acted_on = models.PositiveBigIntegerField(null=True)
    list_sha256 = models.CharField(max_length=43, blank=True)
    token = models.TextField()
    token_hash = models.BinaryField()

    def __str__(self) -> str:
        return f"receipt {self.jti} of cohort {self.cohort_id} ({self.status})"


class Breach(models.Model):
    """A date of the contract that a partner let pass. Kept for ever; `mended_at` when it did come after all."""

    class Kind(models.TextChoices):
        ACKNOWLEDGE = "acknowledge", "Not acknowledged in 24 hours"
        COMPLETE = "complete", "Not completed by the agreed date"
        UNHEALTHY = "unhealthy", "Stream not enabled, or verifications failed"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=12, choices=Kind)
    contract_id = models.BigIntegerField()
    party_id = models.BigIntegerField()
    line_id = models.BigIntegerField(null=True)
    about = models.CharField(max_length=80)
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    mended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "about"], name="revocations_breach_once")]
        indexes = [
            models.Index(fields=["contract_id", "-at"], name="revocations_breach_contract"),
            models.Index(fields=["kind", "id"], condition=Q(mended_at__isnull=True), name="revocations_breach_open"),
            models.Index(fields=["kind", "-due_at"], name="revocations_breach_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.about}"
