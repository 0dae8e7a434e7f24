"""Each act of staff is in the trail under its own name: who did it, to what, how, in whose own log, and why."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.utils import timezone

import audit.actions
from accounts.actions.staff import end_staff
from audit.models import AuditEvent, Incident
from audit.policies import PARTNER
from console.actions import incidents
from console.actions.proposals import agree_to_proposal
from partners.actions.notices import propose_notice
from partners.actions.parties import change_party
from partners.actions.terms import set_consideration, set_endpoints, shorten_term
from support.actions import cases, escalation, replies, stop_for, writing
from support.models import Attachment, Ticket
from tests.factories import a_campaign, a_contract, a_line, a_party
from tests.properties import undone
from tests.staff import a_staff_user, an_actor
from tests.support.desk import a_ticket

pytestmark = pytest.mark.usefixtures("db", "no_broker")
WHY = "They called."

type Entry = tuple[str, str, int | None, str]


def test_each_act_of_staff_is_in_the_trail() -> None:
    now, line = timezone.now(), a_line()
    agent, officer, leaves = an_actor("agent"), an_actor(), a_staff_user("agent")
    contract, party = a_contract(), a_party("AdReach", "lbs_provider")
    campaign = a_campaign(contract, party)
    audit.actions.open_incident(kind=Incident.Kind.BURST, key="k", subject=party.uri, at=now)
    audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key="k", subject=party.uri, at=now)
    incident, owed = (Incident.objects.get(kind=one) for one in (Incident.Kind.BURST, Incident.Kind.OVERDUE))
    case = a_ticket(line_id=line.pk, about_kind="incident", about_ref=str(incident.pk))
    file = Attachment.objects.create(
        id=uuid.uuid4(), ticket=case, name="a.txt", media_type="text/plain", size=1, sha256="0" * 64, author=agent,
        at=now, scan=Attachment.Scan.CLEAN, scanned_at=now,
    )  # fmt: skip
    of_case: dict[str, Any] = {"code": case.code, "actor": agent, "at": now}
    of_case_why = {**of_case, "reason": WHY}
    of_terms: dict[str, Any] = {"actor": officer, "reason": WHY, "at": now}
    of_incident = {"incident_id": incident.pk, **of_terms}
    wording = propose_notice(
        use="stop", language="en", body="You stop it.", starts_at=now, reason=WHY, actor=(first := an_actor()), at=now
    )
    code, with_why = (agent, f"ticket:{case.code}", line.pk, case.code), f"{case.code}: {WHY}"
    acts: Mapping[str, tuple[Callable[[], object], Entry]] = {
        "ticket.priority_set": (
            lambda: cases.set_priority(priority=Ticket.Priority.HIGH, **of_case_why), (*code[:3], with_why),
        ),
        "ticket.moved": (lambda: cases.move_case(to=Ticket.State.PARTNER, **of_case_why), (*code[:3], with_why)),
        "ticket.escalated": (lambda: cases.escalate(**of_case_why), (*code[:3], with_why)),
        "ticket.noted": (lambda: writing.add_note(body="He called.", **of_case), code),
        "ticket.file_seen": (lambda: writing.open_file(file_id=file.id, **of_case), code),
        "suspend.asked": (
            lambda: escalation.request_suspension(party_id=party.pk, **of_case_why), (*code[:3], with_why),
        ),
        "stop.code_texted": (lambda: stop_for.text_code_for_stop(**of_case), code),
        "reply.begun": (
            lambda: replies.begin_reply(
                incident_id=incident.pk, kinds=[], language="", body="We did.", actor=agent, at=now
            ),
            (agent, "reply:", None, ""),
        ),
        "reply.written": (
            lambda: replies.write_reply(key="k", language="en", title="T", body="B", actor=officer, at=now),
            (officer, "canned:", None, ""),
        ),
        "incident.noted": (
            lambda: incidents.note_incident(**of_incident), (officer, f"incident:{incident.pk}", None, WHY),
        ),
        "incident.closed": (
            lambda: incidents.close_incident(**of_incident), (officer, f"incident:{incident.pk}", None, WHY),
        ),
        "incident.told": (
            lambda: incidents.do_duty(
                incident_id=owed.pk, duty=PARTNER.name, told_on=now.date(), reference="M-1", **of_terms
            ),
            (officer, f"incident:{owed.pk}", None, WHY),
        ),
        "notice.published": (
            lambda: agree_to_proposal(proposal_id=wording.pk, actor=officer, reason=WHY, at=now),
            (officer, "notice:stop.en.", None, WHY),
        ),
        "contract.endpoints_set": (
            lambda: set_endpoints(
                contract_id=contract.pk, endpoint_url="", jwks_uri="", hosts=("a.example",), **of_terms
            ),
            (officer, f"contract:{contract.pk}", None, WHY),
        ),
        "contract.shortened": (
            lambda: shorten_term(of="contract", target_id=contract.pk, ends_at=now, **of_terms),
            (officer, f"contract:{contract.pk}", None, WHY),
        ),
        "campaign.consideration_set": (
            lambda: set_consideration(
                campaign_id=campaign.pk, consideration="monetary", **of_terms
            ),
            (officer, f"campaign:{campaign.pk}", None, WHY),
        ),
        "party.changed": (
            lambda: change_party(
                party_id=party.pk, name="Ad", website="", about="", jwks_uri="", **of_terms
            ),
            (officer, f"party:{party.pk}", None, WHY),
        ),
        "staff.ended": (
            lambda: end_staff(email=leaves.email, actor=officer, at=now),
            (officer, f"user:{leaves.pk}", None, ""),
        ),
    }  # fmt: skip
    endpoints = {"endpoint_url": contract.endpoint_url, "jwks_uri": contract.jwks_uri}
    found: dict[str, list[Entry]] = {}
    details: dict[str, object] = {}
    for action, (act, (_, target, _, _)) in acts.items():
        with undone():
            act()
            events = AuditEvent.objects.filter(action=action).values_list("actor", "target", "line_id", "reason")
            # Of what has a name only once it is there, the kind is looked at.
            found[action] = [(who, name[: len(target)], line_id, why) for who, name, line_id, why in events]
            details |= AuditEvent.objects.filter(action=action).exclude(detail={}).values_list("action", "detail")
    assert found == {action: [entry] for action, (_, entry) in acts.items()}
    assert details == {
        "ticket.priority_set": {"to": Ticket.Priority.HIGH, "was": Ticket.Priority.NORMAL},
        "ticket.moved": {"to": Ticket.State.PARTNER, "was": Ticket.State.OPEN},
        "suspend.asked": {"party": party.pk},
        "reply.begun": {"incident": incident.pk, "cases": 1},
        "incident.told": {"duty": PARTNER.name, "on": now.date().isoformat(), "reference": "M-1"},
        "notice.published": {"starts_at": now.isoformat(), "proposal": str(wording.pk), "proposed_by": first},
        "reply.written": {"fields": ["title", "body"], "was": {}, "now": {"title": "T", "body": "B"}},
        "contract.endpoints_set": {
            "ref": contract.ref, "fields": ["hosts"], "was": {**endpoints, "hosts": []},
            "now": {**endpoints, "hosts": ["a.example"]},
        },
        "contract.shortened": {
            "ref": contract.ref, "was": contract.ends_at.isoformat(), "ends_at": now.isoformat(),
        },
        "campaign.consideration_set": {"ref": campaign.ref, "was": "", "consideration": "monetary"},
        "party.changed": {
            "ref": party.uri, "fields": ["name"], "was": {"name": "AdReach"}, "now": {"name": "Ad"},
        },
    }  # fmt: skip
