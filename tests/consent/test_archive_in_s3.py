"""The archive of stops in a store that speaks S3: written once, whole, in order, and read back after a restore."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from consent.actions.choices import stop
from consent.clients.archive_s3 import S3Sink
from consent.clients.archive_sink import open_sink
from consent.models import ArchiveHead, ArchiveQueueEntry
from consent.workers import archive_comparison, archive_entries, archive_writing
from consent.workers.archive_comparison import find_missing
from consent.workers.archive_entries import read_after_head
from partners.clients import s3
from partners.clients.http import Reply
from partners.clients.s3 import StoreFailed
from tests.factories import a_campaign, a_contract, a_line
from tests.store import KEY_ID, REGION
from tests.stores import SECRET, Running, running

DAYS = [f"2026-11-{day:02}" for day in (24, 25, 26)]


@pytest.fixture
def store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with running() as made:
        settings.DOOR_OUT_LOOPBACK = True
        settings.STOP_ARCHIVE_BACKEND = "consent.clients.archive_s3.S3Sink"
        settings.STOP_ARCHIVE_S3_URL = f"{made.url}/carrier/portal"
        settings.STOP_ARCHIVE_S3_REGION, settings.STOP_ARCHIVE_S3_KEY_ID = REGION, KEY_ID
        settings.STOP_ARCHIVE_S3_SECRET = SECRET
        monkeypatch.setattr(s3, "PAUSES_S", (0.0, 0.0))
        monkeypatch.setattr(S3Sink, "_newest", {})
        yield made


def test_lines_come_back_as_they_were_added_day_by_day(store: Running) -> None:
    place = open_sink()
    assert (place.days(), place.last()) == ([], "")
    for day in DAYS:
        for number in range(3):
            place.append(day=day, lines=[f"{day} {number}a", f"{day} {number}b"])
    # Another process knows nothing of what this one wrote, and reads more than one page of a list.
    S3Sink._newest.clear()
    place = open_sink()
    assert (place.days(), place.last()) == (DAYS, f"{DAYS[-1]} 2b")
    assert list(place.lines(day=DAYS[0])) == [f"{DAYS[0]} {number}{part}\n" for number in range(3) for part in "ab"]
    place.append(day=DAYS[-1], lines=["the newest"])
    assert place.last() == "the newest"
    held = store.told()["objects"]
    assert sorted(held) == [
        *(f"carrier/portal/{day}/{number:08}.jws" for day in DAYS[:2] for number in (1, 2, 3)),
        *(f"carrier/portal/{DAYS[2]}/{number:08}.jws" for number in (1, 2, 3, 4)),
    ]
    assert set(held.values()) == {1}


FAULTS = (("", "503"), ("", "500", "429"), ("503", "", "reset"), ("", "silent"), ("", "silent", "503"), ("", "reset"))


def test_a_store_that_fails_for_a_moment_is_asked_again(store: Running) -> None:
    place, lines = open_sink(), ["first"]
    place.append(day=DAYS[0], lines=lines)
    for faults in FAULTS:
        store.told(*faults)
        place.append(day=DAYS[0], lines=[" ".join(faults)])
        lines.append(" ".join(faults))
        # Nothing is there twice.
        assert [*place.lines(day=DAYS[0])] == [f"{line}\n" for line in lines]
        assert set(store.told()["objects"].values()) == {1}
    store.told("503", "503", "503")
    with pytest.raises(StoreFailed, match=r"^the archive's store answered 503 SlowDown$"):
        place.append(day=DAYS[0], lines=["last"])
    place.append(day=DAYS[0], lines=["last"])
    assert place.last() == "last"


def test_a_page_whose_token_is_empty_is_the_last(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.STOP_ARCHIVE_S3_URL = "https://store.example/stops"
    page = (
        b"<CommonPrefixes><Prefix>2026-11-24/</Prefix></CommonPrefixes><NextContinuationToken></NextContinuationToken>"
    )
    answers = iter([Reply(200, page)])
    monkeypatch.setattr("partners.clients.http.store", lambda **_: next(answers))
    assert S3Sink().days() == ["2026-11-24"]


def test_an_object_too_long_to_be_read_is_said(store: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    place = open_sink()
    place.append(day=DAYS[0], lines=["fits", "x" * 994])
    place.append(day=DAYS[1], lines=["y" * 1000])
    monkeypatch.setattr("partners.clients.http.LARGEST_OBJECT", 1000)
    assert list(place.lines(day=DAYS[0])) == ["fits\n", "x" * 994 + "\n"]
    for read in (place.last, lambda: list(place.lines(day=DAYS[1]))):
        with pytest.raises(StoreFailed, match=r"^the archive's store answered 200 the answer is too long$"):
            read()


def test_a_list_that_broke_off_is_no_empty_archive(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.STOP_ARCHIVE_S3_URL = "https://store.example/stops"
    monkeypatch.setattr("partners.clients.http.store", lambda **_: Reply(200, detail="the answer broke off"))
    with pytest.raises(StoreFailed, match=r"^the archive's store answered 200 the answer broke off$"):
        S3Sink().days()


def test_two_who_write_at_once_never_overwrite_each_other(store: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = S3Sink(), S3Sink()
    theirs.append(day=DAYS[0], lines=["theirs"])
    monkeypatch.setattr(ours, "_newest_of", lambda _day: "")
    with pytest.raises(StoreFailed, match=r"00000001\.jws is there already, and not ours"):
        ours.append(day=DAYS[0], lines=["ours"])
    assert theirs.last() == "theirs"
    assert store.told()["objects"] == {f"carrier/portal/{DAYS[0]}/00000001.jws": 1}


def test_a_wrong_key_is_an_error_and_no_empty_archive(store: Running, settings: Settings) -> None:
    settings.STOP_ARCHIVE_S3_SECRET = "another"
    for ask in (open_sink().days, open_sink().last):
        with pytest.raises(StoreFailed, match="403 SignatureDoesNotMatch"):
            ask()


@pytest.mark.usefixtures("committed_db", "no_broker")
def test_choices_go_there_and_come_back(
    store: Running, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    monkeypatch.setattr("revocations.tasks.deliver_due.delay", lambda **_: None)
    a_campaign(a_contract(ref="AGR-1"))
    made = [stop(line_id=a_line().pk, scope="all", actor="subscriber:1", channel="web") for _ in range(2)]
    now = timezone.now()
    assert archive_writing.write(now=now) == 2
    made.append(stop(line_id=a_line().pk, scope="all", actor="subscriber:1", channel="web"))
    store.told("503", "503", "503")
    with pytest.raises(OSError, match="503"):
        archive_writing.write(now=now)
    assert ArchiveQueueEntry.objects.count() == 1
    assert (
        archive_writing.write(now=now),
        ArchiveQueueEntry.objects.count(),
        archive_comparison.describe_missing_entries(),
    ) == (1, 0, "")
    assert find_missing(now=now + timedelta(minutes=6)) == 0
    head = ArchiveHead.objects.get()
    # Where nothing came after what the database knows, not each object of the day is read to open the gate.
    store.told()
    assert archive_comparison.describe_missing_entries() == ""
    assert store.told()["asked"] == ["GET /stops"] * 2 + [f"GET /stops/carrier/portal/{head.day}/00000002.jws"]
    assert (head.day, head.digest) == (f"{now:%Y-%m-%d}", archive_entries.digest(open_sink().last()))
    # A look for what is missing reads from the newest on, and no farther than the last look came.
    cache.clear()
    made.append(stop(line_id=a_line().pk, scope="all", actor="subscriber:1", channel="web"))
    archive_writing.write(now=now)
    head = ArchiveHead.objects.get()
    objects = [f"GET /stops/carrier/portal/{head.day}/0000000{number}.jws" for number in (3, 2, 1)]
    for hours, read in ((0, 3), (3, 3), (6, 0)):
        store.told()
        assert find_missing(now=now + timedelta(hours=hours, minutes=6)) == 0
        assert [one for one in store.told()["asked"] if one.endswith(".jws")] == objects[:read]
    # A database of before all that finds each of them outside, in their order, and none is spoilt.
    with connections["owner"].cursor() as owner:
        owner.execute("DELETE FROM consent_archivehead")
    found = read_after_head(sink=open_sink())
    assert [entry.id for entry in found.entries] == [str(one.choice_id) for one in made]
    assert (found.faults, archive_entries.list_missing_entries(entries=found.entries)) == ([], [])
    # While nothing waits the store is asked nothing.
    store.told()
    archive_writing.write(now=now)
    assert store.told()["asked"] == []


@pytest.mark.usefixtures("committed_db", "no_broker")
def test_an_archive_in_a_folder_goes_on_in_a_store_where_each_day_was_copied_as_its_first_object(
    store: Running, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHECKPOINT_DIR, settings.STOP_ARCHIVE_DIR = tmp_path / "checkpoints", tmp_path / "stops"
    monkeypatch.setattr("revocations.tasks.deliver_due.delay", lambda **_: None)
    s3_sink, settings.STOP_ARCHIVE_BACKEND = settings.STOP_ARCHIVE_BACKEND, "consent.clients.archive_sink.FolderSink"
    made = [stop(line_id=a_line().pk, scope="all", actor="subscriber:1", channel="web") for _ in range(2)]
    now = timezone.now()
    assert archive_writing.write(now=now) == 2
    settings.STOP_ARCHIVE_BACKEND = s3_sink
    made.append(stop(line_id=a_line().pk, scope="all", actor="subscriber:1", channel="web"))
    # Before it was copied nothing is written there: that would begin another archive.
    assert (archive_writing.write(now=now), open_sink().days()) == (0, [])
    for file in settings.STOP_ARCHIVE_DIR.iterdir():
        open_sink().append(day=file.stem, lines=file.read_text().splitlines())
    assert sorted(store.told()["objects"]) == [f"carrier/portal/{now:%Y-%m-%d}/00000001.jws"]
    assert (archive_writing.write(now=now), archive_comparison.describe_missing_entries()) == (1, "")
    with connections["owner"].cursor() as owner:
        owner.execute("DELETE FROM consent_archivehead")
    found = read_after_head(sink=open_sink())
    assert ([entry.id for entry in found.entries], found.faults) == ([str(one.choice_id) for one in made], [])
