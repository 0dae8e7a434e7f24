"""Digests: runs in which a partner compared its books with ours, and what was found."""

from django.db import models


class DigestRun(models.Model):
    """One comparison of a partner's books with ours: which of 65,536 buckets differ, and what was found in them.

    `findings`: `{"partner_has": n, "partner_lacks": n, "same": n}` once all differing buckets were drilled into.
    """

    id = models.UUIDField(primary_key=True)
    party_id = models.BigIntegerField()
    received_at = models.DateTimeField()
    differing = models.JSONField()
    drilled = models.JSONField(default=list)
    findings = models.JSONField(default=dict)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["party_id", "-received_at"], name="consent_digest_newest")]

    def __str__(self) -> str:
        return f"digest run {self.id}"


class DigestFinding(models.Model):
    """One difference that a run found, as it was then. Append-only; of a run the first 20,000 are kept.

    `line_id` is None for a name that we never gave. `recipient`, `purpose` and `scope` are of one of our campaigns, or
    "": what a partner writes into its books beside those could be anything. `told_so`: our own order still allowed it.
    """

    class Kind(models.TextChoices):
        PARTNER_HAS = "partner_has", "Allowed there, denied here"
        PARTNER_LACKS = "partner_lacks", "Allowed here, missing there"
        UNKNOWN = "unknown", "Unknown identifier"

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(DigestRun, on_delete=models.PROTECT, related_name="rows")
    kind = models.CharField(max_length=20, choices=Kind)
    line_id = models.BigIntegerField(null=True)
    contract_id = models.BigIntegerField(null=True)
    recipient = models.CharField(max_length=1000, blank=True)
    purpose = models.CharField(max_length=200, blank=True)
    scope = models.CharField(max_length=200, blank=True)
    told_so = models.BooleanField(default=False)
    found_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["run", "kind", "id"], name="consent_finding_of_run")]

    def __str__(self) -> str:
        return f"{self.kind} in run {self.run_id}"
