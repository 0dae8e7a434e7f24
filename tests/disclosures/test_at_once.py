"""Imports at once or cut off, and what commits while a chunk is judged: nothing is lost, or judged by old terms."""

import io
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.system_stops import enqueue_orders_for_newly_affected
from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.feeds.lines import LinesFeed
from consent.models import RejudgeRequest
from disclosures import actions
from disclosures.domain.ingest import chunks, projections, rejudging
from disclosures.domain.ingest.projections import enqueue_rejudging_since, enqueue_state_rejudging
from disclosures.domain.ingest.store import attribute_pending_releases
from disclosures.feeds.importing import FileImport
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.feeds.reports import receive_report
from disclosures.feeds.terms import settle_files
from disclosures.models import Disclosure, DisclosureRegister, HeldDisclosure, HeldNotice, JudgementChange
from partners.feeds.checking import Fate
from partners.feeds.command import Feed
from partners.feeds.parties import PartiesFeed
from partners.feeds.reading import NumberedLine, numbered_lines
from partners.models import Campaign, JurisdictionRule, Suspension
from tests.feeds import (
    BRIDGE,
    JAIL,
    ROAD,
    ROADSIDE,
    Row,
    approval_row,
    choice_row,
    line_row,
    moment,
    ndjson,
    parties_document,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
    told,
)

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def world() -> list[Row]:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    tails = [[], [JAIL], ["https://new.example"], ["unknown"]]
    return [
        release_row(id=f"r{n}", path=[BRIDGE, ROAD, *tails[n % 4]], occurred_at=f"2025-07-{n % 28 + 1:02}T00:00:00Z")
        for n in range(240)
    ]


def test_each_row_is_taken_exactly_once_whoever_comes_first() -> None:
    rows = world()

    def import_them(order: int) -> Counter[str]:
        lines = [NumberedLine(n, line) for n, line in enumerate(ndjson(rows[::order]).splitlines(), 1)]
        fates = [
            fate
            for chunk in batched(lines, 40, strict=False)
            for fate in DisclosuresFeed().take(lines=chunk, at=database_clock())
        ]
        connection.close()
        return Counter(fate.status for fate in fates)

    with ThreadPoolExecutor(3) as pool:
        counts = sum(pool.map(import_them, (1, -1, 1)), Counter[str]())
    assert counts == {"accepted": 240, "repeated": 480}
    assert (Disclosure.objects.count(), DisclosureRegister.objects.count()) == (240, 240)
    # One that goes on where it was cut off.
    more = [row | {"id": f"more {row['id']}"} for row in rows]
    take_releases(*more[:100])
    assert Counter(fate.status for fate in take_releases(*more)) == {"accepted": 140, "repeated": 100}


def test_a_notice_finds_the_row_that_is_being_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    take_parties()
    take_lines(line_row())
    leave, fates = projections.write_projections, list[Future[list[Fate]]]()

    def notice() -> list[Fate]:
        taken = take_notices({"disclosure_id": "r", "suppressed_until": None, "order_ref": "court"})
        connection.close()
        return taken

    with ThreadPoolExecutor(1) as other:

        def gag_meanwhile(*, cursor: CursorWrapper, rows: str, terms: str, at: datetime, **more: Any) -> dict[int, int]:
            fates.append(other.submit(notice))
            return leave(cursor=cursor, rows=rows, terms=terms, at=at, **more)

        monkeypatch.setattr(projections, "write_projections", gag_meanwhile)
        take_releases(release_row(id="r"))
        assert told(fates[0].result()) == [("accepted",)]
    assert not HeldNotice.objects.exists()


def test_a_line_that_breaks_is_left_alone(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    other, since = "+12065550199", "2025-06-15T00:00:00Z"
    take_parties()
    take_lines(line_row(), line_row(line_id="L2", msisdn=other))
    take_approvals(approval_row(), approval_row(msisdn=other))
    take_releases(release_row(), release_row(msisdn=other))
    bad = Line.objects.get(carrier_id="L1").pk

    def breaks(*, line_ids: Collection[int]) -> int:
        if bad in line_ids:
            raise RuntimeError
        return enqueue_orders_for_newly_affected(line_ids=line_ids)

    monkeypatch.setattr("disclosures.domain.ingest.rejudging._list_lines_with_untold_partners", sorted)
    monkeypatch.setattr("disclosures.domain.ingest.rejudging.enqueue_orders_for_newly_affected", breaks)
    fates = take_choices(choice_row(made_at=since), choice_row(msisdn=other, made_at=since))
    assert told(fates) == [("accepted",)] * 2
    assert by_line() == {"L1": "permitted", "L2": "after_stop"}
    assert set(RejudgeRequest.objects.values_list("line_id", flat=True)) == {bad}
    assert "a line can't be judged again" in caplog.text
    assert other not in caplog.text
    monkeypatch.undo()
    assert rejudging.rejudge(cause="consent") == 1
    assert by_line() == {"L1": "after_stop", "L2": "after_stop"}
    assert not RejudgeRequest.objects.exists()


def by_line() -> dict[str, str]:
    names = dict(Line.objects.values_list("pk", "carrier_id"))
    return {names[row.line_id]: row.judgement for row in Disclosure.objects.all()}


# What commits while a chunk is judged: its rows are judged by it after all, whoever looks first.


SINCE, OLD, OTHER = "2025-06-15T00:00:00Z", "https://old.example", "+12065550199"


WAITS = """
SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE NOT l.granted AND d.datname = current_database())
"""


# What is committed, and then what comes of it.
type News = tuple[Callable[[], object], Callable[[], object]]


def from_file(feed: Feed, row: Row) -> News:
    def commit() -> None:
        feed.take(lines=list(numbered_lines(io.BytesIO(ndjson([row])))), at=database_clock())
        feed.finish(at=database_clock())

    return commit, lambda: actions.catch_up(cause=feed.name, at=database_clock())


def from_parties(document: Mapping[str, list[Row]]) -> News:
    feed = PartiesFeed()
    return (
        lambda: feed.take(lines=[NumberedLine(1, json.dumps(document).encode())], at=database_clock()),
        lambda: settle_files(at=database_clock()),
    )


def a_link() -> News:
    parties = parties_document()["parties"]
    parties[2] |= {"same_as": [OLD]}
    return from_parties(parties_document(parties=parties))


def an_end_moved_forward() -> News:
    campaigns = parties_document()["campaigns"]
    campaigns[0] |= {"ends_at": SINCE}
    return from_parties(parties_document(campaigns=campaigns))


def a_rule() -> News:
    since = moment(SINCE)

    def settle() -> None:
        enqueue_state_rejudging(state="WA", since=since)
        actions.catch_up(cause="acts", at=database_clock())

    return (
        lambda: JurisdictionRule.objects.create(
            state="WA", starts_at=since, purposes=[ROADSIDE], sale_test=False, source="test: a law"
        ),
        settle,
    )


def a_suspension() -> News:
    since = moment(SINCE)

    def settle() -> None:
        enqueue_rejudging_since(campaigns={"CMP-road"}, parties=(), since=since)
        actions.catch_up(cause="acts", at=database_clock())

    def commit() -> None:
        pk = Campaign.objects.get(ref="CMP-road").pk
        Suspension.objects.create(of="campaign", target_id=pk, starts_at=since, reason="Due", actor="officer:1")

    return commit, settle


def a_world(*, agreed: bool = True) -> None:
    """A line that agreed, and said no to a company that nobody has heard of."""
    take_parties()
    take_lines(line_row())
    if agreed:
        take_approvals(approval_row())
    take_choices(choice_row(made_at=SINCE, scope="party", ref=OLD))


def in_its_thread(do: Callable[[], object]) -> object:
    try:
        return do()
    finally:
        connection.close()


class Meanwhile:
    """While the first chunk is judged and not committed: news, and whoever looks for what they concern, as far as they
    come."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, news: News, *, then: Callable[[], object] = dict) -> None:
        self.leave, self.news, self.then = projections.write_projections, news, then
        self.followed: Future[object] | None = None
        self.others = ThreadPoolExecutor(2)
        monkeypatch.setattr(projections, "write_projections", self)

    def __call__(self, *, cursor: CursorWrapper, rows: str, terms: str, at: datetime, **more: Any) -> dict[int, int]:
        if self.followed is None:
            commit, follow = self.news
            self.others.submit(in_its_thread, commit).result()
            self.followed = self.others.submit(in_its_thread, follow)
            while not (self.followed.done() or _somebody_waits(cursor)):
                pass
            self.others.submit(in_its_thread, self.then).result(timeout=60)
        return self.leave(cursor=cursor, rows=rows, terms=terms, at=at, **more)

    def end(self) -> None:
        assert self.followed is not None
        self.followed.result(timeout=60)
        self.others.shutdown()


def _somebody_waits(cursor: CursorWrapper) -> bool:
    cursor.execute(WAITS)
    return bool(cursor.fetchone() == (True,))


@pytest.mark.parametrize(
    ("news", "judgement"),
    [
        (lambda: from_file(ChoicesFeed(), choice_row(made_at=SINCE)), "after_stop"),
        (a_link, "after_stop"),
        (an_end_moved_forward, "campaign_not_in_force"),
        (a_rule, "jurisdiction_prohibits"),
        (a_suspension, "partner_suspended"),
        (lambda: from_file(ApprovalsFeed(), approval_row()), "permitted"),
    ],
    ids=["a_stop", "a_link", "the_end_of_a_campaign", "a_rule_of_a_state", "a_suspension", "a_yes"],
)
def test_news_committed_meanwhile_are_seen_after_all(
    monkeypatch: pytest.MonkeyPatch, news: Callable[[], News], judgement: str
) -> None:
    was = "no_approval" if judgement == "permitted" else "permitted"
    a_world(agreed=was == "permitted")
    meanwhile = Meanwhile(monkeypatch, news())
    assert told(take_releases(release_row())) == [("accepted", was)]
    meanwhile.end()
    assert Disclosure.objects.get().judgement == judgement
    assert list(JudgementChange.objects.values_list("was", "becomes")) == [(was, judgement)]
    assert not RejudgeRequest.objects.exists()


def test_a_line_s_end_meanwhile_takes_its_rows_out(monkeypatch: pytest.MonkeyPatch) -> None:
    a_world()
    meanwhile = Meanwhile(monkeypatch, from_file(LinesFeed(), line_row(deactivated_at=SINCE)))
    assert told(take_releases(release_row())) == [("accepted", "permitted")]
    meanwhile.end()
    assert (Disclosure.objects.count(), HeldDisclosure.objects.count()) == (0, 1)
    assert not RejudgeRequest.objects.exists()


def test_a_chunk_begun_meanwhile_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    a_world()
    stop = from_file(ChoicesFeed(), choice_row(made_at=SINCE, scope="party", ref=ROAD))
    meanwhile = Meanwhile(monkeypatch, stop, then=lambda: take_releases(release_row(id="other")))
    take_releases(release_row(id="first"))
    meanwhile.end()
    assert dict(Disclosure.objects.values_list("source_id", "judgement")) == {
        "first": "after_stop", "other": "after_stop",
    }  # fmt: skip
    assert JudgementChange.objects.count() == 1


def test_a_chunk_that_never_ends_is_given_up_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    a_world()
    monkeypatch.setattr("disclosures.domain.ingest.rejudging.A_CHUNK_TAKES", "1ms")
    meanwhile = Meanwhile(monkeypatch, from_file(ChoicesFeed(), choice_row(made_at=SINCE)))
    take_releases(release_row())
    meanwhile.end()
    assert "a chunk of disclosures has not come to its end" in caplog.text
    assert Disclosure.objects.get().judgement == "permitted"
    assert rejudging.rejudge(cause="consent") == 1
    assert Disclosure.objects.get().judgement == "after_stop"


class Killed(BaseException):
    """What a signal does to a process, as far as the database can tell."""


def the_file(folder: Path) -> None:
    """As `import_disclosures` takes it in."""
    (folder / "file").write_bytes(ndjson([release_row()]))
    with (
        (folder / "file").open("rb") as stream,
        FileImport(file=chunks.fingerprint_file(folder / "file"), workers=1) as run,
    ):
        list(run.import_stream(stream=stream))


def the_gateways_report(_: Path) -> None:
    """As standard input is taken in, too."""
    receive_report(stream=io.BytesIO(ndjson([release_row()])), client_id="gw", at=database_clock())


def what_was_held(_: Path) -> None:
    attribute_pending_releases(at=database_clock(), actor="system:attribute_held")


@pytest.mark.parametrize("door", [the_file, the_gateways_report, what_was_held])
def test_a_process_killed_after_commit_leaves_nothing_undone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, door: Callable[[Path], None]
) -> None:
    held = door is what_was_held
    a_world()
    if held:
        take_releases(release_row(msisdn=OTHER))
        take_approvals(approval_row(msisdn=OTHER))
        stored = LinesFeed().take(
            lines=list(numbered_lines(io.BytesIO(ndjson([line_row(line_id="L2", msisdn=OTHER)])))), at=database_clock()
        )
        assert told(stored) == [("accepted",)]
        ApprovalsFeed().replay(at=database_clock())
    commit, _ = from_file(ChoicesFeed(), choice_row(made_at=SINCE, **({"msisdn": OTHER} if held else {})))
    meanwhile = Meanwhile(monkeypatch, (commit, lambda: rejudging.rejudge(cause="consent")))

    def killed(**_: object) -> None:
        raise Killed

    monkeypatch.setattr("disclosures.domain.ingest.rejudging.enqueue_affected_lines", killed)
    with pytest.raises(Killed):
        door(tmp_path)
    meanwhile.end()
    assert list(JudgementChange.objects.values_list("was", "becomes")) == [("permitted", "after_stop")]
    assert Disclosure.objects.get().judgement == "after_stop"
