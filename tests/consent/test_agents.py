"""Authorised agents (Data Rights Protocol 1.0): they ask, the person says from the phone, and only stops are done."""

import json
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import count
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.test import Client as Http
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line, Message
from accounts.primitives.sealing import number_hash, unseal
from accounts.primitives.zones import is_day, zone_of
from accounts.views.access import ANSWER_AT
from audit.models import AuditEvent
from consent.actions.agents import receive_request
from consent.domain import agents
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.models import Choice
from consent.workers import agent_callbacks
from partners.actions.authorized import suspend_agent
from partners.clients import http
from partners.models import AgentRequest, AuthorizedAgent
from tests.agents import BUSINESS, Agent, as_published, let_in_again, texted_link
from tests.factories import a_campaign, a_line, an_approval
from tests.moments import ends_at
from tests.people import Browser, number_of, signed_in
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("db", "no_broker")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CALLBACK = "https://agent.example/status"


@pytest.fixture(autouse=True)
def _open(settings: Settings) -> None:
    settings.DRP_BUSINESS_ID = BUSINESS


@pytest.fixture
def agent() -> Agent:
    made = Agent()
    made.register()
    made.sign_in()
    return made


@pytest.fixture
def line() -> Line:
    made = a_line()
    an_approval(made, a_campaign(), at=timezone.now() - 90 * DAY)
    return made


def link(line: Line) -> str:
    message = Message.objects.filter(line=line, kind=Message.Kind.AGENT).latest("made_at")
    words = unseal(message.words_sealed)
    assert "PERMISSION_SLIP" not in words
    assert is_day(zone_of(line.state), message.next_at)
    return texted_link(line)


def allowed(line: Line) -> bool:
    campaign = a_campaign().__class__.objects.order_by("pk").first()
    assert campaign is not None
    (answer,) = deciding.evaluate(questions=[as_agreed(campaign=campaign, line=line.carrier_id)])
    return answer.allowed


def test_a_stop_is_done_when_its_person_says_so(agent: Agent, line: Line) -> None:
    told = agent.exercise(number_of(line), **{"agent-request-id": "r-1"})
    assert (told["status"], told["reason"], told["agent_request_id"]) == (
        "in_progress",
        "need_user_verification",
        "r-1",
    )
    assert told["expected_by"] > told["received_at"]
    assert not Choice.objects.filter(line_id=line.pk).exists()
    path = link(line)
    assert Browser().get(path[:-2] + "/").status_code == 404
    page = Browser().get(path).text
    assert "Does <bdi>PERMISSION_SLIP Inc.</bdi> act for you?" in page
    assert path.split("/")[-2] not in told["user_verification_url"]
    assert "Check the phone" in Browser().get(told["user_verification_url"].removeprefix("http://localhost:8000")).text
    done = Browser().post(path, {"stop-all": "1"}, follow=True)
    assert "You stopped all sharing" in done.text
    (choice,) = Choice.objects.filter(line_id=line.pk)
    assert (choice.kind, choice.scope, choice.actor) == ("stop", "all", f"line:{line.pk}")
    confirmed = unseal(Message.objects.get(line=line, kind=Message.Kind.STOPPED).words_sealed)
    assert "the change you made for this phone's location is in force" in confirmed
    now = agent.status(told["request_id"])
    assert (now["status"], "reason" in now) == ("fulfilled", False)
    assert Browser().get(path).status_code == 404
    log = signed_in(line).get("/access-log/").text.replace("&#x27;", "'")
    for said in (
        "Asked in this person's name to stop all sharing: PERMISSION_SLIP Inc.",
        "an agent acts for them",
        "Someone with this phone, without signing in",
    ):
        assert said in log
    # They typed no code: nothing says that they did.
    assert "by texted code" not in log
    assert "Made without an account, with this phone" in signed_in(line).get("/choices/").text


def test_who_says_that_it_is_not_theirs_changes_nothing(agent: Agent, line: Line) -> None:
    told = agent.exercise(number_of(line))
    assert "act for you. We won" in Browser().post(link(line), {"refuse": "1"}).text
    assert agent.status(told["request_id"])["reason"] == "suspected_fraud"
    assert not Choice.objects.filter(line_id=line.pk).exists()


def test_an_unanswered_one_is_over_at_its_last_moment(agent: Agent, line: Line) -> None:
    told = agent.exercise(number_of(line))
    ends = AgentRequest.objects.get().expires_at
    with time_machine.travel(ends - timedelta(seconds=1), tick=False):
        assert agent.status(told["request_id"]) == told
        assert Browser().get(link(line)).status_code == 200
    with time_machine.travel(ends, tick=False):
        over = agent.status(told["request_id"])
        assert (over["status"], over["reason"]) == ("denied", "insuf_verification")
        assert ("user_verification_url" in over, Browser().get(link(line)).status_code) == (False, 404)
        agent_callbacks.run_agent_callbacks(now=timezone.now())
        assert agent.status(told["request_id"]) == over


def test_agents_may_ask_for_stops_and_nothing_else(agent: Agent, line: Line) -> None:
    for right in ("sale:opt_in", "access", "deletion", "access:specific", "anything"):
        told = agent.exercise(number_of(line), exercise=right)
        assert (told["status"], told["reason"]) == ("denied", "claim_not_covered")
    assert not Message.objects.filter(kind=Message.Kind.AGENT).exists()


def test_number_that_is_no_line_of_ours_looks_the_same(agent: Agent, line: Line) -> None:
    moving = {"request_id", "received_at", "expected_by", "expires_at", "user_verification_url"}
    told = [agent.exercise(number) for number in (number_of(line), "+12065559999")]
    assert [{name: one[name] for name in one if name not in moving} for one in told] == [
        {name: told[0][name] for name in told[0] if name not in moving}
    ] * 2
    assert [one.keys() for one in told] == [told[0].keys()] * 2
    later = timezone.now() + 8 * DAY
    agent_callbacks.run_agent_callbacks(now=later)
    assert {agent.status(one["request_id"])["reason"] for one in told} == {"insuf_verification"}
    assert [agent.exercise(number)["reason"] for number in ("", "no number")] == ["no_match"] * 2


def test_one_number_is_asked_about_three_times_a_day(agent: Agent, line: Line) -> None:
    for number in (number_of(line), "+12065559999"):
        reasons = []
        for n in range(4):
            reasons.append(agent.exercise(number)["reason"])
            # A no of the person's counts among the three.
            if n == 0 and number == number_of(line):
                Browser().post(link(line), {"refuse": "1"})
        assert reasons == ["need_user_verification"] * 3 + ["too_many_requests"]
    assert Message.objects.filter(kind=Message.Kind.AGENT).count() == 3
    AgentRequest.objects.filter(number_hash=number_hash(number_of(line))).delete()
    for _ in range(10):
        agent.exercise(number_of(line))
    # No agent alone keeps another from asking.
    reasons_of = []
    for name in ("B", "C", "D"):
        other = Agent(name)
        other.register()
        other.sign_in()
        reasons_of.append([other.exercise(number_of(line))["reason"] for _ in range(3)])
    asked = ["need_user_verification"] * 3
    assert reasons_of == [asked, asked, ["too_many_requests"] * 3]


def test_the_time_does_not_tell_who_is_a_customer(agent: Agent, line: Line, settings: Settings) -> None:
    settings.ANSWER_SECONDS = 60.0
    for number in (number_of(line), "+12065559999", "no number"):
        before = monotonic()
        said = agent.envelope(exercise="sale:opt_out", regime="ccpa", phone_number=number)
        answer: Any = agent.http.post(
            "/drp/v1/data-rights-request", agent.signed(said), content_type="text/plain", headers=agent.bearer
        )
        assert answer.status_code == 200
        assert before + 60 <= answer.wsgi_request.META[ANSWER_AT] <= monotonic() + 60
    nobodys = agent.signed(agent.envelope(exercise="sale:opt_out"))
    refused: Any = agent.http.post("/drp/v1/data-rights-request", nobodys, content_type="text/plain")
    assert (refused.status_code, ANSWER_AT in refused.wsgi_request.META) == (403, False)


def test_the_same_message_again_is_the_same_request(agent: Agent, line: Line) -> None:
    said = agent.envelope(exercise="sale:opt-out", phone_number=number_of(line))
    told = [agent.post("data-rights-request", said)[1] for _ in range(2)]
    assert told[0] == told[1]
    assert AgentRequest.objects.count() == 1


def broken(agent: Agent, said: dict[str, object]) -> list[dict[str, object]]:
    now = timezone.now()
    return [
        {**said, "agent-id": "ANOTHER"},
        {**said, "business-id": "ANOTHER"},
        {**said, "drp.version": "0.9"},
        {**said, "drp.version": "1.0.1"},
        {**said, "issued-at": (now + 5 * MINUTE).isoformat(), "expires-at": (now + 9 * MINUTE).isoformat()},
        {**said, "issued-at": (now - 9 * MINUTE).isoformat(), "expires-at": (now - MINUTE).isoformat()},
        {**said, "expires-at": (now + DAY).isoformat()},
        {**said, "issued-at": (now + MINUTE).isoformat(), "expires-at": (now + MINUTE / 2).isoformat()},
        {**said, "issued-at": "yesterday"},
        {**said, "issued-at": now.replace(tzinfo=None).isoformat()},
        {**said, "status_callback": "http://agent.example/status"},
        {**said, "status_callback": "https://elsewhere.example/status"},
        {name: said[name] for name in said if name != "exercise"},
    ]


def test_a_message_is_good_for_an_hour_to_the_moment(agent: Agent) -> None:
    issued = timezone.now()
    for span, good in ((60 * MINUTE, True), (60 * MINUTE + timedelta(microseconds=1), False)):
        said = agent.envelope() | {"issued-at": issued.isoformat(), "expires-at": (issued + span).isoformat()}

        def is_taken(at: datetime, body: bytes = agent.signed(said).encode()) -> bool:
            try:
                agents.verify_message(body=body, agent=AuthorizedAgent.objects.get(), shape=agents.TokenRequest, at=at)
            except agents.MessageRefused:
                return False
            return True

        assert is_taken(issued) is good
        assert not good or ends_at(is_taken, issued + span)


def test_what_is_not_signed_for_us_is_refused(agent: Agent, line: Line) -> None:
    said = agent.envelope(exercise="sale:opt_out", phone_number=number_of(line))
    for one in broken(agent, said):
        status, told = agent.post("data-rights-request", one)
        assert (status, told["code"], told["fatal"]) == (400, "400", True), one
        as_published("drp-error", told)
    other = Agent()
    other.token = agent.token
    assert other.post("data-rights-request", other.envelope(exercise="sale:opt_out"))[0] == 400
    path = "/drp/v1/data-rights-request"
    for body in ("", "not base64!", "AAAA", agent.signed(said)[:-8]):
        answer = agent.http.post(path, body, content_type="text/plain", headers=agent.bearer)
        assert answer.status_code == 400
    refused = Http().post(path, agent.signed(said), content_type="text/plain")
    assert (refused.status_code, refused.content) == (403, b"")
    assert not AgentRequest.objects.exists()


def test_no_message_of_another_version_is_taken(agent: Agent, line: Line, settings: Settings) -> None:
    bare = f"/drp/v1/agent/{agent.id}"
    for answer in (
        Http().get(bare), Http().get("/drp/v1/data-rights-request/none"),
        agent.http.post(bare, "AAAA", content_type="text/plain"),
    ):  # fmt: skip
        assert (answer.status_code, answer.content) == (403, b"")
    older = {"drp.version": "0.9"}
    assert agent.post(f"agent/{agent.id}", agent.envelope(**older)) == (403, {})
    made = agent.exercise(number_of(line))
    path = f"/drp/v1/data-rights-request/{made['request_id']}"
    body = agent.signed(agent.envelope(**older))
    answer = agent.http.delete(path, body, content_type="text/plain", headers=agent.bearer)
    assert (answer.status_code, answer.json()["message"]) == (400, "drp.version is not 1.0.")
    assert agent.status(made["request_id"])["status"] == "in_progress"
    # Without a name of ours in the network the doors are not there.
    settings.DRP_BUSINESS_ID = ""
    assert agent.http.get("/drp/v1/agent/X").status_code == 404
    assert agent.http.post("/drp/v1/data-rights-request", "", content_type="text/plain").status_code == 404


def test_tokens_and_requests_are_each_agent_s_own(agent: Agent, line: Line) -> None:
    other = Agent("OTHER")
    assert other.post("agent/OTHER", other.envelope()) == (403, {})
    other.register()
    assert agent.post("agent/OTHER", agent.envelope()) == (403, {})
    other.sign_in()
    told = agent.exercise(number_of(line))
    path = f"/drp/v1/data-rights-request/{told['request_id']}"
    assert other.http.get(path, headers=other.bearer).status_code == 403
    assert [one.http.get("/drp/v1/agent/OTHER", headers=one.bearer).status_code for one in (agent, other)] == [403, 200]
    old = dict(agent.bearer)
    agent.sign_in()
    assert agent.http.get(path, headers=old).status_code == 403
    assert agent.http.get(path, headers=agent.bearer).status_code == 200


def test_a_message_gives_one_token(agent: Agent, line: Line) -> None:
    earlier, later = agent.envelope(), agent.envelope()
    path = f"agent/{agent.id}"
    assert agent.post(path, agent.envelope(exercise="sale:opt_out", phone_number=number_of(line))) == (403, {})
    assert agent.post(path, later)[0] == 200
    assert [agent.post(path, said) for said in (later, earlier)] == [(403, {})] * 2
    assert agent.post(path, agent.envelope())[0] == 200


def test_it_takes_back_what_is_open_alone(agent: Agent, line: Line) -> None:
    first, second = agent.exercise(number_of(line)), agent.exercise(number_of(line), **{"agent-request-id": "2"})
    Browser().post(link(line), {"stop-all": "1"})
    now = timezone.now()
    undated = agent.signed({"reason": "changed my mind"})
    over = agent.signed(agent.envelope() | {"expires-at": (now - MINUTE).isoformat()})
    good = agent.signed(agent.envelope(reason="changed my mind"))
    answers = [
        agent.http.delete(
            f"/drp/v1/data-rights-request/{one['request_id']}", said, content_type="text/plain", headers=agent.bearer
        )
        for one, said in ((first, undated), (first, over), (first, good), (second, good))
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 200, 409]
    assert answers[2].json()["status"] == "revoked"
    assert Choice.objects.filter(line_id=line.pk, kind="stop").count() == 1


def test_it_is_called_back_until_it_took_it(agent: Agent, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    told = agent.exercise(number_of(line), status_callback=CALLBACK)
    Browser().post(link(line), {"stop-all": "1"})
    sent: list[tuple[str, dict[str, str]]] = []

    def post(*, url: str, body: bytes, **_more: object) -> http.Reply:
        sent.append((url, json.loads(body)))
        return http.Reply(status=500 if len(sent) == 1 else 200)

    monkeypatch.setattr(http, "post", post)
    now = timezone.now()
    assert [agent_callbacks.run_agent_callbacks(now=now + n * MINUTE) for n in (0, 0, 2, 4)] == [0, 0, 1, 0]
    assert sent == [(CALLBACK, agent.status(told["request_id"]))] * 2


def a_closed_one(agent: Agent) -> AgentRequest:
    told = agent.exercise(f"+12065559{AgentRequest.objects.count():03}", status_callback=CALLBACK)
    made = AgentRequest.objects.get(pk=told["request_id"])
    AgentRequest.objects.filter(pk=made.pk).update(
        status="revoked", reason="", closed_at=made.received_at, notify_at=made.received_at
    )
    return made


def test_a_silent_agent_keeps_no_other_waiting(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Agent("OTHER")
    other.register()
    other.sign_in()
    for _ in range(5):
        a_closed_one(agent)
    good = [a_closed_one(other).pk for _ in range(2)]
    tried: list[str] = []

    def post(*, body: bytes, **_more: object) -> http.Reply:
        tried.append(json.loads(body)["request_id"])
        return http.Reply(status=200 if UUID(tried[-1]) in good else None)

    monkeypatch.setattr(http, "post", post)
    ticks = count(step=agent_callbacks.RUN_S / 2)
    assert agent_callbacks.run_agent_callbacks(now=timezone.now(), clock=lambda: next(ticks)) == 0
    assert len(tried) == 1  # the run was over
    assert agent_callbacks.run_agent_callbacks(now=timezone.now()) == 2
    assert [UUID(one) in good for one in tried[1:]] == [False, True, False, True, False]


def test_what_is_over_ends_while_another_calls_back(agent: Agent, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    told = agent.exercise(number_of(line), status_callback=CALLBACK)
    monkeypatch.setattr(agent_callbacks, "lock_job", lambda **_: nullcontext(enter_result=False))
    assert agent_callbacks.run_agent_callbacks(now=timezone.now() + 8 * DAY) == 0
    assert agent.status(told["request_id"])["status"] == "denied"


def test_pressed_twice_it_leads_to_the_same_link(agent: Agent, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    agent.exercise(number_of(line))
    path, browser, other = link(line), Browser(), Browser()
    seen = agents.find_linked_request(token=path.split("/")[-2], at=timezone.now())
    first = browser.post(path, {"stop-all": "1"}).url
    assert first.startswith("/stop/progress/")
    assert [browser.get(path).url, browser.post(path, {"stop-all": "1"}).url] == [first] * 2
    # As for two presses at once: the second saw the question still open.
    monkeypatch.setattr(agents, "find_linked_request", lambda **_: seen)
    assert browser.post(path, {"stop-all": "1"}).url == first
    for answer in ("stop-all", "refuse"):
        page = other.post(path, {answer: "1"})
        assert (page.status_code, "This question is not open" in page.text) == (404, True)
    assert Choice.objects.filter(line_id=line.pk).count() == 1


def test_a_link_of_another_stop_leads_nowhere_else(agent: Agent, line: Line) -> None:
    second = a_line()
    paths = []
    for one in (line, second):
        agent.exercise(number_of(one))
        paths.append(link(one))
    browser = Browser()
    assert [browser.post(path, {"stop-all": "1"}).status_code for path in paths] == [302, 302]
    assert [browser.get(path).status_code for path in paths] == [404, 302]


def test_one_that_ended_asks_for_nothing(agent: Agent, line: Line) -> None:
    agent.exercise(number_of(line))
    number = AuthorizedAgent.objects.get(pk=agent.id).number
    asked_at = AgentRequest.objects.get().received_at
    suspend_agent(number=number, actor=an_actor(), reason="left the network", at=asked_at)
    assert Browser().get(link(line)).status_code == 404
    assert agent.post("data-rights-request", agent.envelope(exercise="sale:opt_out"))[0] == 403
    assert agent.post(f"agent/{agent.id}", agent.envelope()) == (403, {})
    assert set(AuditEvent.objects.filter(target=f"authorized:{number}").values_list("action", flat=True)) == {
        "authorized.registered", "proposal.made", "proposal.agreed", "authorized.let_in", "authorized.suspended",
    }  # fmt: skip
    # Let in again before the sweep, it has no open question either.
    let_in_again(AuthorizedAgent.objects.get(pk=agent.id))
    assert Browser().get(link(line)).status_code == 404


def test_what_a_suspended_one_asked_stays_over(agent: Agent, line: Line) -> None:
    told, closed = agent.exercise(number_of(line), status_callback=CALLBACK), a_closed_one(agent)
    other = Agent("OTHER")
    other.register()
    other.sign_in()
    others, to_be_told = other.exercise(number_of(a_line())), a_closed_one(other)
    asker, officer = AuthorizedAgent.objects.get(pk=agent.id), an_actor()
    signed = agent.signed(agent.envelope(exercise="sale:opt_out", phone_number=number_of(line))).encode()
    under_way = agents.verify_message(body=signed, agent=asker, shape=agents.Exercise, at=timezone.now())
    suspend_agent(number=asker.number, actor=officer, reason="a key was stolen", at=timezone.now())
    with pytest.raises(agents.MessageRefused, match="may ask for nobody any more"):
        receive_request(agent=asker, message=under_way, body=signed, at=timezone.now())
    calls = AgentRequest.objects.filter(notify_at__isnull=False)
    assert list(calls.values_list("pk", flat=True)) == [to_be_told.pk]
    # No host of a suspended one is called, whatever stood open: `client.post` would fail this test.
    calls.update(notify_at=None)
    AgentRequest.objects.filter(pk=closed.pk).update(notify_at=timezone.now())
    assert agent_callbacks.run_agent_callbacks(now=timezone.now()) == 0
    waited = AgentRequest.objects.get(pk=told["request_id"])
    assert (waited.status, waited.reason, waited.notify_at) == ("denied", "insuf_verification", None)
    until = closed.expires_at
    closed.refresh_from_db()
    assert (closed.notify_tries, closed.expires_at) == (0, until)
    assert other.status(others["request_id"]) == others
    let_in_again(asker)
    assert Browser().get(link(line)).status_code == 404
    assert Browser().post(link(line), {"stop-all": "1"}).status_code == 404


def test_that_nobody_answered_stands_in_the_persons_log(agent: Agent, line: Line) -> None:
    agent.exercise(number_of(line))
    agent_callbacks.run_agent_callbacks(now=timezone.now() + 8 * DAY)
    event = AuditEvent.objects.get(action="agent.unanswered")
    assert (event.actor, event.line_id, event.detail) == ("system:agency", line.pk, {"agent": f"{agent.id} Inc."})
    said = "An agent&#x27;s request in this person&#x27;s name expired without an answer"
    assert said in signed_in(line).get("/access-log/").text
