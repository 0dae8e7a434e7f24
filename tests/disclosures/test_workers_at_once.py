"""Two workers at the same job, or two files of one matter: each thing is done, counted and noted once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django.fixtures import Settings

from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.gate.rules import decision_ids
from consent.models import RejudgeRequest
from disclosures import actions
from disclosures.domain.ingest import chunks, pending_releases, projections, rejudging
from disclosures.domain.ingest.rows import id_of
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.models import (
    Archive,
    ArchivePart,
    DelayedNotice,
    Disclosure,
    HeldNotice,
    ImportedChunk,
    JudgementChange,
    PastFigure,
    PublishedFigure,
)
from disclosures.queries.figures.statements import STATEMENTS
from disclosures.workers import archiving, publishing, reassignment
from disclosures.workers.anomalies.detection import lock_anomalies
from tests.factories import LONG_AGO, a_line
from tests.feeds import (
    BRIDGE,
    TRACK,
    approval_row,
    choice_row,
    line_row,
    ndjson,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
    taken,
    told,
)
from tests.overlapping import elsewhere, overlap, wait_until_it_waits
from tests.world import gagged

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FILE = b"0123456789abcdef"
AWAITED = {"disclosure_id": "r", "suppressed_until": None, "awaited": True}


@pytest.mark.parametrize("is_there", [True, False], ids=["of_a_row_we_have", "of_one_to_come"])
def test_two_orders_on_one_row_have_two_numbers(is_there: bool) -> None:
    take_parties()
    take_lines(line_row())
    if is_there:
        take_releases(release_row(id="r"))

    def orders(ref: str) -> Callable[[], object]:
        return lambda: told(take_notices(AWAITED | {"order_ref": ref}))

    overlap(orders("court-1"), orders("court-2"))
    kept = DelayedNotice if is_there else HeldNotice
    assert sorted(kept.objects.values_list("number", "order_ref")) == [(1, "court-1"), (2, "court-2")]


@pytest.mark.parametrize("row_first", [True, False], ids=["the_row_first", "the_order_first"])
def test_an_order_and_its_row_find_each_other(row_first: bool) -> None:
    take_parties()
    take_lines(line_row())

    def comes() -> object:
        return told(take_releases(release_row(id="r")))

    def is_hidden() -> object:
        return told(take_notices(AWAITED | {"order_ref": "court"}))

    overlap(*((comes, is_hidden) if row_first else (is_hidden, comes)))
    assert (DelayedNotice.objects.count(), HeldNotice.objects.count()) == (1, 0)


def test_a_lost_order_waits_for_one_given_meanwhile() -> None:
    now = database_clock()
    row = id_of("r")

    def is_brought_back() -> bool:
        return actions.restore_order(disclosure_id=row, suppressed_until=now + DAY, order_ref="lost", at=now)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock_anomalies()
            back = pool.submit(elsewhere, is_brought_back)
            wait_until_it_waits(back)
            actions.record_notice(source_id="r", suppressed_until=None, order_ref="since", at=now, awaited=True)
        back.result()
    assert list(HeldNotice.objects.values_list("order_ref", flat=True)) == ["since"]


def test_a_row_whose_order_has_ended_is_counted_once() -> None:
    take_parties()
    take_lines(line_row())
    ever, over = "2190-01-01T00:00:00Z", database_clock() - DAY
    take_releases(release_row(id="r", basis="emergency", campaign="", path=[BRIDGE, TRACK], suppressed_until=ever))
    gagged(Disclosure.objects.get(), until=over, at=over - DAY, number=2)

    def leaves_the_rest() -> None:
        projections.reveal(at=database_clock())

    overlap(leaves_the_rest, leaves_the_rest)
    assert list(Incident.objects.values_list("kind", "count")) == [("basis_doubtful", 1)]


def test_a_judgement_is_changed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    take_releases(release_row(occurred_at="2025-07-01T00:00:00Z"))
    # As when the run that was to judge again was killed.
    monkeypatch.setattr(rejudging, "_list_rejudge_queue", lambda **_: {})
    take_choices(choice_row(made_at="2025-06-15T00:00:00Z"))
    again = RejudgeRequest.objects.create(line_id=RejudgeRequest.objects.get().line_id, since=LONG_AGO).pk
    once = RejudgeRequest.objects.exclude(pk=again).get().pk

    def judges(touched: int) -> Callable[[], int]:
        return lambda: rejudging._batch([touched], "consent")

    assert overlap(judges(once), judges(again)) == (1, 0)
    assert [(one.was, one.becomes) for one in JudgementChange.objects.all()] == [("permitted", "after_stop")]


@pytest.mark.one_server
def test_each_change_of_a_judgement_needs_a_record_of_its_own() -> None:
    take_parties()
    take_lines(line_row())
    take_releases(release_row(occurred_at="2025-07-01T00:00:00Z"))
    take_approvals(approval_row())

    def judge(was: str, becomes: str, *, recorded: bool) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            if recorded:
                cursor.execute(
                    "INSERT INTO disclosures_judgementchange (line_id, disclosure_id, changed_at, was, becomes, cause)"
                    " SELECT line_id, id, now(), %s, %s, 'x' FROM disclosures_disclosure",
                    [was, becomes],
                )
            cursor.execute("UPDATE disclosures_disclosure SET judgement = %s", [becomes])

    assert [(one.was, one.becomes) for one in JudgementChange.objects.all()] == [("no_approval", "permitted")]
    judge("permitted", "no_approval", recorded=True)
    with pytest.raises(IntegrityError, match="without a record"):
        judge("no_approval", "permitted", recorded=False)


def test_what_was_given_back_is_noted_once() -> None:
    take_parties()
    take_lines(line_row())
    take_releases(*(release_row(id=one, occurred_at="2025-12-01T00:00:00Z") for one in ("r", "s")))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reassignment, "_note", lambda *_: None)
        take_lines(line_row(deactivated_at="2025-09-01T00:00:00Z"))

    def notes() -> None:
        reassignment._note(database_clock(), "system:test")

    overlap(notes, notes)
    events = AuditEvent.objects.filter(action=reassignment.ACTION)
    assert [event.detail["count"] for event in events] == [2]


def test_what_is_held_ungated_is_counted_once() -> None:
    take_parties()
    now = database_clock()
    claimed = decision_ids(campaign="CMP-road", allowed=True, at_us=int(now.timestamp() * 1_000_000))(1)
    row = release_row(occurred_at=now.isoformat(), decision_id=claimed)
    assert told(taken(DisclosuresFeed(gateway="gateway-1"), ndjson([row]))) == [("rejected", "msisdn", "line_unknown")]

    def counts() -> None:
        pending_releases.count_ungated(at=now + 2 * DAY)

    overlap(counts, counts)
    assert Incident.objects.get(kind="ungated").count == 1


def test_one_run_notes_how_far_a_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "WAITS", "10ms")
    assert overlap(lambda: chunks.begin_run(file=FILE), lambda: chunks.begin_run(file=FILE)) == (True, False)
    chunks.end_run(file=FILE)
    assert chunks.begin_run(file=FILE)


def test_who_resumes_a_file_knows_the_last_chunk() -> None:
    def takes() -> None:
        with transaction.atomic():
            chunks.join_run(file=FILE)
            chunks.record_chunk(
                file=FILE, starts_at=0, content=b"x", told=chunks.ChunkResult(1, 1, {}, {}, []), at=database_clock()
            )

    _, known = overlap(takes, lambda: chunks.list_imported_chunks(file=FILE))
    assert known == {0: chunks.digest_of(b"x")}
    assert ImportedChunk.objects.count() == 1


def test_an_archive_is_made_by_one_worker() -> None:
    line, now = a_line(), database_clock()
    actions.request_archive(line_id=line.pk, user_id=7, language="en", at=now)

    def claims() -> Archive | None:
        return archiving._claim(now)

    first, second = overlap(claims, claims)
    assert first is not None
    assert second is None


def test_an_archive_that_is_over_makes_room_while_it_is_written() -> None:
    line, now = a_line(), database_clock()
    first = actions.request_archive(line_id=line.pk, user_id=7, language="en", at=now)
    archive = archiving._claim(now)
    assert archive is not None
    sink = archiving._Sink(archiving._Lease(archive, lambda: now))
    sink.write(b"a part")

    def asks_again() -> UUID:
        return actions.request_archive(line_id=line.pk, user_id=7, language="en", at=now + archiving.LASTS)

    _, second = overlap(sink.end, asks_again)
    assert [one.pk for one in Archive.objects.all()] == [second] != [first]


def test_an_archive_that_goes_while_it_is_written_goes_whole() -> None:
    line, now = a_line(), database_clock()
    actions.request_archive(line_id=line.pk, user_id=7, language="en", at=now)
    archive = archiving._claim(now)
    assert archive is not None
    sink = archiving._Sink(archiving._Lease(archive, lambda: now))
    sink.write(b"a part")
    overlap(sink.end, lambda: archiving.take_away(line_ids=[line.pk]))
    assert (Archive.objects.count(), ArchivePart.objects.count()) == (0, 0)


def test_an_archive_is_begun_before_an_order_or_after_it() -> None:
    take_parties()
    take_lines(line_row())
    take_releases(release_row(id="r"))
    line_id = Disclosure.objects.get().line_id

    def is_asked_for_and_begun() -> Archive | None:
        now = database_clock()
        actions.request_archive(line_id=line_id, user_id=7, language="en", at=now)
        return archiving._claim(now)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            take_notices(AWAITED | {"order_ref": "court"})
            begun = pool.submit(elsewhere, is_asked_for_and_begun)
            wait_until_it_waits(begun)
            assert Archive.objects.get().state == Archive.State.WAITING
        assert begun.result() is not None


def test_what_counts_people_is_counted_once_for_its_month() -> None:
    first, later = database_clock(), database_clock() + HOUR
    overlap(lambda: publishing.make(at=first), lambda: publishing.make(at=later))
    counted = [name for name, statement in STATEMENTS.items() if statement.counts]
    assert set(PublishedFigure.objects.filter(name__in=counted).values_list("made_at", flat=True)) == {first}


def test_the_days_before_are_those_before_the_newest_count(settings: Settings) -> None:
    settings.FIGURES_TO_THE_MINUTE = True
    first, later = database_clock(), database_clock() + HOUR
    overlap(lambda: publishing.make(at=first), lambda: publishing.make(at=later))
    assert set(PastFigure.objects.values_list("until", flat=True)) == {later - 30 * DAY}
