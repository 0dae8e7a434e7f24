"""Organisations, what was agreed with them, how they hang together, and who dealt with which line."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class Party(models.Model):
    """An organisation. `uri` is its id everywhere outside; an unnamed one was only seen in a path."""

    class Kind(models.TextChoices):
        AGGREGATOR = "aggregator", "Aggregator"
        LBS_PROVIDER = "lbs_provider", "Location service"
        END_CUSTOMER = "end_customer", "End customer"
        UNNAMED = "unnamed", "Unnamed"

    id = models.BigAutoField(primary_key=True)
    uri = models.CharField(max_length=1000, unique=True)
    name = models.CharField(max_length=1000)
    kind = models.CharField(max_length=20, choices=Kind)
    website = models.CharField(max_length=1000, blank=True)
    about = models.CharField(max_length=1000, blank=True)
    jwks_uri = models.CharField(max_length=1000, blank=True)

    def __str__(self) -> str:
        return self.name


class Contract(models.Model):
    """Agreement between the carrier and an aggregator. `epoch` rises when it ends, or a part of it."""

    id = models.BigAutoField(primary_key=True)
    ref = models.CharField(max_length=200, unique=True)
    aggregator = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="contracts")
    signed_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    purposes = ArrayField(models.CharField(max_length=200))
    ack_within_s = models.PositiveIntegerField(default=900)
    complete_within_days = models.PositiveSmallIntegerField(default=10)
    endpoint_url = models.CharField(max_length=1000, blank=True)
    jwks_uri = models.CharField(max_length=1000, blank=True)
    epoch = models.PositiveIntegerField(default=1)
    # Nothing is allowed under a draft, whatever its dates say.
    is_draft = models.BooleanField(default=False)
    # Hosts, each with its port if it is not 443, beside those of the two addresses above: stream ends, call-backs.
    hosts = ArrayField(models.CharField(max_length=260), default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="partners_contract_ends_after_start")
        ]

    def __str__(self) -> str:
        return self.ref


class Campaign(models.Model):
    """What was approved under a contract: one location service x purpose x consent flow x precision x dates."""

    class Consideration(models.TextChoices):
        NONE = "none", "No payment"
        MONETARY = "monetary", "Money"
        OTHER = "other", "Other value"

    id = models.BigAutoField(primary_key=True)
    ref = models.CharField(max_length=200, unique=True)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="campaigns")
    lbs_provider = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="campaigns")
    purpose = models.CharField(max_length=200)
    description = models.CharField(max_length=1000)
    consent_flow = models.CharField(max_length=1000)
    scope = models.CharField(max_length=200)
    precision_m = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    names_recipient = models.BooleanField(default=False)
    lifeline = models.BooleanField(default=False)
    family_tracking = models.BooleanField(default=False)
    consideration = models.CharField(max_length=10, choices=Consideration, blank=True)
    is_draft = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="partners_campaign_ends_after_start")
        ]

    def __str__(self) -> str:
        return self.ref


class IdentifierLink(models.Model):
    """`succeeds` and `same_as`: carry stops and pauses across in both directions, never an approval. Append-only."""

    class Of(models.TextChoices):
        PARTY = "party", "Company"
        PURPOSE = "purpose", "Purpose"
        CAMPAIGN = "campaign", "Campaign"

    id = models.BigAutoField(primary_key=True)
    of = models.CharField(max_length=10, choices=Of)
    ref = models.CharField(max_length=1000)
    kin_ref = models.CharField(max_length=1000)
    link = models.CharField(max_length=10, choices=[("succeeds", "succeeds"), ("same_as", "same as")])
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "partners_kin"
        constraints = [models.UniqueConstraint(fields=["of", "ref", "kin_ref"], name="partners_kin_once")]
        indexes = [models.Index(fields=["of", "kin_ref"], name="partners_kin_back")]

    def __str__(self) -> str:
        return f"{self.ref} {self.link} {self.kin_ref}"


class PendingTermChange(models.Model):
    """What a parties file changed, until what rests on it came up to it: written with the change, taken out then.

    `of`: of a link, between what; else empty. `ref`: the campaign, what is linked, or the company (URI).
    """

    class Kind(models.TextChoices):
        CAMPAIGN = "campaign", "Campaign"
        LINK = "link", "Link"
        COMPANY = "company", "Company"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind)
    of = models.CharField(max_length=10, choices=IdentifierLink.Of, blank=True)
    ref = models.CharField(max_length=1000)
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "partners_unsettledchange"

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"


class Reach(models.Model):
    """A party known behind a campaign: named in `recipients[]` or seen in a released path. It only grows.

    `told_apart`: a request that names it leaves the stops of the others, where the campaign's requests name their
    recipient. Not so where a file added it to a campaign that counted already, until a release shows it; nor where a
    release names it by what may be another spelling of another's address.
    """

    pk = models.CompositePrimaryKey("campaign_id", "party_id")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="reach")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="reached_by")
    told_apart = models.BooleanField(db_default=True)

    def __str__(self) -> str:
        return f"campaign {self.campaign_id} reaches party {self.party_id}"


class Cover(models.Model):
    """Every id whose stop covers a campaign, kin included. Kept by the database (trigger functions `partners_cover_*`).

    `parties` covers through aggregator, provider and reach; `named_parties` through aggregator and provider alone,
    for a campaign whose requests name their recipient. `told_apart`: the recipients for which it is that, if named.
    `targets` and `named_targets` are in the same way those whose suspension denies it, as the `target` of a suspension.
    `aggregator` and `provider` are the ids it is asked by.
    """

    campaign = models.OneToOneField(Campaign, on_delete=models.PROTECT, primary_key=True, related_name="cover")
    aggregator = models.CharField(max_length=1000, default="")
    provider = models.CharField(max_length=1000, default="")
    parties = ArrayField(models.TextField())
    named_parties = ArrayField(models.TextField())
    told_apart = ArrayField(models.TextField())
    purposes = ArrayField(models.TextField())
    campaigns = ArrayField(models.TextField())
    targets = ArrayField(models.TextField(), default=list)
    named_targets = ArrayField(models.TextField(), default=list)

    def __str__(self) -> str:
        return f"cover of campaign {self.campaign_id}"


class Dealing(models.Model):
    """A party received this line's data through this aggregator (released, basis approval).

    The aggregator itself received whatever anybody received through it. It has a row of its own only where nobody
    behind it was named; `partners_received` gives it one anyway.
    `first_at` is None where it was not yet written down when the row was made.
    """

    pk = models.CompositePrimaryKey("line_id", "aggregator_id", "party_id")
    line_id = models.BigIntegerField()
    aggregator = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")
    last_at = models.DateTimeField()
    first_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"line {self.line_id} through {self.aggregator_id} to {self.party_id}"
