"""Pages of the console: what needs an officer now, one of each, what was sent, files, delayed notices."""

import re
import socket
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

import audit.actions
from accounts.models import User
from audit.models import AuditEvent, Incident
from consent.models import DigestRun
from consent.workers.cohorts import end_terms
from console.queries.terminations import UNNAMED, termination_page
from disclosures.models import DelayedNotice, Disclosure, DisclosureRegister
from partners.actions import proposals, suspensions
from partners.domain.pairwise import subject
from partners.labels import UNKNOWN
from partners.models import Contract, Dealing, Party, Proposal
from revocations.actions.contradictions import Use, mark_contradicted_ends
from revocations.models import Cohort, ManifestShard, Order, State, Stream, StreamAttempt, StreamEvent
from support.models import SuspendRequest
from tests.factories import a_campaign, a_contract, a_line, a_party
from tests.orders import an_index, sign_end
from tests.staff import an_actor, move_endpoints, move_keys
from tests.support.console import a_breach, a_case, a_cohort, everything
from tests.support.officers import Member, confirmed, csv_of, rows_of, searched, shown, staff, words

pytestmark = pytest.mark.usefixtures("db", "no_broker")
DAY = timedelta(days=1)


def test_a_quiet_day_says_so(officer: Member) -> None:
    told = shown(officer, "/admin/")
    for said in (
        "Nothing needs attention", "No failures that may have to be reported.",
        (
            "Nothing waits in: Not confirming stops · Delivery to partners · Waiting for a second officer ·"
            " Suspension requests from the desk · Active suspensions · Terminations in progress ·"
            " Contracts that end soon · Campaigns that end before their contract"
        ),
        (
            "None: Contracts in force · Campaigns in force · Suspended · Contracts ending within 60 days ·"
            " Contracts to renew · Campaigns ending within 60 days To do today"
        ),
        "no differences",
        "Orders: a new key is due in use since 1 Jan 2026",
    ):  # fmt: skip
        assert said in told


def test_what_is_wrong_stands_first_and_is_counted(officer: Member) -> None:
    at = timezone.now()
    campaign = a_campaign(a_contract(a_party("GeoBridge"), ref="AGR-LATE", ends_at=at + timedelta(days=59)))
    contract = campaign.contract
    far = a_contract(a_party("Later"), ref="AGR-FAR", ends_at=at + timedelta(days=61))
    Order.objects.create(
        line_id=1, id=uuid.uuid4(), contract_id=contract.pk, party_id=contract.aggregator_id, epoch=1, version=1,
        jti="j", txn="t", record_id=uuid.uuid4(), lane="stop", snapshot={}, queued_at=at - timedelta(hours=25),
        next_attempt_at=at,
    )  # fmt: skip
    audit.actions.open_incident(kind=Incident.Kind.UNGATED, key="1", subject="https://geobridge.example", at=at)
    # The reader's own waits for others.
    for one, proposer in ((contract, an_actor()), (far, officer.actor)):
        proposals.propose(
            act=Proposal.Act.EXTEND_TERM, of="contract", target_id=one.pk, reason="They asked.", actor=proposer,
            payload={"ends_at": "2097-01-01T00:00:00+00:00"}, at=at,
        )  # fmt: skip
    a_cohort(campaign, at=at - timedelta(days=20), complete_by=at - timedelta(days=1), subject_count=1)
    a_breach(campaign, "order:1", at=at)
    DigestRun.objects.create(
        id=uuid.uuid4(), party_id=contract.aggregator_id, received_at=at, differing=[1], finished_at=at,
        findings={"partner_has": 3},
    )  # fmt: skip
    assert "5 items need attention" in shown(officer, "/admin/")
    SuspendRequest.objects.create(
        ticket=a_case(a_line(), at=at), party_id=contract.aggregator_id, reason="They went on.",
        asked_by=an_actor("agent"), asked_at=at,
    )  # fmt: skip
    told = shown(officer, "/admin/")
    assert "6 items need attention" in told
    for said in (
        "GeoBridge Nothing acknowledged for a day or more. Oldest unacknowledged: 1 day, 1 hour. silent",
        "A release without the gate's permission: 1 GeoBridge",
        "Extend a term: AGR-LATE They asked. Review",
        "overdue", "List of lines: 25 %. The partner hasn't signed that it deleted the data.",
        "GeoBridge : allowed there, denied here 3", "Missed deadlines, unresolved 1",
    ):  # fmt: skip
        assert said in told
    ending = told.partition("Contracts that end soon")[2].partition("Reconciliation, deadlines and keys")[0]
    assert "AGR-LATE Contract of GeoBridge" in ending
    assert "AGR-FAR" not in ending


def test_a_broken_end_is_said_wherever_it_stands(officer: Member) -> None:
    at = timezone.now()
    line, campaign = a_line(), a_campaign(a_contract(a_party("GeoBridge"), ref="AGR-1"), ref="CMP-1")
    cohort = a_cohort(campaign, at=at - timedelta(days=2), manifest_at=at, index_token=an_index())
    of_campaign, of_end = f"/admin/campaigns/{campaign.pk}/", f"/admin/terminations/{cohort.pk}/"
    sign_end(cohort, at=at - timedelta(days=1))
    assert "deletion signed" in shown(officer, of_end)
    assert "Terminations in progress" in shown(officer, "/admin/").partition("Nothing waits in:")[2]
    use = Use(
        line.pk, cohort.party_id, ("https://geobridge.example",), campaign.purpose, campaign.scope, occurred_at=at,
        campaign="CMP-1",
    )  # fmt: skip
    assert mark_contradicted_ends(uses=[use], at=at) == 1
    now = shown(officer, "/admin/")
    assert "1 item needs attention" in now
    assert "A partner continued after signing that it stopped: 1 GeoBridge" in now
    assert "The partner continued after signing, so we sent the order again. continued after signing" in now
    assert "The partner continued after signing ." in shown(officer, of_campaign)
    page = shown(officer, of_end)
    assert "continued after signing" in page.partition("List of lines")[0]
    assert re.search(r"Partner continued after signing \d+ \w+ \d{4}, [\d:]+ UTC, order sent again, new", page)
    assert "Partner signed that it deleted the data not yet" in page
    assert "GeoBridge has not signed missing" in page
    terminations = shown(officer, "/admin/terminations/?state=contradicted")
    assert "CMP-1 campaign GeoBridge company continued after signing 0" in terminations
    assert "continued after signing" not in shown(officer, "/admin/terminations/?state=done")
    sent = shown(officer, f"/admin/streams/{cohort.party_id}/")
    assert "Continued after signing" in sent
    cohort.refresh_from_db()
    sign_end(cohort, at=timezone.now())
    for path in ("/admin/", of_campaign, of_end, "/admin/terminations/"):
        of_terms = shown(officer, path).replace("continued after signing that it stopped", "")
        assert "continued after signing" not in of_terms


def test_what_is_over_by_its_term_says_so(officer: Member) -> None:
    at = timezone.now()
    campaign = a_campaign(a_contract(a_party("GeoBridge"), ref="AGR-1", ends_at=at - timedelta(hours=3)), ref="CMP-1")
    assert end_terms(now=at) == 1
    cohort = Cohort.objects.get()
    day, due = f"{cohort.terminated_at:%-d %b %Y, %H:%M}", f"{cohort.complete_by:%-d %b %Y}"
    now = shown(officer, "/admin/").partition("Terminations in progress")[2]
    assert "AGR-1 of GeoBridge , term expired" in now
    assert f"The partner hasn't signed that it deleted the data. due {due}" in now
    of_contract = shown(officer, f"/admin/contracts/{campaign.contract_id}/")
    assert "Its term has ended. The partner must delete its data. See the deletion receipts" in of_contract
    assert "contract: term expired The system (terms): Its term expired." in of_contract
    assert "Plan termination" not in of_contract
    page = shown(officer, f"/admin/terminations/{cohort.pk}/")
    assert f"Contract with GeoBridge , ended on {day} UTC when its term expired." in page
    assert f"Denied at our gate {cohort.terminated_at:%-d %b %Y, %H:%M:%S} UTC, epoch 2" in page
    row = shown(officer, "/admin/terminations/")
    assert f"AGR-1 contract GeoBridge company preparing list 0 {day} term expired in 9 days {due}" in row


def test_a_list_that_is_still_made_says_how_far_it_is(officer: Member) -> None:
    cohort = a_cohort(a_campaign(), at=timezone.now())
    ManifestShard.objects.create(cohort_id=cohort.pk, number=1, lines=3, sha256="", content=b"")
    page = shown(officer, f"/admin/terminations/{cohort.pk}/")
    assert "List of lines 3 lines in 1 part 75 % 75 % of the lines counted in the plan." in page


def test_what_is_suspended_leads_to_its_own_page(officer: Member) -> None:
    campaign = a_campaign(a_contract(a_party("GeoBridge"), ref="AGR-1"), a_party("Finder", "lbs_provider"), ref="CMP-1")
    targets = {"party": campaign.lbs_provider_id, "contract": campaign.contract_id, "campaign": campaign.pk}
    for of, pk in targets.items():
        suspensions.suspend(of=of, target_id=pk, actor=officer.actor, reason="They sold it.", at=timezone.now())
    panel = officer.client.get("/admin/").content.decode().partition("Active suspensions")[2].partition("</section>")[0]
    for path, name in (
        (f"/admin/parties/{targets['party']}/", "Finder"), (f"/admin/contracts/{targets['contract']}/", "AGR-1"),
        (f"/admin/campaigns/{targets['campaign']}/", "CMP-1"),
    ):  # fmt: skip
        assert f'<a href="{path}"><bdi>{name}</bdi></a>' in panel


def test_a_newer_comparison_that_agrees_ends_a_difference(officer: Member) -> None:
    at = timezone.now()
    party = a_contract().aggregator
    for hours, found in ((48, 3), (24, 0)):
        DigestRun.objects.create(
            id=uuid.uuid4(), party_id=party.pk, received_at=at - timedelta(hours=hours), differing=[1],
            finished_at=at, findings={"partner_has": found},
        )  # fmt: skip
    assert "no differences" in shown(officer, "/admin/")


def test_a_comparison_under_way_hides_no_difference(officer: Member) -> None:
    at = timezone.now()
    party = a_contract(a_party("GeoBridge")).aggregator
    for hours, found, finished_at in ((48, 3, at), (1, 0, None)):
        DigestRun.objects.create(
            id=uuid.uuid4(), party_id=party.pk, received_at=at - timedelta(hours=hours), differing=["0001", "0002"],
            finished_at=finished_at, findings={"partner_has": found},
        )  # fmt: skip
    assert "allowed there, denied here 3" in shown(officer, "/admin/")


def leads_inside(host: str, port: int, *_: object, **__: object) -> list[Any]:
    """A resolver that knows two names, one of them of a network inside."""
    known = {"partner.inside.example": "10.20.0.8", "partner.public.example": "93.184.215.14", "10.1.2.3": "10.1.2.3"}
    if host not in known:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known[host], port))]


def test_pages_say_which_addresses_can_t_be_used(officer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = a_contract()
    page, party_page = f"/admin/contracts/{contract.pk}/", f"/admin/parties/{contract.aggregator_id}/"
    monkeypatch.setattr("socket.getaddrinfo", leads_inside)
    assert "can't be" not in shown(officer, page) + shown(officer, party_page)
    for address, why in (
        ("http://partner.example/x", "the address is not https"),
        ("https://10.1.2.3/x", "the address is not a public one"),
        # A name that leads into the carrier's network.
        ("https://partner.inside.example/x", "the address is not a public one"),
    ):
        move_endpoints(contract, endpoint_url=address, jwks_uri=address)
        move_keys(contract.aggregator, address)
        told = shown(officer, page)
        assert f"We can't send to this address: {why}." in told
        assert f"We can't fetch keys from this address: {why}." in told
        assert f"We can't fetch keys from this address: {why}." in shown(officer, party_page)
        assert f"We can't send to the event address of {contract.ref} : {why}." in shown(officer, party_page)
        set_up = shown(officer, f"/admin/set-up/contract/{contract.pk}/")
        assert f"No usable keys can be read at {address}. T{why[1:]}." in set_up
        assert f"Event address Can't be reached. T{why[1:]}." in set_up
    move_endpoints(contract, endpoint_url="https://partner.public.example/x", jwks_uri="")
    move_keys(contract.aggregator, "https://nowhere.example/x")
    assert "We can't" not in shown(officer, page) + shown(officer, party_page)


def test_what_was_sent_shows_its_line_after_a_reason(officer: Member) -> None:
    console = everything()
    party_id = int(str(console.ids["party_id"]))
    sub = subject(line_id=console.line.pk, party_id=party_id)
    timeline = shown(officer, f"/admin/streams/{party_id}/")
    assert sub not in timeline
    assert "Verification" in timeline
    order = f"/admin/streams/{party_id}/orders/{console.ids['order_id']}/"
    asked = officer.client.get(order).content.decode()
    assert "Give a reason" in words(asked)
    assert sub not in asked
    page = officer.client.post(order, {"kind": "review", "reason": "Ticket 7: was it sent?"}).content.decode()
    assert "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJhYmMifQ.c2ln" in page
    for said in ('"alg": "ES256"', '"jti": "abc"', "refused (HTTP 503)", "busy", sub, '"required_actions"'):
        assert said in words(page)
    event = f"/admin/streams/{party_id}/events/{console.ids['event_id']}/"
    assert "Attempts No attempts yet." in shown(officer, event)
    tries = [timezone.now() + n * timedelta(seconds=90) for n in range(2)]
    for n, at in enumerate(tries, 1):
        StreamAttempt.objects.create(event_id=str(console.ids["event_id"]), number=n, at=at, outcome="error")
    says = [f"{n}. {at:%-d %b %Y, %H:%M:%S}: error No token was stored" for n, at in enumerate(tries, 1)]
    page = shown(officer, event)
    assert [page.count(one) for one in says] == [1, 1]
    other = a_contract(a_party("Other")).aggregator
    assert officer.client.get(f"/admin/streams/{other.pk}/orders/{console.ids['order_id']}/").status_code == 404
    assert officer.client.get(f"/admin/streams/{other.pk}/events/{console.ids['event_id']}/").status_code == 404


def test_each_partner_s_order_has_its_own_name_for_the_line(officer: Member) -> None:
    line, contracts = a_line(), [a_contract(a_party(name)) for name in ("GeoBridge", "Waypoint")]
    subs = [subject(line_id=line.pk, party_id=one.aggregator_id) for one in contracts]
    for contract, sub, other in zip(contracts, subs, reversed(subs), strict=True):
        order = an_order(contract, line_id=line.pk, at=timezone.now())
        order.save(force_insert=True)
        asked = {"kind": "review", "reason": "Ticket 7: was it sent?"}
        page = officer.client.post(f"/admin/streams/{order.party_id}/orders/{order.id}/", asked).content.decode()
        assert (sub in page, other in page) == (True, False)


def an_order(contract: Contract, *, line_id: int, at: datetime) -> Order:
    return Order(
        line_id=line_id, id=uuid.uuid4(), contract_id=contract.pk, party_id=contract.aggregator_id, epoch=1, version=1,
        jti=uuid.uuid4().hex, txn="t", record_id=uuid.uuid4(), lane="stop", snapshot={}, queued_at=at,
        next_attempt_at=at,
    )  # fmt: skip


def sent_to(contract: Contract, *, at: datetime, apart: timedelta, number: int = 70) -> str:
    """So many orders to a partner, each so long before the other. Returns the address of what was sent to it."""
    Order.objects.bulk_create(an_order(contract, line_id=n, at=at - n * apart) for n in range(number))
    return f"/admin/streams/{contract.aggregator_id}/"


def ids_of(officer: Member, address: str) -> list[str]:
    """The messages on a page of what was sent, in their order, by their first digits."""
    return [row.partition("…")[0] for row in rows_of(officer, address)]


def an_event(party: Party, *, at: datetime, number: int) -> StreamEvent:
    return StreamEvent.objects.create(
        id=uuid.UUID(int=number << 96), party_id=party.pk, kind=StreamEvent.Kind.VERIFICATION, jti=uuid.uuid4().hex,
        queued_at=at, next_attempt_at=at, claims={},
    )  # fmt: skip


def test_what_was_queued_at_once_is_listed_once(officer: Member) -> None:
    contract = a_contract()
    page = sent_to(contract, at=timezone.now(), apart=timedelta(0))
    an_event(contract.aggregator, at=timezone.now(), number=1)
    first, second, none = (ids_of(officer, f"{page}?page={number}") for number in (1, 2, "x"))
    assert (len(first), len(second), none) == (50, 21, first)
    assert len({*first, *second}) == 71
    assert first[0] == "00000001"


def test_orders_and_events_are_sorted_and_narrowed_together(officer: Member) -> None:
    at, contract = timezone.now().replace(microsecond=0), a_contract()
    page = sent_to(contract, at=at - DAY, apart=DAY, number=3)
    events = [an_event(contract.aggregator, at=at - n * DAY, number=n + 1) for n in range(3)]
    StreamEvent.objects.filter(pk=events[1].pk).update(
        attempts=7, state=State.ACKNOWLEDGED, next_attempt_at=None, acknowledged_at=at
    )
    orders = [str(one.id)[:8] for one in Order.objects.order_by("-queued_at")]
    told = [str(one.id)[:8] for one in events]
    mixed = [told[0], *(one for n in range(2) for one in sorted([orders[n], told[n + 1]])), orders[2]]
    assert ids_of(officer, page) == mixed
    assert ids_of(officer, f"{page}?sort=-attempts")[0] == told[1]
    assert ids_of(officer, f"{page}?what=verification") == told
    assert ids_of(officer, f"{page}?what=stop") == orders
    assert ids_of(officer, f"{page}?state=received") == [told[1]]
    assert ids_of(officer, f"{page}?what=stop&state=received") == []
    assert ids_of(officer, f"{page}?contract={contract.pk}") == orders
    assert ids_of(officer, f"{page}?to={at - 2 * DAY:%Y-%m-%d}") == [*mixed[3:]]
    file = csv_of(officer, f"{page}?what=verification&sort=queued_at&csv=1")
    assert [one["Message"] for one in file] == [str(one.id) for one in reversed(events)]
    newest = AuditEvent.objects.filter(action="export.taken").latest("id")
    assert newest.detail == {"in": f"Sent to {contract.aggregator.name}", "for": {"What": "Verification"}}


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=1)])
def test_all_that_a_partner_was_sent_is_one_file(
    officer: Member, apart: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, contract = timezone.now().replace(microsecond=0), a_contract()
    page = sent_to(contract, at=at, apart=apart, number=501)
    sent_to(a_contract(a_party("Other")), at=at, apart=apart)
    event = StreamEvent.objects.create(
        id=uuid.uuid4(), party_id=contract.aggregator_id, kind="verification", jti="v", claims={}, attempts=2,
        queued_at=at - timedelta(hours=1), next_attempt_at=at,
    )  # fmt: skip
    assert 'href="?csv=1">Export as CSV<' in officer.client.get(page).text
    head, *rows = csv_of(officer, f"{page}?csv=1")
    assert [row["Message"] for row in (head, *rows)] == [
        *(str(one.id) for one in Order.objects.filter(party_id=contract.aggregator_id).order_by("-queued_at", "id")),
        str(event.id),
    ]  # fmt: skip
    assert (head["What"], head["Contract"], head["Status"], head["Queued"], head["Tries"]) == (
        "Stop 1.1", contract.ref, "Waiting to send", f"{at:%Y-%m-%dT%H:%M:%SZ}", "0",
    )  # fmt: skip
    assert (rows[-1]["What"], rows[-1]["Tries"]) == ("Verification", "2")
    taken = AuditEvent.objects.get(action="export.taken", actor=officer.actor)
    assert taken.detail == {"in": f"Sent to {contract.aggregator.name}", "for": {}}
    assert f"in Sent to {contract.aggregator.name}" in shown(officer, "/admin/trail/")
    assert officer.client.get("/admin/streams/999999/?csv=1").status_code == 404
    for most, said in ((502, str(event.id)), (501, "Only the first 501 rows. Narrow the list to get the others.")):
        monkeypatch.setattr("support.queries.exports.MOST_IN_FILE", most)
        assert csv_of(officer, f"{page}?csv=1")[-1]["Message"] == said


def test_what_is_held_back_says_whose_move_it_is(officer: Member) -> None:
    console = everything()
    party_id = int(str(console.ids["party_id"]))
    held = Order.objects.filter(id=str(console.ids["order_id"]))
    until = timezone.now().replace(hour=9, minute=5)
    page = f"/admin/streams/{party_id}/"
    assert "Waiting for:" not in shown(officer, page)
    for with_whom, said in (("us", "us"), ("partner", "the partner"), ("both", "both")):
        held.update(state="parked", parked_with=with_whom, next_attempt_at=until)
        assert f"Waiting for: {said}. Next try {until:%-d %b %Y}, 09:05" in shown(officer, page)
    looked = officer.client.post(
        f"{page}orders/{console.ids['order_id']}/", {"kind": "review", "reason": "For a review."}
    ).content.decode()
    assert f"Waiting for: both. Next try {until:%-d %b}, 09:05" in words(looked)


@pytest.fixture
def hidden(db: None, no_broker: None) -> Disclosure:
    line, at = a_line(), timezone.now()
    row = Disclosure.objects.create(
        line_id=line.pk, occurred_at=at - timedelta(days=1), id=uuid.uuid4(), source_id="COURT-ROW-9", aggregator="a",
        path=["a"], campaign="", purpose="p", scope="s", precision_m=500, basis="legal_process", outcome="released",
        judgement="legal_process", recorded_at=at,
    )  # fmt: skip
    DisclosureRegister.objects.create(id=row.id, line_id=line.pk, occurred_at=row.occurred_at, content_hash=b"h")
    DelayedNotice.objects.create(
        line_id=line.pk, disclosure_id=row.id, number=1, suppressed_until=None, order_ref="SEALED-26-0417",
        recorded_at=at,
    )  # fmt: skip
    return row


def test_delayed_notices_are_the_legal_role_s_alone(hidden: Disclosure) -> None:
    legal, officer, auditor = staff(User.Role.LEGAL), staff(), staff(User.Role.AUDITOR)
    assert legal.client.get("/admin/").headers["Location"] == "/admin/delayed/"
    before = shown(legal, "/admin/delayed/")
    assert "Give a reason" in before
    assert "SEALED-26-0417" not in before
    seen = words(legal.client.post("/admin/delayed/", {"reason": "Yearly review"}).content.decode())
    assert "SEALED-26-0417 hides 1, until further order" in seen
    assert AuditEvent.objects.filter(actor=legal.actor, reason="Yearly review").count() == 1
    for other in (officer, auditor):
        assert other.client.get("/admin/delayed/").status_code == 403
        assert other.client.post("/admin/delayed/", {"reason": "Curious"}).status_code == 403
    for path in ("/admin/trail/", "/admin/", "/admin/incidents/", searched(officer, "SEALED")):
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", officer.client.get(path).content.decode())
        assert "legal" not in page.lower().partition("<main")[2]
        assert "SEALED-26-0417" not in page.partition("<main")[2].replace("<bdi>SEALED</bdi>", "")


def test_a_notice_is_hidden_until_a_day_and_lifted(hidden: Disclosure) -> None:
    legal = staff(User.Role.LEGAL)
    why = {"reason": "Order of 3 May", "order_ref": "SEALED-26-0417"}
    both = legal.client.post("/admin/delayed/hide/", {**why, "until": "2099-01-01", "open_end": "on"})
    neither = legal.client.post("/admin/delayed/hide/", why)
    for refused in (both, neither):
        assert "Enter the day it ends" in refused.content.decode()
    assert DelayedNotice.objects.count() == 1
    assert legal.client.post("/admin/delayed/hide/", {**why, "until": "2099-01-01"}).status_code == 302
    newest = DelayedNotice.objects.get(number=2)
    assert newest.suppressed_until == datetime(2099, 1, 1, tzinfo=UTC)
    assert confirmed(legal, "/admin/delayed/lift/", why) == "/admin/delayed/"
    lifted = DelayedNotice.objects.get(number=3)
    assert lifted.suppressed_until is not None
    assert lifted.suppressed_until <= timezone.now()
    again = legal.client.post("/admin/delayed/lift/", why)
    assert "This order hides nothing now. Check the court&#x27;s reference." in again.content.decode()


def test_nobody_comes_in_without_a_second_factor_in_this_session(db: None) -> None:
    hasty = staff(second_factor=False)
    assert hasty.client.get("/admin/").headers["Location"] == "/accounts/2fa/totp/activate/?next=%2Fadmin%2F"
    assert hasty.client.post("/admin/suspend/contract/1/", {"reason": "Due"}).status_code == 302


def test_a_form_from_elsewhere_is_refused(db: None, no_broker: None) -> None:
    officer = staff(csrf=True)
    contract = a_contract()
    assert officer.client.post(f"/admin/suspend/contract/{contract.pk}/", {"reason": "Due"}).status_code == 403


def test_a_stream_s_free_text_is_shown_harmlessly(officer: Member) -> None:
    party = a_contract(a_party("GeoBridge")).aggregator
    at = timezone.now()
    Stream.objects.create(
        id=uuid.uuid4(), party_id=party.pk, method=Stream.Method.POLL, status=Stream.Status.PAUSED,
        status_reason="<script>alert(1)</script>", status_by="partner:x", status_at=at, created_at=at,
    )  # fmt: skip
    Party.objects.filter(pk=party.pk).update(name="<b>Bold</b>")
    for path in (
        "/admin/",
        "/admin/streams/",
        "/admin/parties/",
        f"/admin/streams/{party.pk}/",
        f"/admin/parties/{party.pk}/",
    ):
        page = officer.client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<b>Bold" not in page


def test_an_end_is_not_signed_by_all_while_somebody_unnamed_received(officer: Member) -> None:
    at, line = timezone.now(), a_line()
    contract = a_campaign(a_contract(a_party("GeoBridge"))).contract
    cohort = a_cohort(
        contract.campaigns.get(), of="contract", target_id=contract.pk, at=at - timedelta(days=2), manifest_at=at,
        index_token=an_index(),
    )  # fmt: skip
    sign_end(cohort, at=at)
    page, last = f"/admin/terminations/{cohort.pk}/", "Every company it passed data to signed"
    assert UNNAMED not in shown(officer, page)
    unnamed = Party.objects.get(uri=UNKNOWN)
    Dealing.objects.create(line_id=line.pk, aggregator=contract.aggregator, party=unnamed, last_at=at)
    told = termination_page(cohort_id=cohort.pk, at=at)
    assert told is not None
    assert [(step.done, step.more) for step in told.steps if step.what == last] == [(False, UNNAMED)]
    assert UNNAMED in shown(officer, page)


def test_a_company_we_cannot_name_has_no_address(officer: Member) -> None:
    nameless = Party.objects.get(uri="unknown")
    told = shown(officer, f"/admin/parties/{nameless.pk}/")
    assert "A company we can't name" in told
    assert "unknown" not in told
