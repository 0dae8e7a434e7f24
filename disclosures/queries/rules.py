"""The rules by which anomalies are found, as they are now, and what each of their numbers means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from django.db.models import OuterRef, Subquery

from disclosures.models import AnomalyRule, Judgement
from partners.policies.loosening import LoosenAnomalies

Kind = AnomalyRule.Kind
MOST = 1_000_000
# What happened longer ago is told, and nobody is suspended for it.
SUSPENDS_FOR = timedelta(days=30)
# A run that is late must not make a day untrue that was shown; and for so long it waits for what was not looked at yet.
MAY_BE_LATE = timedelta(days=1)
# Well under that: who did it once, and is found within a fortnight, is suspended on the day that its person was told.
LONGEST_GRACE = 14


@dataclass(frozen=True)
class Terms:
    """How a kind's rule reads: `finds` takes `threshold` and `window`; `least` to `most` of `unit` are a window.

    `suspends`: whether a company may be suspended for it. It says the same as the checks of the table.
    """

    finds: str
    unit: str
    least: int
    most: int
    suspends: bool = False


@dataclass(frozen=True)
class LastOn:
    """The last version of a kind's rule that was on, and since when it is off: None while it is on."""

    rule: AnomalyRule
    off_at: datetime | None


# Kinds that are about look-ups which the ledger judged so.
JUDGED_AS: Mapping[str, str] = {
    Kind.AFTER_STOP: Judgement.AFTER_STOP,
    Kind.NO_APPROVAL: Judgement.NO_APPROVAL,
    Kind.SUSPENDED: Judgement.PARTNER_SUSPENDED,
}
TERMS: Mapping[str, Terms] = {
    Kind.AFTER_STOP: Terms(
        "{threshold} or more look-ups of a line by one company within {window}, after the person stopped",
        "days", 1, 366, suspends=True,
    ),
    Kind.NO_APPROVAL: Terms(
        "{threshold} or more look-ups of a line by one company within {window}, with no record of consent",
        "days", 1, 366, suspends=True,
    ),
    Kind.SUSPENDED: Terms(
        "{threshold} or more look-ups of a line by one company within {window}, after we suspended it", "days", 1, 366
    ),
    Kind.BURST: Terms(
        "{threshold} or more look-ups of a line by one company within {window}", "minutes", 1, 1440
    ),
    Kind.NIGHT: Terms(
        "look-ups of a line by one company between 22:00 and 06:00 local time, on {threshold} or more nights in"
        " {window}",
        "days", 1, 366,
    ),
    Kind.MANY_LINES: Terms(
        "{threshold} or more lines looked up for one end customer within {window} (UTC)", "days", 1, 31
    ),
    Kind.DORMANT: Terms(
        "no look-up of a line based on consent for {window}, then {threshold} or more by one company in"
        " 24 hours",
        "days", 31, 730,
    ),
    Kind.DISPUTED: Terms(
        "more than {threshold} in 1,000 of a partner's consent claims disputed within {window} (calendar months)",
        "months", 1, 12,
    ),
}  # fmt: skip


def finds(*, rule: AnomalyRule) -> str:
    """Return what a version of a rule finds, in a sentence for officers."""
    return TERMS[rule.kind].finds.format(threshold=f"{rule.threshold:,}", window=window_of(rule=rule))


def window_of(*, rule: AnomalyRule) -> str:
    """Its window: "1 day", "60 minutes"."""
    unit = TERMS[rule.kind].unit
    return f"{rule.window:,} {unit.removesuffix('s') if rule.window == 1 else unit}"


def values_of(*, rule: AnomalyRule) -> LoosenAnomalies:
    """Return what of a version counts, in the shape in which a proposal holds it."""
    return LoosenAnomalies(rule.threshold, rule.window, rule.suspend_after_days, rule.enabled)


def is_looser(*, kind: str, now: LoosenAnomalies, was: LoosenAnomalies) -> bool:
    """Return whether in any way less is found, or nobody or only later is suspended for it. The database asks the same.

    A shorter window holds fewer; of quiet, a longer one. A share may rise or fall with its months: any other is looser.
    """
    windows = {Kind.DORMANT: now.window > was.window, Kind.DISPUTED: now.window != was.window}
    return (
        (was.enabled and not now.enabled)
        or now.threshold > was.threshold
        or windows.get(Kind(kind), now.window < was.window)
        or (was.suspend_after_days is not None and _days(now) > was.suspend_after_days)
    )


def _days(values: LoosenAnomalies) -> float:
    return inf if values.suspend_after_days is None else values.suspend_after_days


def describe_proposed_rule(*, after: AnomalyRule, values: LoosenAnomalies) -> str:
    """Return what the next version would be, in a sentence for officers."""
    rule = AnomalyRule(kind=after.kind, threshold=values.threshold, window=values.window)
    days = values.suspend_after_days
    then = "No company would be" if days is None else f"After {days} days the company would be"
    off = "" if values.enabled else " It would be off."
    suspends = f" {then} suspended for the line." if TERMS[after.kind].suspends else ""
    return f"It would find {finds(rule=rule)}.{suspends}{off}"


def newest_rules() -> Sequence[AnomalyRule]:
    """Return the version of each kind that counts, in the order of the kinds. One query."""
    newest = AnomalyRule.objects.order_by("kind", "-version").distinct("kind")
    return sorted(newest, key=lambda rule: AnomalyRule.Kind.values.index(rule.kind))


def rules_in_force() -> Sequence[AnomalyRule]:
    """Return those of them that are switched on."""
    return [rule for rule in newest_rules() if rule.enabled]


def rules_last_on() -> Sequence[LastOn]:
    """Of each kind the last version that was on: by it is looked whether what was found is still so. One query."""
    next_one = AnomalyRule.objects.filter(kind=OuterRef("kind"), version=OuterRef("version") + 1)
    on = AnomalyRule.objects.filter(enabled=True).order_by("kind", "-version").distinct("kind")
    found = [LastOn(rule, rule.off_at) for rule in on.annotate(off_at=Subquery(next_one.values("made_at")))]
    return sorted(found, key=lambda last: AnomalyRule.Kind.values.index(last.rule.kind))


def newest_rule(*, kind: str) -> AnomalyRule | None:
    """Return the version that counts of one kind; None where there is no such kind."""
    return AnomalyRule.objects.filter(kind=kind).order_by("-version").first()
