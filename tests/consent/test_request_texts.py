"""The question after a claim: who is texted, when, how often, and when nobody is."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product
from typing import Any, ClassVar
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings as portal
from django.utils import timezone
from pytest_django import Settings

from accounts.clients.texts import NotTaken
from accounts.models import Line, Message
from accounts.primitives.sealing import token_hash
from audit.queries import database_clock
from consent import tasks
from consent.actions import choices
from consent.domain.consent_requests import LASTS, token_of
from consent.models import Choice, ConsentRequest
from consent.workers import request_texts
from partners.models import Campaign, Contract, JurisdictionRule, Suspension
from tests.accounts.gateways import Slow
from tests.consent.claiming import Partner, a_partner, asked, by_day, link_in, stamp, text_now
from tests.factories import a_campaign, a_ledger_row, a_line, a_party, an_approval
from tests.feeds import as_at_commit
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")
NUMBER = "+12065550142"


@pytest.fixture(autouse=True)
def _nothing_given() -> None:
    FailingBackend.status, FailingBackend.given = NotTaken(503), []


@pytest.fixture
def partner(db: None) -> Partner:
    return a_partner()


class FailingBackend:
    """A gateway that takes nothing, or may have."""

    waits_for_network = False
    status: ClassVar[Exception] = NotTaken(503)
    given: ClassVar[list[str]] = []

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        self.given.append(msisdn)
        raise self.status


class EndingBackend(Slow):
    """A gateway while which takes a text every line ends."""

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        Line.objects.update(deactivated_at=timezone.now() - timedelta(minutes=1))
        super().send(msisdn=msisdn, text=text, code=code)


def test_the_text_names_no_company_and_holds_the_link(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    assert asked(NUMBER) == []
    assert text_now() == 1
    (text,) = asked(NUMBER)
    ask = ConsentRequest.objects.get()
    assert text.text == (
        "localhost: a company says you agreed that it may find this phone. We won't let it unless you say yes. "
        f"See who asks, and answer: {portal.BASE_URL}/ask/{token_of(ask_id=ask.id)}/ "
        "Your phone service stays the same either way."
    )
    assert (text.code, ask.campaign, ask.party_id) == ("", partner.campaign.ref, partner.party.pk)
    assert ask.expires_at - ask.asked_at == timedelta(days=7)


def test_the_link_can_be_guessed_from_nothing_that_is_kept(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    ask = ConsentRequest.objects.get()
    token = token_of(ask_id=ask.id)
    kept = " ".join(str(value) for value in vars(ask).values()) + bytes(ask.token_hash).decode("latin-1")
    assert len(token) == 32
    assert token not in kept


def test_it_is_sent_once_however_often_the_worker_runs(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    assert [text_now(), text_now()] == [1, 0]
    partner.one(partner.claim())
    partner.one(partner.claim(id="c-2"))
    assert text_now() == 0
    assert len(asked(NUMBER)) == 1


HOURS = [
    ("WA", "2026-12-01T15:59:59+00:00", 0),  # 07:59:59 Pacific
    ("WA", "2026-12-01T16:00:00+00:00", 1),  # 08:00
    ("WA", "2026-12-02T04:59:59+00:00", 1),  # 20:59:59
    ("WA", "2026-12-02T05:00:00+00:00", 0),  # 21:00
    ("NY", "2026-12-01T13:00:00+00:00", 1),  # 08:00 Eastern
    ("NY", "2026-12-02T02:00:00+00:00", 0),  # 21:00 Eastern
    ("HI", "2026-12-01T13:00:00+00:00", 0),  # 03:00 in Hawaii
]


def test_nobody_is_texted_at_night_by_their_own_clock(partner: Partner) -> None:
    for state, hour_utc, sent in HOURS:
        with undone():
            line = a_line(msisdn=NUMBER, state=state)
            claimed(partner, line, at=datetime.fromisoformat("2026-11-30T12:00:00+00:00"))
            assert request_texts.text_waiting(now=datetime.fromisoformat(hour_utc)) == sent, hour_utc
            later = datetime.fromisoformat("2026-12-03T20:00:00+00:00")
            assert request_texts.text_waiting(now=later) == 1 - sent


def claimed(partner: Partner, line: Line, *, at: datetime, campaign: Campaign | None = None) -> None:
    """A claim that was taken in at a moment, and its question."""
    campaign = campaign or partner.campaign
    approval = an_approval(line, campaign, at=database_clock() - timedelta(days=3), verified_by="partner")
    ask = ConsentRequest(
        line_id=line.pk, id=approval.id, campaign=campaign.ref, party_id=partner.party.pk, approval_id=approval.id,
        token_hash=token_hash(token=token_of(ask_id=approval.id)), asked_at=at,
        expires_at=at + LASTS,
    )  # fmt: skip
    ask.save(force_insert=True)


def test_a_gateway_that_is_down_gets_it_later(partner: Partner, settings: Settings) -> None:
    a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    settings.SMS_BACKEND = f"{__name__}.FailingBackend"
    assert [text_now(), text_now()] == [0, 0]
    assert FailingBackend.given == [NUMBER, NUMBER]
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    assert text_now() == 1
    assert len(asked(NUMBER)) == 1


def test_what_may_have_been_taken_is_not_given_again(partner: Partner, settings: Settings) -> None:
    a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    settings.SMS_BACKEND = f"{__name__}.FailingBackend"
    FailingBackend.status = TimeoutError()
    text_now()
    text_now()
    assert FailingBackend.given == [NUMBER]


def test_gateway_that_is_away_is_asked_three_times_a_run(partner: Partner, settings: Settings) -> None:
    six_wait(partner)
    settings.SMS_BACKEND = f"{__name__}.FailingBackend"
    text_now()
    assert len(FailingBackend.given) == 3


def six_wait(partner: Partner) -> None:
    for n in range(6):
        a_line(msisdn=f"+120655501{n:02}")
        partner.one(partner.claim(id=f"c-{n}", msisdn=f"+120655501{n:02}"))


def test_a_gateway_that_keeps_silent_gets_one_question_a_run(partner: Partner, settings: Settings) -> None:
    six_wait(partner)
    settings.SMS_BACKEND = f"{__name__}.FailingBackend"
    FailingBackend.status = TimeoutError()
    text_now()
    assert len(FailingBackend.given) == 1


def test_slow_gateway_has_worker_for_a_few_seconds_a_run(partner: Partner, settings: Settings) -> None:
    six_wait(partner)
    settings.SMS_BACKEND = "tests.accounts.gateways.Slow"
    Slow.clock[0] = 0.0
    runs = [request_texts.text_waiting(now=by_day(), clock=lambda: Slow.clock[0]) for _ in range(3)]
    assert runs == [3, 3, 0]


def test_a_line_that_ends_in_the_meantime_is_not_texted(partner: Partner, settings: Settings) -> None:
    six_wait(partner)
    settings.SMS_BACKEND = f"{__name__}.EndingBackend"
    assert text_now() == 1
    assert ConsentRequest.objects.filter(texted_at__isnull=True).count() == 5


def test_no_question_is_put_while_the_gateway_is_left_alone(partner: Partner) -> None:
    line, now = a_line(msisdn=NUMBER), by_day()
    partner.one(partner.claim())
    Message.objects.create(
        id=uuid4(), line=line, kind=Message.Kind.STOPPED, to_sealed=b"", words_sealed=b"", made_at=now, next_at=now,
        expires_at=now + timedelta(days=3), taken_at=now, doubt_at=now,
    )  # fmt: skip
    assert request_texts.text_waiting(now=now + timedelta(seconds=14)) == 0
    assert request_texts.text_waiting(now=now + timedelta(seconds=15)) == 1


def test_at_most_twice_a_month_over_all_partners(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    partners = [partner, *(a_partner(f"Link{n}", provider=f"Finder{n}") for n in range(3))]
    for one in partners:
        assert one.one(one.claim())[1]["status"] == "accepted"
    noon = by_day()
    assert request_texts.text_waiting(now=noon) == 2
    assert request_texts.text_waiting(now=noon + timedelta(days=3)) == 0
    claimed(partner, line, at=noon + timedelta(days=30), campaign=a_campaign(partner.campaign.contract))
    assert request_texts.text_waiting(now=noon + timedelta(days=30)) == 0
    assert request_texts.text_waiting(now=noon + timedelta(days=31, seconds=1)) == 1


def test_none_while_a_no_covers_it(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    said: dict[str, Any] = {"line_id": line.pk, "actor": "subscriber:1", "channel": "web"}
    ways: list[Callable[[], object]] = [
        lambda: choices.refuse(campaign=partner.campaign.ref, **said),
        lambda: choices.pause(scope="all", until=database_clock() + timedelta(days=90), **said),
        lambda: choices.stop(scope="purpose", ref=partner.campaign.purpose, **said),
    ]
    for say_no, is_first in product(ways, (True, False)):
        with undone():
            for happens in (say_no, lambda: partner.one(partner.claim()))[:: 1 if is_first else -1]:
                happens()
                as_at_commit()
            assert text_now() == 0


def test_none_for_twelve_months_after_any_no_or_stop(partner: Partner) -> None:
    """The gate would let this campaign be asked about: what was stopped was something else."""
    line = a_line(msisdn=NUMBER)
    a_ledger_row(line, "stop", scope="party", ref=a_party("Elsewhere").uri,
                 at=database_clock() - timedelta(days=365))  # fmt: skip
    as_at_commit()
    partner.one(partner.claim())
    assert ConsentRequest.objects.count() == 0
    other = a_line(msisdn="+12065550143")
    a_ledger_row(other, "stop", scope="party", ref=a_party("Elsewhere").uri,
                 at=database_clock() - timedelta(days=367))  # fmt: skip
    as_at_commit()
    partner.one(partner.claim(id="c-2", msisdn="+12065550143"))
    assert text_now() == 1
    assert asked(NUMBER) == []


def test_none_while_anybody_on_the_way_is_suspended(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    campaign = partner.campaign
    for of, target_id in (
        ("party", partner.party.pk), ("contract", campaign.contract_id), ("campaign", campaign.pk),
        ("party", campaign.lbs_provider_id),
    ):  # fmt: skip
        with undone():
            Suspension.objects.create(
                of=of, target_id=target_id, starts_at=database_clock(), reason="Due", actor="officer:1"
            )
            assert text_now() == 0
    assert text_now() == 1


@pytest.mark.parametrize(("table", "status"), [(Campaign, 400), (Contract, 403)])
def test_none_when_the_terms_have_ended(partner: Partner, table: type[Campaign] | type[Contract], status: int) -> None:
    a_line(msisdn=NUMBER)
    pk = partner.campaign.pk if table is Campaign else partner.campaign.contract_id
    table.objects.filter(pk=pk).update(ends_at=database_clock() - timedelta(seconds=1))
    assert partner.one(partner.claim())[0] == status
    assert ConsentRequest.objects.count() == 0


def test_none_where_the_state_prohibits_it(partner: Partner) -> None:
    a_line(msisdn=NUMBER, state="WA")
    JurisdictionRule.objects.create(
        state="WA", starts_at=database_clock() - timedelta(days=1), purposes=[partner.campaign.purpose], source="test"
    )
    partner.one(partner.claim())
    assert ConsentRequest.objects.count() == 0


def test_one_more_where_what_was_allowed_has_ended(partner: Partner) -> None:
    # None from a file, and none where it is allowed already.
    an_approval(a_line(msisdn="+12065550143"), partner.campaign, verified_by="partner")
    line = a_line(msisdn=NUMBER, state="HI")
    with undone():
        an_approval(line, partner.campaign)
        partner.one(partner.claim())
        assert (ConsentRequest.objects.count(), text_now()) == (0, 0)
    an_approval(line, partner.campaign, expires_at=database_clock() - timedelta(days=1))
    partner.one(partner.claim())
    with time_machine.travel(by_day(), tick=False):
        tasks.text_questions()
    assert len(asked(NUMBER)) == 1


def test_none_for_a_claim_that_has_ended(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    partner.one(partner.claim(expires_at=stamp(database_clock() - timedelta(minutes=1))))
    partner.one(partner.claim(id="c-2", expires_at=stamp(database_clock() + timedelta(minutes=1))))
    assert ConsentRequest.objects.count() == 1
    # However near the next noon is.
    assert request_texts.text_waiting(now=by_day() + timedelta(minutes=2)) == 0


def test_none_after_the_number_changed_or_the_line_ended(partner: Partner) -> None:
    for n, end in enumerate(("number_changed_at", "deactivated_at")):
        line = a_line(msisdn=f"+120655501{n:02}")
        partner.one(partner.claim(id=f"c-{n}", msisdn=f"+120655501{n:02}"))
        Line.objects.filter(pk=line.pk).update(**{end: database_clock()})
    assert ConsentRequest.objects.count() == 2
    assert text_now() == 0


def test_none_for_a_claim_older_than_the_number(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    Line.objects.filter(pk=line.pk).update(number_changed_at=database_clock())
    partner.one(partner.claim())
    assert ConsentRequest.objects.count() == 0


def test_a_child_s_question_goes_to_the_holder(partner: Partner) -> None:
    a_line(msisdn="+12065550150", account="A-family", role="holder")
    a_line(msisdn=NUMBER, account="A-family", role="minor")
    partner.one(partner.claim())
    assert text_now() == 1
    assert asked(NUMBER) == []
    (text,) = asked("+12065550150")
    assert text.text.startswith("localhost: a company says it may find a child's phone on your account.")


def test_a_child_without_a_holder_s_line_is_not_asked(partner: Partner) -> None:
    a_line(msisdn="+12065550150", account="A-family", role="user")
    a_line(msisdn=NUMBER, account="A-family", role="minor")
    partner.one(partner.claim())
    assert ConsentRequest.objects.count() == 0


def test_another_adult_is_asked_not_their_holder(partner: Partner) -> None:
    a_line(msisdn="+12065550150", account="A-family", role="holder")
    a_line(msisdn=NUMBER, account="A-family", role="user")
    partner.one(partner.claim())
    text_now()
    assert (len(asked(NUMBER)), len(asked("+12065550150"))) == (1, 0)


def test_after_seven_days_it_is_never_sent(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    ask = ConsentRequest.objects.get()
    assert request_texts.text_waiting(now=ask.expires_at) == 0
    assert link_in(f"{portal.BASE_URL}/ask/{token_of(ask_id=ask.id)}/")


def test_the_text_is_in_the_line_s_language(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    Line.objects.filter(pk=line.pk).update(language="es")
    partner.one(partner.claim())
    assert text_now() == 1
    assert "/ask/" in asked(NUMBER)[0].text


def test_a_choice_made_elsewhere_meanwhile_takes_the_question_away(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    choices.allow(line_id=line.pk, campaign=partner.campaign.ref, actor="subscriber:1", channel="web")
    assert text_now() == 0
    assert Choice.objects.count() == 1


def test_the_verb_asks_each_campaign_once(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    partner.claims(*(partner.claim(id=f"c-{n}") for n in range(5)))
    assert ConsentRequest.objects.filter(line_id=line.pk).count() == 1
