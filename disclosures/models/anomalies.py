"""Rules by which anomalies are found, what they found, and up to where the ledger was looked at. No location, ever."""

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

# What an older program does not name is made the last of the fullest window (trigger `disclosures_anomaly_newest`).
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


class AnomalyRule(models.Model):
    """One version of the rule by which one kind of anomaly is found. Append-only; of each kind the newest counts.

    `window`: of a burst in minutes, of claims in calendar months, of all others in days. `suspend_after_days`: how long
    an anomaly that a company must answer for has to stand before we suspend it for that line; None: never.
    """

    class Kind(models.TextChoices):
        AFTER_STOP = "after_stop", "Look-ups after the person stopped"
        NO_APPROVAL = "no_approval", "Look-ups with no record of consent"
        SUSPENDED = "suspended", "Look-ups after we suspended the company"
        BURST = "burst", "Burst of look-ups of one line"
        NIGHT = "night", "Look-ups of one line at night, again and again"
        MANY_LINES = "many_lines", "One end customer looking up many lines"
        DORMANT = "dormant", "Look-ups of a long-inactive line"
        DISPUTED = "disputed", "Consent claims that people dispute"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=12, choices=Kind)
    version = models.PositiveIntegerField()
    threshold = models.PositiveIntegerField()
    window = models.PositiveIntegerField()
    suspend_after_days = models.PositiveSmallIntegerField(null=True)
    enabled = models.BooleanField()
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=220)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "version"], name="disclosures_anomalyrule_version"),
            models.CheckConstraint(
                condition=Q(threshold__gte=1, threshold__lte=1_000_000), name="disclosures_anomalyrule_threshold"
            ),
            models.CheckConstraint(
                condition=Q(kind="burst", window__gte=1, window__lte=1440)
                | Q(kind="dormant", window__gte=31, window__lte=730)
                | Q(kind="disputed", window__gte=1, window__lte=12)
                | Q(kind="many_lines", window__gte=1, window__lte=31)
                | Q(kind__in=("after_stop", "no_approval", "suspended", "night"), window__gte=1, window__lte=366),
                name="disclosures_anomalyrule_window",
            ),
            models.CheckConstraint(
                condition=Q(suspend_after_days__isnull=True)
                | Q(kind__in=("after_stop", "no_approval"), suspend_after_days__lte=90),
                name="disclosures_anomalyrule_suspends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}, version {self.version}"


class Anomaly(models.Model):
    """Something that a rule found in the ledger, of one kind, line, company and period: made of rows that are visible.

    `party`: whose act it was (URI): the company of the path; of MANY_LINES the end customer, of DISPUTED the partner.
    `recipient`: the end customer, where it is about one. `period`: the month (its first day), of MANY_LINES the day, in
    UTC; of NIGHT by the line's own clock. `n` is what the threshold is held against, in the fullest window that ends in
    the period; `looks` the rows of that window, from `first_at` to `last_at`; `newest_at` the newest row of all windows
    that reach it and end in the period; `out_of` the claims that DISPUTED is a part of. `grown_at`: when there was last
    found more of it than before. `cleared_at`: since when it is no longer so, because something it rests on came late
    or was judged again; what is no longer so because rows are hidden is gone. `consequence`: of AFTER_STOP and
    NO_APPROVAL, what `consent.actions.system_stops` came to for the line; "" while that is open.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=12, choices=AnomalyRule.Kind)
    line_id = models.BigIntegerField(null=True)
    party = models.CharField(max_length=1000)
    recipient = models.CharField(max_length=1000, blank=True)
    period = models.DateField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    newest_at = models.DateTimeField(db_default=LONG_AGO)
    n = models.PositiveIntegerField()
    looks = models.PositiveIntegerField()
    out_of = models.PositiveIntegerField(null=True)
    rule = models.ForeignKey(AnomalyRule, on_delete=models.PROTECT, related_name="+")
    found_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    grown_at = models.DateTimeField(db_default=Now())
    cleared_at = models.DateTimeField(null=True)
    consequence = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "party", "period", "line_id"], nulls_distinct=False, name="disclosures_anomaly_once"
            )
        ]
        indexes = [
            models.Index(fields=["line_id"], name="disclosures_anomaly_of_line"),
            models.Index(
                fields=["found_at"],
                condition=Q(consequence="", cleared_at__isnull=True, kind__in=("after_stop", "no_approval")),
                name="disclosures_anomaly_open",
            ),
            models.Index(fields=["last_at"], name="disclosures_anomaly_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.party} in {self.period:%Y-%m-%d}"


class AnomalyWatch(models.Model):
    """Up to where the ledger has been looked at: what was recorded, judged again, hidden or shown by then."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"looked at until {self.until}"
