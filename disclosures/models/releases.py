"""What left the carrier, when, to whom, and whether it was allowed. No coordinates, ever."""

from datetime import date
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now

NOT_YET = date(1, 1, 1)
# Before every row's id.
NOBODY = UUID(int=0)


class Basis(models.TextChoices):
    APPROVAL = "approval", "Approval"
    EMERGENCY = "emergency", "Emergency call"
    LEGAL_PROCESS = "legal_process", "Lawful order"
    NETWORK = "network", "Network operation"


class Outcome(models.TextChoices):
    RELEASED = "released", "Released"
    REFUSED = "refused", "Refused"


class Judgement(models.TextChoices):
    """Of a released one of basis approval: whether it was allowed. Of any other: why it is not judged."""

    PERMITTED = "permitted", "You allowed it"
    AFTER_STOP = "after_stop", "After you said stop"
    NO_APPROVAL = "no_approval", "No record that you agreed"
    APPROVAL_UNVERIFIED = "approval_unverified", "Only the company says you agreed"
    APPROVAL_EXPIRED = "approval_expired", "Your agreement had ended"
    CONTRACT_NOT_IN_FORCE = "contract_not_in_force", "The company's contract was not in force"
    CAMPAIGN_NOT_IN_FORCE = "campaign_not_in_force", "This use was not approved at the time"
    JURISDICTION_PROHIBITS = "jurisdiction_prohibits", "Not allowed in your state"
    PRECISION_EXCEEDED = "precision_exceeded", "More exact than agreed"
    PARTNER_SUSPENDED = "partner_suspended", "The company was suspended"
    REFUSED = "refused", "Refused"
    EMERGENCY = "emergency", "Emergency call"
    LEGAL_PROCESS = "legal_process", "Lawful order"
    NETWORK = "network", "Network operation"


class PathCompleted(models.TextChoices):
    """Which places of a path the report left out and we filled from the rest of it."""

    NOTHING = "", "Nothing"
    AGGREGATOR = "aggregator", "The aggregator"
    LBS_PROVIDER = "lbs_provider", "The LBS provider"
    BOTH = "both", "The aggregator and the LBS provider"


class Disclosure(models.Model):
    """One release (or refused request) of location: a view of the rows, partitioned by month, and of their terms.

    `path` holds party URIs in order, the aggregator first, "unknown" where a hop is not known. `path_completed`: which
    of them the report had left out.
    Only `judgement` may change, and only with a JudgementChange in the same transaction. To write many rows, write to
    `disclosures_release` (`ingest.store`).
    """

    pk = models.CompositePrimaryKey("line_id", "occurred_at", "id")
    line_id = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    id = models.UUIDField()
    source_id = models.CharField(max_length=1000)
    aggregator = models.CharField(max_length=1000)
    path = ArrayField(models.CharField(max_length=1000))
    campaign = models.CharField(max_length=1000, blank=True)
    purpose = models.CharField(max_length=1000)
    scope = models.CharField(max_length=1000)
    precision_m = models.PositiveIntegerField()
    basis = models.CharField(max_length=14, choices=Basis)
    outcome = models.CharField(max_length=8, choices=Outcome)
    decision_id = models.CharField(max_length=1000, blank=True)
    authority_ref = models.CharField(max_length=1000, blank=True)
    basis_doubtful = models.BooleanField(default=False)
    judgement = models.CharField(max_length=24, choices=Judgement)
    recorded_at = models.DateTimeField()
    path_completed = models.CharField(max_length=12, choices=PathCompleted, blank=True, default="", db_default="")

    class Meta:
        managed = False
        db_table = "disclosures_disclosure"

    def __str__(self) -> str:
        return f"disclosure {self.id}"


class DisclosureRegister(models.Model):
    """The id register: an id is unique over all partitions, and a repeat is told from a conflict by its content.

    `content_hash`: its first bytes (`ingest.rows.CONTENT_BYTES`); all of it of releases of 1.0.
    """

    id = models.UUIDField(primary_key=True)
    line_id = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    content_hash = models.BinaryField()

    def __str__(self) -> str:
        return f"register entry {self.id}"


class JudgementChange(models.Model):
    """A judgement that changed because something it rests on arrived later. Append-only."""

    pk = models.CompositePrimaryKey("line_id", "disclosure_id", "changed_at")
    line_id = models.BigIntegerField()
    disclosure_id = models.UUIDField()
    changed_at = models.DateTimeField()
    was = models.CharField(max_length=24, choices=Judgement)
    becomes = models.CharField(max_length=24, choices=Judgement)
    cause = models.CharField(max_length=100)

    def __str__(self) -> str:
        return f"{self.was} -> {self.becomes}"


class DelayedNotice(models.Model):
    """A gag on one disclosure: hidden from subscriber and agent until it lifts. Append-only, the newest wins.

    `suppressed_until` null: until further order.
    """

    pk = models.CompositePrimaryKey("line_id", "disclosure_id", "number")
    line_id = models.BigIntegerField()
    disclosure_id = models.UUIDField()
    number = models.PositiveIntegerField()
    suppressed_until = models.DateTimeField(null=True)
    order_ref = models.CharField(max_length=1000, blank=True)
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"delayed notice of {self.disclosure_id}"


class HeldDisclosure(models.Model):
    """A row whose number had no active line: kept, sealed, until its line arrives.

    `gateway`: the client by whose API the gateway reported it, so that a release by approval must carry the gate's own
    yes ("unknown": it was another line's meanwhile, hidden, and whose API it was is not kept); "" where a file brought
    it. `ungated_from`: from when on such a release counts as one without that yes, though no line has come;
    `ungated_at`: when it was counted so. `suppressed_until`: the row's own delayed-notice order.
    """

    id = models.UUIDField(primary_key=True)
    msisdn_hash = models.BinaryField(db_index=True)
    row_sealed = models.BinaryField()
    held_at = models.DateTimeField()
    gateway = models.CharField(max_length=200, blank=True, db_default="")
    suppressed_until = models.DateTimeField(null=True)
    ungated_from = models.DateTimeField(null=True)
    ungated_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["ungated_from"],
                condition=models.Q(ungated_from__isnull=False, ungated_at__isnull=True),
                name="disclosures_held_to_be_counted",
            )
        ]

    def __str__(self) -> str:
        return f"held disclosure {self.id}"


class HeldNotice(models.Model):
    """A delayed-notice order on a disclosure that we do not have yet: kept, so that its row is hidden at once."""

    pk = models.CompositePrimaryKey("disclosure_id", "number")
    disclosure_id = models.UUIDField()
    number = models.PositiveIntegerField()
    suppressed_until = models.DateTimeField(null=True)
    order_ref = models.CharField(max_length=1000, blank=True)
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"held notice of {self.disclosure_id}"


class ShortenedPeriod(models.Model):
    """A period in which a number was a line's, and is no longer from `since` on: what it reported there is given back.

    Written by the database in the transaction that shortens the period; taken out, by it too, in the one that moves the
    last row. Everything up to `since` and the row `after` was looked at. `until`: where the period ended before.
    """

    id = models.BigAutoField(primary_key=True)
    line_id = models.BigIntegerField()
    msisdn_hash = models.BinaryField()
    since = models.DateTimeField()
    after = models.UUIDField(default=NOBODY, db_default=NOBODY)
    until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"line {self.line_id}, shortened from {self.since}"


class ReassignedRelease(models.Model):
    """That a row was taken out of a line because its number was not that line's at its moment. Append-only.

    `doubted`: the companies for which it is counted as doubtful already (an incident), so that it counts once.
    """

    class Why(models.TextChoices):
        ENDED = "ended", "The line had ended"
        NUMBER = "number", "The line had another number"

    id = models.BigAutoField(primary_key=True)
    line_id = models.BigIntegerField()
    disclosure_id = models.UUIDField(db_index=True)
    occurred_at = models.DateTimeField()
    given_back_at = models.DateTimeField()
    why = models.CharField(max_length=6, choices=Why)
    doubted = ArrayField(models.CharField(max_length=1000))

    class Meta:
        db_table = "disclosures_givenback"

    def __str__(self) -> str:
        return f"disclosure {self.disclosure_id}, given back"


class ConcealedDisclosure(models.Model):
    """A row that was under a gag when it was stored and has left nothing elsewhere yet. Gone once it has been revealed.

    `gated`: the gateway reported it, so that it must carry the gate's own yes.
    """

    pk = models.CompositePrimaryKey("line_id", "id")
    line_id = models.BigIntegerField()
    id = models.UUIDField()
    occurred_at = models.DateTimeField()
    gated = models.BooleanField()

    def __str__(self) -> str:
        return f"concealed disclosure {self.id}"


class LongLine(models.Model):
    """A line with so many disclosures that its days are counted ahead of time, in days of `zone`.

    Days before `through` are in DailyRollup, but for those in ChangedDay; everything else is read from the rows.
    """

    line_id = models.BigIntegerField(primary_key=True)
    zone = models.CharField(max_length=40)
    through = models.DateField(default=NOT_YET, db_default=NOT_YET)

    def __str__(self) -> str:
        return f"long line {self.line_id}"


class GrowingLine(models.Model):
    """A line that may have become long: to be counted. Every note is a row of its own, so that no writer waits."""

    pk = models.CompositePrimaryKey("line_id", "id")
    line_id = models.BigIntegerField()
    id = models.UUIDField(db_default=RandomUUID())

    def __str__(self) -> str:
        return f"line {self.line_id}, growing"


class ChangedDay(models.Model):
    """A day of a long line whose rows, judgements or notices changed: read from the rows until it is counted again.

    Every change leaves a row of its own, written with it: counting takes away only those that it saw before it began.
    """

    pk = models.CompositePrimaryKey("line_id", "day", "id")
    line_id = models.BigIntegerField()
    day = models.DateField()
    id = models.UUIDField(db_default=RandomUUID())

    def __str__(self) -> str:
        return f"{self.day} of line {self.line_id}, changed"


class RolledFacts(models.Model):
    """What rows have in common that a rollup counts together. `key`: derived from all of it."""

    pk = models.CompositePrimaryKey("line_id", "key")
    line_id = models.BigIntegerField()
    key = models.UUIDField()
    path = ArrayField(models.CharField(max_length=1000))
    campaign = models.CharField(max_length=1000, blank=True)
    purpose = models.CharField(max_length=1000)
    basis = models.CharField(max_length=14, choices=Basis)
    outcome = models.CharField(max_length=8, choices=Outcome)
    judgement = models.CharField(max_length=24, choices=Judgement)
    basis_doubtful = models.BooleanField()

    def __str__(self) -> str:
        return f"facts {self.key} of line {self.line_id}"


class DailyRollup(models.Model):
    """How many disclosures of one day (of the line's zone) had the same facts. No row of such a day is hidden."""

    pk = models.CompositePrimaryKey("line_id", "day", "facts")
    line_id = models.BigIntegerField()
    day = models.DateField()
    facts = models.UUIDField()
    n = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    finest_m = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.n} on {self.day} for line {self.line_id}"


class DroppedMonth(models.Model):
    """A month (UTC, by its first day) whose disclosures were dropped, their time of keeping being over.

    `forgotten_at`: when all that hung on its rows had gone as well.
    """

    month = models.DateField(primary_key=True)
    dropped_at = models.DateTimeField(db_default=Now())
    forgotten_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}, dropped"


class ImportedChunk(models.Model):
    """What became of one part of a file whose import has not come to its end: written with its rows.

    So an import that was cut off goes on where it stopped, and tells what became of the whole file. `file` and `digest`
    are of the contents; `told` is `ingest.chunks.ChunkResult`. Gone when the file was read to its end and told of.
    """

    pk = models.CompositePrimaryKey("file", "starts_at")
    file = models.BinaryField()
    starts_at = models.BigIntegerField()
    digest = models.BinaryField()
    told = models.JSONField()
    recorded_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"import from byte {self.starts_at} on"
