"""Whatever page shows an account holder what is a child's, the child's own log says that they looked."""

import itertools
import uuid

import pytest
from django.http import HttpResponseBase
from django.utils import timezone

from accounts.models import Line
from audit.models import AuditEvent
from consent.models import Choice
from disclosures.models import Disclosure
from support.domain import tickets
from support.models import Ticket
from tests.factories import a_campaign, a_line, a_party, an_approval
from tests.people import signed_in
from tests.walks.addresses import filled, patterns
from tests.walks.marks import whole
from tests.walks.world import MARK, undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")
NOBODY = uuid.UUID(int=7)


def test_no_page_shows_what_is_a_child_s_without_an_entry_in_its_log() -> None:
    holder, child, now = a_line(account="A-1"), a_line(account="A-1", role="minor"), timezone.now()
    campaign = a_campaign(provider=a_party(f"{MARK} Finder", "lbs_provider"))
    an_approval(child, campaign)
    path = [campaign.contract.aggregator.uri, campaign.lbs_provider.uri]
    Disclosure.objects.create(
        line_id=child.pk, occurred_at=now, id=uuid.uuid4(), source_id="one", aggregator=path[0], path=path,
        campaign=campaign.ref, purpose=campaign.purpose, scope=campaign.scope, precision_m=500, basis="approval",
        outcome="released", judgement="permitted", recorded_at=now,
    )  # fmt: skip
    signed_in(child).post("/choices/dispute/", {"scope": "campaign", "ref": campaign.ref})
    tickets.open_tickets(at=timezone.now())
    case, parent = Ticket.objects.get().code, signed_in(holder).client
    ids = {
        "name": "all", "month": "2020-01", "choice_id": Choice.objects.get().id, "code": case, "kind": "company",
        "ref": campaign.lbs_provider_id, "party_id": campaign.lbs_provider_id, "token": "none", "agent_id": "A",
        "number": 0, "uid": "MQ", "pk": 1, "year": now.year, "reveal_id": 0, "reply_id": 1,
        **dict.fromkeys(("file_id", "cohort_id", "request_id", "delegation_id", "many_id"), NOBODY),
    }  # fmt: skip
    unseen, seen = [], set()
    for _, route in patterns():
        for query, method in itertools.product(({}, {"line": str(child.public_id)}), ("get", "post")):
            with undone(parent):
                answered: HttpResponseBase = getattr(parent, method)(filled(route, ids), query)
                said = whole(answered).replace(f"/{case.lower()}/", "")
                looked = AuditEvent.objects.filter(line_id=child.pk, action="holder.looked").exists()
            if MARK.lower() in said or case.lower() in said:
                seen.add(route)
                unseen += [] if looked else [f"{method} {route} {query}"]
    assert unseen == []
    assert seen >= {"help/", "home/", "history/", "choices/", "access-log/companies/", "help/<str:code>/"}


def test_while_a_child_s_history_is_held_its_cases_are_in_no_list() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    campaign = a_campaign(provider=a_party(f"{MARK} Finder", "lbs_provider"))
    an_approval(child, campaign)
    signed_in(child).post("/choices/dispute/", {"scope": "campaign", "ref": campaign.ref})
    tickets.open_tickets(at=timezone.now())
    code, parent = Ticket.objects.get().code, signed_in(holder)
    assert code in parent.get("/help/").text
    Line.objects.filter(pk=child.pk).update(history_known_at=timezone.now())
    assert code not in parent.get("/help/").text
    assert code not in signed_in(child).get("/help/").text
