"""What staff decide has the database's time, whichever way a web process's own clock is wrong."""

import json
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from audit.models import AuditEvent
from audit.queries import database_clock
from partners.actions import proposals
from partners.actions.suspensions import suspend
from partners.models import Client, Contract, Proposal, Suspension
from support.models import Reveal
from tests.factories import a_contract, a_line
from tests.partners.outside import Signer
from tests.staff import an_actor
from tests.support.desk import a_ticket
from tests.support.officers import confirmed, post, shown, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def wrong_clock(by: timedelta) -> time_machine.travel:
    return time_machine.travel(timezone.now() + by)


def is_now(at: datetime | None) -> bool:
    return at is not None and abs(database_clock() - at) < MINUTE


@pytest.fixture(params=[-HOUR, HOUR], ids=["an_hour_behind", "an_hour_ahead"])
def wrong(request: pytest.FixtureRequest) -> timedelta:
    by: timedelta = request.param
    return by


def a_suspended_contract() -> Contract:
    contract = a_contract()
    suspend(of="contract", target_id=contract.pk, actor=an_actor(), reason="Due", at=database_clock())
    return contract


def test_a_proposal_and_its_decision_have_the_databases_time(wrong: timedelta) -> None:
    contract = a_suspended_contract()
    with wrong_clock(wrong):
        post(staff(), f"/admin/lift/contract/{contract.pk}/")
        proposal = Proposal.objects.get()
        assert is_now(proposal.proposed_at)
        post(staff(name="second"), f"/admin/proposals/{proposal.pk}/agree/")
    proposal.refresh_from_db()
    assert is_now(proposal.decided_at)
    assert [is_now(one.at) for one in AuditEvent.objects.filter(action__startswith="proposal.")] == [True, True]


def test_what_was_suspended_after_a_proposal_stays_suspended() -> None:
    """Another began between the two: nobody had it before their eyes."""
    contract = a_suspended_contract()
    with wrong_clock(HOUR):
        post(staff(), f"/admin/lift/contract/{contract.pk}/")
    later = suspend(
        of="contract", target_id=contract.pk, actor="system:streams", reason="Late", at=database_clock(), automatic=True
    )
    page, second = f"/admin/proposals/{Proposal.objects.get().pk}/", staff(name="second")
    read = shown(second, page)
    assert "Agreeing lifts 1 suspension Due " in read
    assert "Late" not in read
    post(second, f"{page}agree/")
    assert [one.pk for one in Suspension.objects.filter(ends_at=None)] == [later.pk]


def test_no_door_proposes_for_the_future() -> None:
    contract, ahead = a_suspended_contract(), database_clock() + HOUR
    proposal = proposals.propose(
        act="lift_suspension", of="contract", target_id=contract.pk, payload={}, reason="Over", actor=an_actor(),
        at=ahead,
    )  # fmt: skip
    assert proposal.proposed_at < ahead - HOUR + MINUTE


def test_a_disabled_client_and_its_proposals_have_the_databases_time(wrong: timedelta) -> None:
    """A yes counts only for a proposal that is younger than the last change."""
    first, second = staff(name="first"), staff(name="second")
    old, new = (json.dumps(Signer(name).public) for name in ("old", "new"))
    post(first, "/admin/clients/register/", {"client_id": "gateway", "kind": "gateway", "party": "", "public_jwk": old})
    post(second, f"/admin/proposals/{Proposal.objects.get().pk}/agree/")
    page = f"/admin/clients/{Client.objects.get().number}/"
    confirmed(first, f"{page}key/", {"public_jwk": new})
    with wrong_clock(wrong):
        post(staff(name="third"), f"{page}disable/")
    changed = Client.objects.get()
    waited = Proposal.objects.get(decision="withdrawn")
    assert (is_now(changed.disabled_at), is_now(waited.decided_at)) == (True, True)


def test_a_look_at_whose_case_it_is_has_it_too(wrong: timedelta) -> None:
    ticket = a_ticket(line_id=a_line().pk)
    with wrong_clock(wrong):
        post(staff("agent"), f"/desk/{ticket.code}/reveal/")
    assert is_now(Reveal.objects.get().asked_at)
