"""Figures for everyone, as they were last counted. Nobody's row, and no line."""

from django.db import models


class PublishedFigure(models.Model):
    """One figure for everyone, as it was last counted: over what was from `since` until before `until`.

    It stays as it is until the next days are counted, whatever becomes of what it counted; but for that of companies.
    `rows` are the counts as they are: what is shown of them is worked out by `queries.figures`. `query`: the statement
    that ran, with its values.
    """

    name = models.CharField(max_length=20, primary_key=True)
    made_at = models.DateTimeField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    rows = models.JSONField()
    query = models.CharField(max_length=8000)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(since__lt=models.F("until"), until__lte=models.F("made_at")),
                name="disclosures_publishedfigure_days",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}, made at {self.made_at}"
