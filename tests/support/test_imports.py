"""Carrier files in the console: a dry run first, two officers where it loosens, and nothing of a file that stays."""

import json
import socket
from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Line, User
from audit.models import AuditEvent
from consent.feeds.choices import ChoicesFeed
from consent.feeds.lines import LinesFeed
from consent.models import Choice
from console import tasks
from console.workers import imports
from disclosures.domain.ingest.rows import id_of
from disclosures.models import DelayedNotice, Disclosure, Upload, UploadPart
from partners.feeds.reading import BOM
from partners.models import Party, Proposal, Reach
from tests import feeds
from tests.factories import a_party
from tests.feeds import NUMBER, Row, choice_row, line_row, ndjson, parties_document, release_row
from tests.fixtures import Refusal
from tests.support.officers import WHY, Member, csv_of, post, rows_of, shown, staff

OWN = "you uploaded this file: another officer sees what is already known, before the import"
pytestmark = pytest.mark.usefixtures("db", "no_broker")


def upload(member: Member, feed: str, *rows: Mapping[str, object]) -> str:
    """Upload these rows and have them checked; the address of the file's page."""
    return checked(member, feed, ndjson(rows))


def checked(member: Member, feed: str, content: bytes) -> str:
    file = SimpleUploadedFile("of the carrier", content)
    page = post(member, "/admin/imports/add/", {"feed": feed, "file": file})
    assert page.startswith("/admin/imports/")
    tasks.import_files()
    return page


def import_by_two(first: Member, second: Member, page: str) -> None:
    """What one proposes and another agrees to is imported, and nothing of it before that."""
    assert post(first, f"{page}start/") == page
    tasks.import_files()
    assert Upload.objects.get(pk=page.split("/")[3]).state == Upload.State.CHECKED
    assert post(second, f"/admin/proposals/{Proposal.objects.get(target_id=page.split('/')[3]).pk}/agree/")
    tasks.import_files()


def refusal(member: Member, feed: str, content: bytes) -> str:
    return shown(member, "/admin/imports/add/", {"feed": feed, "file": SimpleUploadedFile("f", content)})


def acts(page: str) -> list[tuple[str, str]]:
    events = AuditEvent.objects.filter(target=f"import:{page.split('/')[3]}", action__regex=r"^(import|export)\.")
    return list(events.order_by("id").values_list("action", "actor"))


def test_lines_are_imported_when_a_second_officer_agrees(officer: Member, second: Member) -> None:
    page = upload(officer, "lines", line_row(), line_row(line_id="L2", msisdn="+1 206"))
    seen = shown(officer, page)
    assert "Lines Waiting for a decision Uploaded by first@carrier.example on" in seen
    assert f"Rows in the file 2 Well-formed 1 {OWN} Rejected 1 What only the import tells you New lines, new" in seen
    assert "What it would change" not in seen
    assert "First rows Row 2: msisdn: not a phone number like +12065550142" in seen
    assert not Line.objects.exists()
    assert post(officer, f"{page}start/") == page
    assert "Import a file : proposed by first@carrier.example on" in shown(officer, page)
    proposal = Proposal.objects.get()
    asked = shown(second, f"/admin/proposals/{proposal.pk}/")
    assert (
        "What changes A file with 2 rows will be imported. Its dry run accepted 1, found 0 repeated and rejected 1. A"
    ) in asked
    assert "Read the dry run before you agree." in asked
    mine = shown(officer, f"/admin/proposals/{proposal.pk}/")
    assert "Its dry run found 1 well-formed and rejected 1. About" in mine
    assert "before you agree" not in mine
    assert f"Import a file: Lines, {Upload.objects.get().uploaded_at:%-d %b %Y, %H:%M} UTC Waiting" in asked
    agree = f"/admin/proposals/{proposal.pk}/agree/"
    assert "another officer must approve it" in shown(officer, agree, {})
    assert post(second, agree)
    assert not Line.objects.exists()
    assert "Import in progress. 0 of 2 rows done." in shown(second, page)
    tasks.import_files()
    assert Line.objects.get().carrier_id == "L1"
    assert "Result Rows in the file 2 Accepted 1 Repeated 0 Rejected 1" in shown(second, page)
    assert "Imported on" in shown(second, page)
    assert not UploadPart.objects.exists()
    assert acts(page) == [
        ("import.uploaded", officer.actor), ("import.checked", "import:lines"), ("import.agreed", second.actor),
        ("import.lines", "import:lines"),
    ]  # fmt: skip


def test_who_agrees_reads_what_the_import_will_do_and_it_stays_as_read(officer: Member, second: Member) -> None:
    """A row that only what is stored can refuse is not accepted by the dry run of a short file either."""
    feeds.take_lines(line_row(line_id="L3"))
    rows = [line_row(line_id="L1", msisdn="+12065550901"), line_row(line_id="L2", msisdn="+12065550902")]
    page = upload(officer, "lines", *rows, line_row(line_id="L3", msisdn="+12065550903"), line_row(msisdn="+1 206"))
    found = "Dry run Rows in the file 4 Accepted 2 Repeated 0 Rejected 2"
    assert f"{found} What it would change New lines: 2" in shown(second, page)
    assert "1 number_changed_at: missing" in shown(second, page)
    seen = f"Dry run Rows in the file 4 Well-formed 3 {OWN} Rejected 1"
    assert f"{seen} What only the import tells you" in shown(officer, page)
    # Nor does whoever uploaded it and has another role since.
    User.objects.filter(pk=officer.user.pk).update(role=User.Role.AUDITOR)
    assert f"{seen} What only the import tells you" in shown(officer, page)
    User.objects.filter(pk=officer.user.pk).update(role=User.Role.OFFICER)
    assert "A row is rejected where it doesn't fit what we have: the line has another number" in shown(officer, page)
    assert post(officer, f"{page}start/") == page
    proposal = f"/admin/proposals/{Proposal.objects.get().pk}/"
    dry_runs = {
        second: "Its dry run accepted 2, found 0 repeated and rejected 2.",
        officer: "Its dry run found 3 well-formed and rejected 1.",
    }
    feeds.take_lines(rows[0])
    assert post(second, f"{proposal}agree/")
    for reader, said in dry_runs.items():
        assert f"A file with 4 rows is being imported. {said} About" in shown(reader, proposal)
    tasks.import_files()
    did = "The import accepted 1, found 1 repeated and rejected 2. About"
    for reader, said in dry_runs.items():
        assert f"What was agreed A file with 4 rows was imported. {said} {did}" in shown(reader, proposal)
    result = "Result Rows in the file 4 Accepted 1 Repeated 1 already known, and the same Rejected 2"
    assert f"{found} {result} Changes, as the dry run found them New lines: 2" in shown(second, page)
    assert f"{seen} {result}" in shown(officer, page)


def numbered(n: int) -> dict[str, str]:
    return {"line_id": f"M{n}", "msisdn": f"+1425777{n:04}"}


def test_what_is_stored_of_single_people_is_not_told_by_a_dry_run(officer: Member) -> None:
    feeds.take_lines(line_row(), line_row(line_id="L2", msisdn="+12065550999"))
    guess, other = (upload(officer, "lines", row) for row in (line_row(), line_row(line_id="L8", holder_name="Eve")))
    assert after(officer, guess) == after(officer, other)
    for feed, row in (("choices", choice_row()), ("approvals", feeds.approval_row()), ("disclosures", release_row())):
        known, unknown = (upload(officer, feed, one) for one in (row, row | {"msisdn": "+12065550777"}))
        assert after(officer, known) == after(officer, unknown)


def test_whoever_uploads_learns_nothing_of_single_people_by_padding(officer: Member, second: Member) -> None:
    """With made-up rows a file is long enough for totals. They go to others, who don't see which rows it has."""
    feeds.take_lines(line_row(), line_row(line_id="L2", msisdn="+12065550999"))
    rows = [line_row(**numbered(n)) for n in range(98)]
    page = upload(officer, "lines", line_row(), line_row(line_id="L9", msisdn="+12065550999"), *rows)
    strange = [line_row(line_id="L8", msisdn="+12065550777"), line_row(line_id="L9", msisdn="+12065550888")]
    other = upload(officer, "lines", *strange, *rows)
    assert after(officer, page) == after(officer, other)
    own = f"Well-formed 100 {OWN}"
    assert f"Rows in the file 100 {own} Rejected 0" in after(officer, page)
    assert [cells(one) for one in rows_of(officer, "/admin/imports/")] == ["100 100 – –", "100 100 – –"]
    for target in (page, other):
        checked_in_log = AuditEvent.objects.get(action="import.checked", target=f"import:{target.split('/')[3]}")
        assert checked_in_log.detail == {"accepted": 100, "repeated": 0, "rejected": 0}
        assert post(officer, f"{target}start/") == target
    for proposal in Proposal.objects.all():
        asked = shown(officer, f"/admin/proposals/{proposal.pk}/")
        assert "Its dry run found 100 well-formed and rejected 0." in asked
    read = [shown(second, f"/admin/proposals/{one.pk}/") for one in Proposal.objects.order_by("target_id")]
    assert sorted("found 1 repeated and rejected 0, and left 1 to the import." in one for one in read) == [False, True]
    for reader in (second, staff("auditor")):
        seen = after(reader, page)
        assert "Rows in the file 100 Accepted 98 Repeated 1" in seen
        assert "What it would change New lines: 98 New periods of a line's number: 98" in seen
        undecided = "Not decided yet 1 the import decides when it has read the whole file; unless another row mends it,"
        assert f"{undecided} it rejects 1 for msisdn: another line had this number then" in seen
    assert post(officer, f"{page}discard/") == page
    assert own in after(officer, page)


def test_what_a_file_would_change_is_told_until_it_is_imported(
    officer: Member, second: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = "What it would change New lines: 100 New periods of a line's number: 100"
    page = upload(officer, "lines", *(line_row(**numbered(n)) for n in range(100)))
    assert post(officer, f"{page}start/") == page
    assert post(second, f"/admin/proposals/{Proposal.objects.get().pk}/agree/")
    assert "Import in progress. 0 of 100 rows done." in shown(second, page)
    assert f"Accepted 0 Repeated 0 Rejected 0 {changes}" in after(second, page)
    assert "What it would change" not in shown(officer, page)
    monkeypatch.setattr(LinesFeed, "finish", fail)
    now = timezone.now()
    for minutes in (0, 2, 10, 30):
        with pytest.raises(OSError, match="disk"):
            imports.run(now=now + timedelta(minutes=minutes))
    imports.run(now=now + timedelta(minutes=60))
    assert "Rows imported before that stay." in shown(second, page)
    assert changes in after(second, page)
    assert "What it would change" not in shown(officer, page)


def cells(row: str) -> str:
    return " ".join(row.split()[-4:])


def after(member: Member, page: str) -> str:
    """What a page says of the rows of its file."""
    said = shown(member, page)
    return said[said.index("Rows in the file") : said.index(" History ")]


def test_a_hidden_release_is_imported_like_any_other(officer: Member, second: Member) -> None:
    feeds.take_lines(line_row())
    feeds.take_parties()
    feeds.take_releases(release_row(id="K-1"))
    feeds.take_notices(
        {"disclosure_id": "B-7", "suppressed_until": None, "awaited": True},
        {"disclosure_id": "K-1", "suppressed_until": None},
    )
    open_one, hidden = (
        upload(officer, "disclosures", *(release_row(id=f"{name}-{n}") for n in range(100))) for name in "AB"
    )
    assert after(officer, open_one) == after(officer, hidden)
    assert after(second, open_one) == after(second, hidden)
    assert "Accepted 100 Repeated 0 Rejected 0 What it would change New releases: 100" in after(second, hidden)
    known = upload(officer, "disclosures", release_row(id="K-1", precision_m=7))
    import_by_two(officer, second, known)
    assert "Accepted 0 Repeated 1 imported before Rejected 0" in shown(officer, known)
    assert "History import: releases imported Carrier file (releases) " in shown(officer, known)
    assert "consents or releases, and choices that allow sharing, are imported when a second officer agrees." in shown(
        officer, "/admin/imports/add/"
    )


def test_what_a_file_says_of_earlier_releases_counts_at_once(officer: Member, second: Member) -> None:
    feeds.take_parties()
    feeds.take_lines(line_row())
    feeds.take_releases(release_row())
    assert Disclosure.objects.get().judgement == "no_approval"
    import_by_two(officer, second, upload(officer, "approvals", feeds.approval_row()))
    assert Disclosure.objects.get().judgement == "permitted"
    post(officer, f"{upload(officer, 'choices', choice_row(made_at='2025-06-15T00:00:00Z'))}start/")
    tasks.import_files()
    assert Disclosure.objects.get().judgement == "after_stop"


def test_the_database_asks_for_two_officers(officer: Member, refused: Refusal) -> None:
    upload(officer, "approvals", feeds.approval_row())
    for state in ("agreed", "imported"):
        refused(f"UPDATE disclosures_upload SET state = '{state}'", constraint="disclosures_upload_two_officers")
    refused("UPDATE disclosures_upload SET loosens = false")
    refused(
        "INSERT INTO disclosures_upload SELECT (jsonb_populate_record(u, one)).* FROM disclosures_upload u,"
        """ jsonb('{"id": 7, "state": "waiting", "loosens": false}') one""",
        constraint="disclosures_upload_loosens",
    )


def test_the_entries_of_a_parties_file_are_named(officer: Member) -> None:
    a_party()
    page = checked(officer, "parties", BOM + json.dumps(parties_document()).encode())
    seen = shown(officer, page)
    assert "Rows in the file 9 Accepted 9" in seen
    assert f"Changed company: {feeds.BRIDGE} New company: {feeds.LINK} New company: {feeds.ROAD}" in seen
    assert "New contract: AGR-2 New campaign: CMP-road New campaign: CMP-track" in seen
    assert "The import takes two officers." in seen
    assert Party.objects.get(uri=feeds.BRIDGE).name == "GeoBridge"


def test_addresses_that_the_door_refuses_are_named_as_by_the_command(
    officer: Member, second: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads inside too, before and after the import."""
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.20.0.8", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: inside)
    contracts: list[Row] = parties_document()["contracts"]
    contracts[0] |= {"endpoint_url": "https://partner.example/events", "jwks_uri": "http://partner.example/jwks"}
    bad: Row = contracts[1] | {"id": "AGR-bad", "signed_at": "soon", "endpoint_url": "https://10.0.0.1/"}
    contracts[1] |= {"endpoint_url": "", "jwks_uri": ""}
    page = checked(officer, "parties", json.dumps(parties_document(contracts=[*contracts, bad])).encode())
    warned = (
        "contracts[0] endpoint_url: the address is not a public one. Nothing is sent there until it is changed."
        " contracts[0] jwks_uri: the address is not https. Nothing is sent there until it is changed."
    )
    assert f"Warnings {warned}" in shown(officer, page)
    assert "10.0.0.1" not in shown(officer, page)
    import_by_two(officer, second, page)
    assert f"Imported on {timezone.now():%-d %b %Y}" in shown(officer, page)
    assert f"Warnings {warned}" in shown(officer, page)


def test_addresses_that_there_was_no_time_for_are_counted(officer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partners.clients.http.LOOK_UPS_S", 1.9)
    contracts: list[Row] = parties_document()["contracts"]
    contracts[0] |= {"endpoint_url": "https://partner.example/events", "jwks_uri": "https://10.0.0.1/jwks"}
    page = checked(officer, "parties", json.dumps(parties_document(contracts=contracts)).encode())
    assert (
        "Warnings Addresses not looked up, as the time was over: 1. contracts[0] jwks_uri: the address is not a public"
        " one. Nothing is sent there until it is changed."
    ) in shown(officer, page)


@pytest.mark.parametrize(("kind", "scope"), [("stop", "all"), ("allow", "campaign")])
def test_choices_that_allow_take_two_officers(officer: Member, kind: str, scope: str) -> None:
    unreadable = upload(officer, "choices", choice_row(kind=["stop"]), choice_row(kind="stop", scope="all"))
    assert "The import takes two officers." in shown(officer, unreadable)
    feeds.take_lines(line_row())
    page = upload(officer, "choices", choice_row(kind=kind, scope=scope, ref="C-1" if kind == "allow" else None))
    assert ("The import takes two officers." in shown(officer, page)) == (kind == "allow")
    assert post(officer, f"{page}start/") == page
    tasks.import_files()
    assert Choice.objects.exists() == (kind == "stop")
    done = AuditEvent.objects.filter(action="consent.choices_recorded").values_list("reason", "detail__decided_by")
    assert list(done) == ([(WHY["reason"], officer.actor)] if kind == "stop" else [])
    assert Proposal.objects.exists() == (kind == "allow")


def test_rejected_rows_are_downloaded_without_their_content(officer: Member) -> None:
    page = upload(officer, "lines", line_row(msisdn="", holder_name="Zebrafinch"))
    taken = csv_of(officer, f"{page}rejects/")
    assert taken == [{"line": "1", "field": "msisdn", "reason": "not_e164"}]
    assert acts(page)[-1] == ("export.taken", officer.actor)
    kept = Upload.objects.get()
    assert "Zebrafinch" not in f"{kept.outcome}{kept.rejects}{kept.reason}"
    assert b"Zebrafinch" not in bytes(UploadPart.objects.get().sealed)
    seen = shown(officer, page)
    assert (
        "No row can be imported. The dry run rejected all of them, for the reasons below. Discard this file, correct"
        " the rows and upload them again."
    ) in seen
    assert "Propose" not in seen
    assert "No row of this file can be imported." in shown(officer, f"{page}start/", {})
    assert not Proposal.objects.exists()
    assert post(officer, f"{page}discard/") == page


def test_a_notice_for_an_unknown_release_says_that_nothing_is_hidden() -> None:
    legal, order = staff("legal"), {"suppressed_until": None, "order_ref": "NY-7"}
    feeds.take_lines(line_row())
    page = upload(legal, "notices", order | {"disclosure_id": "B"}, order | {"disclosure_id": "late", "awaited": True})
    for act, changed in (("start", ""), ("", "New delayed notices: 1")):
        seen = shown(legal, page)
        assert "Accepted 1" in seen
        assert "Rejected 1" in seen
        assert changed in seen
        assert "Row 1: disclosure_id: no such release: nothing is hidden. For one still to arrive, say" in seen
        assert "2: disclosure_id: not arrived yet: hidden as it arrives" in seen
        if act:
            post(legal, f"{page}start/")
            tasks.import_files()
    feeds.take_releases(release_row(id="B"), release_row(id="late"))
    assert list(DelayedNotice.objects.values_list("disclosure_id", flat=True)) == [id_of("late")]


def test_delayed_notices_are_the_legal_process_roles_alone(officer: Member) -> None:
    legal, release = staff("legal"), release_row()
    feeds.take_lines(line_row())
    feeds.take_parties()
    feeds.take_releases(release)
    notice = {"disclosure_id": release["id"], "suppressed_until": None, "order_ref": "NY-7"}
    page = upload(legal, "notices", notice)
    assert "Accepted 1" in shown(legal, page)
    assert post(legal, f"{page}start/") == page
    tasks.import_files()
    assert DelayedNotice.objects.count() == 1
    for path in (page, f"{page}start/", f"{page}discard/", f"{page}rejects/"):
        assert officer.client.get(path).status_code == 404
    assert rows_of(officer, "/admin/imports/") == []
    assert "import" not in " ".join(rows_of(officer, "/admin/trail/"))
    upload(legal, "notices", {**notice, "order_ref": "NY-8"})
    rows = rows_of(legal, "/admin/imports/")
    # Newest first.
    assert [(row.split()[:2], "Imported" in row) for row in rows] == [
        (["Delayed", "notices"], False), (["Delayed", "notices"], True),
    ]  # fmt: skip
    assert "The choice for “What the file has” isn't available." in refusal(officer, "notices", b"{}")
    assert "The choice for “What the file has” isn't available." in refusal(legal, "lines", b"{}")
    hidden = release_row(id="D-2", suppressed_until="2090-01-01T00:00:00Z")
    assert "This file has releases under a delayed-notice order." in refusal(officer, "disclosures", ndjson([hidden]))


def test_a_dry_run_of_releases_stores_none(officer: Member, second: Member) -> None:
    feeds.take_lines(line_row())
    feeds.take_parties()
    page = upload(officer, "disclosures", release_row(), release_row(id="D-2", msisdn="+12065550777"))
    assert "Well-formed 2" in shown(officer, page)
    assert not Disclosure.objects.exists()
    import_by_two(officer, second, page)
    told = "1 msisdn: no line had this number then; the row is kept until there is one"
    assert told in shown(officer, page)


def test_nobody_alone_has_a_recipient_told_apart(officer: Member, second: Member) -> None:
    document = parties_document()
    document["campaigns"][0] |= {"names_recipient": True}
    feeds.take_parties(document)
    feeds.take_lines(line_row())
    page = upload(officer, "disclosures", release_row(path=[feeds.BRIDGE, feeds.ROAD, "https://other.example"]))
    assert "The import takes two officers." in shown(officer, page)
    assert post(officer, f"{page}start/") == page
    tasks.import_files()
    apart = Reach.objects.filter(told_apart=True).values_list("party__uri", flat=True)
    assert "https://other.example" not in apart
    assert post(second, f"/admin/proposals/{Proposal.objects.get().pk}/agree/")
    tasks.import_files()
    assert "https://other.example" in apart.all()


def test_an_auditor_reads_and_does_not_act(officer: Member) -> None:
    auditor, page = staff("auditor"), upload(officer, "lines", line_row())
    assert "Accepted 1 Repeated 0 Rejected 0 What it would change New lines: 1" in shown(auditor, page)
    assert "<form" not in auditor.client.get(page).content.decode().partition("<main")[2].partition("</main>")[0]
    for path in ("/admin/imports/add/", f"{page}start/", f"{page}discard/"):
        assert auditor.client.post(path, WHY).status_code == 403
    assert staff("agent").client.get(page).status_code == 403


def test_a_file_is_discarded_by_hand_or_after_a_week(officer: Member) -> None:
    first, later = (upload(officer, "lines", line_row()) for _ in range(2))
    assert post(officer, f"{first}start/") == first
    assert post(officer, f"{later}start/") == later
    assert post(officer, f"{first}discard/") == first
    assert Proposal.objects.filter(decision="withdrawn", target_id=first.split("/")[3]).exists()
    assert "Nothing was imported, and the file is deleted." in shown(officer, first)
    assert "isn't waiting for a decision any more" in shown(officer, f"{first}start/", {})
    imports.run(now=timezone.now() + timedelta(days=6, hours=23))
    assert "Waiting for a decision" in shown(officer, later)
    imports.run(now=timezone.now() + timedelta(days=7, hours=1))
    assert "Discarded on" in shown(officer, later)
    assert not UploadPart.objects.exists()
    assert not Proposal.objects.filter(decision="").exists()
    assert acts(later)[-1] == ("import.discarded", "system:expiry")


@pytest.mark.parametrize(
    ("feed", "content", "why"),
    [
        ("lines", b"", "The file has no rows."),
        ("lines", b"x" * 2_500_001, "The file is larger than 2.5 MB."),
        ("lines", b"x" * 5_000_000, "The file is larger than 2.5 MB."),
        ("parties", json.dumps({"parties": [{}] * 301}).encode(), "The file has more than 300 entries."),
        (
            "lines",
            b"line_id,phone,account_id\nL1,+12065550142,A1\n",
            (
                "Row 1 must name the columns of “Lines”. Missing: msisdn, holder_name, user_role, state, language,"
                " activated_at. Unknown: “phone”. Expected: line_id, msisdn, account_id, holder_name, user_role, state,"
                " language, activated_at; optional: deactivated_at, sim_changed_at, number_changed_at,"
                " forwarding_changed_at, continues_line_id. Correct row 1 and upload the file again."
            ),
        ),
        (
            "choices",
            b"id,msisdn,made_at,kind,scope,channel,untill\n1,2,3,4,5,6,7\n",
            (
                "Row 1 must name the columns of “Choices”. Unknown: “untill”. Expected: id, msisdn, made_at, kind,"
                " scope, channel; optional: ref, until, program. Correct row 1 and upload the file again."
            ),
        ),
        (
            "choices",
            b"id;msisdn;made_at;kind;scope;channel\n1;2;3;4;5;6\n",
            "The columns are separated by semicolons. Save the file with commas, and upload it again.",
        ),
        (
            "lines",
            b"id,msisdn,made_at,kind,scope,channel\n1,2,3,4,5,6\n",
            "Row 1 has the columns of “Choices”. Choose that under “What the file has”.",
        ),
        (
            "disclosures",
            b"id,occurred_at\n1,2\n",
            "Row 1 isn't a JSON object. A file with releases has one JSON object in each row. Expected: id,",
        ),
        (
            "lines",
            "line_id,msisdn\n".encode("utf-16"),
            "Row 1 isn't text in UTF-8. Save the file as “CSV UTF-8” or as JSON in UTF-8, and upload it again.",
        ),
        ("parties", b"[]", "This can't be imported: the file is not a JSON object"),
        ("parties", b"{}", "The file has no parties, contracts or campaigns."),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_at_once(
    officer: Member, feed: str, content: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing of it may be written to a disk unsealed.
    monkeypatch.setattr(settings, "FILE_UPLOAD_TEMP_DIR", "/nowhere")
    assert why in refusal(officer, feed, content)
    assert not Upload.objects.exists()


def test_a_changed_content_is_never_imported(officer: Member, second: Member) -> None:
    page = upload(officer, "lines", line_row())
    post(officer, f"{page}start/")
    other = upload(officer, "lines", line_row(line_id="L9", msisdn=NUMBER))
    sealed = UploadPart.objects.get(upload_id=int(other.split("/")[3])).sealed
    UploadPart.objects.filter(upload_id=int(page.split("/")[3])).delete()
    UploadPart.objects.create(upload_id=int(page.split("/")[3]), number=0, sealed=sealed)
    post(second, f"/admin/proposals/{Proposal.objects.get().pk}/agree/")
    tasks.import_files()
    assert not Line.objects.exists()
    assert "Failed on" in shown(officer, page)


def test_an_interrupted_import_is_tried_again_later_and_says_so(
    officer: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds.take_lines(line_row())
    rows = [choice_row(kind="stop", scope="all") for _ in range(3)]
    page = upload(officer, "choices", *rows)
    assert post(officer, f"{page}start/") == page
    monkeypatch.setattr(imports, "ROWS_AT_ONCE", 2)
    with monkeypatch.context() as broken:
        broken.setattr(ChoicesFeed, "finish", fail)
        with pytest.raises(OSError, match="disk"):
            imports.run(now=timezone.now())
    assert Upload.objects.get().accepted == 3
    assert not imports.run(now=timezone.now() + timedelta(seconds=55))
    assert imports.run(now=timezone.now() + timedelta(seconds=65))
    told = (
        "Accepted 0 Repeated 3 already known, and the same. The import was interrupted; rows it had imported count as"
    )
    assert told in shown(officer, page)
    assert AuditEvent.objects.get(action="import.choices").detail["tries"] == 2
    again = upload(officer, "choices", *rows[:2])
    post(officer, f"{again}start/")
    assert imports.run(now=timezone.now() + timedelta(seconds=65))
    assert "Accepted 0 Repeated 2 already known, and the same Rejected 0" in shown(officer, again)


def test_an_interrupted_dry_run_says_so_until_it_is_done(officer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    told = "Nothing is imported yet. The dry run was interrupted; it begins again by itself. Reload"
    with monkeypatch.context() as broken:
        broken.setattr(LinesFeed, "take", fail)
        with pytest.raises(OSError, match="disk"):
            upload(officer, "lines", line_row())
    page = f"/admin/imports/{Upload.objects.get().pk}/"
    assert told in shown(officer, page)
    assert imports.run(now=timezone.now() + timedelta(seconds=65))
    assert "Waiting for a decision" in shown(officer, page)
    assert "interrupted" not in shown(officer, page)


def test_an_import_that_goes_on_failing_is_given_up(officer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    feeds.take_lines(line_row())
    page = upload(officer, "choices", choice_row(kind="stop", scope="all"))
    assert post(officer, f"{page}start/") == page
    monkeypatch.setattr(ChoicesFeed, "finish", fail)
    later = timedelta(0)
    for minutes in (1, 5, 15):
        with pytest.raises(OSError, match="disk"):
            imports.run(now=timezone.now() + later)
        assert not imports.run(now=timezone.now() + timedelta(minutes=minutes, seconds=-5))
        later = timedelta(minutes=minutes, seconds=5)
    with pytest.raises(OSError, match="disk"):
        imports.run(now=timezone.now() + later)
    imports.run(now=timezone.now() + timedelta(seconds=1))
    seen = shown(officer, page)
    assert "Rows imported before that stay. The file is deleted." in seen
    assert "Result Rows in the file 1 Accepted 0 Repeated 1" in seen
    assert not UploadPart.objects.exists()


def fail(*_: object, **__: object) -> None:
    raise OSError("the disk is gone")
