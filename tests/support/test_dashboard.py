"""The dashboard: each count leads to exactly its rows, who has not signed is named, what changed since is said."""

import re
import uuid
from datetime import datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pytest_django import Settings

import audit.actions
from accounts.actions.line_separation import request_separation
from accounts.actions.people import get_or_create_person
from accounts.actions.sms_outbox import enqueue_text
from accounts.models import Line, Message, User
from accounts.workers.sms_delivery import deliver
from audit.models import AuditEvent, Incident
from console.actions.notes import add_note
from console.queries.dashboard import Dashboard, get_dashboard
from console.queries.lights import list_lights, list_texts
from console.queries.proposals import proposal_page
from console.queries.standing import contracts_to_renew
from partners.actions import proposals, suspensions
from partners.models import Campaign, Contract, Dealing, Proposal, SigningKey
from partners.policies.loosening import OPEN_FOR
from partners.workers.rotation import PERIOD
from revocations.models import Order, PushTally, State, Stream, StreamEvent, StreamHealth
from support.models import CanaryRun, CarrierTestLine
from support.queries.counts import Count, health_of
from support.queries.visible import find_hidden_cases
from tests.factories import a_campaign, a_contract, a_ledger_row, a_line, a_party
from tests.moments import IsSo, begins_at, ends_at
from tests.orders import bring_to
from tests.staff import an_actor
from tests.support.console import a_chain, a_cohort
from tests.support.desk import a_ticket
from tests.support.officers import Member, rows_of, shown, sign_in_anew, staff
from tools.demo.cases import open_cases

pytestmark = pytest.mark.usefixtures("db", "no_broker")
DAY = timedelta(days=1)
# How many texts each status has where the lights are read, and what a row says of it.
TEXTS = {
    "overdue": (2, {"overdue"}), "waiting": (0, set()), "unanswered": (1, {"no answer from the gateway"}),
    "sent": (2, {"sent"}),
}  # fmt: skip
CARD = re.compile(r'<dt><a href="([^"]+)">([^<]+)</a></dt><dd class="\w*">([^<]+)</dd>')


def an_order(campaign: Campaign, line: Line, *, complete_by: datetime, at: datetime, state: str = "") -> None:
    """An order that its partner received, or signed four days ago (`state`)."""
    contract = campaign.contract
    order = Order.objects.create(
        line_id=line.pk, id=uuid.uuid4(), contract_id=contract.pk, party_id=contract.aggregator_id, epoch=1,
        version=Order.objects.filter(line_id=line.pk).count() + 1, jti=uuid.uuid4().hex, txn="t",
        record_id=uuid.uuid4(), lane="stop", queued_at=at - 10 * DAY, next_attempt_at=at, complete_by=complete_by,
        snapshot={"required_actions": ["notify_downstream"]},
    )  # fmt: skip
    rows = Order.objects.filter(id=order.id)
    bring_to(State.ACKNOWLEDGED, rows, acknowledged_at=at - 9 * DAY)
    if state:
        bring_to(state, rows, completed_at=at - 4 * DAY)


def cases_at_work(officer: Member, *, at: datetime) -> None:
    for state in ("open", "partner", "solved"):
        a_ticket(at=at, state=state, escalated_at=at)
    for assignee in (officer.user, officer.user, officer.user, None):
        a_ticket(at=at, assignee=assignee)
    for assignee in (officer.user, None, None, staff(name="third").user):
        a_ticket(at=at, assignee=assignee, due_in=-DAY)
    a_ticket(at=at, assignee=officer.user, due_in=-DAY, state="waiting")
    a_ticket(at=at, escalated_at=at, due_in=-DAY)


def a_day_at_work(officer: Member, *, at: datetime) -> None:
    """Of everything that a card counts two or more, and beside them what it does not count."""
    line = a_line()
    first, second = a_chain(line, "Ash", at=at), a_chain(line, "Birch", at=at)
    for n, (name, days) in enumerate((("Cedar", 20), ("Doum", 59), ("Elm", 61), ("Fir", -1))):
        a_campaign(a_contract(a_party(name), ref=f"AGR-{n}", ends_at=at + days * DAY), ends_at=at + days * DAY)
    a_contract(a_party("Gum"), is_draft=True)
    for campaign, late in ((first, 3), (first, 1), (second, 2), (second, -4)):
        an_order(campaign, line, complete_by=at - late * DAY, at=at)
    an_order(first, line, complete_by=at - DAY, at=at, state=State.COMPLETED)
    Stream.objects.create(
        id=uuid.uuid4(), party_id=first.contract.aggregator_id, method=Stream.Method.POLL, created_at=at, status_at=at,
        status=Stream.Status.DISABLED, status_by="partner",
    )  # fmt: skip
    for n, kind in enumerate((Incident.Kind.OVERDUE, Incident.Kind.UNGATED, Incident.Kind.BURST, Incident.Kind.BURST)):
        audit.actions.open_incident(kind=kind, key=f"now {n}", subject="https://ash.example", at=at)
        audit.actions.open_incident(kind=kind, key=f"old {n}", subject="https://ash.example", at=at - 40 * DAY)
    Incident.objects.filter(key="now 2").update(assigned_to=officer.actor)
    Incident.objects.filter(key="now 3").update(assigned_to="officer:999999")
    Incident.objects.filter(key="old 3").update(closed_at=at)
    colleague = an_actor()
    for contract, day in ((first.contract, at - DAY), (second.contract, at + DAY)):
        add_note(
            of="contract", target_id=contract.pk, note="Ask them.", owner=None, remind_on=day.date(), actor=colleague,
            at=at - 9 * DAY,
        )  # fmt: skip
    for campaign in (first, second):
        suspensions.suspend(of="campaign", target_id=campaign.pk, actor=colleague, reason="They sold it.", at=at)
        proposals.propose(
            act=Proposal.Act.LIFT_SUSPENSION, of="campaign", target_id=campaign.pk, payload={}, reason="Mended.",
            actor=colleague, at=at,
        )  # fmt: skip
    old = proposals.propose(
        act=Proposal.Act.EXTEND_TERM, of="contract", target_id=first.contract_id, reason="They asked.", at=at,
        actor=colleague, payload={"ends_at": "2097-01-01T00:00:00+00:00"},
    )  # fmt: skip
    proposals.withdraw(proposal_id=old.pk, actor=colleague, reason="Not now.", at=at)
    cases_at_work(officer, at=at)
    asking = a_line()
    request_separation(
        line_id=asking.pk, user=get_or_create_person(line=asking, at=at), reach="Ask me by mail.", note="", at=at
    )


def test_each_card_leads_to_exactly_the_rows_it_counts(officer: Member) -> None:
    at = timezone.now()
    a_day_at_work(officer, at=at)
    page = officer.client.get("/admin/").content.decode()
    counted = {label: (unescape(href), int(n)) for href, label, n in CARD.findall(page)}
    assert {label: n for label, (_, n) in counted.items()} == {
        "Contracts in force": 5, "Campaigns in force": 3, "Suspended": 2,
        "Contracts ending within 60 days": 2, "Campaigns ending within 60 days": 2, "Contracts to renew": 1,
        "Incidents past their deadline": 2, "Incidents assigned to me": 1, "Unassigned incidents": 5,
        "Overdue orders": 3, "Partners with delivery problems": 1, "Open proposals": 2, "Escalated cases": 3,
        "Cases assigned to me": 5, "My overdue cases": 1, "Unassigned overdue cases": 3, "Line separations": 1,
    }  # fmt: skip
    for label in ("Escalated cases", "Cases assigned to me", "My overdue cases", "Unassigned overdue cases"):
        href, n = counted.pop(label)
        assert officer.client.get(href).content.decode().count('<li class="case') == n, label
    assert len(rows_of(officer, counted.pop("Line separations")[0])) == 1
    for label, (href, n) in counted.items():
        rows, all_rows = rows_of(officer, href), rows_of(officer, href.partition("?")[0])
        assert len(rows) == n, label
        assert len(all_rows) > n or label == "Suspended", label
    folded = re.findall(r'<a href="(/admin/incidents/\?kind=[^"]+state=open)">([^<]+): (\d+)</a>', page)
    assert [(unescape(label), n) for _, label, n in folded] == [
        ("A release without the gate's permission", "2"), ("A partner missed an agreed deadline", "2"),
        ("Bursts of look-ups of one line", "3"),
    ]  # fmt: skip
    for href, _, n in folded:
        assert len(rows_of(officer, unescape(href))) == int(n)


def test_the_headline_is_the_sum_of_what_it_says(officer: Member) -> None:
    a_day_at_work(officer, at=timezone.now())
    # A case that is escalated and overdue counts once.
    assert (
        "18 items need attention 1 of 7 partners has delivery problems. 2 partners not confirming stops : Ash , Birch ."
        " 7 open incidents, 2 past their notification deadline . 6 cases escalated or overdue."
        " 2 proposals waiting for a second officer. Our gate enforces every stop, whatever partners do."
    ) in shown(officer, "/admin/")
    page = officer.client.get("/admin/").content.decode()
    (proposals_href,) = re.findall(r'<a href="([^"]+)">2 proposals</a>', page)
    assert len(rows_of(officer, unescape(proposals_href))) == 2


def test_an_auditor_has_no_cases_and_reads_of_no_separation(officer: Member) -> None:
    a_day_at_work(officer, at=timezone.now())
    page = staff(User.Role.AUDITOR).client.get("/admin/").content.decode()
    labels = {label for _, label, _ in CARD.findall(page)}
    assert "Escalated cases" in labels
    assert not labels & {"Cases assigned to me", "My overdue cases", "Line separations"}


def test_what_is_due_is_so_from_its_moment_on(officer: Member) -> None:
    at = timezone.now()
    a_day_at_work(officer, at=at)
    begins = a_contract(a_party("Hop"), ref="AGR-begins", starts_at=at + DAY, ends_at=at + 30 * DAY)
    # Ends with its contract.
    a_campaign(begins, ref="CMP-begins", starts_at=at + DAY, ends_at=at + 30 * DAY)
    ended = a_cohort(Campaign.objects.order_by("pk")[0], at=at)
    due_at = Incident.objects.filter(closed_at=None, due_at__gt=at).order_by("due_at")[0].due_at
    key = SigningKey.objects.order_by("used_from")[0]

    def seen(moment: datetime) -> Dashboard:
        return get_dashboard(reader=officer.actor, hidden=find_hidden_cases(at=moment), at=moment)

    def is_ending(ref: str) -> IsSo:
        return lambda moment: (
            ref in {str(one) for one in [*seen(moment).ending_contracts, *seen(moment).ending_campaigns]}
        )

    assert due_at is not None
    assert begins_at(lambda moment: seen(moment).overdue_incidents.n > 2, due_at)
    assert begins_at(lambda moment: sum(one.overdue for one in seen(moment).incidents) > 2, due_at)
    assert begins_at(lambda moment: [one for one in seen(moment).terminations if one.late], ended.complete_by)
    assert begins_at(lambda moment: sum(one.orders.n for one in seen(moment).unconfirmed) > 3, at + 4 * DAY)
    assert begins_at(lambda moment: seen(moment).keys, key.used_from + PERIOD)
    assert begins_at(is_ending("AGR-begins"), at + DAY)
    assert not is_ending("CMP-begins")(at + DAY)
    assert begins_at(is_ending("AGR-2"), at + DAY)
    assert ends_at(is_ending("AGR-0"), at + 20 * DAY)


def test_delivery_is_late_and_then_silent_from_its_moment_on(officer: Member) -> None:
    at, contract = timezone.now(), a_contract(a_party("Ash"))
    party_id = contract.aggregator_id
    for minutes in (5, 0):
        Order.objects.create(
            line_id=1, id=uuid.uuid4(), contract_id=contract.pk, party_id=party_id, epoch=1, version=1 + minutes,
            jti=f"j{minutes}", txn="t", record_id=uuid.uuid4(), lane="stop", snapshot={},
            queued_at=at + timedelta(minutes=minutes), next_attempt_at=at,
        )  # fmt: skip
        StreamEvent.objects.create(
            id=uuid.uuid4(), party_id=party_id, kind=StreamEvent.Kind.VERIFICATION, jti=f"v{minutes}", claims={},
            queued_at=at + timedelta(minutes=minutes - 1), next_attempt_at=at,
        )  # fmt: skip
    StreamEvent.objects.filter(queued_at__lt=at).update(state="acknowledged", next_attempt_at=None)
    assert health_of(party_ids=[party_id], at=at)[party_id].waiting == Count(3)

    def is_called(word: str) -> IsSo:
        return lambda moment: health_of(party_ids=[party_id], at=moment)[party_id].word == word

    assert begins_at(is_called("late"), at + timedelta(minutes=15))
    assert ends_at(is_called("late"), at + DAY)
    assert begins_at(is_called("silent"), at + DAY)
    StreamHealth.objects.create(party_id=party_id, counts_from=at)
    for failed, word in ((2, "not verified"), (3, "unverified")):
        StreamHealth.objects.update(failed_verifications=failed)
        assert is_called(word)(at)
        assert health_of(party_ids=[party_id], at=at)[party_id].receives is (failed == 2)


def test_reminders_and_proposals_are_over_at_their_moment(officer: Member) -> None:
    at = timezone.now()
    a_day_at_work(officer, at=at)
    note = AuditEvent.objects.filter(action="contract.noted").latest("id")
    tomorrow, contract = parse_datetime(note.detail["remind_on"]), Contract.objects.get(pk=int(note.target[9:]))
    assert tomorrow is not None
    assert begins_at(lambda moment: contract.pk in contracts_to_renew(at=moment), tomorrow)
    assert contract.ends_at is not None
    assert ends_at(lambda moment: contract.pk in contracts_to_renew(at=moment), contract.ends_at)
    waits, withdrawn = (Proposal.objects.filter(decision=said).latest("id") for said in ("", "withdrawn"))

    def is_expired(one: Proposal) -> IsSo:
        def look(moment: datetime) -> bool:
            page = proposal_page(proposal_id=one.pk, reader=officer.actor, at=moment)
            return page is not None and page.expired

        return look

    assert begins_at(is_expired(waits), at + OPEN_FOR)
    assert not is_expired(withdrawn)(at + OPEN_FOR)


def test_who_has_not_signed_is_named_oldest_first(officer: Member) -> None:
    at, line = timezone.now(), a_line()
    later, early = a_chain(line, "Later", at=at), a_chain(line, "Early", at=at)
    an_order(later, line, complete_by=at - DAY, at=at)
    an_order(early, line, complete_by=at - 3 * DAY, at=at, state=State.PARTIAL)
    an_order(early, line, complete_by=at + DAY, at=at)
    page = shown(officer, "/admin/")
    assert "2 items need attention 2 partners not confirming stops : Early , Later ." in page
    panel = page.rpartition("Not confirming stops")[2].partition("Delivery to")[0]
    assert panel == (
        " All unsigned orders Early : 1 order Not signed: Early Finder 3 days late"
        " Later : 1 order Not signed: Later , Later Finder 1 day late "
    )
    for name, told in (
        ("Third", "Later , Later Finder , Third 1 day"),
        ("Zeta", "Later , Later Finder , Third and others 1"),
    ):
        aggregator = later.contract.aggregator
        Dealing.objects.create(line_id=line.pk, aggregator=aggregator, party=a_party(name), last_at=at - DAY)
        assert f"Not signed: {told}" in shown(officer, "/admin/")
    page = officer.client.get("/admin/").content.decode()
    for href, n in re.findall(r'<a href="(/admin/orders/\?company=[^"]+)"><bdi>\w+</bdi>: (\d+)', page):
        assert len(rows_of(officer, unescape(href))) == int(n)
    assert [row.split()[1] for row in rows_of(officer, "/admin/orders/")] == ["Early", "Later", "Early"]
    # The list names them too, where the partner signed in part.
    first = rows_of(officer, "/admin/orders/")[0]
    assert "Signed in part 1 of 1 company behind it has not signed: Early Finder" in first
    # A contract's page leads to its orders, as a company's does.
    page = officer.client.get(f"/admin/contracts/{early.contract_id}/").content.decode()
    found = re.findall(r'<a href="(/admin/orders/\?contract=[^"]+)">\s*(\d+)', page)
    assert [int(n) for _, n in found] == [2, 1]
    assert [len(rows_of(officer, unescape(href))) for href, _ in found] == [2, 1]
    # Another contract of the same company has its own.
    second = a_campaign(a_contract(early.contract.aggregator, ref="AGR-2"))
    for path, said in (
        (f"parties/{early.contract.aggregator_id}", "1 order , the oldest 3 days late: Early Finder"),
        (f"contracts/{early.contract_id}", "1 order , the oldest 3 days late: Early Finder"),
        (f"contracts/{second.contract_id}", "none past their date"),
    ):
        assert f"Missing signatures {said}" in shown(officer, f"/admin/{path}/")


def test_every_company_that_is_late_counts_and_the_panel_says_how_many_it_leaves_out(officer: Member) -> None:
    at, line = timezone.now(), a_line()
    for n in range(10):
        an_order(a_chain(line, f"Late {n}", at=at), line, complete_by=at - (20 - n) * DAY, at=at)
    page = shown(officer, "/admin/")
    assert "10 items need attention 10 partners not confirming stops : Late 0 , Late 1 , Late 2 and others." in page
    panel = page.rpartition("Not confirming stops")[2].partition("Delivery to")[0]
    assert panel.count("Not signed:") == 8
    assert panel.endswith("1 week, 6 days late And 2 more, none later: see all unsigned orders . ")


def test_what_changed_since_the_last_visit_is_said(officer: Member) -> None:
    base = timezone.now()
    campaign = a_campaign(a_contract(a_party("Ash")))
    other = staff(User.Role.OFFICER, name="other")
    with time_machine.travel(base, tick=False):
        sign_in_anew(officer)
        shown(officer, "/admin/")
    # What was done at the very moment of that visit was there for them to see.
    for of, target_id, member, at in (
        ("party", campaign.contract.aggregator_id, other, base),
        ("contract", campaign.contract_id, officer, base + timedelta(minutes=5)),
        ("campaign", campaign.pk, other, base + timedelta(minutes=5)),
    ):
        suspensions.suspend(of=of, target_id=target_id, actor=member.actor, reason="Sold.", at=at)
    audit.actions.open_incident(kind="overdue", key="before", subject="Ash", at=base)
    audit.actions.open_incident(kind="overdue", key="after", subject="Ash", at=base + timedelta(minutes=1))
    said = "Since your last visit, 3 hours ago: Incidents opened: 1 · Changes by others: 1"
    # A broker that is started anew has forgotten all.
    cache.clear()
    with time_machine.travel(base + timedelta(hours=3), tick=False):
        sign_in_anew(officer)
        # Coming back to the page in the same sign-in is no other visit.
        for _ in range(2):
            assert said in shown(officer, "/admin/")
        assert len(rows_of(officer, "/admin/incidents/?changed=visit")) == 1
        (row,) = rows_of(officer, "/admin/trail/?kind=act&changed=visit")
        assert "other@carrier.example Privacy officer suspension: started" in row


def test_the_lights_say_how_the_last_hour_was(officer: Member, settings: Settings) -> None:
    at = timezone.now()
    for kind, origin in (("stop", "person"), ("stop", "file"), ("refuse", "person")):
        scope, ref = ("campaign", "CMP-1") if kind == "refuse" else ("all", "")
        a_ledger_row(a_line(), kind, scope=scope, ref=ref, at=at - timedelta(minutes=7), origin=origin)
    a_ledger_row(a_line(), "stop", at=at - timedelta(hours=1))
    ours = a_line()
    CarrierTestLine.objects.create(line_id=ours.pk, marked_at=at, marked_by="officer:1", about="x")
    a_ledger_row(ours, "stop", at=at - timedelta(minutes=7), origin="person")
    party = a_contract(a_party("Ash")).aggregator
    for minutes, tries, failures in ((3, 9, 0), (40, 4, 2), (60, 50, 50)):
        PushTally.objects.create(
            party_id=party.pk, minute=at - timedelta(minutes=minutes), tries=tries, failures=failures
        )
    for taken, doubt in ((5, None), (15, None), (15, 14), (60, None), (61, 60)):
        Message.objects.create(
            id=uuid.uuid4(), line=a_line(), kind=Message.Kind.AGENT, to_sealed=b"", words_sealed=b"", made_at=at,
            next_at=at, expires_at=at + DAY, taken_at=at - timedelta(minutes=taken),
            doubt_at=at - timedelta(minutes=doubt) if doubt else None,
        )  # fmt: skip
    CanaryRun.objects.create(
        began_at=at - timedelta(minutes=9), finished_at=at, failed="no answer", step="gate", seconds={"page": 1.0}
    )
    with time_machine.travel(at, tick=False):
        lights = shown(officer, "/admin/").partition("Changes by others")[2].partition("Contracts in force")[0]
    for said in (
        f"Hourly stop test fails Last run {said_at(at, 9)}, failed at: the gate's no",
        "Gate open 1 stop or pause in the last hour",
        "Delivery works 13 pushes in the last hour, 2 failed; after an outage, counted since the partner recovered",
        "Texts failing 3 texts sent in the last hour, 1 without the gateway's answer; 0 overdue; 0 codes not sent",
    ):  # fmt: skip
        assert said in lights
    drawn = [(bar.x, bar.height, bar.failed) for bar in list_lights(failing=0, partners=1, at=at)[2].bars]
    assert [one for one in drawn if one[1] > 1] == [(40, 11, True), (110, 24, False)]
    assert {one[1:] for one in drawn if one[1] == 1} == {(1, False)}
    # A gateway that refuses has been asked once for each, and none of them is over yet.
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    # It is bad once more failed than were taken: two of two are as many.
    tones = []
    for _ in range(2):
        enqueue_text(line_id=a_line().pk, kind=Message.Kind.STOPPED, words="Stopped.", at=at)
        deliver(now=at)
        tones.append(list_lights(failing=0, partners=1, at=at)[3].tone)
    assert tones == ["warn", "bad"]
    CanaryRun.objects.update(failed="", step="")
    lights = shown(officer, "/admin/").partition("Changes by others")[2].partition("Contracts in force")[0]
    assert "1 without the gateway's answer; 2 overdue;" in lights
    # The light leads to what it counts: three that were sent in all, one of them without an answer.
    assert '<a href="/admin/streams/texts/">Texts</a>' in officer.client.get("/admin/").content.decode()
    listed = {state: rows_of(officer, f"/admin/streams/texts/?state={state}") for state in TEXTS}
    assert {state: (len(rows), {re.split(r" \d", row)[0] for row in rows}) for state, rows in listed.items()} == TEXTS
    assert {state: list_texts(at=at, state=state).count() for state in TEXTS} == {
        state: n for state, (n, _) in TEXTS.items()
    }
    assert len(rows_of(officer, "/admin/streams/texts/")) == sum(n for n, _ in TEXTS.values())
    assert f"Hourly stop test works Last run {said_at(at, 9)} Gate" in lights
    CanaryRun.objects.create(began_at=at - timedelta(minutes=8), finished_at=at, seconds={"page": 1.0})
    newest = f"Hourly stop test works Last run {said_at(at, 8)}; taller bars took longer"
    assert newest in shown(officer, "/admin/")


def said_at(at: datetime, minutes_ago: int) -> str:
    return f"{at - timedelta(minutes=minutes_ago):%-d %b, %H:%M} UTC"


def test_the_demo_has_no_case_of_a_date_that_no_order_let_pass(officer: Member) -> None:
    open_cases(at=timezone.now())
    assert "Not confirming stops" in shown(officer, "/admin/").partition("Nothing waits in:")[2]
    listed = officer.client.get("/desk/?state=all&kind=overdue").content.decode()
    assert '<li class="case' not in listed
    assert '<li class="case' in officer.client.get("/desk/?state=all&kind=partial").content.decode()
