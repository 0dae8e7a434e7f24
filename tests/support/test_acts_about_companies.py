"""The audit log's filters by company and by kind of act find every kind of act that there is."""

import ast
import uuid
from collections.abc import Iterator

import pytest
from django.utils import timezone

import audit.actions
from audit.models import AuditEvent, Incident
from consent.models import DigestFinding, DigestRun
from console.actions.documents import preview_document
from console.queries import staff as acts
from partners.actions.clients import register_machine
from partners.actions.guards import machine_target
from revocations.models import Order
from tests.conventions.sources import calls, own_modules, read
from tests.factories import a_line
from tests.partners.outside import Signer
from tests.support.console import a_case, a_chain
from tests.support.officers import Member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
VERBS = {"taken": "export", "previewed": "look", "seen": "look"}


def test_a_company_s_acts_are_found_whatever_they_were_done_to(officer: Member) -> None:
    at, line = timezone.now(), a_line()
    expected: dict[str, list[tuple[str, str]]] = {}
    for name in ("GeoBridge", "Northlink"):
        party = a_chain(line, name, at=at).contract.aggregator
        machine = register_machine(
            client_id=f"https://{name}.example", kind="aggregator", public_jwk=dict(Signer(name).public),
            party=party.uri, reason="Due.", actor=officer.actor, at=at,
        )  # fmt: skip
        run = DigestRun.objects.create(id=uuid.uuid4(), party_id=party.pk, received_at=at, differing=[])
        finding = DigestFinding.objects.create(run=run, kind="unknown", found_at=at)
        incidents = [
            Incident.objects.create(kind="ungated", key=f"{name}{n}", subject=subject, opened_at=at)
            for n, subject in enumerate((party.uri, f"partner:{party.pk}", machine_target(number=machine.number)))
        ]
        order = Order.objects.create(
            line_id=line.pk, id=uuid.uuid4(), contract_id=party.pk, party_id=party.pk, epoch=1, version=1, jti=name,
            txn="t", record_id=uuid.uuid4(), lane="stop", snapshot={"required_actions": []}, queued_at=at,
            next_attempt_at=at, complete_by=at,
        )  # fmt: skip
        case = a_case(line, party_id=party.pk)
        expected[name] = [
            ("ticket.seen", f"ticket:{case.code}"),
            ("client.disabled", f"client:https://{name}.example"),
            ("order.seen", f"order:{order.id}"), ("difference.seen", f"difference:{finding.pk}"),
            *(("incident.noted", f"incident:{one.pk}") for one in incidents),
        ]  # fmt: skip
        for action, target in expected[name]:
            audit.actions.record(
                action=action, actor=officer.actor, target=target, at=at,
                line_id=line.pk if action == "order.seen" else None,
            )  # fmt: skip
        breach = Incident.objects.create(kind="partner_breach", key=name, subject=party.uri, opened_at=at)
        for kind, ref in (("company", str(party.pk)), ("case", case.code), ("breach", str(breach.pk))):
            preview_document(kind=kind, ref=ref, actor=officer.actor, reason="Due.", at=at)
        audit.actions.record_for_lines(
            action="anomaly.seen", actor=officer.actor, at=at, details={line.pk: {"incident": incidents[0].pk}}
        )
        expected[name] = [
            ("machine.registered", machine_target(number=machine.number)), *expected[name],
            ("document.previewed", f"document:company:{party.pk}"),
            ("document.previewed", f"document:case:{case.code}"), ("case.seen", f"ticket:{case.code}"),
            ("document.previewed", f"document:breach:{breach.pk}"), ("anomaly.seen", f"line:{line.pk}"),
        ]  # fmt: skip
    for name, done in expected.items():
        found = acts.about_company(acts.acts(at=at), name).order_by("id").values_list("action", "target")
        assert [one for one in found if not one[0].startswith(("proposal.", "machine.proposed"))] == done


def test_what_is_asked_of_the_log_does_not_grow_with_a_company_s_cases_and_incidents() -> None:
    at, line = timezone.now(), a_line()
    party = a_chain(line, "GeoBridge", at=at).contract.aggregator
    asked = []
    for n in range(2):
        asked.append(str(acts.about_company(acts.acts(at=at), "GeoBridge").query))
        a_case(line, party_id=party.pk)
        Incident.objects.create(kind="ungated", key=str(n), subject=party.uri, opened_at=at)
    assert asked[0] == asked[1]


def actions_in_code() -> Iterator[str]:
    """Every "thing.verb" that the code has, and those whose verb it puts together ("document.{verb}")."""
    for path in own_modules():
        for node in ast.walk(read(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            if isinstance(node, ast.FunctionDef):
                yield from _put_together(read(path), node)


def _put_together(module: ast.Module, function: ast.FunctionDef) -> Iterator[str]:
    """What a function makes of its first parameter, as it is called in its module."""
    first = function.args.args[0].arg if function.args.args else ""
    for text in ast.walk(function):
        match text:
            case ast.JoinedStr(values=[ast.Constant(value=str(thing)), ast.FormattedValue(value=ast.Name(id=name))]):
                if name == first:
                    yield from (f"{thing}{verb}" for verb in _first_arguments(module, function.name))


def _first_arguments(module: ast.Module, name: str) -> Iterator[str]:
    for call in calls(module):
        match call:
            case ast.Call(func=ast.Name(id=called), args=[ast.Constant(value=str(verb)), *_]) if called == name:
                yield verb


def test_whatever_was_seen_or_taken_is_of_that_kind() -> None:
    kinds = {
        action: VERBS[verb]
        for action in actions_in_code()
        if (verb := action.partition(".")[2]) in VERBS and action.replace(".", "", 1).replace("_", "").isalpha()
    }
    assert kinds.keys() >= {"anomaly.taken", "document.taken", "document.previewed", "export.taken", "order.seen"}
    for action in kinds:
        audit.actions.record(action=action, actor="officer:1", target="thing:1", at=timezone.now())
    rows = AuditEvent.objects.filter(action__in=kinds)
    found = {
        action: kind for kind, _ in acts.KINDS for action in acts.of_kind(rows, kind).values_list("action", flat=True)
    }
    assert found == kinds
