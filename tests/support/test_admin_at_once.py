"""A double click, or two officers at the same moment: it is done once, and the other reads why with all they typed."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit.models import AuditEvent
from partners.models import Contract, JurisdictionRule, NoticeText, Party, Proposal
from revocations.actions.suspend import suspend
from support.actions.protected_lines import protect
from support.models import ProtectedLine
from support.policies.lifecycle import NotNow
from tests.factories import FRAUD, NOW, a_contract, a_line, a_party
from tests.faults.programs import until
from tests.support.desk import a_ticket
from tests.support.officers import Member, staff

CLICKS = 4
WORDS = "Stopping is in force at once and stays."


@pytest.fixture
def officers(committed_db: None, no_broker: None) -> list[Member]:
    return [staff(name="first"), staff(name="second")]


def at_once(officers: list[Member], path: str, typed: Mapping[str, object]) -> list[tuple[int, bool]]:
    """What each click came to: the status, and whether the form is there again with what was typed."""

    def click(n: int) -> tuple[int, bool]:
        answer = officers[n % 2].client.post(path, {**typed, "reason": "Typed by hand."})
        connection.close()
        return answer.status_code, "Typed by hand." in answer.content.decode()

    with ThreadPoolExecutor(CLICKS) as clicks:
        return sorted(clicks.map(click, range(CLICKS)), reverse=True)


ONCE = [(302, False)] + [(200, True)] * (CLICKS - 1)


def test_a_rule_is_added_once(officers: list[Member]) -> None:
    begins = timezone.now().year + 5
    typed = {"state": "NV", "starts_at": f"{begins}-05-01", "sale_test": "on", "source": "test: a law"}
    page = officers[0].client.post("/admin/rules/add/", {**typed, "reason": "A new law."}).content.decode()
    typed["seen"] = page.partition('name="seen" value="')[2].partition('"')[0]
    assert at_once(officers, "/admin/rules/add/", typed) == ONCE
    assert JurisdictionRule.objects.filter(state="NV").count() == 1
    assert AuditEvent.objects.filter(action="rule.added").count() == 1


def test_one_version_of_a_notice_is_published(officers: list[Member]) -> None:
    before = NoticeText.objects.count()
    typed = {"use": "stop", "language": "en", "body": WORDS}
    assert at_once(officers, "/admin/notices/publish/", typed) == ONCE
    assert NoticeText.objects.count() == before + 1
    # One click after the other is the same.
    assert at_once(officers, "/admin/notices/publish/", typed) == [(200, True)] * CLICKS
    assert NoticeText.objects.filter(body=WORDS).count() == 1


def test_a_company_is_written_down_once(officers: list[Member]) -> None:
    typed = {"uri": "https://race.example", "name": "Race", "kind": "end_customer"}
    assert at_once(officers, "/admin/parties/add/", typed) == ONCE
    assert Party.objects.filter(uri="https://race.example").count() == 1


def test_a_contract_is_drafted_once(officers: list[Member]) -> None:
    typed = {
        "ref": "AGR-RACE", "aggregator": a_party().uri, "signed_at": "2026-11-01", "starts_at": "2026-11-01",
        "ends_at": "2094-01-01", "purposes": FRAUD, "ack_within_s": "900", "complete_within_days": "10",
    }  # fmt: skip
    assert at_once(officers, "/admin/contracts/draft/", typed) == ONCE
    assert Contract.objects.count() == 1


def test_the_same_is_proposed_once(officers: list[Member]) -> None:
    contract = a_contract()
    suspend(of="contract", target_id=contract.pk, actor=officers[0].actor, reason="r", at=NOW)
    assert at_once(officers, f"/admin/lift/contract/{contract.pk}/", {}) == ONCE
    assert Proposal.objects.count() == 1


def test_a_line_is_protected_once_from_whichever_of_its_cases(officers: list[Member]) -> None:
    at, line = timezone.now(), a_line()
    case = a_ticket(line_id=line.pk)

    def protects() -> None:
        try:
            protect(code=case.code, reason="Also.", actor=officers[1].actor, at=at)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            # As an officer does who is at another case of this line.
            ProtectedLine.objects.create(line_id=line.pk, reason="First.", by=officers[0].actor, at=at)
            second = other.submit(protects)
            until(waits_for_us, 10, lambda: "nobody waits")
        with pytest.raises(NotNow, match="It is protected already"):
            second.result(10)
    assert list(ProtectedLine.objects.values_list("reason", flat=True)) == ["First."]


def waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        (found,) = cursor.fetchone()
    return bool(found)
