"""A carrier's file in the console, from its dry run to its end, as its uploader and a second officer read it."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from consent.feeds.lines import LinesFeed
from console.workers import imports
from partners.models import Proposal
from tests import feeds
from tests.factories import a_party
from tests.feeds import choice_row, line_row, ndjson, parties_document, release_row
from tests.support.officers import Member, post, staff
from tests.words.transcripts import assert_as_before, transcript

pytestmark = pytest.mark.usefixtures("db", "no_broker", "clock")
MINUTE = timedelta(minutes=1)


def test_a_carrier_file_from_its_dry_run_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def each() -> Iterator[tuple[str, list[str]]]:
        officer, second = staff(name="olga"), staff(name="petra")
        yield from _of_lines(officer, second, monkeypatch)
        yield from _of_few(officer, second)
        yield from _of_parties(officer, second)

    assert_as_before("carrier_files", each())


def _of_lines(first: Member, second: Member, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """A file with enough rows for totals: interrupted and imported, then one that is given up."""
    feeds.take_lines(line_row())
    rows = [line_row(), line_row(line_id="L-x", msisdn="none"), line_row(line_id="L-y", msisdn="+12065550999")]
    for n_of, end in enumerate(("imported", "given up")):
        rows += [line_row(line_id=f"{end} {n}", msisdn=f"+142555{n_of}{n:04}") for n in range(100)]
        page = _upload(first, "lines", ndjson(rows))
        yield f"lines, {end}: waits for its dry run", _read(first, page)
        imports.run(now=timezone.now())
        for who in (first, second):
            yield f"lines, {end}: checked, read by {who.user.username}", _read(who, page)
        post(first, f"{page}start/")
        yield f"lines, {end}: proposed", _read(second, page)
        post(second, f"/admin/proposals/{Proposal.objects.get(decision='').pk}/agree/")
        yield f"lines, {end}: agreed", _read(second, page)
        monkeypatch.setattr(LinesFeed, "finish", _fail)
        for minutes in (0, 2, 10, 30)[: 1 if end == "imported" else 4]:
            with pytest.raises(OSError, match="disk"):
                imports.run(now=timezone.now() + minutes * MINUTE)
        yield f"lines, {end}: interrupted", _read(second, page)
        monkeypatch.undo()
        imports.run(now=timezone.now() + 60 * MINUTE)
        for who in (first, second):
            yield f"lines, {end}: at its end, read by {who.user.username}", _read(who, page)


def _of_few(officer: Member, second: Member) -> Iterator[tuple[str, list[str]]]:
    """Files of a few rows: stops, which one officer imports alone, and releases that were imported before."""
    feeds.take_parties()
    known = release_row(id="K-1")
    feeds.take_releases(known)
    for feed, row in (("choices", choice_row()), ("disclosures", known)):
        page = _upload(officer, feed, ndjson([row]))
        imports.run(now=timezone.now())
        yield f"{feed}: checked", _read(officer, page)
        post(officer, f"{page}start/")
        yield f"{feed}: to be imported", _read(officer, page)
        for proposal in Proposal.objects.filter(decision=""):
            post(second, f"/admin/proposals/{proposal.pk}/agree/")
        imports.run(now=timezone.now())
        yield f"{feed}: imported", _read(officer, page)


def _of_parties(officer: Member, second: Member) -> Iterator[tuple[str, list[str]]]:
    """A file of companies, whose entries are named."""
    a_party("Elsewhere")
    said = parties_document()
    said["campaigns"][0]["purpose"] = "dpv:Unheard"
    page = _upload(officer, "parties", json.dumps(said).encode())
    imports.run(now=timezone.now())
    for who in (officer, second, staff("auditor", name="audrey")):
        yield f"companies: checked, read by {who.user.username}", _read(who, page)


def _fail(*_: object, **__: object) -> None:
    raise OSError("disk")


def _upload(who: Member, feed: str, content: bytes) -> str:
    return post(who, "/admin/imports/add/", {"feed": feed, "file": SimpleUploadedFile("of the carrier", content)})


def _read(who: Member, page: str) -> list[str]:
    return transcript(who.client.get(page).content.decode())
