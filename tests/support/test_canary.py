"""Our own trial of stopping: over HTTP, at a real port; each step that breaks opens an incident that names it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client as Http
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import Line, LineNumber
from accounts.primitives import numbers
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.models import Choice, ChoiceReceipt
from console.queries import dashboard
from disclosures.queries.figures.statements import STATEMENTS, Figure
from partners.models import Campaign, Party
from partners.policies.identifiers import events_address_of
from portal import health
from portal.wsgi import whole_product as application
from revocations.models import Order, State
from revocations.workers.deadlines import record_overdue
from revocations.workers.delivery import delivery_rounds
from support.models import CanaryRun
from support.queries.visible import find_hidden_cases
from support.workers.canary import running, steps
from support.workers.canary.running import end_stale
from tests.conformance.site import served
from tests.faults.restoring import as_owner
from tests.moments import A_MOMENT

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Front:
    """What stands before the product, like a proxy. `answers`: by a part of a path, a status and a body."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[str, str]] = {}

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        for path, (status, body) in self.answers.items():
            if path in environ["PATH_INFO"]:
                start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
                return [body.encode()]
        return application(dict(environ), start_response)


@pytest.fixture
def front(committed_db: None, no_broker: None, settings: Settings) -> Iterator[Front]:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    settings.DOOR_OUT_LOOPBACK = settings.CANARY = True
    MemoryBackend.outbox.clear()
    before = Front()
    with served(before) as url:
        settings.BASE_URL = url
        yield before


def push() -> None:
    """What a worker does: everything that is due goes out."""
    due = Order.objects.filter(next_attempt_at__isnull=False).values_list("id", flat=True)
    delivery_rounds.deliver(order_ids=list(due), now=database_clock())


def begun() -> CanaryRun:
    running.start(now=database_clock())
    return CanaryRun.objects.latest("id")


def ended(run: CanaryRun, after: timedelta = timedelta()) -> CanaryRun:
    running.tend(now=run.began_at + after if after else database_clock())
    run.refresh_from_db()
    return run


def incidents() -> list[tuple[str, str, str, int]]:
    return list(Incident.objects.order_by("id").values_list("kind", "key", "subject", "count"))


def is_allowed() -> bool:
    campaign = Campaign.objects.select_related("contract__aggregator", "lbs_provider").get(ref=numbers.CANARY_NAME)
    (answer,) = deciding.evaluate(questions=[as_agreed(campaign=campaign, line=numbers.CANARY_NAME)])
    return answer.allowed


def figures() -> dict[str, Any]:
    """Everything that is published, as it is counted."""
    at = database_clock() + HOUR
    found: dict[str, Any] = {}
    with connection.cursor() as cursor:
        for figure in Figure:
            cursor.execute(
                STATEMENTS[figure].sql, {"since": at - timedelta(days=2), "until": at, "at": at, "fewest": 1}
            )
            found[figure] = cursor.fetchall()
    return found


def test_it_stops_signs_and_allows_again_and_again(front: Front, settings: Settings) -> None:
    before = figures()
    assert health.readiness(at=database_clock()).canary == "never"
    run = begun()
    assert (run.step, run.failed, run.finished_at, is_allowed()) == ("push", "", None, False)
    (stop,) = Choice.objects.filter(kind="stop")
    assert (stop.channel, stop.scope) == ("stop_page", "all")
    assert ended(run).step == "push"
    push()
    assert ended(run).failed == ""
    assert run.finished_at is not None
    assert set(run.seconds) == set(CanaryRun.Step.values)
    order = Order.objects.get(id__in=[run.order_id])
    assert (order.state, run.heard_order_id) == (State.COMPLETED, order.id)
    assert is_allowed()
    said = json.loads(Http().get("/readyz").content)
    assert (said["ready"], said["canary"]) == (True, "ok")
    told = health.metrics(at=database_clock()).decode()
    assert "whereabouts_canary_ok 1.0" in told
    found = re.search(r"^whereabouts_canary_last_success_timestamp_seconds (\S+)$", told, flags=re.MULTILINE)
    assert found is not None
    assert float(found[1]) == pytest.approx(run.finished_at.timestamp())
    assert 'whereabouts_canary_step_seconds{step="page"}' in told
    push()
    again = begun()
    push()
    assert ended(again).failed == ""
    assert (CanaryRun.objects.count(), Choice.objects.filter(kind="stop").count()) == (2, 2)
    # A line of ours, at nobody's number, and in nobody's figures.
    assert Choice.objects.values("line_id").distinct().count() == Line.objects.count() == 1
    # Each is in the trail once, and so is either client.
    made = AuditEvent.objects.filter(action="canary.made", actor="system:canary")
    assert (made.count(), made.filter(line_id=Line.objects.get().pk).count()) == (3, 1)
    assert MemoryBackend.outbox == []
    assert figures() == before
    assert record_overdue(now=database_clock() + timedelta(days=30), whole=True) == 0
    at = database_clock()
    now = dashboard.get_dashboard(reader="officer:1", hidden=find_hidden_cases(at=at), at=at)
    assert (now.partners, now.unwell) == (0, [])
    assert incidents() == []


# Where something else answers, and what; which step that breaks, and what is said of it.
BREAKS = (
    ("/access/v1/evaluation", ("503 Away", ""), "allow", "saying yes: the gate's door: it answered 503"),
    (
        "/access/v1/evaluation", ("200 OK", '{"decision": false}'), "allow",
        "saying yes: the gate says no after its person said yes",
    ),
    ("/stop/", ("503 Away", ""), "page", "stopping on the page: it answered 503"),
    ("/stop/all/", ("500 Broken", ""), "page", "stopping on the page: it answered 500"),
    ("/stop/all/", ("200 OK", "We are sorry"), "page", "stopping on the page: it answered 200"),
    # Whatever stands before the gate, a cache that keeps its yes among it.
    (
        "/access/v1/evaluation", ("200 OK", '{"decision": true}'), "gate",
        "the gate's no: the gate says yes after its person stopped everything",
    ),
    ("/receipt.json", ("404 None", ""), "receipt", "our receipt: it answered 404"),
    ("/receipt.json", ("200 OK", '{"token": "x.y.z"}'), "receipt", "our receipt: it does not verify"),
)  # fmt: skip


def test_whatever_breaks_opens_one_incident_a_step(front: Front) -> None:
    counted: dict[str, tuple[str, int]] = {}
    for path, answer, step, why in BREAKS:
        front.answers = {path: answer}
        run = begun()
        assert (run.step, run.finished_at is not None) == (step, True), why
        assert f"{CanaryRun.Step(run.step).label}: {run.failed}" == why
        first, n = counted.get(step, (why, 0))
        counted[step] = (first, n + 1)
        assert incidents() == [("canary_failed", key, said, times) for key, (said, times) in counted.items()]
    assert not Incident.objects.filter(due_at=None).exists()
    assert health.readiness(at=database_clock()).canary == "failed"
    assert health.readiness(at=database_clock()).ready
    # A receipt that is kept from before.
    kept = ChoiceReceipt.objects.values_list("token", flat=True)[0]
    front.answers = {"/receipt.json": ("200 OK", json.dumps({"token": kept}))}
    run = begun()
    assert (run.step, run.failed) == ("receipt", "it is of another choice")
    counted["receipt"] = (counted["receipt"][0], 3)
    # Once mended it goes through, and the incidents stay for an officer.
    front.answers = {}
    run = begun()
    push()
    assert ended(run).failed == ""
    assert [one[3] for one in incidents()] == [n for _, n in counted.values()]


def test_a_number_that_is_no_line_s_gets_no_code(front: Front) -> None:
    at = database_clock()
    LineNumber.objects.filter(line=steps.ensure_world(at=at).line).update(ends_at=at + A_MOMENT)
    run = begun()
    assert (run.step, run.failed) == ("page", "no code was made")


def test_a_stop_that_no_company_is_told_of_has_failed(front: Front) -> None:
    at = database_clock()
    tried, visitor = steps.ensure_world(at=at), steps.Visitor()
    steps.allow(world=tried, at=at)
    progress = steps.stop_by_page(world=tried, visitor=visitor)
    as_owner("DELETE FROM consent_choiceorder")
    with pytest.raises(steps.StepFailed, match="no order tells of it"):
        steps.receipt_holds(world=tried, visitor=visitor, progress=progress)


@pytest.mark.django_db
def test_a_closed_gate_breaks_the_trial_behind_certificates_too(no_broker: None, settings: Settings) -> None:
    settings.MTLS_CLIENT_CERTIFICATES = True
    at = database_clock()
    tried = steps.ensure_world(at=at)
    steps.allow(world=tried, at=at)
    assert steps.gate_allows(world=tried, at=at)
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_gate_close('restored')")
    assert not steps.gate_allows(world=tried, at=at)
    # What is allowed already is not allowed again.
    stop(line_id=tried.line.pk, scope="all", actor=tried.actor, channel="web")
    with pytest.raises(steps.StepFailed, match="no yes would count: restoring"):
        steps.allow(world=tried, at=at)


def test_lost_pushes_and_refused_receipts_are_incidents(front: Front) -> None:
    front.answers = {"/canary/": ("503 Away", "")}
    run = begun()
    push()
    assert ended(run, 2 * MINUTE).finished_at is None
    assert ended(run, 3 * MINUTE).finished_at is not None
    front.answers = {"/ssf/receipts": ("503 Away", "")}
    run = begun()
    push()
    assert ended(run).step == "signed"
    front.answers = {"/ssf/receipts": ("202 Accepted", "")}
    run = begun()
    push()
    assert ended(run).failed == "it was taken, and the order is not done"
    assert incidents() == [
        ("canary_failed", "push", "telling the company: not heard of after 3 minutes: the order is sent", 1),
        ("canary_failed", "signed", "the company's receipt: it answered 503", 2),
    ]


@pytest.mark.parametrize("step", ["page", "push"])
@pytest.mark.usefixtures("committed_db", "no_broker")
def test_one_that_never_finished_is_an_incident_within_five_minutes(settings: Settings, step: str) -> None:
    settings.CANARY = True
    began = database_clock()
    run = CanaryRun.objects.create(began_at=began, step=step)
    end_stale(now=began + 3 * MINUTE)
    assert incidents() == []
    end_stale(now=began + 4 * MINUTE)
    assert [one[:2] for one in incidents()] == [("canary_failed", step)]
    assert incidents()[0][2].endswith("it did not come to its end")
    run.refresh_from_db()
    assert run.failed == "it did not come to its end"


def test_one_runs_at_a_time_and_late_ones_begin(front: Front, settings: Settings) -> None:
    settings.CANARY = False
    running.start(now=database_clock())
    running.tend(now=database_clock())
    assert (CanaryRun.objects.count(), health.readiness(at=database_clock()).canary) == (0, "off")
    settings.CANARY = True
    run = begun()
    running.start(now=database_clock())
    assert CanaryRun.objects.count() == 1
    with pytest.raises(IntegrityError):
        CanaryRun.objects.create(began_at=database_clock())
    CanaryRun.objects.filter(pk=run.pk).update(finished_at=database_clock(), failed="")
    running.tend(now=run.began_at + HOUR)
    assert CanaryRun.objects.count() == 1
    assert health.readiness(at=run.began_at + HOUR + 11 * MINUTE).canary == "late"
    running.tend(now=run.began_at + HOUR + 6 * MINUTE)
    assert CanaryRun.objects.count() == 2


def test_nobody_else_is_heard_at_its_door(front: Front) -> None:
    run, http = begun(), Http()
    for body in ("", "x.y.z", "{}", "a" * 200_001):
        answer = http.post("/canary/events", body, content_type="application/secevent+jwt")
        assert (answer.status_code, answer.json()["err"]) == (400, "invalid_request")
    run.refresh_from_db()
    assert run.heard_at is None
    assert Party.objects.get(uri=numbers.CANARY_PARTY).name == numbers.CANARY_PARTY_NAME


@pytest.mark.django_db
def test_it_is_told_where_people_reach_us_now(settings: Settings) -> None:
    for url in ("https://before.carrier.example", "https://privacy.carrier.example"):
        settings.BASE_URL = url
        tried = steps.ensure_world(at=database_clock())
        assert events_address_of(party_id=tried.party.pk) == f"{url}/canary/events"
    assert not Incident.objects.exists()
