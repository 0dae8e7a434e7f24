"""Promise 1: a stop is in force although no key opens the number that it is told to, and the number of its receipt.

A row may be damaged, or come back with an older database whose key is gone.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.fernet import InvalidToken
from django.utils import timezone

from accounts.models import Line, LineNumber, Message, SafeContact
from audit.models import Incident
from consent.actions.choices import allow, pause, stop
from consent.actions.signals import honour_signal
from consent.actions.system_stops import stop_company
from consent.actions.without_account import handle_text, stop_all_by_line
from consent.domain.change_notices import TextCommand
from consent.models import Choice, ChoiceReceipt
from partners.models import Campaign
from revocations.models import Order
from support.queries.timeline import decode_token
from tests.factories import a_campaign, a_line, a_safe_contact, an_approval
from tests.feeds import choice_row, line_row, take_choices, take_lines
from tests.people import number_of
from tests.promises.asking import reason

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
NOBODYS = b"not ours"
PERSON, WEB = "subscriber:1", "web"


def stop_company_by_system(line: Line, campaign: Campaign, _number: str) -> None:
    now = timezone.now()
    stop_company(line_id=line.pk, party=campaign.lbs_provider.uri, after=now, actor="system:anomalies", at=now)


WAYS: dict[str, Callable[[Line, Campaign, str], object]] = {
    "page": lambda line, _campaign, _number: stop(line_id=line.pk, scope="all", actor=PERSON, channel=WEB),
    "pause": lambda line, _campaign, _number: pause(
        line_id=line.pk, scope="all", until=timezone.now() + timedelta(days=1), actor=PERSON, channel=WEB
    ),
    "no account": lambda line, _campaign, number: stop_all_by_line(line_id=line.pk, msisdn=number, at=timezone.now()),
    "text": lambda _line, _campaign, number: handle_text(
        text_id="1", msisdn=number, wish=TextCommand.STOP_LOCATION, on_network=True, at=timezone.now()
    ),
    "signal": lambda line, _campaign, _number: honour_signal(line_id=line.pk, actor=PERSON, at=timezone.now()),
    "anomaly": stop_company_by_system,
    "file": lambda _line, _campaign, number: take_choices(
        choice_row(msisdn=number, made_at=f"{timezone.now() - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sealed", [LineNumber, SafeContact])
def test_a_stop_is_in_force_although_no_key_opens_the_number(way: str, sealed: type[LineNumber | SafeContact]) -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    number, long_ago = number_of(line), timezone.now() - timedelta(days=90)
    Line.objects.filter(pk=line.pk).update(recorded_at=long_ago)
    if sealed is SafeContact:
        contact = SafeContact.objects.create(line=line, to_sealed=NOBODYS, code_sealed=NOBODYS, asked_at=long_ago)
        contact.proved_at = long_ago
        contact.save(update_fields=["proved_at"])
    else:
        LineNumber.objects.filter(line=line).update(msisdn_sealed=NOBODYS)
    assert reason(line, campaign) == ""
    WAYS[way](line, campaign, number)
    assert reason(line, campaign) in {"stopped_all", "stopped_party", "stopped_campaign", "paused"}
    assert Order.objects.filter(line_id=line.pk).count() >= 1
    for receipt in ChoiceReceipt.objects.all():
        assert str(line.public_id) in decode_token(token=receipt.token)[1]


@pytest.mark.parametrize("end", ["deactivated_at", "sim_changed_at"])
def test_a_line_s_end_or_new_sim_is_on_record_although_no_key_opens_another_s_number(end: str) -> None:
    now = timezone.now()
    rows = [line_row(line_id=f"L{n}", msisdn=f"+1206555014{n}", account_id=f"A{n}") for n in range(2)]
    take_lines(*rows)
    Line.objects.update(recorded_at=now - timedelta(days=30))
    LineNumber.objects.filter(line__carrier_id="L0").update(msisdn_sealed=NOBODYS)
    moment = (now - timedelta(hours=1)).replace(microsecond=0)
    take_lines(*(row | {end: moment.isoformat()} for row in rows))
    assert list(Line.objects.order_by("carrier_id").values_list(end, flat=True)) == [moment, moment]
    assert list(Message.objects.values_list("line__carrier_id", "kind")) == [("L1", "moved")]


def test_a_stop_is_in_force_although_its_safe_contact_ends_and_no_key_opens_the_number_to_tell() -> None:
    line, campaign, now = a_line(), a_campaign(), timezone.now()
    an_approval(line, campaign)
    Line.objects.filter(pk=line.pk).update(recorded_at=now - timedelta(days=90))
    a_safe_contact(line, msisdn="+13605550198", at=now - timedelta(days=9))
    a_line(msisdn="+13605550198", activated_at=now - timedelta(days=5))
    Line.objects.exclude(pk=line.pk).update(recorded_at=now - timedelta(days=5))
    LineNumber.objects.filter(line=line).update(msisdn_sealed=NOBODYS)
    stop(line_id=line.pk, scope="all", actor=PERSON, channel=WEB)
    assert reason(line, campaign) == "stopped_all"
    assert SafeContact.objects.get().ended_at is not None
    assert list(Incident.objects.values_list("kind", "subject")) == [("work_breaks", "accounts.texts")]


def test_officers_are_told_of_whom_nobody_can_tell() -> None:
    line = a_line()
    LineNumber.objects.filter(line=line).update(msisdn_sealed=NOBODYS)
    for _ in range(2):
        stop(line_id=line.pk, scope="all", actor=PERSON, channel=WEB)
    assert list(Incident.objects.values_list("kind", "subject", "count")) == [("work_breaks", "accounts.texts", 1)]
    assert not Message.objects.exists()


def test_a_yes_that_nobody_can_be_told_of_is_not_taken() -> None:
    line, campaign = a_line(), a_campaign()
    LineNumber.objects.filter(line=line).update(msisdn_sealed=NOBODYS)
    with pytest.raises(InvalidToken):
        allow(line_id=line.pk, campaign=campaign.ref, actor=PERSON, channel=WEB)
    assert not Choice.objects.exists()
    assert reason(line, campaign) == "no_approval"
