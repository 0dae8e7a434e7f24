"""Rollups are never seen: whatever happened to a long line in whatever order, its pages say what its rows say."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import Line
from disclosures.domain.ingest import rollups
from disclosures.domain.ingest.rollups import roll_up
from disclosures.labels import NOT_ALLOWED
from disclosures.models import Basis, Disclosure, Judgement, JudgementChange, LongLine, Outcome
from disclosures.queries.chart import first_week
from disclosures.queries.history import Filters, history_page
from disclosures.queries.history_counts import count_history, history_facts
from disclosures.queries.history_days import HistoryTally, tally_of
from disclosures.queries.release_counts import Facts, facts_of
from disclosures.queries.trails import company_of
from disclosures.workers import retention
from tests.disclosures.anomalies import put_judgement
from tests.factories import a_line, a_party
from tests.feeds import BRIDGE, ROAD, TRACK
from tests.properties import stories, undone
from tests.world import disclosed, gagged

PACIFIC = ZoneInfo("America/Los_Angeles")
AT = datetime(2026, 11, 20, 21, tzinfo=UTC)
PATHS = ([BRIDGE, ROAD], [BRIDGE, TRACK], [BRIDGE, ROAD, "unknown"], [BRIDGE])
# Both sides of midnight in the line's zone, of the chart's first week, of the thirty days, and of the clocks' change.
MOMENTS = tuple(
    datetime(2026, month, day, hour, minute, tzinfo=PACIFIC)
    for month, day in ((11, 20), (11, 19), (11, 18), (11, 1), (10, 31), (10, 21), (8, 31), (8, 30), (3, 8), (1, 1))
    for hour, minute in ((0, 0), (23, 59), (13, 0))
)

# Around the end of a month, by the calendar of its partition and by the line's own clock.
EARLY_2026 = datetime(2026, 1, 5, tzinfo=UTC)
OLD_HOURS = ((10, 31, 23), (11, 15, 12), (11, 30, 1), (11, 30, 15), (11, 30, 16), (12, 1, 0), (12, 9, 9))
OLD = tuple(datetime(2021, month, day, hour, 30, tzinfo=PACIFIC) for month, day, hour in OLD_HOURS)


@dataclass(frozen=True)
class Step:
    """One thing that happens: to a row, at a moment, or to time itself."""

    does: str
    which: int
    moment: int
    of: int


STEPS = st.builds(
    Step, does=st.sampled_from(("store", "store", "hide", "hide a while", "reveal", "judge", "roll", "later", "move")),
    which=st.integers(0, 9), moment=st.integers(0, len(MOMENTS) - 1), of=st.integers(0, 5),
)  # fmt: skip


class Story:
    """A line that is long from the start, what happened to it, and the moment at which somebody looks."""

    def __init__(self, moments: Sequence[datetime] = MOMENTS) -> None:
        self.line, self.at, self.rows = a_line(), AT, list[Disclosure]()
        self.moments = moments
        self.notices = Counter[uuid.UUID]()
        for name, kind in (("GeoBridge", "aggregator"), ("RoadAid", "lbs_provider"), ("SecureTrack", "lbs_provider")):
            a_party(name, kind)
        LongLine.objects.create(line_id=self.line.pk, zone=PACIFIC.key)

    @property
    def zone(self) -> ZoneInfo:
        return {"WA": PACIFIC, "NY": ZoneInfo("America/New_York")}[self.line.state]

    def take(self, step: Step) -> None:
        getattr(self, f"_{step.does.replace(' ', '_')}")(step)

    def _store(self, step: Step) -> None:
        kinds: tuple[dict[str, Any], ...] = (
            {}, {"judgement": Judgement.NO_APPROVAL}, {"outcome": Outcome.REFUSED}, {"basis": Basis.EMERGENCY},
            {"precision_m": 40}, {"doubtful": True, "basis": Basis.NETWORK},
        )  # fmt: skip
        path, n = PATHS[step.which % len(PATHS)], 1 + step.which % 2
        self.rows += stored(self.line, path, at=self.moments[step.moment % len(self.moments)], n=n, **kinds[step.of])

    def _hide(self, step: Step) -> None:
        self._notice(step, None)

    def _hide_a_while(self, step: Step) -> None:
        self._notice(step, self.at + timedelta(hours=step.of * 9))

    def _reveal(self, step: Step) -> None:
        self._notice(step, self.at - timedelta(minutes=step.of * 25))

    def _notice(self, step: Step, until: datetime | None) -> None:
        if self.rows:
            row = self.rows[step.which % len(self.rows)]
            self.notices[row.id] += 1
            gagged(row, until=until, at=self.at, number=self.notices[row.id])

    def _judge(self, step: Step) -> None:
        judged = [row for row in self.rows if row.basis == Basis.APPROVAL and row.outcome == Outcome.RELEASED]
        if judged:
            row = judged[step.which % len(judged)]
            rejudged(row, (Judgement.AFTER_STOP, Judgement.PERMITTED, Judgement.NO_APPROVAL)[step.of % 3])

    def _roll(self, step: Step) -> None:
        roll_up(at=self.at)

    def _later(self, step: Step) -> None:
        self.at += timedelta(hours=1 + step.which * 11)

    def _drop(self, step: Step) -> None:
        retention.make_partitions(now=EARLY_2026)
        retention.drop_months(now=EARLY_2026)
        kept = set(Disclosure.objects.filter(line_id=self.line.pk).values_list("id", flat=True))
        self.rows = [row for row in self.rows if row.id in kept]

    def _move(self, step: Step) -> None:
        self.line.state = ("WA", "NY")[step.which % 2]
        self.line.save()


def stored(line: Line, path: list[str], **kinds: Any) -> list[Disclosure]:
    """Rows with the note of their days, as `ingest.store` writes both."""
    rows = disclosed(line, path, **kinds)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE fresh (line_id bigint, occurred_at timestamptz, id uuid) ON COMMIT DROP")
        for row in rows:
            cursor.execute("INSERT INTO fresh VALUES (%s, %s, %s)", [row.line_id, row.occurred_at, row.id])
        rollups.mark_changed_days(cursor=cursor, rows="fresh")
        cursor.execute("DROP TABLE fresh")
    return rows


def rejudged(row: Disclosure, judgement: str) -> None:
    """Another judgement, and the record of it."""
    rows = Disclosure.objects.filter(line_id=row.line_id, occurred_at=row.occurred_at, id=row.id)
    with transaction.atomic():
        was = rows.values_list("judgement", flat=True).first()
        if was not in {None, judgement}:
            JudgementChange.objects.create(
                line_id=row.line_id, disclosure_id=row.id, changed_at=AT, was=was, becomes=judgement, cause="test"
            )
            put_judgement(row, judgement)


def hidden(line_id: int, at: datetime) -> set[uuid.UUID]:
    """The ids of rows whose newest notice holds, read plainly."""
    newest: dict[uuid.UUID, datetime | None] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT disclosure_id, suppressed_until FROM disclosures_delayednotice WHERE line_id = %s ORDER BY number",
            [line_id],
        )
        newest.update(cursor.fetchall())
    return {row_id for row_id, until in newest.items() if until is None or until > at}


def shown(line_id: int, at: datetime) -> list[Disclosure]:
    away = hidden(line_id, at)
    return [row for row in Disclosure.objects.filter(line_id=line_id) if row.id not in away]


def counted_one_by_one(line_id: int, zone: ZoneInfo, at: datetime) -> list[Facts]:
    """The same as `facts_of`, from the rows alone, without the database's help."""
    alike: dict[tuple[Any, ...], list[Disclosure]] = {}
    for row in shown(line_id, at):
        key = (tuple(row.path), row.campaign, row.purpose, row.basis, row.outcome, row.judgement, row.basis_doubtful)
        alike.setdefault(key, []).append(row)
    first = first_week(zone=zone, at=at)
    found = []
    for key in sorted(alike):
        rows = alike[key]
        local = [row.occurred_at.astimezone(zone).date() for row in rows if row.occurred_at <= at]
        weeks = Counter[date](day - timedelta(days=day.weekday()) for day in local if day >= first)
        found.append(
            Facts(
                *key,
                n=len(rows),
                recent=sum(row.occurred_at >= at - timedelta(days=30) for row in rows),
                last_at=max(row.occurred_at for row in rows),
                finest_m=min(row.precision_m for row in rows),
                weeks=weeks,
            )
        )
    return found


def pages(story: Story, filters: Filters, rows: int) -> list[datetime]:
    """Every moment that the pages of the history list, from the newest on."""
    found: list[datetime] = []
    while True:
        page = history_page(line_id=story.line.pk, filters=filters, zone=story.zone, at=story.at, rows=rows)
        found += sorted((at for day in page.days for group in day.groups for at in group.times), reverse=True)
        if not page.older:
            return found
        filters = Filters(**{**vars(filters), "before": page.older})


def check(story: Story) -> None:
    line_id, zone, at = story.line.pk, story.zone, story.at
    assert facts_of(line_id=line_id, zone=zone, at=at) == counted_one_by_one(line_id, zone, at)
    rows = shown(line_id, at)
    names = {uri for row in rows for uri in row.path} - {"unknown"}
    assert {one.uri for one in history_facts(line_id=line_id, filters=Filters(), zone=zone, at=at).companies} == names
    first, last = date(2026, 8, 31), date(2026, 11, 1)

    def expected(which: Callable[[Disclosure], bool]) -> list[datetime]:
        return sorted((row.occurred_at for row in rows if which(row)), reverse=True)

    wanted: tuple[tuple[Filters, Callable[[Disclosure], bool]], ...] = (
        (Filters(), lambda row: True),
        (Filters(company=TRACK), lambda row: TRACK in row.path),
        (Filters(company=TRACK, itself=True), lambda row: company_of(path=row.path) == TRACK),
        (Filters(company=BRIDGE, itself=True), lambda row: company_of(path=row.path) == BRIDGE),
        (Filters(only="after_stop"), lambda row: row.judgement == "after_stop"),
        (
            Filters(company=TRACK, itself=True, only="looked"),
            lambda row: company_of(path=row.path) == TRACK and row.judgement in {"permitted", *NOT_ALLOWED},
        ),
        (Filters(not_allowed=True), lambda row: row.judgement in NOT_ALLOWED),
        (
            Filters(company=ROAD, since=first, until=last),
            lambda row: ROAD in row.path and first <= row.occurred_at.astimezone(zone).date() <= last,
        ),
    )
    for filters, which in wanted:
        if filters.any:
            assert pages(story, filters, 3) == expected(which)
        months = defaultdict[date, HistoryTally](HistoryTally)
        for row in filter(which, rows):
            tally = tally_of(basis=row.basis, outcome=row.outcome, judgement=row.judgement, n=1)
            months[row.occurred_at.astimezone(zone).date().replace(day=1)] += tally
        found = history_facts(line_id=line_id, filters=filters, zone=zone, at=at)
        counts = count_history(facts=found.facts, filters=filters)
        assert counts.months == months
        assert counts.total == sum(months.values(), HistoryTally())


ROLLED = Step("roll", 0, 0, 0)


@pytest.mark.usefixtures("db", "no_broker")
@stories(60)
@given(st.lists(STEPS, min_size=4, max_size=24))
@example([Step("store", 0, 26, 0), ROLLED, Step("hide", 0, 0, 0), ROLLED, Step("reveal", 0, 0, 5), ROLLED])
@example([Step("store", 0, 26, 0), Step("hide a while", 0, 0, 1), ROLLED, Step("later", 0, 0, 0), ROLLED])
@example([Step("store", 1, 20, 0), ROLLED, Step("judge", 1, 0, 0), ROLLED, Step("judge", 0, 0, 1), ROLLED])
@example([*(Step("store", *one) for one in ((3, 29, 0), (3, 26, 4), (1, 14, 0), (1, 11, 0), (0, 10, 0))), ROLLED])
@example([Step("store", 3, 19, 0), ROLLED, Step("move", 1, 0, 0), ROLLED, Step("store", 3, 18, 1), ROLLED])
def test_whatever_happens_the_pages_say_what_the_rows_say(steps: list[Step]) -> None:
    with undone():
        story = Story()
        for step in steps:
            story.take(step)
            if step.does in {"hide", "reveal", "judge", "store"}:
                assert facts_of(line_id=story.line.pk, zone=story.zone, at=story.at) == counted_one_by_one(
                    story.line.pk, story.zone, story.at
                )
        check(story)
        roll_up(at=story.at)
        check(story)
        story.at += timedelta(days=40)
        check(story)


DROPPED = Step("drop", 0, 0, 0)


@pytest.mark.usefixtures("months_as_before", "no_broker")
@stories(12)
@given(st.lists(st.one_of(STEPS, st.just(ROLLED), st.just(DROPPED)), min_size=6, max_size=16))
@example([*(Step("store", 1, moment, 0) for moment in range(7)), DROPPED, ROLLED, Step("store", 1, 3, 1), ROLLED])
@example([*(Step("store", 1, moment, 0) for moment in range(7)), ROLLED, DROPPED, Step("judge", 2, 0, 2), ROLLED])
@example(
    [*(Step("store", 1, moment, 0) for moment in range(7)), Step("hide", 9, 0, 0), ROLLED, DROPPED, ROLLED, DROPPED]
)
@pytest.mark.nightly
def test_whatever_happens_pages_say_what_kept_months_say(steps: list[Step]) -> None:
    story = Story(OLD)
    for step in steps:
        story.take(step)
        line_id, zone, at = story.line.pk, story.zone, story.at
        assert facts_of(line_id=line_id, zone=zone, at=at) == counted_one_by_one(line_id, zone, at)
    check(story)
    roll_up(at=story.at)
    check(story)
