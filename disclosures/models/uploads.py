"""Carrier files that staff import in the console."""

import secrets

from django.db import models
from django.db.models import Q

from partners.models import Proposal

IDS = 10**12
# Their rows are about people, so a dry run doesn't tell whoever chose them what is stored of those.
ABOUT_PEOPLE = frozenset({"lines", "approvals", "choices", "disclosures"})


def new_id() -> int:
    """Return a random id: gaps between ids would show that hidden files exist."""
    return secrets.randbelow(IDS)


class Upload(models.Model):
    """A carrier file that an officer uploaded: checked in a dry run, imported once agreed, then its content is deleted.

    `loosens`: two officers must agree (trigger `disclosures_upload_two_officers`). `done` of `total` rows, and the
    counts, are of the dry run until the import begins. `rejects`: line, field and reason of each rejected row, never
    what was in it. A worker has it until `leased_until`.
    """

    class Feed(models.TextChoices):
        PARTIES = "parties", "Companies, contracts and campaigns"
        LINES = "lines", "Lines"
        APPROVALS = "approvals", "Consents"
        CHOICES = "choices", "Choices"
        DISCLOSURES = "disclosures", "Releases"
        NOTICES = "notices", "Delayed notices"

    class State(models.TextChoices):
        WAITING = "waiting", "Dry run in progress"
        CHECKED = "checked", "Waiting for a decision"
        AGREED = "agreed", "Import in progress"
        IMPORTED = "imported", "Imported"
        FAILED = "failed", "Failed"
        DISCARDED = "discarded", "Discarded"

    id = models.BigIntegerField(primary_key=True, default=new_id)
    feed = models.CharField(max_length=11, choices=Feed)
    loosens = models.BooleanField()
    size = models.PositiveIntegerField()
    digest = models.BinaryField()
    total = models.PositiveIntegerField()
    uploaded_by = models.CharField(max_length=120)
    uploaded_at = models.DateTimeField()
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    done = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    outcome = models.JSONField(default=dict)
    rejects = models.JSONField(default=list)
    checked_at = models.DateTimeField(null=True)
    agreed_by = models.ForeignKey(Proposal, on_delete=models.PROTECT, null=True, related_name="uploads")
    decided_by = models.CharField(max_length=120, default="")
    decided_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(feed__in=["parties", "lines", "approvals"]) | Q(loosens=True),
                name="disclosures_upload_loosens",
            )
        ]
        indexes = [
            models.Index(
                fields=["uploaded_at"],
                name="disclosures_upload_open",
                condition=Q(state__in=["waiting", "checked", "agreed"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_feed_display()}, {self.uploaded_at:%-d %b %Y, %H:%M} UTC"

    @property
    def is_about_people(self) -> bool:
        """Whether its rows are."""
        return self.feed in ABOUT_PEOPLE

    @property
    def is_unusable(self) -> bool:
        """Whether the dry run rejected every row, so that there is nothing to decide."""
        return self.state == self.State.CHECKED and not (self.accepted or self.repeated)


class UploadPart(models.Model):
    """A part of an uploaded file, sealed."""

    pk = models.CompositePrimaryKey("upload_id", "number")
    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return f"part {self.number} of upload {self.upload_id}"
