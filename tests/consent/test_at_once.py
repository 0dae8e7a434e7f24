"""A person, an agent, a file and workers at the same moment: said once, asked once, told once, and in one order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import IntegrityError, transaction
from django.utils import timezone, translation

from accounts import queries
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, Message
from audit.queries import database_clock
from consent.actions import choices, restore
from consent.actions.agents import NotOpenRequest, answer_request, receive_request
from consent.actions.choices import NotAllowable, RecordedChoice
from consent.actions.consent_requests import (
    NotOpen,
    StatusRateLimited,
    approve_request,
    refuse_request,
    retrieve_status,
    text_code,
)
from consent.actions.digests import TooMany
from consent.actions.lines import grow_up, terminate
from consent.actions.signals import honour_signal
from consent.domain import agents, consent_requests, notices
from consent.domain.agents import Exercise
from consent.domain.consent_requests import Question, token_of
from consent.models import Approval, Choice, ConsentRequest, DigestRun, EndedPause, HeldRow, LineGate
from consent.queries import termination
from consent.workers import agent_callbacks, cohorts, expiry, request_texts
from partners.models import AgentRequest, AuthorizedAgent, Campaign
from revocations.models import Order, Standing
from tests.agents import AGENT, LATER, an_agent_asks, let_in
from tests.consent.books import Books
from tests.consent.claiming import Partner, a_partner, by_day
from tests.factories import a_campaign, a_ledger_row, a_line, an_approval
from tests.feeds import approval_row, choice_row, line_row, take_approvals, take_choices, take_lines, told
from tests.overlapping import elsewhere, noted, overlap, wait_until_it_waits
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
NUMBER, NOBODYS = "+12065550142", "+12065550199"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def stop(line: Line) -> RecordedChoice:
    return choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")


def allow(line: Line, campaign: Campaign) -> RecordedChoice:
    return choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")


# Choices


def test_what_is_said_meanwhile_is_the_newer_choice(line: Line, campaign: Campaign) -> None:
    first, second = overlap(lambda: allow(line, campaign), lambda: stop(line))
    assert first.made_at < second.made_at
    assert [order.version for order in Order.objects.order_by("version")] == [1, 2]
    assert Standing.objects.get().order_id in second.order_ids
    assert Order.objects.latest("version").snapshot["state"] == []


@pytest.mark.parametrize("name", ["L2", "L3"])
def test_stop_that_comes_over_late_is_newer_than_what_was_allowed_meanwhile(name: str) -> None:
    campaign = a_campaign()
    successor = line_row(line_id="L2", account_id="A2", msisdn="+12065550177")
    take_lines(line_row(), successor)
    take_lines(line_row(line_id="L3", account_id="A3", msisdn="+12065550188", continues_line_id="L2"))
    stop(Line.objects.get(carrier_id="L1"))
    after = Line.objects.get(carrier_id=name)
    overlap(lambda: allow(after, campaign), lambda: take_lines(successor | {"continues_line_id": "L1"}))
    said = Choice.objects.filter(line_id=after.pk).order_by("made_at")
    assert list(said.values_list("kind", flat=True)) == ["allow", "stop"]


def test_two_rows_of_ledger_at_once_both_move_the_gate(line: Line) -> None:
    one, other = a_campaign(), a_campaign()
    at = database_clock() - DAY

    def brings(campaign: Campaign) -> Callable[[], None]:
        def bring() -> None:
            with transaction.atomic():
                an_approval(line, campaign, at=at)

        return bring

    overlap(brings(one), brings(other))
    assert sorted(LineGate.objects.get(pk=line.pk).approvals) == sorted([one.ref, other.ref])


def test_a_pause_that_has_ended_is_told_of_once(line: Line, campaign: Campaign) -> None:
    until = database_clock() + HOUR
    choices.pause(line_id=line.pk, scope="all", until=until, actor="subscriber:1", channel="web")
    before = Message.objects.count()

    def ends() -> int:
        return expiry.end_pauses(now=until)

    overlap(ends, ends)
    assert (EndedPause.objects.count(), Message.objects.count() - before) == (1, 1)


@pytest.mark.parametrize(
    "again",
    [
        lambda line, _: expiry.enqueue_current_state(line_id=line.pk),
        lambda line, campaign: cohorts._renew(line.pk, campaign.contract_id),
        lambda line, campaign: cohorts._keep(line.pk, campaign.contract_id, campaign),
    ],
    ids=["as it stands", "in a new epoch", "what goes on"],
)
def test_partner_told_again_never_hears_what_was_before_a_stop(
    line: Line, campaign: Campaign, again: Callable[[Line, Campaign], object]
) -> None:
    allow(line, campaign)
    overlap(lambda: stop(line), lambda: again(line, campaign))
    assert [order.snapshot["state"] for order in Order.objects.order_by("version")][1:] == [[]]


def test_a_line_grows_up_once(line: Line, campaign: Campaign) -> None:
    choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:0", channel="web")
    before = Message.objects.count()

    def grows() -> None:
        grow_up(line_id=line.pk, at=database_clock())

    overlap(grows, grows)
    assert (Choice.objects.filter(reason="grown_up").count(), Message.objects.count() - before) == (1, 1)


def test_a_privacy_signal_stops_once_what_came_since_the_last(line: Line, campaign: Campaign) -> None:
    allow(line, a_campaign())

    def comes() -> None:
        honour_signal(line_id=line.pk, actor="subscriber:1", at=database_clock())

    comes()
    with transaction.atomic():
        an_approval(line, a_campaign(), at=database_clock())
    overlap(comes, comes)
    assert (Choice.objects.filter(kind="stop").count(), noted("consent.signal_taken")) == (2, 2)


@pytest.mark.parametrize("waits", [False, True], ids=["is written", "comes to wait"])
@pytest.mark.parametrize("brought", ["choice", "approval", "claim"])
def test_no_campaign_changes_while_a_yes_to_it_is_brought(line: Line, brought: str, waits: bool) -> None:
    partner = a_partner("NorthLink")
    campaign = partner.campaign
    number = NOBODYS if waits else queries.msisdn_of(line_id=line.pk, at=database_clock())

    def comes() -> object:
        match brought:
            case "choice":
                return take_choices(choice_row(kind="allow", scope="campaign", ref=campaign.ref, msisdn=number))
            case "approval":
                return take_approvals(approval_row(campaign=campaign.ref, msisdn=number))
            case _:
                return partner.one(partner.claim(msisdn=number))

    overlap(comes, lambda: cannot_change(campaign))
    named = [*Choice.objects.values_list("ref"), *Approval.objects.values_list("campaign")]
    assert (named or [*HeldRow.objects.values_list("campaign")], HeldRow.objects.count()) == ([(campaign.ref,)], waits)


def test_no_campaign_changes_while_a_person_allows_it(line: Line, campaign: Campaign) -> None:
    other = a_campaign()
    overlap(lambda: allow(line, other), lambda: cannot_change(other))
    assert Choice.objects.get().ref == other.ref


@pytest.mark.parametrize("of", ["contract", "campaign"])
def test_a_yes_to_what_ends_meanwhile_is_refused_and_told_to_nobody(
    line: Line, of: Literal["contract", "campaign"]
) -> None:
    campaign = a_campaign()
    row = {"contract": campaign.contract_id, "campaign": campaign.pk}[of]
    at = database_clock()
    seen = termination.plan(of=of, target_id=row, at=at).digest

    def ends() -> None:
        terminate(of=of, target_id=row, actor=an_actor(), reason="Due", plan_digest=seen, at=at)

    with pytest.raises(NotAllowable, match=f"{of}_not_in_force"):
        overlap(ends, lambda: allow(line, campaign))
    assert (Choice.objects.count(), Order.objects.count()) == (0, 0)


def cannot_change(campaign: Campaign) -> None:
    with pytest.raises(IntegrityError, match="is frozen"):
        Campaign.objects.filter(pk=campaign.pk).update(precision_m=1)


# Questions


@pytest.fixture
def partner() -> Partner:
    return a_partner()


def a_question(partner: Partner, line: Line) -> Question:
    """What a partner's claim asks of a line."""
    status, answer = partner.one(partner.claim())
    assert status == 200, answer
    ask = ConsentRequest.objects.get(line_id=line.pk, campaign=partner.campaign.ref)
    found = consent_requests.find_linked_question(token=token_of(ask_id=ask.id), at=database_clock())
    assert found is not None
    return found


def says(verb: Callable[..., object], question: Question) -> Callable[[], object]:
    def say() -> object:
        with translation.override("en"):
            shown = notices.build_approval_notice(campaign=question.campaign.ref, use="ask")
            return verb(question=question, user=None, notice=shown, at=database_clock())

    return say


def test_a_question_is_answered_once(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    question = a_question(partner, line)
    with pytest.raises(NotOpen):
        overlap(says(refuse_request, question), says(approve_request, question))
    assert list(Choice.objects.values_list("kind", flat=True)) == ["refuse"]


def test_a_yes_that_waits_for_its_campaign_keeps_no_stop_waiting(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    question = a_question(partner, line)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Campaign.objects.select_for_update().get(pk=partner.campaign.pk)
            yes = pool.submit(elsewhere, says(approve_request, question))
            wait_until_it_waits(yes)
            with transaction.atomic(using="owner"):
                LineGate.objects.using("owner").select_for_update(nowait=True).get(pk=line.pk)
        yes.result()
    assert Choice.objects.get().kind == "allow"


def test_a_question_s_text_is_sent_by_one_worker(partner: Partner) -> None:
    a_question(partner, a_line(msisdn=NUMBER))
    now = by_day()

    def sends() -> int:
        return request_texts._run(now, lambda: 0.0)

    assert overlap(sends, sends) == (1, 0)
    assert len([text for text in MemoryBackend.outbox if "/ask/" in text.text]) == 1


def test_no_more_questions_are_put_to_line_than_month_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consent.actions.consent_requests.AT_MOST", 1)
    line = a_line(msisdn=NUMBER)
    questions = [a_question(a_partner(name, provider=f"{name}Road"), line) for name in ("GeoBridge", "NorthLink")]

    def asks_for_a_code(question: Question) -> Callable[[], None]:
        return lambda: text_code(question=question, asker="b1", at=database_clock())

    overlap(*(asks_for_a_code(question) for question in questions))
    assert ConsentRequest.objects.filter(texted_at__isnull=False).count() == 1
    assert len([text for text in MemoryBackend.outbox if text.code]) == 1


# Authorised agents


def exercise(agent_id: str, msisdn: str, at: datetime) -> Exercise:
    return Exercise(
        agent_id=agent_id, business_id="CARRIER", issued_at=at, expires_at=LATER, version="1.0",
        exercise="sale:opt_out", phone_number=msisdn,
    )  # fmt: skip


def test_the_same_message_of_an_agent_is_one_request(line: Line) -> None:
    agent, now = let_in(AGENT, "Permission Slip", Ed25519PrivateKey.generate()), timezone.now()
    said = exercise(AGENT, "+12065550177", now)

    def asks_for_a_stop() -> AgentRequest:
        return receive_request(agent=agent, message=said, body=b"the same", at=now)

    first, second = overlap(asks_for_a_stop, asks_for_a_stop)
    assert (first.pk, AgentRequest.objects.count(), noted("agent.asked")) == (second.pk, 1, 1)


def test_a_suspended_agent_asks_for_nobody(line: Line) -> None:
    agent, now = let_in(AGENT, "Permission Slip", Ed25519PrivateKey.generate()), timezone.now()
    said = exercise(AGENT, "+12065550177", now)

    def is_suspended() -> None:
        with transaction.atomic():
            AuthorizedAgent.objects.filter(pk=agent.pk).update(ended_at=now, changed_at=now)

    with pytest.raises(agents.MessageRefused):
        overlap(is_suspended, lambda: receive_request(agent=agent, message=said, body=b"x", at=now))
    assert AgentRequest.objects.count() == 0


def test_an_agent_s_request_is_answered_once(line: Line) -> None:
    token = an_agent_asks(line).rstrip("/").rpartition("/")[2]
    now = timezone.now()

    def answers(*, theirs: bool) -> Callable[[], str]:
        return lambda: answer_request(token=token, theirs=theirs, notice=None, at=now)

    with pytest.raises(NotOpenRequest):
        overlap(answers(theirs=False), answers(theirs=True))
    assert (Choice.objects.count(), noted("agent.refused"), noted("agent.confirmed")) == (0, 1, 0)


def test_an_agent_s_request_that_nobody_answered_is_over_once(line: Line) -> None:
    an_agent_asks(line)
    late = timezone.now() + 8 * DAY

    def ends() -> None:
        agent_callbacks._end_overdue(late)

    overlap(ends, ends)
    assert noted("agent.unanswered") == 1


# Partners' books, files, and what is brought back


def test_a_bucket_of_a_partner_s_books_is_compared_once() -> None:
    books = Books()
    line = books.a_line()
    books.hold(line)
    stop(line)
    books.acknowledge(line)
    run = books.send()

    def answers() -> object:
        return books.answer(run)

    overlap(answers, answers)
    run.refresh_from_db()
    assert (run.findings["partner_has"], noted("digest.compared")) == (1, 1)


def test_number_that_two_files_give_to_two_lines_is_ones() -> None:
    one, other = line_row(line_id="L1"), line_row(line_id="L2", account_id="A2")
    first, second = overlap(lambda: told(take_lines(one)), lambda: told(take_lines(other)))
    assert first == [("accepted",)]
    assert second[0][0] == "rejected"
    assert list(Line.objects.values_list("carrier_id", flat=True)) == ["L1"]


def test_yes_that_was_lost_with_database_is_told_of_once(line: Line, campaign: Campaign) -> None:
    lost = a_ledger_row(line, "allow", scope="campaign", ref=campaign.ref, at=database_clock()).id

    def tells() -> bool:
        return restore.notify_lost_approval(
            line_id=line.pk, choice_id=lost, campaign=campaign.ref, at=database_clock()
        )  # fmt: skip

    assert overlap(tells, tells) == (True, False)
    assert noted("restore.allow_lost") == 1


@pytest.mark.parametrize("msisdn", [NUMBER, NOBODYS], ids=["a customer", "a stranger"])
def test_two_links_a_month_however_many_are_asked_for_at_once(msisdn: str) -> None:
    partner = a_partner()
    a_line(msisdn=NUMBER)

    def asks(back: str) -> str:
        found = retrieve_status(
            client_id="c", party_id=partner.party.pk, msisdn=msisdn, scopes=[partner.campaign.scope],
            purpose=partner.campaign.purpose, campaign=partner.campaign.ref, capture=True, callback=back,
            at=database_clock(),
        )  # fmt: skip
        return found.token

    assert asks("https://app.geobridge.example/1")
    with pytest.raises(StatusRateLimited):
        overlap(lambda: asks("https://app.geobridge.example/2"), lambda: asks("https://app.geobridge.example/3"))
    assert ConsentRequest.objects.count() == 2


def test_two_digests_at_once_share_the_room_of_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    books, at = Books(), database_clock()
    monkeypatch.setattr("consent.actions.digests.MOST_RUNS_A_DAY", 1)
    with pytest.raises(TooMany):
        overlap(lambda: books.send(at), lambda: books.send(at))
    assert DigestRun.objects.count() == 1
