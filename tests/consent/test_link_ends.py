"""Links, questions and agents' messages begin and end at their very moment."""

import json
from base64 import b64encode
from datetime import datetime, timedelta
from io import BytesIO
from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line, Message
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.agents import NotOpenRequest, answer_request, issue_token, receive_request
from consent.actions.choices import PauseOver
from consent.actions.consent_requests import NotOpen, StatusRateLimited, refuse_request, retrieve_status, text_code
from consent.actions.digests import NoSuchRun, TooMany
from consent.actions.without_account import stop_all_by_line
from consent.domain import agents, consent_requests
from consent.domain.change_notices import Change, notify_of_change
from consent.domain.consent_requests import Case, Question, may_be_answered, token_of
from consent.feeds.claims import receive_claims
from consent.models import AwaitedOutcome, ConsentRequest, EndedPause
from consent.queries.receipts import find_linked_stop
from consent.workers import agent_callbacks, expiry, outcome_texts, reminders, request_texts
from partners.models import AgentRequest, AuthorizedAgent, Campaign, Contract, Suspension
from tests.agents import AGENT, an_agent_asks, let_in
from tests.consent.books import Books
from tests.consent.camara import PENDING, REQUESTED, info
from tests.consent.claiming import Partner, a_partner, by_day, stamp
from tests.factories import a_ledger_row, a_line
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")
NUMBER = "+12065550142"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return database_clock()


def test_a_progress_link_opens_for_thirty_days(line: Line, now: datetime) -> None:
    token = stop_all_by_line(line_id=line.pk, at=now)
    assert ends_at(lambda at: find_linked_stop(token=token, at=at), now + 30 * DAY)


# Questions


@pytest.fixture
def partner() -> Partner:
    return a_partner()


@pytest.fixture
def asked(partner: Partner) -> ConsentRequest:
    a_line(msisdn=NUMBER)
    assert partner.one(partner.claim())[0] == 200
    return ConsentRequest.objects.get()


def question(asked: ConsentRequest, at: datetime) -> Question | None:
    return consent_requests.find_linked_question(token=token_of(ask_id=asked.id), at=at)


def test_a_question_s_link_opens_for_a_week(asked: ConsentRequest) -> None:
    assert ends_at(lambda at: question(asked, at), asked.asked_at + 7 * DAY)


def test_a_partner_reads_that_it_asked_until_its_question_ends(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    assert info(partner, requestCaptureUrl=True) == PENDING
    assert info(partner) == REQUESTED

    def is_requested(at: datetime) -> bool:
        (status,) = consent_requests.statuses(msisdn=NUMBER, subject=line.pk, campaigns=[partner.campaign], at=at)
        return status.reason == "REQUESTED"

    assert ends_at(is_requested, ConsentRequest.objects.get().expires_at)


def test_it_opens_while_its_campaign_is_in_force(asked: ConsentRequest, now: datetime) -> None:
    day = now + DAY
    for model in (Campaign, Contract):
        with undone():
            model.objects.update(ends_at=day)
            assert ends_at(lambda at: question(asked, at), day)
        with undone():
            model.objects.update(starts_at=day)
            assert begins_at(lambda at: question(asked, at), day)
    campaign = Campaign.objects.get()
    for of, target in (
        ("party", campaign.lbs_provider_id), ("contract", campaign.contract_id), ("campaign", campaign.pk),
    ):  # fmt: skip
        with undone():
            Suspension.objects.create(
                of=of, target_id=target, starts_at=day, ends_at=day + DAY, reason="Due", actor="officer:1"
            )
            assert ends_at(lambda at: question(asked, at), day)
            assert begins_at(lambda at: question(asked, at), day + DAY)


def test_a_question_is_answered_before_its_claim_ends(partner: Partner, now: datetime) -> None:
    a_line(msisdn=NUMBER)
    assert partner.one(partner.claim(expires_at=stamp(now + DAY)))[0] == 200
    found = question(ConsentRequest.objects.get(), now)
    assert found is not None
    assert ends_at(lambda at: may_be_answered(question=found, at=at), now + DAY)
    assert ends_at(lambda at: is_refused(found, at), now + DAY)


def is_refused(found: Question, at: datetime) -> bool:
    try:
        refuse_request(question=found, user=None, notice=None, at=at)
    except NotOpen:
        return False
    return True


def test_what_was_claimed_under_another_number_is_not_asked(asked: ConsentRequest, now: datetime) -> None:
    found = question(asked, now)
    assert found is not None
    assert found.line is not None
    for changed_at, may in ((found.since - A_MOMENT, True), (found.since, False)):
        found.line.number_changed_at = changed_at
        assert may_be_answered(question=found, at=now) is may


def claims(partner: Partner, at: datetime, **changes: object) -> None:
    claim = json.dumps(partner.claim(**changes)).encode()
    receive_claims(stream=BytesIO(claim), single=True, party=partner.party, client_id="c", at=at)


def test_a_claim_is_asked_about_until_it_ends_or_the_number_changes(partner: Partner, now: datetime) -> None:
    line, captured, noon = a_line(msisdn=NUMBER), now - HOUR, by_day(now + DAY)
    about: dict[str, object] = {"captured_at": stamp(captured), "expires_at": stamp(noon)}

    def asks(at: datetime) -> bool:
        claims(partner, at, **about)
        return ConsentRequest.objects.exists()

    assert ends_at(asks, noon)
    for changed_at, may in ((captured - A_MOMENT, True), (captured, False)):
        with undone():
            Line.objects.filter(pk=line.pk).update(number_changed_at=changed_at)
            assert asks(now) is may
    claims(partner, now, **about)
    assert ends_at(lambda at: request_texts.text_waiting(now=at), noon)
    for changed_at, texts in ((captured - A_MOMENT, 1), (captured, 0)):
        with undone():
            Line.objects.filter(pk=line.pk).update(number_changed_at=changed_at)
            assert request_texts.text_waiting(now=noon - HOUR) == texts


def test_a_question_waits_for_its_text_as_long_as_it_is_open(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    claims(partner, by_day())
    assert ends_at(lambda at: request_texts.text_waiting(now=at), by_day() + 7 * DAY)


def test_a_question_is_open_for_a_week_to_its_person_and_its_company(asked: ConsentRequest, partner: Partner) -> None:
    over, ids = asked.asked_at + 7 * DAY, count()
    found = question(asked, asked.asked_at)
    assert found is not None
    assert ends_at(lambda at: is_refused(found, at), over)

    def asks_again(at: datetime) -> bool:
        claims(partner, at, id=f"again-{next(ids)}")
        return ConsentRequest.objects.count() == 2

    assert begins_at(asks_again, over)
    ConsentRequest.objects.update(answer="yes", answered_at=asked.asked_at)
    assert asks_again(asked.asked_at)


def test_nobody_is_asked_for_a_year_after_a_no(partner: Partner, now: datetime) -> None:
    line = a_line(msisdn=NUMBER)
    a_ledger_row(line, "stop", scope="campaign", ref="CMP-elsewhere", at=now)
    case = Case(line.pk, partner.campaign.ref)
    assert begins_at(lambda at: consent_requests.list_askable(cases=[case], at=at)[0], now + 366 * DAY)


def test_a_month_has_its_number_of_questions(partner: Partner, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consent.actions.consent_requests.AT_MOST", 1)
    monkeypatch.setattr("consent.workers.request_texts.AT_MOST", 1)
    monkeypatch.setattr("consent.actions.records.LASTS", 60 * DAY)
    a_line(msisdn=NUMBER)
    other = a_partner("NorthLink", provider="AdReach")
    for one in (partner, other):
        assert one.one(one.claim())[0] == 200
    second = ConsentRequest.objects.get(campaign=other.campaign.ref)
    ConsentRequest.objects.filter(campaign=partner.campaign.ref).update(texted_at=now)

    def may_be_texted(at: datetime) -> bool:
        found = question(second, at)
        assert found is not None
        text_code(question=found, asker="b", at=at)
        return ConsentRequest.objects.filter(pk=second.pk, texted_at__isnull=False).exists()

    assert begins_at(may_be_texted, now + 31 * DAY)
    assert begins_at(
        lambda at: request_texts._may_be_texted(ConsentRequest.objects.get(pk=second.pk), at), now + 31 * DAY
    )


def test_so_it_has_of_links_that_a_partner_shows(partner: Partner, now: datetime) -> None:
    a_line(msisdn=NUMBER)

    def retrieves(at: datetime) -> str:
        try:
            found = retrieve_status(
                client_id="c", party_id=partner.party.pk, msisdn=NUMBER, scopes=[partner.campaign.scope],
                purpose=partner.campaign.purpose, campaign="", capture=True, callback="", at=at,
            )  # fmt: skip
        except StatusRateLimited:
            return ""
        return found.token

    first = retrieves(now)
    with undone():
        claims(partner, now)
        assert ConsentRequest.objects.filter(approval_id__isnull=False).exists(), "a claim is asked about all the same"
    # It is given again while it is good for a day or more.
    assert ends_at(lambda at: retrieves(at) == first, now + 6 * DAY)
    second = retrieves(now + 6 * DAY)
    assert second not in {"", first}
    later = now + 14 * DAY
    assert retrieves(later) == ""
    assert begins_at(retrieves, now + 31 * DAY)


# Choices that end, and what comes of it


def test_a_pause_is_told_of_as_over_at_its_end(line: Line, campaign: Campaign, now: datetime) -> None:
    choices.pause(line_id=line.pk, scope="all", until=now + DAY, actor="subscriber:1", channel="web")

    def is_over(at: datetime) -> bool:
        expiry.end_pauses(now=at)
        return EndedPause.objects.exists()

    assert begins_at(is_over, now + DAY)


def test_a_pause_that_was_over_when_it_was_recorded_is_told_of_to_nobody(line: Line, now: datetime) -> None:
    for ends, texts in ((now, 0), (now + A_MOMENT, 1)):
        with undone():
            a_ledger_row(line, "pause", at=now, until=ends)
            expiry.end_pauses(now=now + DAY)
            assert Message.objects.filter(line=line).count() == texts


def test_stops_within_a_minute_are_confirmed_by_one_text(line: Line, now: datetime) -> None:
    def texts(at: datetime) -> int:
        notify_of_change(line_id=line.pk, change=Change.STOP, actor="subscriber:1", at=at)
        return Message.objects.filter(line=line, kind=Message.Kind.CONFIRMED).count()

    assert texts(now) == 1
    assert begins_at(lambda at: texts(at) == 2, now + MINUTE)


def test_no_pause_begins_that_would_be_over(line: Line) -> None:
    with pytest.raises(PauseOver):
        choices.pause(line_id=line.pk, scope="all", until=database_clock(), actor="subscriber:1", channel="web")


def test_what_came_of_a_stop_is_looked_at_when_its_time_comes(line: Line, campaign: Campaign, now: datetime) -> None:
    other = a_line()
    for pk, days in ((line.pk, 30), (other.pk, 60)):
        choices.stop(line_id=pk, scope="all", actor="subscriber:1", channel="web")
        looked = {"since": now - 370 * DAY, "look_at": now + days * DAY}
        AwaitedOutcome.objects.update_or_create(pk=pk, defaults=looked)
    assert begins_at(lambda at: outcome_texts.notify_outcomes(now=at), now + 30 * DAY)
    # Looked at, a line alone gets another time; after 400 days and a moment none any more.
    assert outcome_texts.notify_outcomes(now=now + 30 * DAY) == 1
    assert dict(AwaitedOutcome.objects.values_list("pk", "look_at")) == {
        line.pk: now + 30 * DAY + timedelta(hours=6), other.pk: now + 60 * DAY,
    }  # fmt: skip
    # Of what nobody had to sign, nobody is told that all have.
    AwaitedOutcome.objects.filter(pk=line.pk).delete()
    assert outcome_texts.notify_outcomes(now=now + 60 * DAY) == 0


def test_a_line_is_reminded_every_ninety_days(line: Line, campaign: Campaign, now: datetime) -> None:
    Line.objects.filter(pk=line.pk).update(recorded_at=now)

    def reminds(at: datetime) -> int:
        return reminders.remind(now=at)

    assert begins_at(reminds, now + 90 * DAY)
    with undone():
        Line.objects.filter(pk=line.pk).update(deactivated_at=now + 100 * DAY)
        assert ends_at(reminds, now + 100 * DAY)
    with undone():
        began = now - 301 * DAY
        Line.objects.filter(pk=line.pk).update(recorded_at=began - DAY, activated_at=began)
        assert begins_at(reminds, began + 90 * DAY)
        a_ledger_row(line, "allow", scope="campaign", ref=campaign.ref, at=now - DAY)
        assert begins_at(reminds, now + 89 * DAY)
    assert reminds(now + 90 * DAY) == 1
    assert begins_at(reminds, now + 180 * DAY)


# Authorised agents


@pytest.fixture
def key(settings: Settings) -> Ed25519PrivateKey:
    settings.DRP_BUSINESS_ID = "CARRIER"
    return Ed25519PrivateKey.generate()


def test_an_agent_s_request_waits_for_a_week(line: Line) -> None:
    token = an_agent_asks(line).rstrip("/").rpartition("/")[2]
    asked = AgentRequest.objects.get()
    over = asked.received_at + 7 * DAY
    assert asked.expires_at == over
    assert ends_at(lambda at: agents.find_linked_request(token=token, at=at), over)

    def is_refused(at: datetime) -> bool:
        try:
            answer_request(token=token, theirs=False, notice=None, at=at)
        except NotOpenRequest:
            return False
        return True

    assert ends_at(is_refused, over)

    def is_closed(at: datetime) -> bool:
        agent_callbacks._end_overdue(at)
        return AgentRequest.objects.filter(closed_at__isnull=False).exists()

    assert begins_at(is_closed, over)

    def is_denied(at: datetime) -> bool:
        return agents.status_of(request=AgentRequest.objects.get(), at=at)["status"] == "denied"

    assert begins_at(is_denied, over)


def test_an_agent_s_token_is_given_once_for_a_message(key: Ed25519PrivateKey) -> None:
    let_in(AGENT, "Permission Slip", key)
    asked_at = timezone.now()
    issue_token(agent_id=AGENT, asked_at=asked_at)
    for used in (asked_at, asked_at - A_MOMENT):
        with pytest.raises(agents.MessageRefused, match="used before"):
            issue_token(agent_id=AGENT, asked_at=used)
    assert issue_token(agent_id=AGENT, asked_at=asked_at + A_MOMENT)


def test_an_agent_s_message_is_good_to_its_very_end(key: Ed25519PrivateKey, line: Line, now: datetime) -> None:
    let_in(AGENT, "Permission Slip", key)
    agent = AuthorizedAgent.objects.get(pk=AGENT)

    def is_good(at: datetime, begins: datetime = now, lasts: timedelta = HOUR) -> bool:
        said = {
            "agent-id": AGENT, "business-id": "CARRIER", "issued-at": begins.isoformat(), "drp.version": "1.0",
            "expires-at": (begins + lasts).isoformat(),
        }  # fmt: skip
        plain = json.dumps(said).encode()
        body = b64encode(key.sign(plain) + plain)
        try:
            agents.verify_message(body=body, agent=agent, shape=agents.TokenRequest, at=at)
        except agents.MessageRefused:
            return False
        return True

    assert begins_at(is_good, now - 2 * MINUTE)
    assert ends_at(is_good, now + HOUR)
    assert not is_good(now, lasts=HOUR + A_MOMENT)


def test_a_number_is_asked_about_anew_after_a_day(key: Ed25519PrivateKey, line: Line, now: datetime) -> None:
    agent = let_in(AGENT, "Permission Slip", key)
    messages = count()

    def is_asked(at: datetime) -> bool:
        said = agents.Exercise(
            agent_id=AGENT, business_id="CARRIER", issued_at=at, expires_at=at + HOUR, version="1.0",
            exercise="sale:opt_out", phone_number="+12065550177",
        )  # fmt: skip
        made = receive_request(agent=agent, message=said, body=str(next(messages)).encode(), at=at)
        return made.reason == AgentRequest.Reason.NEED_USER_VERIFICATION

    assert [is_asked(now) for _ in range(4)] == [True, True, True, False]
    assert begins_at(is_asked, now + DAY)


# Partners' books


def test_a_run_of_a_partner_s_books_lasts_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    books = Books()
    line = books.a_line()
    books.hold(line)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    books.acknowledge(line)
    run = books.send()

    def goes_on(at: datetime) -> bool:
        try:
            books.answer(run, at)
        except NoSuchRun:
            return False
        return True

    assert ends_at(goes_on, run.received_at + DAY)
    monkeypatch.setattr("consent.actions.digests.MOST_RUNS_A_DAY", 1)

    def is_taken(at: datetime) -> bool:
        try:
            books.send(at)
        except TooMany:
            return False
        return True

    assert begins_at(is_taken, run.received_at + DAY)
