"""The console's pages of authorised agents: at a glance who may ask, and who let it."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from console.queries.machines import count_agent_requests
from partners.models import AgentRequest, AuthorizedAgent, Proposal
from tests.agents import AGENT, an_agent_asks, public
from tests.factories import a_line
from tests.people import Browser, number_of
from tests.support.officers import Member, post, shown, staff
from tests.walks.marks import tells

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
KEY, OTHER = public(Ed25519PrivateKey.generate()), public(Ed25519PrivateKey.generate())
TYPED: dict[str, object] = {
    "agent_id": "PERMISSION_SLIP", "name": "Permission Slip", "key": f" {KEY} ", "hosts": "B.example\na.example\n",
}  # fmt: skip
LIST = "/admin/authorized-agents/"


def registered(officer: Member) -> str:
    path = post(officer, f"{LIST}register/", TYPED)
    assert path == f"{LIST}{AuthorizedAgent.objects.get().number}/"
    return path


def suspends(officer: Member, page: str) -> bool:
    """Whether the page leads to the suspension."""
    return f'href="{page}suspend/">Suspend<' in officer.client.get(page).content.decode()


def test_it_is_registered_by_one_and_let_in_by_another(officer: Member, second: Member) -> None:
    assert "No authorized agents" in shown(officer, LIST)
    page = registered(officer)
    said = shown(officer, page)
    assert "Permission Slip not active yet" in said
    assert f"Key {KEY} Ed25519" in said
    assert "Callback hosts a.example b.example" in said
    assert "Activate an authorized agent : proposed by first@carrier.example on" in said
    assert "Propose activation" not in said
    row = shown(second, LIST)
    assert "Permission Slip PERMISSION_SLIP not active yet waiting for a second officer" in row
    assert f"{KEY} a.example, b.example never" in row
    assert AuditEvent.objects.get(action="authorized.registered").reason == "They sold it on."
    proposal = Proposal.objects.get()
    told = shown(second, f"/admin/proposals/{proposal.pk}/")
    assert f"under the name Permission Slip, with the key {KEY} and callback hosts: a.example, b.example." in told
    assert "It can't send requests now" in told
    assert f'<a href="{page}">' in second.client.get(f"/admin/proposals/{proposal.pk}/").content.decode()
    assert post(second, f"/admin/proposals/{proposal.pk}/agree/")
    assert "Permission Slip active" in shown(officer, page)
    assert suspends(officer, page)
    assert "active" in shown(officer, f"{LIST}?state=in")
    assert "No matches" in shown(officer, f"{LIST}?state=out")
    assert (
        f"authorized agent: activated (name: Permission Slip; key: {KEY}; callback hosts: a.example, b.example)"
        in shown(officer, page)
    )
    assert 'href="/admin/authorized-agents/' in officer.client.get("/admin/search/?q=permission").content.decode()


def test_another_key_takes_two_a_suspension_one(officer: Member, second: Member) -> None:
    page = registered(officer)
    post(second, f"/admin/proposals/{Proposal.objects.get().pk}/agree/")
    assert f'value="{KEY}"' in officer.client.get(f"{page}propose/").content.decode()
    wrong = shown(officer, f"{page}propose/", {**TYPED, "key": "AAAA"})
    assert "This is no public Ed25519 key in base64." in wrong
    assert post(officer, f"{page}propose/", {**TYPED, "key": OTHER}) == page
    proposal = Proposal.objects.get(decision="")
    assert f"It can send requests now, under the name Permission Slip, with the key {KEY}" in shown(
        second, f"/admin/proposals/{proposal.pk}/"
    )
    assert f"Key {KEY}" in shown(officer, page)
    assert post(officer, f"{page}suspend/") == page
    post(officer, f"{page}propose/", {**TYPED, "hosts": ""})
    post(second, f"/admin/proposals/{Proposal.objects.get(decision='').pk}/agree/")
    assert "Callback hosts none: it polls us Last signed in never" in shown(officer, page)
    post(officer, f"{page}suspend/")
    assert "Permission Slip suspended" in shown(officer, page)
    assert not suspends(officer, page)
    assert "It was already decided: withdrawn" in shown(second, f"/admin/proposals/{proposal.pk}/agree/", {})
    assert AuthorizedAgent.objects.get().ended_at is not None


def test_its_requests_are_counted_and_nobody_is_named(officer: Member) -> None:
    lines = [a_line(msisdn=number) for number in ("+12065550142", "+12065550143", "+12065550144")]
    links = [an_agent_asks(line) for line in lines]
    # Of the last 30 days alone.
    AgentRequest.objects.filter(line_id=lines[2].pk).update(received_at=timezone.now() - timedelta(days=30))
    Browser().post(links[0], {"refuse": "1"})
    an_agent_asks(a_line(msisdn="+12065550145"), "Another", agent_id="ANOTHER")
    said = shown(officer, f"{LIST}{AuthorizedAgent.objects.get(pk=AGENT).number}/")
    assert "Denied: The person says the request isn't theirs 1 Waiting for the person 1" in said
    assert not any(tells(said, number_of(line)) for line in lines)
    row = shown(officer, LIST)
    assert "Permission Slip PERMISSION_SLIP active" in row
    assert "none never 2 –" in row
    assert count_agent_requests(agent_ids=[AGENT], at=timezone.now()) == {AGENT: (2, 0)}


@pytest.mark.parametrize("role", [User.Role.AUDITOR, User.Role.AGENT, User.Role.LEGAL])
def test_an_auditor_looks_and_nobody_else_does_anything(officer: Member, second: Member, role: str) -> None:
    page, other = registered(officer), staff(role, name="other")
    seen = 200 if role == User.Role.AUDITOR else 403
    assert {other.client.get(path).status_code for path in (LIST, page, f"{page}suspend/")} == {seen}
    for path in (f"{LIST}register/", f"{page}propose/", f"{page}suspend/"):
        assert other.client.post(path, {**TYPED, "reason": "Due"}).status_code == 403
    if role == User.Role.AUDITOR:
        assert "Register an agent" not in shown(other, LIST)
