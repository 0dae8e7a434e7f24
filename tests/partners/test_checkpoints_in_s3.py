"""Checkpoints in a store that speaks S3: written once, whole, found with few requests, and missed where one is gone."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

import audit.actions
from audit.models import Incident
from consent.gate.deciding import NOT_LOOKED
from consent.workers import archive_comparison
from partners.clients import checkpoint_places
from partners.clients.checkpoint_s3 import S3Place
from partners.clients.s3 import StoreFailed
from partners.tasks import write_checkpoint
from partners.workers import checkpoints
from partners.workers.checkpoints import WRITTEN, DatabaseBehind, Line, age_s, read_newest_checkpoint
from support.workers.watching import verify_audit
from tests.stores import Running, checkpoints_stored

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OURS = "carrier/signed"
AWAY = "the checkpoints' store answered 503 SlowDown"


@pytest.fixture
def store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with checkpoints_stored(settings, monkeypatch) as running:
        cache.delete(WRITTEN)
        yield running
        cache.delete(WRITTEN)


def signed(at: datetime) -> str:
    """Write one. Returns its key."""
    name = checkpoints.write(place=checkpoint_places.place(), at=at)
    return f"{OURS}/{name[:4]}-{name[4:6]}-{name[6:8]}/{name}"


def happened(at: datetime = NOON) -> None:
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=at)


def cut_off() -> None:
    with connections["owner"].cursor() as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("DELETE FROM audit_auditevent WHERE target = 'thing:1'")
        owner.execute("UPDATE audit_chainhead SET seq = seq - 1 WHERE seq > 0")
        owner.execute("SET session_replication_role = origin")


def said_of_the_trail() -> str:
    said = StringIO()
    call_command("verify_audit", stdout=said)
    return said.getvalue().splitlines()[-1]


def vouches(key: str) -> bool:
    """Whether the trail verifies, by this one."""
    return f", by the checkpoint {key.rpartition('/')[2]}." in said_of_the_trail()


def the_server_started() -> None:
    with connections["owner"].cursor() as owner:
        owner.execute("UPDATE consent_gateopening SET server_started = '-infinity'")


def test_each_lies_below_its_day_and_follows_the_one_before(store: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    place = checkpoint_places.place()
    assert (str(place), checkpoints.newest(place=place), checkpoints.find_gap(place=place)) == (
        f"{store.url}/{OURS}",
        None,
        "",
    )
    made = [signed(NOON + timedelta(hours=9 * n)) for n in range(6)]
    assert made[:3] == [
        f"{OURS}/2026-11-24/20261124T120000000000Z.jws",
        f"{OURS}/2026-11-24/20261124T210000000000Z.jws",
        f"{OURS}/2026-11-25/20261125T060000000000Z.jws",
    ]
    # By a clock that was set back.
    made.append(signed(NOON))
    assert made[-1] == f"{OURS}/2026-11-26/20261126T090000000001Z.jws"
    assert store.told()["objects"] == dict.fromkeys(made, 1)
    newest = checkpoints.newest(place=place)
    assert newest is not None
    assert newest.at == NOON + timedelta(hours=45)
    monkeypatch.setattr("partners.clients.checkpoint_s3.IN_MEMORY", 2)
    oldest_first = [*place.oldest_first()]
    assert [name for name, _ in oldest_first] == [key.rpartition("/")[2] for key in made]
    assert oldest_first == [*place.newest_first()][::-1]
    assert checkpoints.read_checkpoint_line(place=place) == Line()


def test_the_newest_is_found_by_two_lists(store: Running) -> None:
    made = [signed(NOON + timedelta(hours=5 * n)) for n in range(7)]
    assert [key.split("/")[2] for key in made] == ["2026-11-24"] * 3 + ["2026-11-25"] * 4
    # The store tells two in a page.
    few = ["GET /stops"] * (1 + 2)
    # There is no day of interim ones.
    interim = ["GET /stops"]
    for ask in (
        checkpoints.newest,
        read_newest_checkpoint,
        checkpoints.find_missing_events,
        checkpoints.get_newest_matching,
    ):
        store.told()
        ask(place=checkpoint_places.place())
        assert store.told()["asked"] == [*few, f"GET /stops/{made[-1]}", *interim]
    next_one = signed(NOON + timedelta(hours=50))
    assert store.told()["asked"] == [*few, f"GET /stops/{made[-1]}", *interim, f"PUT /stops/{next_one}"]


def test_one_that_is_gone_is_missed_unless_it_is_old(store: Running) -> None:
    now = timezone.now()
    happened(now - timedelta(days=1))
    made = [signed(now - timedelta(minutes=10 * n)) for n in (4, 3, 2, 1)]
    assert vouches(made[3])
    store.holds(made[0], b"")
    assert vouches(made[3])
    store.holds(made[2], b"")
    missed = made[3].rpartition("/")[2]
    assert checkpoints.find_gap(place=checkpoint_places.place()) == missed
    with pytest.raises(CommandError, match=f"^a checkpoint before {missed} is not there: the trail may have been cut"):
        said_of_the_trail()
    verify_audit(now=now)
    assert [one.subject for one in Incident.objects.all()] == [f"a checkpoint before {missed} is not there"]


def test_an_object_that_is_none_of_ours_is_an_error(store: Running) -> None:
    kept, place = signed(NOON), checkpoint_places.place()
    asks = (lambda: checkpoints.newest(place=place), lambda: checkpoints.find_gap(place=place), write_checkpoint)
    for key in ("2026-11-24/readme.txt", "2026-11-24/20261125T120000000000Z.jws", "notes/list.txt"):
        store.holds(f"{OURS}/{key}", b"hello")
        for ask in asks:
            with pytest.raises(StoreFailed, match=r"^1 (objects are no checkpoints of ours|folders are no days of c)"):
                ask()
        with pytest.raises(
            CommandError, match=rf"in {store.url}/carrier/signed can't be trusted: 1 (objects|folders) are no "
        ):
            said_of_the_trail()
        assert sorted(store.told()["objects"]) == sorted([kept, f"{OURS}/{key}"])
        store.holds(f"{OURS}/{key}", b"")


def test_a_folder_s_mark_and_what_lies_beside_are_nothing(store: Running) -> None:
    made = signed(NOON)
    marks = [f"{OURS}/{folder}" for folder in ("", "2026-11-24/", "2026-11-25/")]
    for key in (*marks, f"{OURS}-of-others/2026-11-25/20261125T120000000000Z.jws", "other.txt"):
        store.holds(key, b"x")
    place = checkpoint_places.place()
    assert [name for name, _ in place.oldest_first()] == [made.rpartition("/")[2]]
    assert [*place.newest_first()] == [*place.oldest_first()]
    assert signed(NOON + timedelta(minutes=10)) == f"{OURS}/2026-11-24/20261124T121000000000Z.jws"
    assert checkpoints.find_gap(place=place) == ""


def test_one_that_somebody_overwrote_is_passed_over_or_refused(store: Running) -> None:
    now = timezone.now()
    happened(now - timedelta(days=1))
    first, second = (signed(now - timedelta(minutes=10 * n)) for n in (2, 1))
    place = checkpoint_places.place()
    token = dict(place.oldest_first())[second.rpartition("/")[2]]
    store.holds(second, token[:-9])
    with pytest.raises(CommandError, match=rf"can't be trusted: {second.rpartition('/')[2]} is no whole checkpoint$"):
        said_of_the_trail()
    with capture_logs() as logs:
        third = signed(now)
    assert [(one["event"], one["name"]) for one in logs] == [("checkpoint.unreadable", second.rpartition("/")[2])]
    assert vouches(third)
    # Signed by nobody.
    token = dict(place.oldest_first())[third.rpartition("/")[2]]
    store.holds(third, token[:-9] + b"AAAAAAAAA")
    with pytest.raises(ValueError, match="signature"):
        checkpoints.newest(place=place)
    assert checkpoints.find_missing_events(place=place)
    with pytest.raises(DatabaseBehind):
        write_checkpoint()
    verify_audit(now=now)
    assert [one.subject for one in Incident.objects.all()] == ["the newest checkpoint can't be trusted"]
    assert sorted(store.told()["objects"]) == [first, second, third]


def emptied(store: Running) -> None:
    for key in store.told()["objects"]:
        store.holds(key, b"")


def test_after_a_moment_s_failure_or_a_lost_answer_once(store: Running) -> None:
    """Of a write to a day with one object: the list of days, that of the day, the object, the list of days of interim
    ones, and what is written."""
    for faults in (
        ("503",), ("", "reset", "500"), ("", "", "429"), ("", "", "", "503"), ("", "", "", "", "silent"),
        ("", "", "", "", "silent", "503"), ("", "", "", "", "reset", "silent"),
    ):  # fmt: skip
        first = signed(NOON)
        store.told(*faults)
        second = signed(NOON + timedelta(minutes=10))
        assert store.told()["objects"] == {first: 1, second: 1}, faults
        assert checkpoints.find_gap(place=checkpoint_places.place()) == ""
        emptied(store)
    # An answer that never came, however often it was asked again, is followed on by the next.
    store.told("", "", "silent", "reset", "reset")
    with pytest.raises(StoreFailed, match=r"^the checkpoints' store answered ConnectionError$"):
        signed(NOON)
    signed(NOON + timedelta(minutes=10))
    assert len(store.told()["objects"]) == 2
    assert checkpoints.find_gap(place=checkpoint_places.place()) == ""


def test_a_store_that_is_away_fails_the_task_alone(store: Running) -> None:
    for before in range(5):
        first = signed(NOON)
        cache.delete(WRITTEN)
        store.told(*[""] * before, "503", "503", "503")
        with pytest.raises(StoreFailed, match=f"^{AWAY}$"):
            write_checkpoint()
        assert age_s() == float("inf"), before
        assert [*store.told()["objects"]] == [first]
        write_checkpoint()
        assert 0 <= age_s() < 60
        assert len(store.told()["objects"]) == 2
        assert checkpoints.find_gap(place=checkpoint_places.place()) == ""
        emptied(store)


def test_another_content_or_a_wrong_key_is_refused(store: Running, settings: Settings) -> None:
    place = checkpoint_places.place()
    for _ in range(2):
        place.put(name="20261124T120000000000Z.jws", token=b"theirs")
    with pytest.raises(StoreFailed, match=r"^2026-11-24/20261124T120000000000Z\.jws is there already, and not ours$"):
        place.put(name="20261124T120000000000Z.jws", token=b"ours")
    assert store.told()["objects"] == {f"{OURS}/2026-11-24/20261124T120000000000Z.jws": 1}
    assert [*place.oldest_first()] == [("20261124T120000000000Z.jws", b"theirs")]
    settings.CHECKPOINT_S3_SECRET = "another"
    with pytest.raises(StoreFailed, match=r"^the checkpoints' store answered 403 SignatureDoesNotMatch$"):
        checkpoints.newest(place=checkpoint_places.place())


class Interrupted(S3Place):
    """Something happens after a writer has read where the line ends, and before it puts its own there."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def put(self, *, name: str, token: bytes) -> None:
        self._meanwhile()
        super().put(name=name, token=token)


def written_by_another(at: datetime, *, over: bool) -> str:
    """In a session of its own."""
    try:
        return checkpoints.write(place=checkpoint_places.place(), at=at, over=over)
    finally:
        connection.close()


def test_a_second_writer_leaves_and_no_gap_is_left(store: Running) -> None:
    first = signed(NOON)
    said: list[str] = []
    with ThreadPoolExecutor(max_workers=1) as pool:
        second = checkpoints.write(
            place=Interrupted(
                lambda: said.append(pool.submit(written_by_another, NOON + timedelta(minutes=9), over=False).result())
            ),
            at=NOON + timedelta(minutes=10),
        )
    assert (said, second) == ([""], "20261124T121000000000Z.jws")
    third = signed(NOON + timedelta(minutes=20))
    assert [*store.told()["objects"]] == [first, f"{OURS}/2026-11-24/{second}", third]
    assert checkpoints.find_gap(place=checkpoint_places.place()) == ""


def test_who_writes_after_a_restore_waits_for_the_other(store: Running) -> None:
    others: list[Future[str]] = []

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            return bool(cursor.fetchone()[0])

    def another_begins() -> None:
        others.append(pool.submit(written_by_another, NOON + timedelta(minutes=1), over=True))
        while not (waits() or others[0].done()):
            pass

    with ThreadPoolExecutor(max_workers=1) as pool:
        first = checkpoints.write(place=Interrupted(another_begins), at=NOON)
        second = others[0].result()
    names = [name for name, _ in checkpoint_places.place().oldest_first()]
    assert names == [first, second] == ["20261124T120000000000Z.jws", "20261124T120100000000Z.jws"]
    assert checkpoints.find_gap(place=checkpoint_places.place()) == ""


def test_readiness_asks_no_store_and_none_hangs_us(
    store: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed(NOON)
    store.told(*["hangs"] * 9)
    assert 0 <= client.get("/readyz").json()["checkpoint_s"] < 60
    assert store.told(*["hangs"] * 9)["asked"] == []
    monkeypatch.setattr("partners.clients.http.STORE_SECONDS", 0.2)
    with pytest.raises(StoreFailed, match=r"^the checkpoints' store answered no answer in time$"):
        write_checkpoint()
    assert store.told()["asked"] == ["GET /stops"] * 3


def test_who_verifies_the_trail_hears_of_an_absent_store(store: Running) -> None:
    now = timezone.now()
    happened(now - timedelta(hours=25))
    made = signed(now)
    for faults in (["503"] * 3, ["", *["503"] * 3]):
        store.told(*faults)
        with pytest.raises(CommandError, match=rf"^the newest checkpoint in {store.url}/{OURS} can't.+: {AWAY}$"):
            said_of_the_trail()
    store.told()
    assert vouches(made)
    # All are read once, and the newest by itself; of interim ones there is no day.
    once = [*["GET /stops"] * 2, f"GET /stops/{made}"]
    assert store.told()["asked"] == [*once, *once, "GET /stops"]
    store.told("503", "503", "503")
    verify_audit(now=now)
    assert [one.subject for one in Incident.objects.all()] == ["the checkpoints can't be read"]


def test_after_a_start_the_gate_opens_once_the_store_answers(store: Running) -> None:
    happened(timezone.now())
    signed(timezone.now())
    the_server_started()
    store.told("503", "503", "503")
    with capture_logs() as logs:
        opening = archive_comparison.compare_archive()
    assert (opening.is_open, opening.why, opening.may_reopen) == (False, NOT_LOOKED, True)
    assert [(one["event"], one["error"], one["said"]) for one in logs] == [("archive.unreadable", "StoreFailed", AWAY)]
    assert archive_comparison.compare_archive().is_open
    cut_off()
    the_server_started()
    assert archive_comparison.compare_archive().why == "a checkpoint outside signed events that the database lacks"
    with pytest.raises(DatabaseBehind):
        write_checkpoint()
