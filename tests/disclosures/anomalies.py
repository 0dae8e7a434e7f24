"""Anomalies to test with: rows of the ledger, and a naive reading of the rules over plain lists."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from accounts.models import Line
from disclosures.models import Anomaly, AnomalyRule, Basis, Disclosure, DisclosureRegister, Judgement, Outcome
from disclosures.workers.anomalies.detection import find
from partners.models import Proposal
from tests.factories import ROADSIDE
from tests.staff import an_agreed_proposal

BRIDGE, ROAD, TRACK, JAIL, BAIL = (
    f"https://{name}.example" for name in ("geobridge", "roadaid", "securetrack", "countyjail", "bailnow")
)
NO_APPROVAL, AFTER_STOP = Judgement.NO_APPROVAL, Judgement.AFTER_STOP
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# A quiet month long past, so that all windows of a test lie in it.
MAY = datetime(2026, 5, 10, 18, tzinfo=UTC)

# Everything that is told of an anomaly, but for when it was found.
type Told = tuple[str, int | None, str, str, date, datetime, datetime, datetime, int, int, int | None]


def seen(at: datetime) -> list[tuple[str, int, int]]:
    """What stands after a look, by kind: what it is held against, and in how many rows."""
    find(at=at)
    return [(one.kind, one.n, one.looks) for one in standing()]


def looked(
    line: Line,
    *moments: datetime,
    path: Sequence[str] = (BRIDGE, ROAD),
    judgement: str = Judgement.PERMITTED,
    basis: str = Basis.APPROVAL,
    outcome: str = Outcome.RELEASED,
    recorded_at: datetime,
) -> list[Disclosure]:
    """Look-ups of a line, all recorded at one moment."""
    if basis != Basis.APPROVAL:
        judgement = basis
    elif outcome == Outcome.REFUSED:
        judgement = Judgement.REFUSED
    rows = Disclosure.objects.bulk_create(
        Disclosure(
            line_id=line.pk, occurred_at=at, id=uuid.uuid4(), source_id="", path=list(path),
            aggregator=path[0] if path else "unknown", campaign="", purpose=ROADSIDE, scope="read", precision_m=500,
            basis=basis, outcome=outcome, decision_id="",
            authority_ref="", basis_doubtful=False, judgement=judgement, recorded_at=recorded_at,
        )
        for at in moments
    )  # fmt: skip
    DisclosureRegister.objects.bulk_create(
        DisclosureRegister(id=row.id, line_id=row.line_id, occurred_at=row.occurred_at, content_hash=b"")
        for row in rows
    )
    return rows


def judge_again(rows: Iterable[Disclosure], becomes: str) -> None:
    """As the re-judging of late choices and approvals does it."""
    with transaction.atomic(), connection.cursor() as cursor:
        for row in rows:
            cursor.execute(
                "INSERT INTO disclosures_judgementchange (line_id, disclosure_id, changed_at, was, becomes, cause)"
                " VALUES (%s, %s, now(), %s, %s, 'late')", [row.line_id, row.id, row.judgement, becomes],
            )  # fmt: skip
            put_judgement(row, becomes)


def put_judgement(row: Disclosure, becomes: str) -> None:
    """Give a row the term that says the same with another judgement, wherever the row is."""
    key: list[Any] = [row.line_id, row.occurred_at, row.id]
    with connection.cursor() as cursor:
        cursor.execute("SELECT term FROM disclosures_release WHERE (line_id, occurred_at, id) = (%s, %s, %s)", key)
        (term,) = cursor.fetchone() or (None,)
        cursor.execute("SELECT disclosures_judged_term(%s, %s)", [term, becomes])
        (term,) = cursor.fetchone() or (None,)
        cursor.execute(
            "UPDATE disclosures_release SET term = %s WHERE line_id = %s AND occurred_at = %s AND id = %s", [term, *key]
        )
        cursor.execute("SELECT disclosures_note_days(ARRAY[%s]::bigint[], ARRAY[%s]::timestamptz[])", key[:2])


def every[T: (datetime, timedelta)](start: T, n: int, step: timedelta) -> list[T]:
    """So many moments, the first at `start`."""
    return [start + step * k for k in range(n)]


def standing(**fields: Any) -> list[Anomaly]:
    """What stands, in the order of kinds and periods."""
    return list(Anomaly.objects.filter(cleared_at=None, **fields).order_by("kind", "period", "party", "line_id"))


def told(rows: Iterable[Anomaly]) -> list[Told]:
    """The same as plain values."""
    return [
        (a.kind, a.line_id, a.party, a.recipient, a.period, a.first_at, a.last_at, a.newest_at, a.n, a.looks, a.out_of)
        for a in rows
    ]


def set_rule(kind: str, *, at: datetime, **changes: Any) -> AnomalyRule:
    """Another version of a rule, on which two officers agreed where it is looser."""
    newest = AnomalyRule.objects.filter(kind=kind).order_by("-version")[0]
    fields = {
        "threshold": newest.threshold, "window": newest.window, "suspend_after_days": newest.suspend_after_days,
        "enabled": newest.enabled, **changes,
    }  # fmt: skip
    an_agreed_proposal(Proposal.Act.LOOSEN_ANOMALIES, Proposal.Of.ANOMALY, newest.pk, payload=fields, at=at)
    return AnomalyRule.objects.create(
        kind=kind, version=newest.version + 1, reason="test", actor="officer:1", made_at=at, **fields
    )


@dataclass(frozen=True)
class Look:
    """One visible look-up as the oracle reads it."""

    line: int
    at: datetime
    path: tuple[str, ...]
    judgement: str
    # Whether it was judged to have no record of a yes before.
    had_none: bool = False

    @property
    def company(self) -> str:
        return next((uri for uri in self.path[1:] if uri != "unknown"), self.path[0])


@dataclass(frozen=True)
class Rule:
    """A rule as the oracle needs it."""

    threshold: int
    window: int


class Oracle:
    """The rules read out over lists, one look-up at a time, with no thought of speed."""

    def __init__(
        self,
        looks: Iterable[Look],
        *,
        rules: dict[str, Rule],
        active_from: dict[int, datetime],
        kept_from: datetime,
        zones: dict[int, ZoneInfo],
    ) -> None:
        self.looks = sorted(looks, key=lambda look: look.at)
        self.rules, self.active_from, self.kept_from, self.zones = rules, active_from, kept_from, zones

    def all(self) -> list[Told]:
        """Every anomaly there is."""
        found = [
            *self._windows("after_stop", DAY, AFTER_STOP), *self._windows("no_approval", DAY, NO_APPROVAL),
            *self._windows("suspended", DAY, Judgement.PARTNER_SUSPENDED),
            *self._windows("burst", timedelta(minutes=1), None), *self._nights(), *self._quiet(), *self._across(),
        ]  # fmt: skip
        return sorted(found, key=lambda told: (told[0], told[4], told[2], told[1] or 0))

    def _by_company(self, judgement: str | None) -> Iterator[tuple[int, str, list[Look]]]:
        groups: dict[tuple[int, str], list[Look]] = defaultdict(list)
        for look in self.looks:
            excused_late = look.had_none and look.judgement == Judgement.APPROVAL_UNVERIFIED
            if judgement in {None, look.judgement} or (judgement == NO_APPROVAL and excused_late):
                groups[look.line, look.company].append(look)
        for (line, company), looks in groups.items():
            yield line, company, looks

    def _windows(self, kind: str, unit: timedelta, judgement: str | None) -> Iterator[Told]:
        rule = self.rules[kind]
        for line, company, looks in self._by_company(judgement):
            fullest: dict[date, list[Look]] = {}
            newest: dict[date, datetime] = {}
            for last in looks:
                month = last.at.astimezone(UTC).date().replace(day=1)
                window = [one for one in looks if last.at - unit * rule.window <= one.at <= last.at]
                if len(window) < rule.threshold:
                    continue
                newest[month] = last.at
                if len(window) > len(fullest.get(month, [])):
                    fullest[month] = window
            for month, window in fullest.items():
                n = len(window)
                yield (kind, line, company, "", month, window[0].at, window[-1].at, newest[month], n, n, None)

    def _nights(self) -> Iterator[Told]:
        rule = self.rules["night"]
        for line, company, looks in self._by_company(None):
            nights = self._by_night(line, looks)
            fullest: dict[date, list[date]] = {}
            newest: dict[date, datetime] = {}
            for last in sorted(nights):
                window = [night for night in nights if last - DAY * rule.window < night <= last]
                month = last.replace(day=1)
                if len(window) < rule.threshold:
                    continue
                newest[month] = max(look.at for look in nights[last])
                if len(window) > len(fullest.get(month, [])):
                    fullest[month] = window
            for month, window in fullest.items():
                seen = [look for night in window for look in nights[night]]
                first, last_at = min(look.at for look in seen), max(look.at for look in seen)
                yield ("night", line, company, "", month, first, last_at, newest[month], len(window), len(seen), None)

    def _by_night(self, line: int, looks: Iterable[Look]) -> dict[date, list[Look]]:
        nights: dict[date, list[Look]] = defaultdict(list)
        for look in looks:
            here = look.at.astimezone(self.zones[line])
            if here.time() >= time(22):
                nights[here.date()].append(look)
            elif here.time() < time(6):
                nights[here.date() - DAY].append(look)
        return nights

    def _quiet(self) -> Iterator[Told]:
        rule = self.rules["dormant"]
        quiet = DAY * rule.window
        for line in {look.line for look in self.looks}:
            own = [look for look in self.looks if look.line == line]
            for place, look in enumerate(own):
                before = own[place - 1].at if place else self.active_from[line]
                if look.at - max(before, self.kept_from if not place else before) < quiet:
                    continue
                by: dict[str, list[Look]] = defaultdict(list)
                for one in own:
                    if look.at <= one.at < look.at + DAY:
                        by[one.company].append(one)
                for company, looks in by.items():
                    n = len(looks)
                    if n >= rule.threshold:
                        month = look.at.astimezone(UTC).date().replace(day=1)
                        yield ("dormant", line, company, "", month, looks[0].at, looks[-1].at, looks[-1].at, n, n, None)

    def _across(self) -> Iterator[Told]:
        rule = self.rules["many_lines"]
        for customer in {uri for look in self.looks for uri in look.path[2:]} - {"unknown"}:
            days: dict[date, list[Look]] = defaultdict(list)
            for look in self.looks:
                if customer in look.path[2:]:
                    days[look.at.astimezone(UTC).date()].append(look)
            for last in {first + DAY * k for first in days for k in range(rule.window)}:
                window = [one for day, each in days.items() if last - DAY * rule.window < day <= last for one in each]
                n = len({look.line for look in window})
                if n >= rule.threshold:
                    began, ended = min(look.at for look in window), max(look.at for look in window)
                    yield ("many_lines", None, customer, customer, last, began, ended, ended, n, len(window), None)
