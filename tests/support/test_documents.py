"""Documents of the records: previewed, signed as one file, kept; hidden rows and acts on them are in none."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import audit.actions
from accounts.models import Line, User
from accounts.primitives.sealing import seal_bytes
from audit.models import AuditEvent, Incident
from consent.actions.choices import stop
from consent.domain.receipt_check import check_document, read_receipt_file
from console.queries import documents, evidence_packs
from console.queries.documents import Section
from disclosures.models import Basis
from partners.actions import suspensions
from partners.domain import keys
from partners.models import Campaign, Party, Suspension
from revocations.models import Order, State
from support.models import Document, Entry
from support.queries import chains
from support.queries.writing import values_of
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.fixtures import Refusal
from tests.moments import A_MOMENT
from tests.orders import bring_to
from tests.staff import an_actor
from tests.support.console import NUMBER, PERSON, a_breach, a_case, a_chain, a_cohort
from tests.support.desk import said
from tests.support.officers import WHY, Member, csv_of, post, rows_of, searched, shown, staff
from tests.world import disclosed, gagged

pytestmark = pytest.mark.usefixtures("no_broker")
DAY = timedelta(days=1)


def signed(officer: Member, kind: str, ref: object) -> tuple[str, str, bytes]:
    """Preview a document, sign it and download it: what the preview says, its page, and the PDF."""
    path = f"/admin/documents/make/{kind}/{ref}/"
    page = officer.client.post(path, WHY).content.decode()
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    where = post(officer, path, {"seen": seen})
    taken = officer.client.post(where, WHY)
    assert taken.headers["Content-Type"] == "application/pdf"
    return page, where, taken.content


def verified(pdf: bytes, folder: Path) -> str:
    """What the command says of a document, by the published keys alone."""
    (folder / "document.pdf").write_bytes(pdf)
    (folder / "jwks.json").write_text(json.dumps(keys.jwks(at=timezone.now())))
    out = StringIO()
    call_command("verify_receipt", str(folder / "document.pdf"), stdout=out)
    return out.getvalue()


def consents_in(pdf: bytes) -> str:
    """How many consents a company's pack was signed with."""
    said, _ = check_document(read_receipt_file(pdf), keys.jwks(at=timezone.now()))
    (reach,) = [one["rows"] for one in said["document"]["sections"] if one["heading"] == "Reach"]
    return str(dict(reach)["Consents on record"])


def a_world() -> tuple[Line, Campaign]:
    at = timezone.now()
    audit.actions.record(action="line.imported", actor="import:lines", target="line:1", at=at - 366 * DAY)
    line = a_line(msisdn=NUMBER, holder_name=f"{PERSON} Person")
    campaign = a_chain(line, "Ash", at=at)
    suspensions.suspend(of="contract", target_id=campaign.contract_id, actor=an_actor(), reason="They sold it.", at=at)
    Suspension.objects.create(
        of="party", target_id=campaign.contract.aggregator_id, starts_at=at.replace(year=at.year - 1, month=6, day=1),
        actor="officer:1", reason=f"Ask {NUMBER}.",
    )  # fmt: skip
    uri = campaign.contract.aggregator.uri
    audit.actions.open_incident(kind=Incident.Kind.UNGATED, key="k", subject=uri, at=at - DAY)
    return line, campaign


@pytest.mark.usefixtures("db")
def test_the_documents_of_a_year_say_channels_and_dates_in_words(officer: Member) -> None:
    line, campaign = a_world()
    for channel in ("stop_page", "web", "kiosk"):
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel=channel)
    at = timezone.now()
    a_breach(campaign, "order:1", at=at.replace(year=at.year - 1, month=12, day=31))
    metrics = shown(officer, f"/admin/documents/make/ccpa/{at.year}/", {})
    counts, row = "Received Complied with in whole or part Denied Median days", "1 1 0 0.0"
    assert f"Request {counts} Stop 3 3 0 0.0 Copy of all records 0 0 0 – Requests by channel" in metrics
    # When a copy was ready is not kept.
    assert "A copy of all records is ready within minutes and has no days here." in metrics
    rows = f"Stop kiosk {row} Stop Website, without an account {row} Stop Website, signed in {row}"
    assert f"Requests by channel Request Channel {counts} {rows} " in metrics
    certificate = shown(officer, f"/admin/documents/make/certificate/{at.year - 1}/", {})
    assert "Deadline Contract Partner Due Missed Resolved Not acknowledged in 24 hours" in certificate


@pytest.mark.usefixtures("db")
def test_a_document_of_a_year_says_from_when_on_there_are_records(officer: Member) -> None:
    """What happened before is in none of its numbers, which whoever signs it must know."""
    year = timezone.now().year
    before = "Our records began this year. A certificate is made of a year that is over."
    assert before in shown(officer, "/admin/documents/make/")
    audit.actions.record(
        action="party.added", actor="command:x", target="party:1", at=datetime(year - 1, 11, 3, 15, tzinfo=UTC)
    )
    offered = shown(officer, "/admin/documents/make/")
    assert f"Annual CPNI certificate {year - 1} Annual CPNI certificate CCPA metrics {year} " in offered
    assert before not in offered
    says = (
        f"From 3 November to 31 December {year - 1}. Our records begin on 3 November {year - 1}."
        " Nothing earlier in that year is in this document."
    )
    certificate = shown(officer, f"/admin/documents/make/certificate/{year - 1}/", {})
    assert f"{says} Times are in UTC." in certificate
    assert f"File it with the FCC by 1 March {year}, in EB Docket No. 06-36 (47 CFR 64.2009(e))." in certificate
    assert "FCC Form 499 filer ID: ______________ Signature: ______" in certificate
    # It is certified: what is released without the gate must not be denied.
    assert "Emergency calls, lawful orders and our own network don't ask the gate." in certificate
    metrics = shown(officer, f"/admin/documents/make/ccpa/{year - 1}/", {})
    assert f"{says} Days begin and end in UTC." in metrics
    assert "Median days Stop 0 0 0 – Copy of all records 0 0 0 – Requests by channel None. " in metrics
    this_year = shown(officer, f"/admin/documents/make/ccpa/{year}/", {})
    assert f"From 1 January to {timezone.now():%-d %B %Y}. Days begin and end in UTC." in this_year
    assert f"Post the metrics of the whole year in the privacy policy by 1 July {year + 1}." in this_year


@pytest.mark.usefixtures("db")
def test_a_certificate_is_of_its_year_from_the_first_moment_to_the_last(officer: Member) -> None:
    audit.actions.record(action="line.imported", actor="import:lines", target="line:1", at=timezone.now() - 366 * DAY)
    year = timezone.now().year - 1
    since, until = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    moments = {"Before": since - A_MOMENT, "First": since, "Last": until - A_MOMENT, "After": until}
    for name, moment in moments.items():
        campaign = a_campaign(a_contract(a_party(name)), ref=f"CMP-{name}")
        a_cohort(campaign, at=moment, target_id=campaign.pk, reason="Sold.")
        target = {"of": "party", "target_id": campaign.contract.aggregator_id}
        Suspension.objects.create(**target, starts_at=moment, actor="officer:1", reason="Sold.")
        audit.actions.open_incident(kind=Incident.Kind.UNGATED, key=name, subject="Ash", at=moment)
    said = shown(officer, f"/admin/documents/make/certificate/{year}/", {})
    assert re.findall(r"20\d\d(\S+) \S+ UTC (\S+ \w+) Sold", said) == [
        ("-01-01", "CMP-First terminated"), ("-01-01", "First suspended"),
        ("-12-31", "CMP-Last terminated"), ("-12-31", "Last suspended"),
    ]  # fmt: skip
    assert "Kind Opened Closed A release without the gate's permission 2 0" in said


@pytest.mark.usefixtures("db")
def test_the_pack_of_a_case_names_who_has_not_signed(officer: Member) -> None:
    line, _ = a_world()
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    bring_to(State.PARTIAL, completed_at=timezone.now())
    order = Order.objects.get()
    case = a_case(line, about_kind="order", about_ref=str(order.id))
    told = shown(officer, f"/admin/documents/make/case/{case.code}/", {}).partition("Orders to partners")[2]
    assert f"Not signed by Signed receipts (SHA-256) Ash {order.id} – – Signed in part Ash Finder " in told


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("about", ["look_up", "company"])
def test_the_pack_of_a_case_names_the_company_that_its_replies_name(officer: Member, about: str) -> None:
    at, line = timezone.now(), a_line()
    aggregator, company = a_party("Elm Aggregate"), a_party("Elm Finder", "lbs_provider")
    (row,) = disclosed(line, [aggregator.uri, company.uri], at=at - DAY, n=1)
    case = a_case(line, about_kind=about, about=str(row.id if about == "look_up" else company.pk), at=at)
    assert "Company Elm Finder" in shown(officer, f"/admin/documents/make/case/{case.code}/", {})
    assert values_of(ticket=case, at=at)["company"] == "Elm Finder"
    gagged(row, until=at + 30 * DAY, at=at)
    assert "Elm Finder" not in shown(officer, f"/admin/documents/make/case/{case.code}/", {})


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("name", "as_what"), [("Ash Finder", "location service"), ("Ash Customer", "recipient")])
def test_the_pack_of_a_company_behind_others_has_what_it_stands_in(officer: Member, name: str, as_what: str) -> None:
    _, campaign = a_world()
    company = Party.objects.get(name=name)
    told = shown(officer, f"/admin/documents/make/company/{company.pk}/", {})
    contracts = told.partition("Contracts Contract With")[2].partition("Reach ")[0]
    assert f"{campaign.contract.ref} Ash " in contracts
    assert f"{campaign.ref} {campaign.contract.ref} Ash Finder" in contracts
    assert as_what in contracts
    reach = told.partition("Reach ")[2].partition("Orders to stop")[0]
    assert "Consents on record 1 Disputes 0 " in reach
    # Nothing was passed on to the customer: the look-up is its campaign's, and the pack says so.
    of_whole_campaigns = "consents and look-ups count whoever received the location."
    assert reach.count(of_whole_campaigns) == (2 if as_what == "recipient" else 0)
    assert re.findall(r"20\d\d-\d\d [1-9]\d*", reach) == [f"{timezone.now() - DAY:%Y-%m} 1"]
    assert "Orders go to the partners of the contracts above, which pass them on." in told
    suspended = told.partition("Suspensions From To Of Reason")[2].partition("Terminations")[0]
    assert "contract They sold it." in suspended


@pytest.mark.usefixtures("db")
def test_each_kind_is_previewed_signed_kept_and_verifies(officer: Member, tmp_path: Path) -> None:
    line, campaign = a_world()
    case = a_case(line, about_kind="order")
    said(case, "I never agreed to this.")
    said(case, f"Call me at {NUMBER}.")
    said(case, "A note of ours.", kind=Entry.Kind.NOTE)
    party = campaign.contract.aggregator
    at, incident = timezone.now(), Incident.objects.get(key="k")
    year = at.year
    officer.user.first_name, officer.user.last_name = "Jo", "Field"
    officer.user.save()
    pdf = b""
    kinds = {
        "certificate": (year - 1, f"Annual CPNI certificate for {year - 1}", "I, Jo Field, certify"),
        "ccpa": (year, f"CCPA metrics for {year}, up to {at:%-d %B}", f"From 1 January to {at:%-d %B %Y}."),
        "breach": (incident.pk, f"Breach notification: incident {incident.pk}", "not recorded here"),
        "company": (party.pk, "Evidence pack: Ash", "They sold it."),
        "case": (case.code, f"Evidence pack: case {case.code}", "I never agreed to this."),
    }
    for kind, (ref, title, says) in kinds.items():
        page, where, pdf = signed(officer, kind, ref)
        acts = re.findall(r"2\d{3}-06-01 \d\d:\d\d UTC Ash suspended \(a number\)", re.sub(r"(<[^>]+>|\s)+", " ", page))
        assert len(acts) == (kind == "certificate")
        assert f"<h1><bdi>{title}</bdi>: preview</h1>" in page
        assert says in page
        found = verified(pdf, tmp_path)
        assert '"What was affected"' not in found, "our systems found it, and nobody said"
        command = f"manage.py verify_receipt document-{where.split('/')[3]}.pdf --jwks jwks.json"
        assert f'"Save the keys as jwks.json and run this command:",\n        "{command}",' in found
        assert says in found
        assert f'"title": "{title}"' in found
        assert "The document verifies." in found
        assert not re.search(rf"{PERSON}|{NUMBER[2:]}|A note of ours|runs every hour", page + found)
        assert title in shown(officer, where)
        assert title in shown(officer, "/admin/documents/")
        document = Document.objects.get(title=title)
        done = AuditEvent.objects.filter(target=f"document:{document.pk}").order_by("id")
        assert list(done.values_list("action", "actor", "reason")) == [
            ("document.made", officer.actor, WHY["reason"]), ("document.taken", officer.actor, WHY["reason"]),
        ]  # fmt: skip
    shared = AuditEvent.objects.filter(action__startswith="case.", line_id=line.pk).order_by("id")
    assert list(shared.values_list("action", flat=True)) == ["case.seen", "case.exported", "case.exported"]
    page = officer.client.get("/admin/documents/make/").content.decode()
    years = re.findall(r'"/admin/documents/make/(\w+)/(\d+)/">(\d+)<span class="o-away"> ([^<]+)<', page)
    of_each = [("certificate", year - 1), ("ccpa", year), ("ccpa", year - 1)]
    called = {"certificate": "Annual CPNI certificate", "ccpa": "CCPA metrics"}
    assert years == [(kind, f"{one}", f"{one}", called[kind]) for kind, one in of_each]
    listed = shown(officer, f"/admin/trail/?on=document:{Document.objects.latest('made_at').pk}&kind=export")
    assert "document: exported" in listed
    assert "document: created" not in listed
    for page, kind in (
        (f"/admin/parties/{party.pk}/", "All documents Evidence pack: Ash Evidence pack of a company"),
        (f"/admin/incidents/{incident.pk}/", f"Breach notification: incident {incident.pk} Breach notification"),
        (f"/desk/{case.code}/", "Documents Evidence pack of a case"),
    ):
        assert kind in shown(officer, page)
    assert "Evidence pack of a case" not in shown(staff(User.Role.AGENT), f"/desk/{case.code}/")
    spanish = officer.client.get(f"/desk/{case.code}/", headers={"accept-language": "es"}).content.decode()
    assert '<h3 id="case-documents">Documentos</h3>' in spanish
    # Another's words beside what we signed are not what we signed.
    kept = dict(read_receipt_file(pdf))
    (tmp_path / "other.json").write_text(json.dumps({**kept, "document": str(uuid.uuid4())}))
    with pytest.raises(CommandError, match="what was signed is another document"):
        call_command("verify_receipt", str(tmp_path / "other.json"), stdout=StringIO())


@pytest.mark.usefixtures("db")
def test_what_an_order_hides_is_in_no_document(officer: Member) -> None:
    """Of a hidden look-up, packs say what they say of one that was never made, and packs made before aren't there."""
    at = timezone.now()
    line, campaign = a_world()
    party, year = campaign.contract.aggregator, at.year
    paths = [f"company/{party.pk}", f"certificate/{year - 1}", f"ccpa/{year}"]

    def sections(path: str) -> str:
        page = shown(officer, f"/admin/documents/make/{path}/", {})
        return page.partition("how to verify it are added.")[2].partition("Audit log")[0].partition("Sign and keep")[0]

    def packs() -> list[str]:
        return [sections(f"case/{one.code}").replace(one.code, "CODE") for one in cases]

    of_none = sections(paths[0])
    (row,) = disclosed(line, [party.uri], at=at - DAY, n=1, campaign=campaign.ref)
    cases = [a_case(line, about=str(about), at=at) for about in (row.id, uuid.uuid4())]
    before = [of_none, *map(sections, paths[1:])]
    assert sections(paths[0]) != of_none
    about_it, about_none = packs()
    assert about_it != about_none
    code = cases[0].code
    _, where, _ = signed(officer, "case", code)
    gagged(row, until=at + 30 * DAY, at=at)
    legal = staff(User.Role.LEGAL)
    for target in (f"party:{party.pk}", f"ticket:{cases[0].code}"):
        audit.actions.record(action="legal.delayed", actor=legal.actor, target=target, at=at, reason="Order 7.")
    assert [sections(path) for path in paths] == before
    assert packs() == [about_none, about_none]
    assert all(
        "Order 7." not in shown(officer, f"/admin/documents/make/{path}/", {})
        for path in (*paths, f"case/{cases[0].code}")
    )
    assert officer.client.get(where).status_code == officer.client.post(where, WHY).status_code == 404
    assert rows_of(officer, "/admin/documents/") == []
    # Nor does the audit log tell that it was made and read.
    logs = ("/admin/trail/", f"/admin/trail/?on=document:{where.split('/')[3]}", searched(officer, "They sold it on"))
    assert "document: previewed" in shown(officer, logs[0])
    traces = {"document: created", "document: exported", "case: exported"}
    assert not any(re.search("|".join(traces), shown(officer, log)) for log in (*logs, f"/admin/trail/?case={code}"))
    taken = csv_of(officer, "/admin/trail/export/", WHY)
    assert not traces & {row["did"] for row in taken}
    assert "case: exported" not in shown(officer, f"/admin/documents/make/case/{code}/", {})
    # A pack that never described it is there; once the order ended, the other is there again.
    signed(officer, "case", cases[0].code)
    assert len(rows_of(officer, "/admin/documents/")) == 1
    assert shown(officer, f"/admin/trail/?case={code}").count("case: exported") == 2
    gagged(row, until=at, at=at, number=2)
    assert len(rows_of(officer, "/admin/documents/")) == 2
    assert len(rows_of(officer, logs[1])) == 2
    assert shown(officer, f"/admin/trail/?case={code}").count("case: exported") == 4


@pytest.mark.usefixtures("db")
def test_a_company_known_by_what_an_order_hides_is_in_no_document(officer: Member) -> None:
    """Asked about by its person; nothing but an emergency call made it known."""
    at, line = timezone.now(), a_line()
    aggregator, company = a_party("Elm Aggregate"), a_party("Elm Rescue", "lbs_provider")
    (row,) = disclosed(line, [aggregator.uri, company.uri], at=at - DAY, n=1, basis=Basis.EMERGENCY)
    case = a_case(line, about_kind="company", about=str(company.pk), at=at)
    page, where, _ = signed(officer, "case", case.code)
    assert "Elm Rescue" in page
    assert len(rows_of(officer, "/admin/documents/")) == 1
    gagged(row, until=at + 30 * DAY, at=at)
    assert rows_of(officer, "/admin/documents/") == []
    assert officer.client.get(where).status_code == officer.client.post(where, WHY).status_code == 404
    assert not re.search("document: (created|exported)", shown(officer, "/admin/trail/"))
    page, _, _ = signed(officer, "case", case.code)
    assert "Elm Rescue" not in page
    assert len(rows_of(officer, "/admin/documents/")) == 1
    gagged(row, until=at, at=at, number=2)
    assert len(rows_of(officer, "/admin/documents/")) == 2


@pytest.mark.usefixtures("db")
def test_what_is_signed_was_previewed_and_is_printed_before_the_log_is_locked(officer: Member) -> None:
    """Stops wait for the audit log's chains: nothing is printed or signed while they are locked."""
    _, campaign = a_world()
    path = f"/admin/documents/make/company/{campaign.contract.aggregator_id}/"
    page = officer.client.post(path, WHY).content.decode()
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    Incident.objects.update(count=7)
    assert "The records changed since you previewed them." in shown(officer, path, {"seen": seen})
    assert not Document.objects.exists()
    Incident.objects.update(count=1)
    with CaptureQueriesContext(connection) as asked:
        assert post(officer, path, {"seen": seen}).startswith("/admin/documents/")
    done = [one["sql"] for one in asked.captured_queries]
    (recorded,) = [n for n, sql in enumerate(done) if "INSERT INTO audit_auditevent" in sql]
    assert max(n for n, sql in enumerate(done) if "partners_signingkey" in sql) < recorded


@pytest.mark.usefixtures("db")
def test_a_company_in_use_can_be_signed_for_with_the_newest_counts(officer: Member) -> None:
    line, campaign = a_world()
    path = f"/admin/documents/make/company/{campaign.contract.aggregator_id}/"
    made = []
    for _ in range(2):
        page = officer.client.post(path, WHY).content.decode()
        assert "Counts that change all day are taken again as you sign." in page
        an_approval(a_line(), campaign, at=timezone.now())
        disclosed(
            line,
            [campaign.contract.aggregator.uri, campaign.lbs_provider.uri],
            campaign=campaign.ref,
            at=timezone.now(),
        )
        seen = page.partition('name="seen" value="')[2].partition('"')[0]
        made.append(post(officer, path, {"seen": seen}))
    assert len({*made}) == 2
    assert [consents_in(officer.client.post(one, WHY).content) for one in made] == ["2", "3"]


@pytest.mark.usefixtures("db")
def test_what_is_signed_in_two_tabs_is_one_document(officer: Member) -> None:
    _, campaign = a_world()
    kinds = {"certificate": timezone.now().year - 1, "company": campaign.contract.aggregator_id}
    for kind, ref in kinds.items():
        path = f"/admin/documents/make/{kind}/{ref}/"
        tabs = [officer.client.post(path, WHY).content.decode() for _ in range(2)]
        seen = [page.partition('name="seen" value="')[2].partition('"')[0] for page in tabs]
        first, second = (post(officer, path, {"seen": one}) for one in seen)
        assert first == second
    assert Document.objects.count() == AuditEvent.objects.filter(action="document.made").count() == len(kinds)


@pytest.mark.usefixtures("db")
def test_a_long_table_shows_the_newest(officer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Section.build("Acts", ("Act",), ([n] for n in range(501)))
    assert (table.text, table.rows[0], table.rows[-1]) == (["The newest 500 of 501."], ["1"], ["500"])
    monkeypatch.setattr(evidence_packs, "MOST", 1)
    monkeypatch.setattr(documents, "MOST", 1)
    monkeypatch.setattr(chains, "MOST_CHAINS", 1)
    _, campaign = a_world()
    a_campaign(campaign.contract, campaign.lbs_provider, ref="CMP-LATER")
    target = f"party:{campaign.contract.aggregator_id}"
    for n in (2, 1):
        audit.actions.record(
            action="party.noted", actor=officer.actor, target=target, at=timezone.now() + n * DAY, reason=f"Note {n}."
        )
    page = shown(officer, f"/admin/documents/make/company/{campaign.contract.aggregator_id}/", {})
    campaigns, _, log = page.partition("Campaigns ")[2].partition("Audit log")
    assert campaigns.startswith("The newest 1 of 2.")
    assert "The newest 1 of 3." in log
    assert "Note 2." in log
    assert "Note 1." not in log


@pytest.mark.usefixtures("committed_db")
def test_the_database_keeps_documents_and_another_file_is_not_given_out(officer: Member, refused: Refusal) -> None:
    _, campaign = a_world()
    _, where, _ = signed(officer, "company", campaign.contract.aggregator_id)
    for statement, guard in {
        "UPDATE support_document SET title = 'Other'": "append_only",
        "DELETE FROM support_document": "kept",
        "TRUNCATE support_document": "no_truncate",
    }.items():
        refused(statement, constraint=f"support_document_{guard}", using="owner")
    Document.objects.using("owner").update(pdf_sealed=seal_bytes(b"%PDF-1.7"))
    assert "Our copy is not the document that was signed." in shown(officer, where, {})


@pytest.mark.usefixtures("db")
def test_only_officers_make_documents_and_auditors_read_them(officer: Member) -> None:
    _, campaign = a_world()
    path = f"/admin/documents/make/company/{campaign.contract.aggregator_id}/"
    _, where, _ = signed(officer, "company", campaign.contract.aggregator_id)
    auditor = staff(User.Role.AUDITOR)
    assert auditor.client.get(path).status_code == 403
    assert auditor.client.post(where, WHY).headers["Content-Type"] == "application/pdf"
    assert "Reason This field is required" not in shown(auditor, where)
    assert auditor.client.post(where, {}).headers["Content-Type"].startswith("text/html")
    for kind, ref in (
        ("company", 10**9),
        ("company", "x"),
        ("company", 10**18),
        ("certificate", 1999),
        ("certificate", timezone.now().year),
        ("ccpa", "9" * 5000),
        ("case", "NOPE"),
        ("breach", 0),
    ):
        page = shown(officer, f"/admin/documents/make/{kind}/{ref}/", {})
        assert "There are no records for this document." in page
    assert officer.client.get("/admin/documents/make/other/1/").status_code == 404


@pytest.mark.usefixtures("db")
def test_cancel_leads_back_to_what_a_document_is_about(officer: Member) -> None:
    for kind, ref, back in (
        ("company", "7", "/admin/parties/7/"), ("case", "T-ABC234", "/desk/T-ABC234/"),
        ("breach", "7", "/admin/incidents/7/"), ("breach", "x", "/admin/documents/"),
        ("case", "x", "/admin/documents/"), ("ccpa", "2026", "/admin/documents/"),
    ):  # fmt: skip
        page = officer.client.get(f"/admin/documents/make/{kind}/{ref}/").content.decode()
        assert re.findall(r'<a [^>]*href="([^"]+)"[^>]*>\s*Cancel\s*</a>', page) == [back]
