"""The agreement behind a contract or campaign: scanned, kept version by version, and in the audit log."""

import hashlib
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from partners.models import Campaign
from support.domain.files import LARGEST
from support.models import Document
from tests.clocks import Clock
from tests.factories import a_line
from tests.support.console import a_chain
from tests.support.officers import WHY, Member, rows_of, shown, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")
ERRORS = re.compile(r'class="(?:o-error|o-note bad)"[^>]*>([^<]+)<')
HARMFUL = "The scan found something in this file that can harm whoever opens it, so it wasn't kept."
DAMAGED = "This PDF is damaged, so it can't be scanned and wasn't kept. Save the agreement as PDF again."
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"


def a_pdf(title: str, *, harmful: bool = False) -> bytes:
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(width=200, height=200)
    writer.add_metadata({"/Title": title})
    if harmful:
        act = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
        writer.root_object[NameObject("/OpenAction")] = DictionaryObject(act)
    writer.write(out)
    return out.getvalue()


def uploaded(member: Member, of: str, target_id: int, content: bytes) -> str:
    """Upload a file; where that leads, or what the form says is wrong."""
    file = SimpleUploadedFile("Dana's contract.pdf", content)
    answer = member.client.post(f"/admin/agreement/{of}/{target_id}/", {**WHY, "file": file})
    if answer.status_code == 302:
        return str(answer.headers["Location"])
    return unescape(" ".join(ERRORS.findall(answer.content.decode())))


@pytest.fixture
def campaign() -> Campaign:
    return a_chain(a_line(), "Ash", at=timezone.now())


def test_an_agreement_is_kept_version_by_version(
    clock: Clock, officer: Member, campaign: Campaign, settings: Settings
) -> None:
    contract, company = campaign.contract, campaign.contract.aggregator
    page = f"/admin/contracts/{contract.pk}/"
    assert "Documents: none yet. Upload the agreement · All documents" in shown(officer, page)
    first, second = a_pdf("first"), a_pdf("second")
    assert uploaded(officer, "contract", contract.pk, first) == page
    assert "Uploaded. Nothing harmful was found in it." in shown(officer, page)
    assert uploaded(officer, "contract", contract.pk, first) == "We already keep this PDF."
    clock.move_to(clock.now + timedelta(minutes=3))
    assert uploaded(officer, "contract", contract.pk, second) == page
    clock.move_to(clock.now + timedelta(minutes=3))
    assert uploaded(officer, "campaign", campaign.pk, a_pdf("order form")) == f"/admin/campaigns/{campaign.pk}/"
    # Nothing of it may be written to a disk unsealed.
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"
    clock.move_to(clock.now + timedelta(minutes=3))
    large = a_pdf("third") + b"\n" * 3_000_000
    assert uploaded(officer, "campaign", campaign.pk, large) == f"/admin/campaigns/{campaign.pk}/"
    assert Document.objects.get(title=f"{campaign.ref}, version 2").sha256 == hashlib.sha256(large).hexdigest()
    kept = list(Document.objects.order_by("-made_at"))
    titles = [f"{ref}, version {n}" for ref in (campaign.ref, contract.ref) for n in (2, 1)]
    assert [one.title for one in kept] == titles
    listed = " ".join(f"{one.title} Signed agreement {one.made_at:%-d %b %Y, %H:%M}" for one in kept)
    for path in (page, f"/admin/campaigns/{campaign.pk}/", f"/admin/parties/{company.pk}/"):
        assert f"All documents {listed} " in shown(officer, path), path
        links = re.findall(r'href="/admin/documents/([\w-]{36})/"', officer.client.get(path).content.decode())
        assert links == [str(one.pk) for one in kept], path
    history = shown(officer, page)
    for version in (1, 2):
        assert f"contract: agreement added (version {version}) {officer.user.email}: They sold it on." in history
    assert len(rows_of(officer, "/admin/documents/?kind=agreement")) == 4
    newest = kept[2]
    assert f"{titles[2]} Signed agreement, uploaded by {officer.user.email} on" in (
        shown(officer, f"/admin/documents/{newest.pk}/")
    )
    auditor = staff(User.Role.AUDITOR)
    assert "Upload the agreement" not in shown(auditor, page)
    assert auditor.client.get(f"/admin/agreement/contract/{contract.pk}/").status_code == 403
    assert auditor.client.post(f"/admin/documents/{newest.pk}/", WHY).content == second
    taken = AuditEvent.objects.get(action="document.taken")
    assert (taken.actor, taken.detail) == (auditor.actor, {"title": titles[2], "about": f"contract:{contract.pk}"})


def test_what_is_no_harmless_pdf_is_not_kept(officer: Member, campaign: Campaign, settings: Settings) -> None:
    wrong = {
        b"": "The submitted file is empty.",
        b"Signed: Ash": "This isn't a PDF. Save the agreement as PDF and upload that.",
        b"\x00\x01\x02": "This isn't a PDF. Save the agreement as PDF and upload that.",
        a_pdf("first") + EICAR: HARMFUL,
        a_pdf("first", harmful=True): HARMFUL,
        a_pdf("first")[:-10]: DAMAGED,
        b"%PDF-1.7\nsome of it\n%%EOF\n": DAMAGED,
        a_pdf("first") + b"#!/bin/sh": HARMFUL,
        b"%PDF-" + b" " * LARGEST: "The file is larger than 5 MB. Scan it in fewer dots per inch, or split it.",
    }
    assert {content: uploaded(officer, "contract", campaign.contract_id, content) for content in wrong} == wrong
    settings.ATTACHMENT_SCANNER = "tests.support.test_files_of_cases.Away"
    assert uploaded(officer, "contract", campaign.contract_id, a_pdf("first")) == (
        "The file can't be scanned now, so it wasn't kept. Try again later."
    )
    for path in ("party/1", "contract/999999", "campaign/999999"):
        assert officer.client.get(f"/admin/agreement/{path}/").status_code == 404
    assert officer.client.get(f"/admin/documents/make/agreement/{campaign.contract_id}/").status_code == 404
    assert not Document.objects.exists()
    assert not AuditEvent.objects.filter(action__endswith=".agreement_added").exists()
