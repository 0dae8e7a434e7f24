"""Each act of staff is in the trail under its own name: who did it, to what, how, in whose own log, and why."""

import ast
import inspect
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from django.utils import timezone

import audit.actions
from accounts.actions.staff import end_staff, record_view
from accounts.models import User
from audit.models import AuditEvent, Incident
from audit.policies import PARTNER
from console.actions import incidents
from console.actions.proposals import agree_to_proposal
from console.urls import ADDRESSES
from partners.actions.notices import propose_notice
from partners.actions.parties import change_party
from partners.actions.terms import set_consideration, set_endpoints, shorten_term
from support.actions import cases, escalation, replies, stop_for, writing
from support.models import Attachment, Ticket
from support.urls import urlpatterns
from tests.call_graph import graph, reached
from tests.conventions.sources import ROOT, calls
from tests.factories import a_campaign, a_contract, a_line, a_party
from tests.properties import undone
from tests.staff import a_staff_user, an_actor
from tests.support.desk import a_ticket

pytestmark = pytest.mark.usefixtures("db", "no_broker")
WHY = "They called."

# What writes into the trail.
TRAIL = {"audit.actions.record", "audit.actions.record_for_lines"}
# Verbs that pages of staff call and that write nothing into it, and why.
SILENT = {
    **dict.fromkeys(
        ("support.actions.writing.keep_draft", "support.actions.writing.remove_file",
         "support.actions.writing.undo_answer"),
        "changes the writer's own draft, which nobody else reads",
    ),
    "support.actions.writing.send": "queues an answer: as it is sent it is written down, as ticket.answered",
    "support.actions.replies.preview_reply": "shows the writer their own words",
    "console.actions.staff_access_log.note_visit": "notes on the reader's own account that they were here",
}  # fmt: skip
VERB = re.compile(r"[a-z]+\.actions(\.[a-z_]+)*\.[a-z]\w*")
NAME = re.compile(r"[a-z_]+\.[a-z_]+")

type Entry = tuple[str, str, int | None, str]


def pages_of_staff() -> Iterator[str]:
    """The views behind every address of the console and the desk, by whole names."""
    desk = [one.callback for one in urlpatterns if str(one.pattern).startswith("desk/")]
    assert len(desk) > 30
    for view in (*(one.view for one in ADDRESSES), *desk):
        own = inspect.unwrap(view)
        yield f"{own.__module__}.{own.__qualname__.partition('.')[0]}"


@cache
def verbs_of_staff() -> frozenset[str]:
    """What these pages do in somebody's name: what they call of the modules of verbs, and not what that calls."""
    found = reached(pages_of_staff(), beyond=lambda one: not VERB.fullmatch(one))
    return frozenset(one for one in found if VERB.fullmatch(one) and names_somebody(graph()[one]))


def names_somebody(verb: ast.stmt) -> bool:
    arguments = [one.arg for one in verb.args.kwonlyargs] if isinstance(verb, ast.FunctionDef) else []
    return not {"actor", "user"}.isdisjoint(arguments)


def test_whatever_a_page_of_staff_does_leads_to_the_trail() -> None:
    """From the addresses and the code: no verb can be forgotten."""
    assert len(verbs_of_staff()) > 90
    silent = {one for one in verbs_of_staff() - TRAIL if TRAIL.isdisjoint(reached([one]))}
    assert sorted(silent) == sorted(SILENT)


def test_every_name_that_is_written_into_the_trail_is_tried() -> None:
    """Whoever writes it, and by this test or another."""
    named = {
        said.value
        for one in graph().values()
        for call in calls(one)
        for keyword in call.keywords
        if keyword.arg == "action"
        for said in ast.walk(keyword.value)
        if isinstance(said, ast.Constant) and isinstance(said.value, str) and NAME.fullmatch(said.value)
    }
    assert len(named) > 100
    tests = "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("*.py")))
    assert sorted(one for one in named if f'"{one}"' not in tests) == []


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
        "incident.assigned": (
            lambda: incidents.assign_incident(to=officer, **of_incident),
            (officer, f"incident:{incident.pk}", None, WHY),
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
        "view_as.started": (
            lambda: record_view(role=User.Role.AUDITOR, actor=officer, at=now),
            (officer, f"user:{officer.partition(':')[2]}", None, ""),
        ),
        "view_as.ended": (
            lambda: record_view(role=User.Role.OFFICER, actor=officer, at=now),
            (officer, f"user:{officer.partition(':')[2]}", None, ""),
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
        "view_as.started": {"role": User.Role.AUDITOR},
        "suspend.asked": {"party": party.pk},
        "reply.begun": {"incident": incident.pk, "cases": 1},
        "incident.assigned": {"to": officer, "was": ""},
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
