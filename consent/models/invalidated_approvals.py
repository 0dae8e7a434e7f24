"""Yeses that stand in the ledger of a line and were never its person's."""

from django.db import models


class InvalidatedApproval(models.Model):
    """A yes of a file or a claim that came by a number when that was no longer its line's. Append-only.

    It stays in the ledger and counts for nothing there: whoever had the number then is given it as their own.
    `yes_id`: of the approval, or of the choice that allows.
    """

    pk = models.CompositePrimaryKey("line_id", "yes_id")
    line_id = models.BigIntegerField()
    yes_id = models.UUIDField()
    campaign = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "consent_setaside"

    def __str__(self) -> str:
        return f"yes {self.yes_id}, which is not line {self.line_id}'s"
