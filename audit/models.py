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
        CONTRADICTED = "contradicted", "A partner continued after signing that it stopped"
        UNGATED = "ungated", "A release without the gate's permission"
        BASIS_DOUBTFUL = "basis_doubtful", "An emergency or network release to a company that sells look-ups"
        AUDIT_FAULT = "audit_fault", "The audit log fails verification"
        PARTNER_HAS = "partner_has", "A partner allows what we deny"
        PARTNER_UNHEALTHY = "unhealthy", "A partner is denied everything because its stream is failing"
        LIFELINE_AT_RISK = "lifeline_at_risk", "A medical or roadside service is denied, or soon will be"
        ORDER_REFUSED = "order_refused", "A partner rejects our order as invalid"
        KEYS_REFUSED = "keys_refused", "A partner doesn't accept our key or name"
        NO_WAY_OUT = "no_way_out", "Our outgoing connections fail: orders to partners are waiting"
        TEXTS_SPENT = ("texts_spent", "Unusually many codes are sent by text: find out who requests them")
        OVERDUE = "overdue", "A partner missed an agreed deadline"
        NO_EVIDENCE = "no_evidence", "A partner missed the deadline for its proof of consent"
        CANARY_FAILED = "canary_failed", "Our own test of stopping failed"
        STOPS_FAILING = "stops_failing", "Stops that people requested failed"
        OUR_BREACH = "our_breach", "A breach of ours, reported by staff"
        PARTNER_BREACH = "partner_breach", "A breach at a partner, reported by staff"
        STAFF_BROWSING = "staff_browsing", "A staff member viewed unusually many subscribers"
        MACHINE_BY_OPERATOR = (
            "machine_by_operator",
            "An API client was activated or given a new key without two officers",
        )
        ADDRESSES_BY_OPERATOR = (
            "addresses_by_operator",
            "A partner's endpoints or key address changed without two officers",
        )
        STAFF_BY_OPERATOR = "staff_by_operator", "A staff account was added or changed without two officers"
        HISTORY_MOVED = "history_moved", "Releases moved from one line's history to another's"
        STOPS_BY_AGENT = "stops_by_agent", "Unusually many stops by one agent"
        WORK_BREAKS = "work_breaks", "Our background work fails for some rows: see the worker's log"
        # Found in the ledger of releases, one a company and year (`disclosures.workers.anomalies`).
        AFTER_STOP = "after_stop", "Look-ups after people stopped"
        NO_APPROVAL = "no_approval", "Look-ups with no record of consent"
        SUSPENDED = "suspended", "Look-ups after we suspended the company"
        BURST = "burst", "Bursts of look-ups of one line"
        NIGHT = "night", "Look-ups at night, again and again"
        MANY_LINES = "many_lines", "One end customer looking up many lines"
        DORMANT = "dormant", "Look-ups of long-inactive lines"
        DISPUTED = "disputed", "Consent claims that people dispute"

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
        FEWER = "fewer", "Count corrected down by newer records"
        RENEWED = "renewed", "Seen again, with new deadlines"
        CLOSED = "closed", "Closed"
        REOPENED = "reopened", "Reopened"

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
        indexes = [
            models.Index(fields=["incident_id", "id"], name="audit_incidentline_of"),
            models.Index(fields=["disclosure_id"], name="audit_incidentline_release"),
        ]

    def __str__(self) -> str:
        return f"incident {self.incident_id}: line {self.line_id}"
