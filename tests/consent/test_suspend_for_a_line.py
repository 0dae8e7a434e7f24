"""We suspend a company for one line: the gate says no, partners are told, the person reads it; only they undo it."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.clients.texts import MemoryBackend
from accounts.models import Line
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import allow, pause, stop
from consent.actions.records import FileApproval, FileChoice, record_file_approvals, record_file_choices
from consent.actions.system_stops import Outcome, stop_company
from consent.models import Choice, ChoiceReceipt, LineGate
from consent.queries.choices import choices_page
from consent.queries.permission import permission_at
from disclosures.models import Disclosure, Judgement
from partners.models import Campaign, IdentifierLink, Reach
from revocations.models import Order
from tests.factories import FRAUD, NOW, a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.feeds import BRIDGE, ROAD, approval_row, line_row, release_row, take_approvals, take_lines, take_parties
from tests.feeds import take_releases as take
from tests.moments import ends_at
from tests.people import number_of, signed_in, texts_by_day
from tests.promises.asking import ask
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
ACTOR = "system:anomalies"


@pytest.fixture
def line() -> Line:
    return a_line(msisdn="+12065550142")


def suspended(line: Line, campaign: Campaign, *, after: datetime | None = None) -> Outcome:
    after = after or database_clock()
    return stop_company(line_id=line.pk, party=campaign.lbs_provider.uri, after=after, actor=ACTOR, at=database_clock())


def judged(line: Line, campaign: Campaign) -> str:
    now = database_clock()
    return permission_at(
        line_id=line.pk, campaign=campaign.ref, purpose=campaign.purpose, precision_m=campaign.precision_m, at=now,
        parties=[campaign.contract.aggregator.uri, campaign.lbs_provider.uri], known_at=now,
    )  # fmt: skip


def a_file_approval(line: Line, campaign: Campaign) -> None:
    one = FileApproval(
        id=uuid.uuid4(), source_id="a1", campaign=campaign.ref, method="sms", captured_at=database_clock(),
        captured_by=campaign.lbs_provider.uri, wording="Reply YES.", language="en", evidence_ref="e", expires_at=None,
        verified_by="carrier", content_hash=b"",
    )  # fmt: skip
    record_file_approvals(by_line={line.pk: [one]}, actor="import:approvals")


def a_file_stop(line: Line) -> None:
    one = FileChoice(
        id=uuid.uuid4(), source_id="c1", kind=Choice.Kind.STOP, scope="all", ref="", made_at=database_clock(),
        until=None, channel="store", program="", content_hash=b"",
    )  # fmt: skip
    record_file_choices(by_line={line.pk: [one]}, actor="import:choices")


def test_the_gate_says_no_from_the_commit(line: Line, campaign: Campaign) -> None:
    assert ask(line, campaign).allowed
    assert suspended(line, campaign) == "suspended"
    assert (ask(line, campaign).reason, judged(line, campaign)) == ("stopped_party", "stopped_party")
    (choice,) = Choice.objects.all()
    assert (choice.origin, choice.kind, choice.scope, choice.ref) == ("system", "stop", "party", ROAD)
    assert (choice.actor, choice.channel, choice.reason) == (ACTOR, "system", "anomaly")
    assert ChoiceReceipt.objects.get().choice_id == choice.id
    (order,) = Order.objects.all()
    assert order.snapshot["state"] == []
    assert order.snapshot["initiating_entity"] == "system"
    assert order.snapshot["required_actions"] == ["stop_use", "delete_held", "notify_downstream"]
    event = AuditEvent.objects.get(action="consent.stop")
    assert (event.actor, event.line_id) == (ACTOR, line.pk)


def test_the_phone_is_texted_once_and_no_company_is_named(line: Line, campaign: Campaign) -> None:
    suspended(line, campaign)
    suspended(line, campaign)
    (text,) = texts_by_day(number_of(line))
    assert text.text.startswith("localhost: our records show that a company looked up this phone's location")
    assert text.text.endswith("/home/")
    assert "RoadAid" not in text.text


def test_no_file_lifts_it_and_the_persons_own_yes_does(line: Line, campaign: Campaign) -> None:
    suspended(line, campaign)
    a_file_approval(line, campaign)
    assert (ask(line, campaign).reason, judged(line, campaign)) == ("stopped_party", "stopped_party")
    allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    assert (ask(line, campaign).allowed, judged(line, campaign)) == (True, "permitted")


def test_it_covers_every_use_by_the_company(line: Line, campaign: Campaign) -> None:
    other = a_campaign(campaign.contract, campaign.lbs_provider, purpose=FRAUD)
    renamed = a_party("RoadHelp", "lbs_provider")
    heir = a_campaign(a_contract(), renamed)
    an_approval(line, other)
    an_approval(line, heir)
    IdentifierLink.objects.create(of="party", ref=renamed.uri, kin_ref=ROAD, link="succeeds", recorded_at=NOW)
    suspended(line, campaign)
    assert {ask(line, one).reason for one in (campaign, other, heir)} == {"stopped_party"}


def test_a_stop_of_the_person_s_own_stands_already(line: Line, campaign: Campaign) -> None:
    old = a_party("OldName", "lbs_provider").uri
    IdentifierLink.objects.create(of="party", ref=ROAD, kin_ref=old, link="succeeds", recorded_at=NOW)
    for scope, ref in (("all", ""), ("party", ROAD), ("party", old)):
        with undone():
            stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web")
            assert suspended(line, campaign) == "stopped"
            assert not Choice.objects.filter(origin="system").exists()
    assert MemoryBackend.outbox == []


def test_what_a_yes_could_still_get_round_is_not_enough(line: Line, campaign: Campaign) -> None:
    said: dict[str, Any] = {"line_id": line.pk, "actor": "subscriber:1", "channel": "web"}
    nos: list[Callable[[], object]] = [
        lambda: a_file_stop(line),
        lambda: stop(scope="purpose", ref=campaign.purpose, **said),
        lambda: pause(scope="all", until=database_clock() + timedelta(days=30), **said),
        # One that was lifted before.
        lambda: (stop(scope="all", **said), allow(campaign=campaign.ref, **said)),
    ]
    for no in nos:
        with undone():
            no()
            assert suspended(line, campaign) == "suspended"
            assert ask(line, campaign).reason == "stopped_party"


def test_who_allows_it_after_what_it_did_has_said_so(line: Line, campaign: Campaign) -> None:
    before = database_clock() - timedelta(hours=1)
    allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    assert suspended(line, campaign, after=before) == "allowed"
    assert ask(line, campaign).allowed
    # What it does at that moment or after it is another matter.
    said_at = Choice.objects.get(line_id=line.pk).made_at
    assert ends_at(lambda at: suspended(line, campaign, after=at) == "allowed", said_at)
    assert suspended(line, campaign, after=database_clock()) == "suspended"
    assert ask(line, campaign).reason == "stopped_party"


def test_what_finds_them_in_need_is_left_to_officers(line: Line) -> None:
    lifeline = a_campaign(lifeline=True)
    an_approval(line, lifeline)
    assert suspended(line, lifeline) == "spared"
    assert ask(line, lifeline).allowed
    stop(line_id=line.pk, scope="purpose", ref=lifeline.purpose, actor="subscriber:1", channel="web")
    assert suspended(line, lifeline) == "suspended", "the gate denies the lifeline already"


def test_nobody_is_suspended_who_cannot_be_named(line: Line, campaign: Campaign) -> None:
    at = database_clock()
    for party in ("unknown", "https://never-heard-of.example"):
        assert stop_company(line_id=line.pk, party=party, after=at, actor=ACTOR, at=at) == "nobody"
    line.deactivated_at = at - timedelta(days=1)
    line.save()
    assert suspended(line, campaign) == "ended"
    assert Choice.objects.count() == 0


def test_company_further_down_is_stopped_with_all_that_reach_it(line: Line, campaign: Campaign) -> None:
    jail = a_party("Jail", "end_customer")
    Reach.objects.create(campaign=campaign, party=jail)
    at = database_clock()
    assert stop_company(line_id=line.pk, party=jail.uri, after=at, actor=ACTOR, at=at) == "suspended"
    assert ask(line, campaign).reason == "stopped_party"


def test_database_lets_us_only_suspend_and_never_in_the_past(line: Line, campaign: Campaign) -> None:
    for kind, scope, ref in (("allow", "campaign", campaign.ref), ("stop", "all", ""), ("refuse", "campaign", "CMP")):
        with pytest.raises(IntegrityError, match="consent_choice_we_only_suspend"):
            a_ledger_row(line, kind, scope=scope, ref=ref, at=database_clock(), origin="system")
    newest = LineGate.objects.values_list("newest_at", flat=True).get(pk=line.pk)
    assert newest is not None
    with pytest.raises(IntegrityError, match="newer than the line's newest"):
        a_ledger_row(line, "stop", scope="party", ref=ROAD, at=newest, origin="system")
    with pytest.raises(IntegrityError, match="has no receipt"), transaction.atomic():
        a_ledger_row(line, "stop", scope="party", ref=ROAD, at=database_clock(), origin="system", receipt=False)
    assert Choice.objects.count() == 0


def test_a_line_that_continues_this_one_takes_it_over(line: Line, campaign: Campaign) -> None:
    suspended(line, campaign)
    take_lines(line_row(line_id="L-next", msisdn="+12065550177", continues_line_id=line.carrier_id))
    after = Line.objects.get(carrier_id="L-next")
    an_approval(after, campaign, at=database_clock())
    assert ask(after, campaign).reason == "stopped_party"
    assert Choice.objects.get(line_id=after.pk).origin == "system"


def test_what_is_released_is_not_called_after_the_persons_stop() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    line, at = Line.objects.get(), database_clock()
    stop_company(line_id=line.pk, party=ROAD, after=at, actor=ACTOR, at=at)
    take(release_row(id="r", occurred_at=database_clock().isoformat(), path=[BRIDGE, ROAD]))
    assert Disclosure.objects.get().judgement == Judgement.PARTNER_SUSPENDED
    stop(line_id=line.pk, scope="party", ref=ROAD, actor="subscriber:1", channel="web")
    take(release_row(id="s", occurred_at=database_clock().isoformat(), path=[BRIDGE, ROAD]))
    assert Disclosure.objects.get(source_id="s").judgement == Judgement.AFTER_STOP


def test_no_page_tells_a_child_that_it_may_allow_what_we_suspended(campaign: Campaign) -> None:
    child = a_line(account="A-1", role="minor")
    browser, who = signed_in(child), "Only the account holder can allow sharing on this line."
    nothing = browser.get("/home/").text
    assert who in nothing.partition("New companies are blocked until you allow them.")[2][:400]
    suspended(child, campaign)
    (row,) = choices_page(line_id=child.pk).rows
    one = browser.get(f"/choices/{row.id}/").text
    said = "It looked up this phone when it should not have. It stays blocked, and our staff can't allow it."
    assert said in one.replace("&#x27;", "'")
    assert "until you allow it" not in one


def test_the_pages_say_that_it_was_us(line: Line, campaign: Campaign) -> None:
    suspended(line, campaign)
    (row,) = choices_page(line_id=line.pk).rows
    assert (row.by, row.company) == ("us", "RoadAid")
    browser = signed_in(line)
    home = browser.get("/home/").text
    assert "We suspended it for you" in home
    assert "We did this ourselves because of what our records show. Our staff can't undo it." in home
    assert "You stopped it" not in home
    assert 'data-party="https://roadaid.example"' in home, "the person's own stop is still to be had"
    assert "Allow again" in home
    assert "By us, because of what our records show" in browser.get("/choices/").text
    one = browser.get(f"/choices/{row.id}/").text
    assert "We suspended <bdi>RoadAid</bdi> for this phone" in one
    assert "It stays blocked until you allow it. No one else can allow it, and neither can we." in one
    assert browser.get(f"/choices/{row.id}/receipt/").status_code == 200
    stop(line_id=line.pk, scope="party", ref=ROAD, actor="subscriber:1", channel="web")
    assert "You stopped it" in browser.get("/home/").text
