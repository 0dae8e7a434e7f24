"""What officers decide: proposals, suspensions, rules of states, the wording of notices."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class Proposal(models.Model):
    """A loosening act that one officer wants: in force only when another agrees. The database holds them to it.

    `payload` is what the act needs besides its target, JSON as `partners.policies.loosening` writes and reads it.
    `spent_at`: when the database let what was agreed be done by it: once, and never again.
    """

    class Act(models.TextChoices):
        LIFT_SUSPENSION = "lift_suspension", "Lift a suspension"
        EXTEND_TERM = "extend_term", "Extend a term"
        RELAX_RULE = "relax_rule", "End a state rule"
        PAID_FOR_LESS = "paid_for_less", "Record a lower payment for a campaign"
        TERMINATE = "terminate", "Terminate"
        ENABLE_MACHINE = "enable_machine", "Activate an API client"
        LOOSEN_ANOMALIES = "loosen_anomalies", "Loosen an anomaly rule"
        LET_AGENT_ASK = "let_agent_ask", "Activate an authorized agent"
        END_PROTECTION = "end_protection", "End a line's protection"
        SET_ENDPOINTS = "set_endpoints", "Change endpoints"
        MOVE_KEYS = "move_keys", "Change a key address"
        IMPORT_FILE = "import_file", "Import a file"
        PUBLISH_NOTICE = "publish_notice", "Publish a notice"

    class Of(models.TextChoices):
        PARTY = "party", "Company"
        CONTRACT = "contract", "Contract"
        CAMPAIGN = "campaign", "Campaign"
        RULE = "rule", "State rule"
        MACHINE = "machine", "API client"
        ANOMALY = "anomaly", "Anomaly rule"
        AUTHORIZED = "authorized", "Authorized agent"
        PROTECTION = "protection", "Line protection"
        IMPORT = "import", "File import"
        NOTICE = "notice", "Notice"

    class Decision(models.TextChoices):
        AGREED = "agreed", "Agreed"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True)
    act = models.CharField(max_length=20, choices=Act)
    of = models.CharField(max_length=10, choices=Of)
    target_id = models.BigIntegerField()
    payload = models.JSONField(default=dict)
    reason = models.CharField(max_length=500)
    proposed_by = models.CharField(max_length=120)
    proposed_at = models.DateTimeField()
    decision = models.CharField(max_length=10, choices=Decision, blank=True)
    decided_by = models.CharField(max_length=120, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True)
    spent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decision="", decided_at__isnull=True) | (~Q(decision="") & Q(decided_at__isnull=False)),
                name="partners_proposal_decided_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(decision="agreed") | (~Q(decided_by=F("proposed_by")) & ~Q(decided_by="")),
                name="partners_proposal_needs_two_officers",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="partners_proposal_has_a_reason"),
            models.UniqueConstraint(
                fields=["act", "of", "target_id"], condition=Q(decision=""), name="partners_proposal_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.of} {self.target_id}"


class Suspension(models.Model):
    """A party, contract or campaign is denied everything for a while. `automatic`: by the stream rules.

    One that runs ends only by a proposal on which two officers agreed (trigger `partners_suspension_lift`). The
    database keeps `target`, "party:7", beside `of` and `target_id`: a campaign's cover lists whose it is denied by.
    """

    class Of(models.TextChoices):
        PARTY = "party", "Company"
        CONTRACT = "contract", "Contract"
        CAMPAIGN = "campaign", "Campaign"

    id = models.BigAutoField(primary_key=True)
    of = models.CharField(max_length=10, choices=Of)
    target_id = models.BigIntegerField()
    automatic = models.BooleanField(default=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=120)
    lifted_by = models.ForeignKey(Proposal, on_delete=models.PROTECT, null=True, related_name="lifted")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["of", "target_id", "automatic"],
                condition=Q(ends_at__isnull=True),
                name="partners_suspension_one_now",
            )
        ]
        indexes = [models.Index(fields=["of", "target_id", "starts_at"], name="partners_suspension_past")]

    def __str__(self) -> str:
        return f"{self.of} {self.target_id} suspended"


class JurisdictionRule(models.Model):
    """In this state, from this moment, these purposes are prohibited whoever agreed; `sale_test`: any sale too.

    `consideration`: what is paid where it is a sale; "": money or other value. `max_radius_m`: it prohibits what is
    asked for within this radius, and nothing coarser; None: whatever the radius.

    A rule is never changed: it ends (trigger `partners_rule_relaxed`: two officers), and a new one begins.
    """

    class Consideration(models.TextChoices):
        ANY = "", "Money or other value"
        MONETARY = "monetary", "Money only"

    id = models.BigAutoField(primary_key=True)
    state = models.CharField(max_length=2)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    purposes = ArrayField(models.CharField(max_length=200))
    sale_test = models.BooleanField(default=True)
    consideration = models.CharField(max_length=10, choices=Consideration, blank=True, default="", db_default="")
    max_radius_m = models.PositiveIntegerField(null=True, blank=True)
    source = models.CharField(max_length=300)
    relaxed_by = models.ForeignKey(Proposal, on_delete=models.PROTECT, null=True, related_name="relaxed")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["state", "starts_at"], name="partners_rule_once"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name="partners_rule_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} from {self.starts_at:%Y-%m-%d}"


class NoticeText(models.Model):
    """The officers' wording of what a person reads before they choose. A new version replaces; none is changed.

    It counts from `published_at`, on which two officers agreed (trigger `partners_notice_two_officers`).
    `body` may hold `{companies}`, `{purpose}`, `{precision}`, `{until}`: filled from the live list when it is shown.
    """

    class Use(models.TextChoices):
        ALLOW = "allow", "Before allowing"
        ASK = "ask", "When a company asks"
        STOP = "stop", "Before stopping"

    id = models.BigAutoField(primary_key=True)
    use = models.CharField(max_length=6, choices=Use)
    language = models.CharField(max_length=12)
    version = models.PositiveIntegerField()
    body = models.CharField(max_length=2000)
    published_at = models.DateTimeField()
    actor = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["use", "language", "version"], name="partners_notice_version")]

    def __str__(self) -> str:
        return f"{self.use} {self.language} {self.version}"
