"""Documents of the records: previewed, signed as one file, kept; hidden rows and acts on them are in none."""

import json
import re
import uuid
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

import audit.actions
from accounts.models import Line, User
from audit.models import AuditEvent, Incident
from consent.domain.receipt_check import read_receipt_file
from partners.domain import keys
from partners.models import Campaign
from revocations.actions import suspend
from support.models import Document
from tests.factories import a_line
from tests.staff import an_actor
from tests.support.console import NUMBER, PERSON, a_case, a_chain
from tests.support.desk import said
from tests.support.officers import WHY, Member, post, shown, staff
from tests.world import disclosed, gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")
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


def a_world() -> tuple[Line, Campaign]:
    at = timezone.now()
    line = a_line(msisdn=NUMBER, holder_name=f"{PERSON} Person")
    campaign = a_chain(line, "Ash", at=at)
    suspend.suspend(of="contract", target_id=campaign.contract_id, actor=an_actor(), reason="They sold it.", at=at)
    uri = campaign.contract.aggregator.uri
    audit.actions.open_incident(kind=Incident.Kind.UNGATED, key="k", subject=uri, at=at - DAY)
    return line, campaign


def test_each_kind_is_previewed_signed_kept_and_verifies(officer: Member, tmp_path: Path) -> None:
    line, campaign = a_world()
    case = a_case(line, about_kind="order")
    said(case, "I never agreed to this.")
    party = campaign.contract.aggregator
    year, incident = timezone.now().year, Incident.objects.get(key="k")
    pdf = b""
    kinds = {
        "certificate": (year, f"Annual CPNI certificate for {year}", "They sold it."),
        "ccpa": (year, f"CCPA metrics for {year}", "A stop takes effect as it is made."),
        "breach": (incident.pk, f"Breach notification: incident {incident.pk}", "Customers affected"),
        "company": (party.pk, "Evidence pack: Ash", "They sold it."),
        "case": (case.code, f"Evidence pack: case {case.code}", "I never agreed to this."),
    }
    for kind, (ref, title, says) in kinds.items():
        page, where, pdf = signed(officer, kind, ref)
        assert f"<h1>{title}: preview</h1>" in page
        assert says in page
        found = verified(pdf, tmp_path)
        assert says in found
        assert f'"title": "{title}"' in found
        assert "The document verifies." in found
        assert not re.search(rf"{PERSON}|{NUMBER[2:]}", page + found)
        assert title in shown(officer, where)
        assert title in shown(officer, "/admin/documents/")
        document = Document.objects.get(title=title)
        done = AuditEvent.objects.filter(target=f"document:{document.pk}").order_by("id")
        assert list(done.values_list("action", "actor", "reason")) == [
            ("document.made", officer.actor, WHY["reason"]), ("document.taken", officer.actor, WHY["reason"]),
        ]  # fmt: skip
    assert AuditEvent.objects.filter(action="case.exported", line_id=line.pk).count() == 4
    # Another's words beside what we signed are not what we signed.
    kept = dict(read_receipt_file(pdf))
    (tmp_path / "other.json").write_text(json.dumps({**kept, "document": str(uuid.uuid4())}))
    with pytest.raises(CommandError, match="what was signed is another document"):
        call_command("verify_receipt", str(tmp_path / "other.json"), stdout=StringIO())


def test_what_an_order_hides_is_in_no_document(officer: Member) -> None:
    """A line with a hidden look-up by the company, and one alike without: their packs say the same."""
    at = timezone.now()
    line, campaign = a_world()
    case = a_case(line, at=at)
    party, year = campaign.contract.aggregator, at.year
    paths = [f"company/{party.pk}", f"case/{case.code}", f"certificate/{year}", f"ccpa/{year}"]

    def sections(path: str) -> str:
        page = shown(officer, f"/admin/documents/make/{path}/", {})
        return page.partition("Audit log")[0].partition("Sign and keep")[0]

    before = [sections(path) for path in paths]
    (row,) = disclosed(line, [party.uri], at=at - DAY, n=1, basis="legal_process", purpose="dpv:LegalCompliance")
    gagged(row, until=at + 30 * DAY, at=at)
    legal = staff(User.Role.LEGAL)
    for target in (f"party:{party.pk}", f"ticket:{case.code}"):
        audit.actions.record(action="legal.delayed", actor=legal.actor, target=target, at=at, reason="Order 7.")
    assert [sections(path) for path in paths] == before
    assert all("Order 7." not in shown(officer, f"/admin/documents/make/{path}/", {}) for path in paths)


def test_only_officers_make_documents_and_auditors_read_them(officer: Member) -> None:
    _, campaign = a_world()
    path = f"/admin/documents/make/company/{campaign.contract.aggregator_id}/"
    _, where, _ = signed(officer, "company", campaign.contract.aggregator_id)
    auditor = staff(User.Role.AUDITOR)
    assert auditor.client.get(path).status_code == 403
    assert auditor.client.post(where, WHY).headers["Content-Type"] == "application/pdf"
    assert "Reason This field is required" not in shown(auditor, where)
    assert auditor.client.post(where, {}).headers["Content-Type"].startswith("text/html")
    for kind, ref in (("company", 10**9), ("company", "x"), ("certificate", 1999), ("case", "NOPE"), ("breach", 0)):
        assert officer.client.post(f"/admin/documents/make/{kind}/{ref}/", WHY).status_code == 404
    assert officer.client.get("/admin/documents/make/other/1/").status_code == 404
