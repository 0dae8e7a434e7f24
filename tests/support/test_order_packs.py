"""The evidence of one court order: made, signed and kept by the legal-process role; nobody else learns of it."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from accounts.policies.permissions import StaffAction, staff_may
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from console.actions.documents import make_document, open_document, preview_document
from console.queries import order_packs
from partners.domain import keys
from support.models import Document
from tests.feeds import line_row, release_row, take_lines, take_parties, take_releases
from tests.support.officers import WHY, Member, csv_of, post, rows_of, searched, shown, staff

pytestmark = pytest.mark.usefixtures("world")

PACK = "/admin/delayed/pack/"
ORDER = {"order_ref": "26-mc-7 of the District Court"}
HIDE = {"open_end": "on", "disclosures": "a"}


@pytest.fixture
def world(db: None, no_broker: None) -> None:
    del db, no_broker
    take_parties()
    take_lines(line_row())
    take_releases(release_row(id="a"), release_row(id="b"), release_row(id="c"))


@pytest.fixture
def legal() -> Member:
    """The role that handles orders: with one that hides a release and waits for another, and a second order."""
    member = staff(User.Role.LEGAL)
    for path, said in (
        ("hide", {**ORDER, **HIDE}),
        ("await", {**ORDER, "open_end": "on", "disclosures": "to-come\nto-come-too"}),
        ("hide", {**HIDE, "order_ref": "Order of another court", "disclosures": "b"}),
    ):
        assert post(member, f"/admin/delayed/{path}/", said) == "/admin/delayed/"
    return member


def made(legal: Member) -> tuple[str, str, bytes]:
    """Preview the pack, sign it and download it: what the preview says, its page, and the PDF."""
    page = legal.client.post(PACK, {**WHY, **ORDER}).content.decode()
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    where = post(legal, PACK, {**ORDER, "seen": seen})
    return page, where, legal.client.post(where, WHY).content


def test_the_pack_holds_what_its_order_hides_and_verifies(legal: Member, tmp_path: Path) -> None:
    page, where, pdf = made(legal)
    (tmp_path / "document.pdf").write_bytes(pdf)
    (tmp_path / "jwks.json").write_text(json.dumps(keys.jwks(at=timezone.now())))
    out = StringIO()
    call_command("verify_receipt", str(tmp_path / "document.pdf"), stdout=out)
    found = out.getvalue()
    assert "The document verifies." in found
    said = json.loads(found[found.index("{") : found.rindex("}") + 1])
    sections = {one["heading"]: one for one in said["sections"]}
    facts = dict(sections["The order"]["rows"])
    assert facts["Reference"] == ORDER["order_ref"]
    assert [facts[one] for one in ("Releases named", "Hidden under it now", "Not received yet")] == ["3", "3", "2"]
    rows = {row[0]: row for row in sections["Releases"]["rows"]}
    assert rows["a"][1:] == [
        "2025-07-01 12:00 UTC", "Released", "Approval", "Geobridge → Roadaid", "To give you a service you asked for",
        "within about 500 m", "hidden until further order",
    ]  # fmt: skip
    assert [row[1] for name, row in rows.items() if name != "a"] == ["not received yet"] * 2
    acts = [row[2] for row in sections["Audit log"]["rows"]]
    assert acts == ["delayed notice: release hidden"] * 2 + ["document: previewed"]
    assert not re.search(r"another court|\+1\d{10}|L-1", page + found)
    # Kept, and read again with a reason; its reference is in no list.
    assert rows_of(legal, "/admin/documents/")[0].startswith("Evidence pack of a court order")
    assert "26-mc-7" not in shown(legal, "/admin/documents/") + shown(legal, where)
    assert legal.client.post(where, WHY).content == pdf
    trail = rows_of(legal, f"/admin/trail/?on=document:{where.split('/')[3]}")
    done = [re.findall(r"document: \w+", row)[0] for row in trail]
    assert "26-mc-7" not in str(trail)
    assert done == ["document: exported", "document: exported", "document: created"]


def test_a_lifted_release_is_shown_again_and_stays_in_the_pack(legal: Member) -> None:
    assert post(legal, "/admin/delayed/lift/", {**ORDER, "disclosures": "a"}) == "/admin/delayed/"
    page, _, _ = made(legal)
    assert page.count(">shown</bdi>") == 1
    # Its row, and what was recorded of it twice: hidden, and shown again.
    assert page.count(">a</bdi>") == 3


def test_nobody_else_learns_that_there_is_a_pack(legal: Member) -> None:
    others = [staff(name="officer"), staff(User.Role.AUDITOR)]
    looks = ("/admin/", "/admin/documents/", "/admin/trail/", "/admin/documents/make/")
    before = [[other.client.get(path).status_code for path in looks] for other in others]
    _, where, _ = made(legal)
    for other, was in zip(others, before, strict=True):
        assert [other.client.get(path).status_code for path in looks] == was
        assert rows_of(other, "/admin/documents/") == []
        assert "court order" not in shown(other, "/admin/documents/") + shown(other, "/admin/trail/")
        assert other.client.get(where).status_code == other.client.post(where, WHY).status_code == 404
        assert other.client.get(PACK).status_code == other.client.post(PACK, {**WHY, **ORDER}).status_code == 403
        assert other.client.get("/admin/documents/make/order/26-mc-7/").status_code in {403, 404}
        assert "of a court order" not in shown(other, searched(other, "court order"))
    assert "document: " not in str([row["did"] for row in csv_of(others[0], "/admin/trail/export/", WHY)])
    assert staff(User.Role.AGENT).client.get(PACK).status_code == 403
    assert not AuditEvent.objects.filter(action__startswith="document.", line_id__isnull=False).exists()


def test_the_act_itself_asks_who_makes_or_reads_it(legal: Member) -> None:
    officer, at = staff(), timezone.now()
    actor = officer.actor
    with pytest.raises(StaffOnly):
        preview_document(kind="order", ref=ORDER["order_ref"], actor=actor, reason="Served.", at=at)
    with pytest.raises(StaffOnly):
        make_document(kind="order", ref=ORDER["order_ref"], seen="", actor=actor, reason="Served.", at=at)
    _, where, _ = made(legal)
    own = Document.objects.get(pk=where.split("/")[3]).pk
    with pytest.raises(StaffOnly):
        open_document(document_id=own, of_legal=True, actor=actor, reason="Served.", at=at)
    assert not staff_may(User.Role.LEGAL, StaffAction.MAKE_DOCUMENTS)
    with pytest.raises(StaffOnly):
        preview_document(kind="certificate", ref="2025", actor=legal.actor, reason="x", at=at)


def test_an_order_that_nobody_recorded_has_no_pack(legal: Member) -> None:
    page = shown(legal, PACK, {"order_ref": "26-mc-8"})
    assert "There are no records for this document." in page
    assert not Document.objects.exists()


def test_a_long_order_says_how_much_of_it_is_printed(legal: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_packs, "MOST_RELEASES", 1)
    assert "The newest 1 of 3." in shown(legal, PACK, dict(ORDER))
