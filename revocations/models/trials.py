"""Trial runs of a partner's own end (`manage.py check_partner`): about nobody, and apart from everything real."""

from django.db import models


class Trial(models.Model):
    """One run against one partner. `report` is what it found, once it has ended."""

    id = models.UUIDField(primary_key=True)
    party_id = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    report = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["party_id", "-started_at"], name="revocations_trial_newest")]

    def __str__(self) -> str:
        return f"trial {self.id} of party {self.party_id}"


class TrialOrder(models.Model):
    """An order of a trial, about a name that no line has: kept so that the receipt for it is known for what it is.

    `below`: whether the first receipt that brings one of a company below is refused, as if that company's key were not
    registered with us, so that it shows whether the partner hears a refusal.
    """

    class Below(models.TextChoices):
        """How the receipts of companies below are judged."""

        AS_EVER = "", "as ever"
        REFUSE = "refuse", "refused once"
        REFUSED = "refused", "was refused once"

    jti = models.CharField(max_length=64, primary_key=True)
    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="orders")
    party_id = models.BigIntegerField()
    epoch = models.PositiveIntegerField()
    version = models.PositiveIntegerField()
    required_actions = models.JSONField()
    # A cohort's receipt says on how many it acted, and on which list.
    subject_count = models.PositiveIntegerField(null=True)
    list_sha256 = models.CharField(max_length=43, blank=True)
    below = models.CharField(max_length=8, blank=True, choices=Below.choices, default="", db_default="")
    queued_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"trial order {self.jti}"


class TrialReceipt(models.Model):
    """What the partner signed about a trial order. `fault`: why it would not count; "" if it would.

    `downstream`: the companies below that it names, and `signed`: how many of them signed it themselves.
    """

    pk = models.CompositePrimaryKey("order_id", "jti")
    order = models.ForeignKey(TrialOrder, on_delete=models.CASCADE, related_name="receipts")
    jti = models.CharField(max_length=200)
    received_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=14)
    fault = models.CharField(max_length=300, blank=True)
    downstream = models.JSONField(default=list)
    signed = models.PositiveIntegerField(default=0)
    token_hash = models.BinaryField()

    def __str__(self) -> str:
        return f"receipt {self.jti} of a trial"


class TrialShard(models.Model):
    """Part of a trial's manifest; number 0 is its signed index."""

    pk = models.CompositePrimaryKey("manifest_id", "number")
    manifest_id = models.UUIDField()
    number = models.PositiveIntegerField()
    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="shards")
    party_id = models.BigIntegerField()
    content = models.BinaryField()
    fetched_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"shard {self.number} of trial manifest {self.manifest_id}"
