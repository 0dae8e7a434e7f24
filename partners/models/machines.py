"""Keys, names and machines: what signing, signing in and naming a line to a partner rest on."""

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import MD5, Cast

from partners.models.agreements import Party


class PairwiseKey(models.Model):
    """The secret behind one partner's names for lines. A new version serves new pairs only."""

    id = models.BigAutoField(primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="pairwise_keys")
    version = models.PositiveIntegerField()
    secret_sealed = models.BinaryField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["party", "version"], name="partners_pairwisekey_version")]

    def __str__(self) -> str:
        return f"pairwise key {self.version} of party {self.party_id}"


class PairwiseSubject(models.Model):
    """The name by which one partner knows one line; written down at first use, never changed."""

    pk = models.CompositePrimaryKey("line_id", "party_id")
    line_id = models.BigIntegerField()
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")
    sub = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["party", "sub"], name="partners_sub_names_one_line")]

    def __str__(self) -> str:
        return self.sub


class SigningKey(models.Model):
    """One of our own keys. Each use has its own; the private half is sealed; the public half is kept for ever."""

    class Use(models.TextChoices):
        ORDER = "secevent+jwt", "Orders"
        ACCESS = "at+jwt", "Access tokens"
        RECEIPT = "whereabouts-receipt+jwt", "Receipts"
        MANIFEST = "whereabouts-manifest+jwt", "Manifests"
        CHECKPOINT = "whereabouts-checkpoint+jwt", "Audit checkpoints"

    kid = models.CharField(max_length=64, primary_key=True)
    use = models.CharField(max_length=40, choices=Use)
    private_sealed = models.BinaryField()
    public_jwk = models.JSONField()
    published_at = models.DateTimeField()
    used_from = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["use", "-used_from"], name="partners_key_newest")]

    def __str__(self) -> str:
        return f"{self.use} key {self.kid}"


class PartnerKeySet(models.Model):
    """The last JWKS fetched for a party, by the one door out."""

    party = models.OneToOneField(Party, on_delete=models.PROTECT, primary_key=True, related_name="key_set")
    jwks = models.JSONField()
    fetched_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"keys of party {self.party_id}"


class ReceiptKey(models.Model):
    """A public key by which we accepted a receipt: it stays checkable when its party publishes another. Append-only."""

    id = models.BigAutoField(primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")
    jwk = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(F("party"), MD5(Cast("jwk", models.TextField())), name="partners_receiptkey_once")
        ]

    def __str__(self) -> str:
        return f"key {self.jwk['kid']} of party {self.party_id}"


class Client(models.Model):
    """A machine that may ask for tokens: the gateway, a carrier feed, an aggregator.

    It begins disabled, stays what it is and whose it is, and is let in, given another key or bound to another
    certificate only by a proposal on which two officers agreed; or by the operator's own commands, of which an incident
    tells the officers (trigger `partners_client_two_officers`). `changed_at`: when that was last done, None before it
    was let in for the first time; a yes counts only for what was proposed since. `number` names it to proposals and in
    addresses: never given twice, never changed. One with the key `{}` can't sign in at all.
    """

    class Kind(models.TextChoices):
        GATEWAY = "gateway", "Location gateway"
        FEED = "feed", "Carrier feed"
        AGGREGATOR = "aggregator", "Aggregator"

    client_id = models.CharField(max_length=200, primary_key=True)
    number = models.BigIntegerField(
        unique=True, editable=False, db_default=Func(Value("partners_client_number"), function="nextval")
    )
    kind = models.CharField(max_length=12, choices=Kind)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="clients")
    public_jwk = models.JSONField()
    # RFC 8705's `x5t#S256`: the certificate to which this client's tokens are bound, where that is switched on.
    certificate_sha256 = models.CharField(max_length=43, blank=True)
    disabled_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="aggregator", party__isnull=False) | (~Q(kind="aggregator") & Q(party__isnull=True)),
                name="partners_client_of_a_party_iff_aggregator",
            )
        ]

    def __str__(self) -> str:
        return self.client_id


class UsedAssertion(models.Model):
    """A client assertion's `jti`: good once."""

    pk = models.CompositePrimaryKey("client_id", "jti")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="+")
    jti = models.CharField(max_length=200)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"assertion of {self.client_id}"
