"""Everything about a line as one file: made in the background, whole, without what is hidden, for its person alone."""

import csv
import io
import json
import re
import tracemalloc
import zipfile
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime

from accounts.models import Line
from accounts.primitives.zones import zone_of
from consent.actions.choices import stop
from consent.domain import receipts
from disclosures import actions
from disclosures.domain.ingest.rows import NoticeFate
from disclosures.models import Archive, ArchivePart, DelayedNotice, Disclosure
from disclosures.queries.downloads import archive_of
from disclosures.tasks import make_archives
from disclosures.workers import archiving
from partners.domain import keys
from tests.factories import a_line
from tests.feeds import line_row, release_row, take_lines, take_parties, take_releases
from tests.moments import ends_at
from tests.people import Browser, number_of, sign_in, user_of
from tests.staff import an_actor
from tests.world import a_world, disclosed, gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")
NEW = NoticeFate(is_new=True, has_arrived=True)
HOUR = timedelta(hours=1)
ASK, PAGE, FILE = "/settings/archive/ask/", "/settings/archive/", "/settings/archive/whereabouts.zip"


def state(text: str) -> list[str]:
    return re.findall(r'data-archive="(\w+)"', text)


def taken(browser: Browser) -> zipfile.ZipFile:
    answer = browser.client.get(FILE)
    assert answer.status_code == 200
    content = answer.getvalue()
    assert answer.headers["Content-Length"] == str(len(content))
    return zipfile.ZipFile(io.BytesIO(content))


def test_it_is_asked_for_made_and_taken(tmp_path: Path) -> None:
    line = a_world(at=timezone.now()).line
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    browser = sign_in(line)
    assert state(browser.get(PAGE).text) == ["none"]
    assert browser.get(FILE).status_code == 404
    assert state(browser.post(ASK, follow=True).text) == ["waiting"]
    first = Archive.objects.get()
    assert state(browser.post(ASK, follow=True).text) == ["waiting"]
    assert Archive.objects.get() == first
    make_archives()
    assert state(browser.get(PAGE).text) == ["ready"]
    packed = taken(browser)
    assert packed.testzip() is None
    everything = json.loads(packed.read("data/everything.json"))
    rows = list(csv.DictReader(io.StringIO(packed.read("data/history.csv").decode("utf-8-sig"))))
    ids = [row["id"] for row in rows]
    assert ids == [row["id"] for row in json.loads(packed.read("data/history.json"))["disclosures"]]
    assert ids == [row["id"] for row in everything["disclosures"]]
    assert len(ids) == Disclosure.objects.filter(line_id=line.pk).count() > 100
    months = [name for name in packed.namelist() if name.startswith("history-")]
    assert sum(len(re.findall(r"<tr>\s*<td>", packed.read(name).decode())) for name in months) == len(ids)
    index = packed.read("index.html").decode()
    assert [name for name in re.findall(r'href="([^"]+)"', index) if name not in packed.namelist()] == []
    assert number_of(line)[-4:] in index
    (receipt,) = [name for name in packed.namelist() if name.startswith("receipts/")]
    for name in (receipt, "data/keys.json"):
        (tmp_path / Path(name).name).write_bytes(packed.read(name))
    said = io.StringIO()
    call_command("verify_receipt", str(tmp_path / Path(receipt).name), jwks=tmp_path / "keys.json", stdout=said)
    assert "The receipt verifies." in said.getvalue()
    log = browser.get("/access-log/").text
    assert "Took a copy: everything, as one file (ZIP)" in log
    assert "Asked for a file with everything about this line" in log


@pytest.mark.parametrize(
    ("language", "way", "words"),
    [("es", "ltr", "Ninguna empresa ha preguntado todavía"), ("ar", "rtl", "لم تسأل أي شركة بعد")],
)
def test_it_speaks_the_language_it_was_asked_in(
    monkeypatch: pytest.MonkeyPatch, language: str, way: str, words: str
) -> None:
    # Kept in many parts, it comes whole.
    monkeypatch.setattr("disclosures.workers.archiving.PART", 1_000)
    line = a_line()
    browser = sign_in(line)
    browser.client.cookies["django_language"] = language
    browser.post(ASK)
    make_archives()
    assert ArchivePart.objects.count() > 2
    index = taken(browser).read("index.html").decode()
    assert f'<html lang="{language}" dir="{way}">' in index
    assert words in index


def test_nothing_is_kept_open_and_nothing_longer_than_a_day() -> None:
    line = a_world(at=timezone.now()).line
    browser = sign_in(line)
    browser.post(ASK)
    make_archives()
    assert ArchivePart.objects.count() > 0
    assert not any(bytes(part.sealed).startswith(b"PK") for part in ArchivePart.objects.all())
    there = localtime(Archive.objects.get().expires_at, zone_of(line.state))
    page = re.sub(r"<[^>]+>", "", browser.get(PAGE).text)
    assert f"until {formatted(there, 'M j, Y, g:i A')}." in page
    of: dict[str, Any] = {"line_id": line.pk, "user_id": user_of(line).pk}
    expires_at = Archive.objects.get().expires_at

    def is_kept(at: datetime) -> bool:
        archiving.make(now=at)
        return Archive.objects.exists()

    assert ends_at(is_kept, expires_at)
    assert ends_at(lambda at: archive_of(**of, at=at), expires_at)
    # Only then is another made.
    first = Archive.objects.get().pk
    assert ends_at(lambda at: actions.request_archive(**of, language="en", at=at) == first, expires_at)
    archiving.make(now=expires_at)
    assert (Archive.objects.count(), ArchivePart.objects.count()) == (0, 0)
    assert browser.get(FILE).status_code == 404


def test_what_is_hidden_is_in_no_part_of_it() -> None:
    now = timezone.now()
    line = a_line()
    shown = disclosed(line, ["https://seen.example"], at=now - 5 * HOUR)[0]
    (hidden,) = disclosed(line, ["https://hidden.example"], at=now - 6 * HOUR)
    gagged(hidden, until=None, at=now - 6 * HOUR)
    browser = sign_in(line)
    browser.post(ASK)
    make_archives()
    packed = taken(browser)
    whole = b"".join(packed.read(name) for name in packed.namelist())
    assert (b"seen.example" in whole, b"hidden.example" in whole) == (True, False)
    gagged(shown, until=now + 900 * HOUR, at=timezone.now())
    assert browser.get(FILE).status_code == 404
    assert state(browser.get(PAGE).text) == ["none"]
    assert state(browser.post(ASK, follow=True).text) == ["waiting"]
    make_archives()
    assert b"seen.example" not in taken(browser).read("data/everything.json")
    # A row that was hidden from the start takes nothing away.
    (hidden,) = disclosed(line, ["https://hidden.example"], at=now + HOUR)
    gagged(hidden, until=None, at=now + HOUR)
    assert browser.client.get(FILE).status_code == 200


def asked_by(line: Line) -> None:
    actions.request_archive(line_id=line.pk, user_id=user_of(line).pk, language="en", at=timezone.now())


def ordered(source_id: str, order_ref: str, at: datetime, *, awaited: bool = False) -> NoticeFate | None:
    return actions.record_notice(
        source_id=source_id, suppressed_until=None, order_ref=order_ref, at=at, awaited=awaited
    )


def left() -> tuple[int, int]:
    return Archive.objects.count(), min(1, ArchivePart.objects.count())


def a_reported_line(*ids: str) -> Line:
    take_parties()
    take_lines(line_row())
    take_releases(*(release_row(id=one) for one in ids))
    line = Line.objects.get()
    sign_in(line)
    return line


def test_an_order_takes_away_what_was_made_meanwhile() -> None:
    line, before, legal = a_reported_line("a", "b"), timezone.now(), an_actor("legal")
    asked_by(line)
    make_archives()
    assert left() == (1, 1)
    assert ordered("a", "court", before) == NEW
    assert left() == (0, 0)
    asked_by(line)
    make_archives()
    actions.delay_notice(
        order_ref="office", suppressed_until=None, source_ids=["b"], actor=legal, reason="Served", at=before
    )
    assert left() == (0, 0)


def test_an_order_on_a_hidden_row_takes_nothing_away() -> None:
    line, legal = a_reported_line("a"), an_actor("legal")
    ordered("late", "court", timezone.now(), awaited=True)
    take_releases(release_row(id="late"))
    asked_by(line)
    make_archives()
    assert ordered("late", "court 2", timezone.now()) == NEW
    for ref, ids in (("office", ["late"]), ("court 2", ["late"])):
        at = timezone.now()
        actions.delay_notice(order_ref=ref, suppressed_until=None, source_ids=ids, actor=legal, reason="Served", at=at)
    actions.lift_notice(order_ref="court 2", actor=legal, reason="Vacated", at=timezone.now())
    assert left() == (1, 1)
    assert DelayedNotice.objects.latest("number").order_ref != "court 2"


def test_an_order_while_it_is_made_leaves_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    line, before, archive = a_reported_line("a"), timezone.now(), keys.archive

    def and_meanwhile(*, at: datetime) -> object:
        ordered("a", "court", before)
        return archive(at=at)

    monkeypatch.setattr(keys, "archive", and_meanwhile)
    asked_by(line)
    assert archiving.make(now=timezone.now()) == 0
    assert left() == (0, 0)
    monkeypatch.undo()
    asked_by(line)
    assert archiving.make(now=timezone.now()) == 1


@pytest.mark.parametrize("breaks", [False, True])
def test_a_slow_worker_writes_nothing_once_another_has_begun_anew(
    monkeypatch: pytest.MonkeyPatch, *, breaks: bool
) -> None:
    line, now, archive = a_line(), timezone.now(), keys.archive
    sign_in(line)
    asked_by(line)

    def and_meanwhile(*, at: datetime) -> object:
        Archive.objects.update(tries=2, leased_until=now + HOUR)
        if breaks:
            raise RuntimeError
        return archive(at=at)

    monkeypatch.setattr(keys, "archive", and_meanwhile)
    if breaks:
        with pytest.raises(RuntimeError):
            archiving.make(now=now)
    else:
        assert archiving.make(now=now) == 0
    known = Archive.objects.get()
    assert (known.state, known.tries, known.leased_until, left()) == ("making", 2, now + HOUR, (1, 0))


def test_many_receipts_keep_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    line, leases, file_of = a_line(), list[datetime | None](), receipts.file_of
    sign_in(line)
    for n in range(2):
        stop(line_id=line.pk, scope="all", actor=f"subscriber:{n}", channel="web")

    def seen(**asked: Any) -> Any:
        leases.append(Archive.objects.get().leased_until)
        return file_of(**asked)

    monkeypatch.setattr(receipts, "file_of", seen)
    monkeypatch.setattr(archiving, "STEP", 1)
    asked_by(line)
    assert archiving.make(now=timezone.now(), clock=count().__next__) == 1
    first, second = leases
    assert first is not None
    assert second is not None
    assert first < second


def test_what_is_done_is_never_more_than_all_and_what_was_refused_is_not_shared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line, archive, shown = a_line(), keys.archive, list[list[tuple[str, str]]]()
    for outcome in ("released", "refused"):
        disclosed(line, ["https://a.example"], at=timezone.now() - HOUR, outcome=outcome)
    browser = sign_in(line)

    def seen(*, at: datetime) -> object:
        shown.append(re.findall(r'<progress max="(\d+)" value="(\d+)"', browser.get(PAGE).text))
        return archive(at=at)

    monkeypatch.setattr(keys, "archive", seen)
    monkeypatch.setattr(archiving, "STEP", 1)
    asked_by(line)
    assert archiving.make(now=timezone.now()) == 1
    # Two rows, four times each.
    assert shown == [[("8", "8")]]
    assert "<td>1</td><td>1</td>" in taken(browser).read("index.html").decode()


def test_only_who_asked_may_take_it() -> None:
    child, holder = a_line(account="A-1", role="minor"), a_line(account="A-1")
    stranger, parent, own = sign_in(a_line()), sign_in(holder), sign_in(child)
    asked = f"?line={child.public_id}"
    parent.post(ASK, {"line": str(child.public_id)})
    make_archives()
    assert [one.get(f"{FILE}{asked}").status_code for one in (own, stranger, Browser())] == [404, 404, 302]
    assert parent.client.get(f"{FILE}{asked}").status_code == 200
    assert "Took a copy" in own.get("/access-log/").text
    assert parent.get(FILE).status_code == 404


def test_a_killed_worker_is_followed_by_another() -> None:
    line, now = a_line(), timezone.now()
    browser = sign_in(line)
    actions.request_archive(line_id=line.pk, user_id=user_of(line).pk, language="en", at=now)
    taken_by_another = Archive.objects.filter(line_id=line.pk)
    taken_by_another.update(state=Archive.State.MAKING, leased_until=now + HOUR, tries=1)
    assert archiving.make(now=now) == 0
    assert archiving.make(now=now + HOUR) == 1
    taken_by_another.update(state=Archive.State.MAKING, leased_until=now, tries=3)
    assert archiving.make(now=now + HOUR) == 0
    assert "We could not make your file." in browser.get(PAGE).text
    assert state(browser.post(ASK, follow=True).text) == ["waiting"]


def peak(rows: int) -> int:
    """How much memory it takes to make the archive of a line with so many releases."""
    line, now = a_line(), timezone.now()
    sign_in(line)
    disclosed(line, ["https://a.example", "https://b.example"], at=now - 900 * HOUR, n=rows)
    actions.request_archive(line_id=line.pk, user_id=user_of(line).pk, language="en", at=now)
    tracemalloc.start()
    assert archiving.make(now=now) == 1
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.nightly
def test_a_long_history_takes_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """With smaller steps than in real life, so that few rows are many steps."""
    for name in ("workers.archiving.CHUNK", "workers.archiving.PART", "queries.export.CHUNK"):
        monkeypatch.setattr(f"disclosures.{name}", 50)
    peak(50)  # what is read once
    assert peak(1000) < peak(200) * 2
