"""What people and machines did, and what went wrong: kept without foreign keys, so that nothing can drag it away."""

from django.db import models
from django.db.models import Q


class AuditEvent(models.Model):
    """One thing done. The database numbers it, chains it to the event before it in its chain, and refuses changes.

    `seq`, `prev_hash` and `hash` are written by the trigger `audit_event_chain`.
    """

    id = models.BigAutoField(primary_key=True)
    chain = models.SmallIntegerField(editable=False, default=0)
    seq = models.BigIntegerField(editable=False, default=0)
    at = models.DateTimeField()
    action = models.CharField(max_length=80)
    # "client:" and the longest id that a client may have fit in.
    actor = models.CharField(max_length=220)
    target = models.CharField(max_length=220)
    line_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    prev_hash = models.BinaryField(editable=False, default=b"")
    hash = models.BinaryField(editable=False, default=b"")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="audit_event_place_in_chain")]
        indexes = [
            models.Index(fields=["line_id", "-at"], name="audit_event_line_at", condition=Q(line_id__isnull=False)),
            models.Index(fields=["target", "-at"], name="audit_event_target_at"),
            models.Index(
                fields=["-at"],
                name="audit_event_staff",
                condition=Q(actor__startswith="officer:")
                | Q(actor__startswith="agent:")
                | Q(actor__startswith="auditor:")
                | Q(actor__startswith="legal:")
                | Q(actor__startswith="command:"),
            ),
            models.Index(
                fields=["at"],
                name="audit_event_looks",
                condition=Q(line_id__isnull=False)
                & (
                    Q(actor__startswith="officer:")
                    | Q(actor__startswith="agent:")
                    | Q(actor__startswith="auditor:")
                    | Q(actor__startswith="legal:")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} on {self.target} by {self.actor} (chain {self.chain}, {self.seq})"


class ChainHead(models.Model):
    """The newest event of one chain: what the next one is linked to, and what a checkpoint signs."""

    chain = models.SmallIntegerField(primary_key=True)
    seq = models.BigIntegerField(default=0)
    hash = models.BinaryField(default=b"")

    def __str__(self) -> str:
        return f"chain {self.chain} at {self.seq}"


class Incident(models.Model):
    """The opt-out mechanism, or a partner, failed in a way that may be reportable."""

    class Kind(models.TextChoices):
        CONTRADICTED = "contradicted", "A partner went on after it had signed that it stopped"
        UNGATED = "ungated", "A release without the gate's yes"
        BASIS_DOUBTFUL = "basis_doubtful", "An emergency or network release to a company that sells look-ups"
        AUDIT_FAULT = "audit_fault", "The audit trail does not verify"
        PARTNER_HAS = "partner_has", "A partner holds as allowed what we deny"
        PARTNER_UNHEALTHY = "unhealthy", "A partner is denied everything because its stream is not well"
        LIFELINE_AT_RISK = "lifeline_at_risk", "A medical or roadside service is denied, or about to be"
        ORDER_REFUSED = "order_refused", "A partner calls our order invalid"
        KEYS_REFUSED = "keys_refused", "A partner does not accept our key or name"
        NO_WAY_OUT = "no_way_out", "Our own way out is closed: what partners must be told waits with us"
        TEXTS_SPENT = (
            "texts_spent",
            "Far more texts with codes go out than people need: find out who asks for them",
        )
        OVERDUE = "overdue", "A partner let the agreed date pass"
        NO_EVIDENCE = "no_evidence", "A partner did not show its proof of consent by its date"
        CANARY_FAILED = "canary_failed", "Our own trial of stopping failed"
        STOPS_FAILING = "stops_failing", "Stops that people asked for failed"
        OUR_BREACH = "our_breach", "A breach of ours, reported by hand"
        PARTNER_BREACH = "partner_breach", "A breach at a partner, reported by hand"
        STAFF_BROWSING = "staff_browsing", "Somebody of staff looked at unusually many subscribers"
        MACHINE_BY_OPERATOR = "machine_by_operator", "A machine was let in or given another key without two officers"
        ADDRESSES_BY_OPERATOR = (
            "addresses_by_operator",
            "A partner's endpoints or the address of its keys changed without two officers",
        )
        STOPS_BY_AGENT = "stops_by_agent", "Unusually many stops by one agent"
        # Found in the ledger of releases, one a company and year (`disclosures.workers.anomalies`).
        AFTER_STOP = "after_stop", "Look-ups after people said stop"
        NO_APPROVAL = "no_approval", "Look-ups with no record that people agreed"
        SUSPENDED = "suspended", "Look-ups after we suspended the company"
        BURST = "burst", "Bursts of look-ups of one line"
        NIGHT = "night", "Look-ups night after night"
        MANY_LINES = "many_lines", "One end customer across many lines"
        DORMANT = "dormant", "Look-ups of lines that had been quiet"
        DISPUTED = "disputed", "Claims of consent that people dispute"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=40, choices=Kind)
    key = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    subject = models.CharField(max_length=200)
    count = models.PositiveIntegerField(default=1)
    acknowledged_at = models.DateTimeField(null=True)
    # An officer, as the trail names them ("officer:7").
    assigned_to = models.CharField(max_length=40, blank=True, default="", db_default="")
    closed_at = models.DateTimeField(null=True)
    # By when the next of its duties is to be done; None where none is (`audit.policies`).
    due_at = models.DateTimeField(null=True)
    # When clocks began anew for trouble that went on; and from when on more of it begins them anew again.
    renewed_at = models.DateTimeField(null=True)
    anew_from = models.DateTimeField(null=True)
    # Where somebody reported it: who ("officer:7") and when, in their words what happened and what was affected. Then
    # `opened_at` is the moment it became known.
    reported_by = models.CharField(max_length=40, blank=True, default="", db_default="")
    reported_at = models.DateTimeField(null=True)
    happened = models.CharField(max_length=2000, blank=True, default="", db_default="")
    affected = models.CharField(max_length=2000, blank=True, default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="audit_incident_once_per_key")]
        indexes = [models.Index(fields=["due_at"], name="audit_incident_due", condition=Q(closed_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"


class IncidentStep(models.Model):
    """What became of an incident, written by the database as it changes (trigger `audit_incident_steps`).

    Append-only. What officers did about it stands in the trail. Of more than one count a minute the first is kept, of
    those that rise and those that fall.
    """

    class What(models.TextChoices):
        OPENED = "opened", "Opened"
        COUNTED = "counted", "Seen again"
        FEWER = "fewer", "Fewer by what the records show"
        RENEWED = "renewed", "Seen again, with clocks of its own"
        CLOSED = "closed", "Closed"
        REOPENED = "reopened", "Opened again"

    id = models.BigAutoField(primary_key=True)
    incident_id = models.BigIntegerField()
    at = models.DateTimeField()
    what = models.CharField(max_length=10, choices=What)
    count = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["incident_id", "id"], name="audit_incidentstep_of")]

    def __str__(self) -> str:
        return f"{self.what}: incident {self.incident_id}"


class IncidentLine(models.Model):
    """A line that an incident reached, by a release: ids alone, for what can't be found again cheaply. Append-only.

    Whose it is and what was released stand where the ids lead, as long as the release is kept and nothing hides it.
    """

    id = models.BigAutoField(primary_key=True)
    incident_id = models.BigIntegerField()
    line_id = models.BigIntegerField()
    disclosure_id = models.UUIDField()
    occurred_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["incident_id", "id"], name="audit_incidentline_of")]

    def __str__(self) -> str:
        return f"incident {self.incident_id}: line {self.line_id}"
