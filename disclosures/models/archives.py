"""Everything about a line as one file, made for one person, for a day."""

from django.db import models
from django.db.models import Q


class Archive(models.Model):
    """A file with everything about a line, as one person asked for it. Gone, with its parts, a day after it was made.

    `as_of`: the moment of which it tells; what was recorded or hidden after that is not looked at. `done` of `total`:
    rows written so far. A worker has it until `leased_until`.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        MAKING = "making", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Could not be made"

    id = models.UUIDField(primary_key=True)
    line_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    language = models.CharField(max_length=12)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField()
    as_of = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line_id", "user_id"], name="disclosures_archive_one_each"),
            models.CheckConstraint(
                condition=~Q(state="ready") | Q(as_of__isnull=False, size__gt=0),
                name="disclosures_archive_ready_has_it",
            ),
        ]
        indexes = [
            models.Index(
                fields=["asked_at"], name="disclosures_archive_waiting", condition=Q(state__in=["waiting", "making"])
            ),
            models.Index(fields=["expires_at"], name="disclosures_archive_over"),
        ]

    def __str__(self) -> str:
        return f"archive {self.id}"


class ArchivePart(models.Model):
    """A stretch of an archive's bytes, sealed."""

    pk = models.CompositePrimaryKey("archive_id", "number")
    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return f"part {self.number} of archive {self.archive_id}"
