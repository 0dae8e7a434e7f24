"""Figures for everyone, as they were last counted. Nobody's row, and no line."""

from django.db import models


class CountedFigure(models.Model):
    """One figure for everyone, as it was counted: over what was from `since` until before `until`.

    `rows` are the counts as they are: what is shown of them is worked out by `queries.figures`. `query`: the statement
    that ran, with its values.
    """

    name = models.CharField(max_length=20)
    made_at = models.DateTimeField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    rows = models.JSONField()
    query = models.CharField(max_length=8000)

    class Meta:
        abstract = True


class PublishedFigure(CountedFigure):
    """A figure as it was last counted.

    It stays as it is until the next days are counted, whatever becomes of what it counted; but for that of companies.
    """

    name = models.CharField(max_length=20, primary_key=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(since__lt=models.F("until"), until__lte=models.F("made_at")),
                name="disclosures_publishedfigure_days",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}, made at {self.made_at}"


class PastFigure(CountedFigure):
    """A figure of an earlier month, as everybody saw it then. It is never counted again."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "since"], name="disclosures_pastfigure_once"),
            models.CheckConstraint(
                condition=models.Q(since__lt=models.F("until"), until__lte=models.F("made_at")),
                name="disclosures_pastfigure_days",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.since}"
