"""A comparison of a partner's books with ours, as officers look into it: counts, rows, a file, and no line by name."""

import csv
import io
import re

import pytest

from accounts.models import User
from audit.models import AuditEvent, Incident
from consent.actions import digests
from consent.models import DigestFinding, DigestRun
from tests.support.comparisons import Compared
from tests.support.officers import Member, rows_of, shown, staff

NO_RUN = "00000000-0000-4000-8000-000000000000"
pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


@pytest.fixture
def compared(officer: Member) -> Compared:
    return Compared()


def figures(member: Member, path: str) -> dict[str, str]:
    page = member.client.get(path).content.decode()
    return dict(re.findall(r"<dt>([^<]+)</dt><dd[^>]*>(\d+)</dd>", page))


def test_the_page_counts_by_kind_and_shows_rows(officer: Member, compared: Compared) -> None:
    assert compared.run.findings == {"partner_has": 1, "partner_lacks": 1, "same": 0, "unknown": 1}
    assert f'<a href="{compared.path}">' in officer.client.get("/admin/reconciliation/").content.decode()
    assert f'<a href="{compared.path}">' in officer.client.get("/admin/").content.decode()
    assert figures(officer, compared.path) == {
        "Allowed there, denied here": "1", "Allowed here, missing there": "1", "Unknown identifier": "1",
        "Matching": "0",
    }  # fmt: skip
    incident = Incident.objects.get(kind="partner_has")
    link = f'<a href="/admin/incidents/{incident.pk}/">A partner allows what we deny</a>'
    assert link in officer.client.get(compared.path).content.decode()
    assert "3 in this list" in shown(officer, compared.path)
    ref, service = compared.books.contract.ref, compared.books.campaign.lbs_provider.uri
    for kind, words in (
        ("partner_has", f"Allowed there, denied here .* {ref} .* {service} –$"),
        ("partner_lacks", f"Allowed here, missing there .* {ref} .* {service} –$"),
        ("unknown", "^none Unknown identifier .* none of its contracts no campaign of ours –$"),
    ):
        (row,) = rows_of(officer, f"{compared.path}?kind={kind}")
        assert re.search(words, row), row
    assert officer.client.get(f"/admin/reconciliation/{NO_RUN}/").status_code == 404


def test_a_line_s_code_is_good_for_one_comparison(officer: Member, compared: Compared) -> None:
    (code,) = re.findall(r"^[A-Z2-7]{8}", rows_of(officer, f"{compared.path}?kind=partner_has")[0])
    again = DigestRun.objects.create(
        id=NO_RUN, party_id=compared.run.party_id, received_at=compared.run.received_at, differing=["0007"]
    )
    DigestFinding.objects.create(
        run=again, kind="partner_has", line_id=compared.kept.pk, found_at=compared.run.received_at
    )
    (row,) = rows_of(officer, f"/admin/reconciliation/{again.pk}/")
    assert re.match(r"[A-Z2-7]{8} ", row)
    assert code not in row
    assert figures(officer, f"/admin/reconciliation/{again.pk}/")["Allowed there, denied here"] == "0"
    assert "The partner still has to send 1 of 1 differing buckets." in shown(
        officer, f"/admin/reconciliation/{again.pk}/"
    )


@pytest.mark.parametrize("role", [User.Role.OFFICER, User.Role.AUDITOR])
def test_whose_it_is_shows_after_a_reason(officer: Member, compared: Compared, role: User.Role) -> None:
    member, sub, path = staff(role, name="looker"), compared.books.sub(compared.kept), compared.look("partner_has")
    for each in ("/admin/reconciliation/", compared.path, path, f"{compared.path}csv/"):
        text = member.client.get(each).getvalue().decode()
        assert sub not in text
        assert str(compared.kept.public_id) not in text
    assert sub not in member.client.post(path, {"reason": " "}).content.decode()
    assert not AuditEvent.objects.filter(action="difference.seen").exists()
    told = shown(member, path, {"kind": "fault", "reason": "Incident number three."})
    assert f"Partner's identifier for the line {sub}" in told
    assert compared.books.contract.ref in told
    seen = AuditEvent.objects.get(action="difference.seen")
    assert (seen.line_id, seen.reason, seen.actor) == (
        compared.kept.pk,
        "To find out what went wrong: Incident number three.",
        member.actor,
    )
    page = member.client.post(path, {"kind": "review", "reason": "Looking once more."}).content.decode()
    (order,) = re.findall(r'href="(/admin/streams/\d+/orders/[^"]+/)"', page)
    assert "Give a reason" in shown(member, order)


def test_a_difference_says_whether_our_order_allowed_it(officer: Member, compared: Compared) -> None:
    denied = compared.look("partner_has")
    own = DigestFinding.objects.create(
        run=compared.run, kind="partner_has", line_id=compared.kept.pk, told_so=True, found_at=compared.run.received_at
    )
    for path, order in (
        (denied, "our newest order denied it, or there is none"),
        (f"{compared.path}{own.pk}/", "our newest order still allowed it"),
    ):
        told = shown(officer, path, {"kind": "fault", "reason": "Incident number three."})
        assert f"Our order {order}" in told


def test_a_name_that_we_never_gave_has_no_page(officer: Member, compared: Compared) -> None:
    row = compared.row("unknown")
    assert (row.line_id, row.recipient, row.purpose, row.scope) == (None, "", "", "")
    assert officer.client.get(compared.look("unknown")).status_code == 404
    other = compared.look("partner_has").replace(str(compared.run.pk), NO_RUN)
    assert officer.client.get(other).status_code == 404


def test_the_rows_are_a_file_with_codes(officer: Member, compared: Compared) -> None:
    answer = officer.client.get(f"{compared.path}csv/")
    assert answer.streaming
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="whereabouts-differences-{compared.run.pk}.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    campaign, ref = compared.books.campaign, compared.books.contract.ref
    columns = ("kind", "contract", "location_service", "purpose", "our_order_allowed_it")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        ("partner_has", ref, campaign.lbs_provider.uri, campaign.purpose, "no"),
        ("partner_lacks", ref, campaign.lbs_provider.uri, campaign.purpose, "no"),
        ("unknown", "", "", "", "no"),
    ]
    codes = [row["line_code"] for row in rows]
    assert codes[0] in rows_of(officer, f"{compared.path}?kind=partner_has")[0]
    assert [len(code) for code in codes] == [8, 8, 0]
    taken = AuditEvent.objects.get(action="export.taken")
    assert (taken.actor, taken.detail) == (officer.actor, {"run": str(compared.run.pk)})


def test_rows_are_paged_and_bounded(officer: Member, compared: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    at = compared.run.received_at
    DigestFinding.objects.bulk_create(
        DigestFinding(run=compared.run, kind="partner_lacks", line_id=1_000 + n, found_at=at) for n in range(60)
    )
    pages = [rows_of(officer, f"{compared.path}?kind=partner_lacks&page={n}") for n in (1, 2)]
    assert [len(page) for page in pages] == [50, 11]
    monkeypatch.setattr(digests, "MOST_ROWS", 1)
    second = Compared()
    assert DigestFinding.objects.filter(run=second.run).count() == 1
    assert "Allowed here, missing there: 0 of 1 rows are stored." in shown(officer, second.path)
    assert "rows are stored" not in shown(officer, compared.path)
