"""What is kept outside the database too, how far that has come, and whether the gate may answer with a yes."""

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Func, Q, Value


class ArchiveQueueEntry(models.Model):
    """A choice, suspension or end that waits to be written to the archive outside. Made by the database with its row.

    `object_id`: the id of what waits. `line_id`: whose choice it is, so that it waits beside it; 0 of all else. Taken
    out once the archive has it on its disk.
    """

    class Kind(models.TextChoices):
        CHOICE = "choice", "Choice"
        SUSPENSION = "suspension", "Suspension"
        END = "end", "End"

    pk = models.CompositePrimaryKey("line_id", "id")
    line_id = models.BigIntegerField(default=0, db_default=0)
    id = models.BigIntegerField(editable=False, db_default=Func(Value("consent_unarchived_id_seq"), function="nextval"))
    kind = models.CharField(max_length=10, choices=Kind)
    object_id = models.CharField(max_length=40)
    queued_at = models.DateTimeField()

    class Meta:
        db_table = "consent_unarchived"
        indexes = [models.Index(fields=["queued_at", "id"], name="consent_unarchived_first")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}, not archived yet"


class Tightening(models.Model):
    """Something else that tightened, as it goes to the archive outside. Made by the database with the act.

    `said`: the columns that say it, of that kind of row. `line_id`: of a delayed notice its line's, so that the two are
    stored together; 0 of all else, of one that is held, and of what a restore did again. `archived_at`: None while it
    waits. The row stays: by it the archive's entry is known to be here, whatever became of the act since.
    """

    class Kind(models.TextChoices):
        RULE = "rule", "Rule of a state"
        KIN = "kin", "Kin"
        MACHINE = "machine", "Disabled machine"
        KEY = "key", "Replaced key of a machine"
        CONTRACT = "contract", "Term of an agreement"
        CAMPAIGN = "campaign", "Term of a use"
        PAYMENT = "payment", "What is paid for a use"
        AGENT = "agent", "Suspended agent"
        DELEGATION = "delegation", "Ended delegation"
        USER = "user", "Ended sign-in"
        NOTICE = "notice", "Delayed notice"

    pk = models.CompositePrimaryKey("line_id", "id")
    line_id = models.BigIntegerField(default=0, db_default=0)
    id = models.UUIDField(editable=False, db_default=RandomUUID())
    kind = models.CharField(max_length=10)
    facts = models.JSONField(db_column="said")
    at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="consent_tightening_waits", condition=Q(archived_at__isnull=True)),
            # The archive knows a row by its id alone.
            models.Index(fields=["id"], name="consent_tightening_named"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class ArchiveHead(models.Model):
    """The one row that names the newest entry of the archive outside, as far as this database knows of it."""

    ID = 1

    id = models.SmallIntegerField(primary_key=True)
    day = models.CharField(max_length=10)
    digest = models.CharField(max_length=64)
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"archive up to {self.digest[:12]} of {self.day}"


class GateOpening(models.Model):
    """The one row without which the gate says no to every release (`consent.gate.deciding`). Kept by the database.

    It holds for one start of one server (`server_started`) and one making of this very table (`table_oid`): a restored
    database has another of at least one of them, and is closed until it was compared with the archive outside.
    """

    id = models.SmallIntegerField(primary_key=True)
    incarnation = models.CharField(max_length=120)
    table_oid = models.BigIntegerField()
    server_started = models.DateTimeField()
    closed_because = models.CharField(max_length=500, blank=True)
    opened_at = models.DateTimeField()
    # While closed after a restore: when the epochs were raised, so that they are only once.
    epochs_raised_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"gate of {self.incarnation}"
