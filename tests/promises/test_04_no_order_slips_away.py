"""Promise 4, in the database: no order is lost by one careless statement, and no stop is committed on a loose order."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import allow, refuse, stop
from consent.actions.records import FileChoice, record_file_choices
from consent.actions.system_stops import enqueue_orders_for_newly_affected
from consent.models import Choice, ChoiceOrder
from partners.models import Campaign, Dealing, Party, Reach
from revocations.actions.orders import enqueue_order
from revocations.domain.wire import Agreement
from revocations.models import Attempt, Cohort, CohortReceipt, Order, Receipt, State, StreamEvent
from tests.factories import ADS, NOW, a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.fixtures import Refusal
from tests.orders import bring_to, sign_end
from tests.support.console import a_cohort

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


@pytest.fixture
def campaign(line: Line) -> Campaign:
    campaign = a_campaign(a_contract(a_party("GeoBridge")))
    an_approval(line, campaign)
    return campaign


def allowed_again(line: Line, campaign: Campaign) -> uuid.UUID:
    """The order of a yes that came after a stop: it stands, and allows."""
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    (order_id,) = allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web").order_ids
    assert len(Order.objects.get(id=order_id).snapshot["state"]) == 1
    return order_id


@transaction.atomic
def write_down(
    line: Line, campaign: Campaign, order_id: uuid.UUID, *, scope: str = "campaign", ref: str | None = None,
    origin: str = "person", at: datetime | None = None, until: datetime | None = None, yes_after: bool = False,
) -> None:  # fmt: skip
    """A stop or pause past the verbs, that names an order which is there; and a yes of a file that came after it."""
    at, ref, kind = at or database_clock(), campaign.ref if ref is None else ref, "pause" if until else "stop"
    choice = a_ledger_row(line, kind, scope=scope, ref=ref, at=at, origin=origin, until=until)
    ChoiceOrder.objects.create(
        line_id=line.pk, choice_id=choice.id, contract_id=campaign.contract_id, order_id=order_id
    )
    if yes_after:
        an_approval(line, campaign, at=database_clock())


def is_written(line: Line, campaign: Campaign, order_id: uuid.UUID, **stop: Any) -> bool:
    try:
        write_down(line, campaign, order_id, **stop)
    except IntegrityError as error:
        return "still allows what it stops" not in str(error)
    return True


@pytest.mark.parametrize("scope", ["all", "party", "aggregator", "purpose", "campaign"])
def test_no_stop_names_an_order_that_still_allows(line: Line, campaign: Campaign, scope: str) -> None:
    standing = allowed_again(line, campaign)
    ref = {
        "all": "", "party": campaign.lbs_provider.uri, "aggregator": campaign.contract.aggregator.uri,
        "purpose": campaign.purpose, "campaign": campaign.ref,
    }[scope]  # fmt: skip
    scope = "party" if scope == "aggregator" else scope
    with pytest.raises(IntegrityError, match="still allows what it stops"):
        write_down(line, campaign, standing, scope=scope, ref=ref)
    assert Choice.objects.count() == 2


def test_another_stop_may_name_an_order_that_allows(line: Line, campaign: Campaign) -> None:
    other = a_campaign(campaign.contract, a_party("AdReach", "lbs_provider"), purpose=ADS)
    standing = allowed_again(line, campaign)
    write_down(line, campaign, standing, ref=other.ref)
    assert Choice.objects.count() == 3


def test_nor_does_one_that_concerns_nobody(campaign: Campaign) -> None:
    """Nobody agreed to it, and its partner was told all the same that it is allowed."""
    line, of = a_line(), campaign.contract
    use = {"scopes": [campaign.scope], "purpose": campaign.purpose, "recipient": campaign.lbs_provider.uri}
    with transaction.atomic():
        told = Agreement(of, [{**use, "status": "granted"}], ())
        enqueue_order(line_id=line.pk, agreements=[told], by="user", at=database_clock())
    with pytest.raises(IntegrityError, match="still allows what it stops"):
        write_down(line, campaign, Order.objects.get(line_id=line.pk).id)
    assert Choice.objects.count() == 0


def test_what_a_stop_takes_away_stays_by_another_campaign_for_the_same_alone(campaign: Campaign) -> None:
    """For the same company, purpose and scope, in the same agreement, and agreed to."""
    contract = campaign.contract
    beside = {
        "the same": a_campaign(contract), "another purpose": a_campaign(contract, purpose=ADS),
        "another scope": a_campaign(contract, scope="location-verification:verify"),
        "another company": a_campaign(contract, a_party("AdReach", "lbs_provider")),
        "another agreement": a_campaign(a_contract(a_party("NorthLink"))), "not agreed to": a_campaign(contract),
    }  # fmt: skip
    stays = []
    for title, other in beside.items():
        line = a_line()
        for agreed in (campaign, other)[: 1 if title == "not agreed to" else 2]:
            an_approval(line, agreed)
        if is_written(line, campaign, allowed_again(line, campaign)):
            stays.append(title)
    assert stays == ["the same"]


def test_a_company_is_taken_from_a_use_that_goes_on_without_it(campaign: Campaign) -> None:
    """Where each request names for whom it is: the order excepts the company, and that is all there is to say."""
    line, bail = a_line(), a_party("BailNow", "end_customer")
    naming = a_campaign(campaign.contract, campaign.lbs_provider, names_recipient=True)
    Reach.objects.create(campaign=naming, party=bail)
    an_approval(line, naming)
    (order_id,) = stop(line_id=line.pk, scope="party", ref=bail.uri, actor="subscriber:1", channel="web").order_ids
    (use,) = Order.objects.get(id=order_id).snapshot["state"]
    assert use["except"] == [bail.uri]
    # One that goes on for it says something else.
    other = a_line()
    an_approval(other, naming)
    assert not is_written(other, naming, allowed_again(other, naming), scope="party", ref=bail.uri)
    # Where requests name nobody, there is nobody to except.
    Reach.objects.create(campaign=campaign, party=bail)
    # Nor is the company that finds the phone excepted from what it does itself.
    for agreed, company in ((campaign, bail), (naming, campaign.lbs_provider)):
        third = a_line()
        an_approval(third, agreed)
        with transaction.atomic():
            excepted = Agreement(campaign.contract, [{**use, "status": "granted", "except": [company.uri]}], ())
            enqueue_order(line_id=third.pk, agreements=[excepted], by="user", at=database_clock())
        assert not is_written(third, agreed, Order.objects.get(line_id=third.pk).id, scope="party", ref=company.uri)


def test_only_a_newer_yes_that_counts_stays_beside_a_stop(campaign: Campaign) -> None:
    """The person's from the next moment on; a file's against a file's stop, and never against the person's."""

    def stays(**stop: Any) -> bool:
        line = a_line()
        an_approval(line, campaign)
        standing = allowed_again(line, campaign)
        yes = Choice.objects.get(line_id=line.pk, kind="allow").made_at
        moments = {name: yes + stop.pop(name) for name in ("at", "until") if name in stop}
        return is_written(line, campaign, standing, **moments, **stop)

    moment = timedelta(microseconds=1)
    assert not stays(origin="file", at=0 * moment)
    assert stays(origin="file", at=-moment)
    assert stays(origin="file", yes_after=True)
    assert not stays(origin="person", yes_after=True)
    # A pause, until it is over.
    assert not stays(origin="file", at=moment, until=timedelta(days=1))
    assert stays(origin="file", at=moment, until=2 * moment)


def test_no_stop_names_an_order_of_the_past(line: Line, campaign: Campaign) -> None:
    other = a_campaign(a_contract(a_party("NorthLink")))
    an_approval(line, other)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    past, another = (Order.objects.get(contract_id=one.contract_id).id for one in (campaign, other))
    allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    # Nor that of another agreement, which stands.
    for named in (past, another):
        with pytest.raises(IntegrityError, match="has no order for agreement"):
            write_down(line, campaign, named)
    # How much was ever said of one agreement is nothing to the other.
    for ref in (campaign.ref, other.ref):
        stop(line_id=line.pk, scope="campaign", ref=ref, actor="subscriber:1", channel="web")
        allow(line_id=line.pk, campaign=ref, actor="subscriber:1", channel="web")
    told = stop(line_id=line.pk, scope="campaign", ref=other.ref, actor="subscriber:1", channel="web")
    assert [one.contract_id for one in Order.objects.filter(id__in=told.order_ids)] == [other.contract_id]


def test_no_stop_names_an_order_of_an_epoch_gone_by_or_one_that_does_not_stand(line: Line, campaign: Campaign) -> None:
    (past,) = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web").order_ids
    first = Order.objects.get(id=past)
    first.id, first.jti, first.epoch = uuid.uuid4(), "j", first.epoch + 1
    first.save(force_insert=True)
    for named in (past, first.id):
        with pytest.raises(IntegrityError, match="has no order for agreement"):
            write_down(line, campaign, named, scope="all", ref="")


def test_several_stops_of_a_file_have_their_own_orders(line: Line, campaign: Campaign) -> None:
    def old(n: int, scope: str, ref: str) -> FileChoice:
        return FileChoice(
            id=uuid.uuid4(), source_id=f"c{n}", kind=Choice.Kind.STOP, scope=scope, ref=ref,
            made_at=NOW - timedelta(days=9 - n), until=None, channel="store", program="", content_hash=b"",
        )  # fmt: skip

    rows = [old(1, "campaign", campaign.ref), old(2, "party", campaign.lbs_provider.uri), old(3, "all", "")]
    record_file_choices(by_line={line.pk: rows}, actor="import:choices")
    newest = Order.objects.order_by("version").last()
    assert newest is not None
    assert (newest.snapshot["state"], ChoiceOrder.objects.count()) == ([], 3)


@pytest.mark.parametrize(
    "change",
    [
        "state = 'superseded', superseded_by = gen_random_uuid(), next_attempt_at = NULL",
        "state = 'superseded', superseded_by = id, next_attempt_at = NULL",
        "state = 'sent', sent_at = now()",
        "state = 'acknowledged', acknowledged_at = now(), next_attempt_at = NULL",
        "state = 'completed', acknowledged_at = now(), completed_at = now(), next_attempt_at = NULL",
        "state = 'partial', acknowledged_at = now(), completed_at = now(), next_attempt_at = NULL",
        "state = 'contradicted', acknowledged_at = now(), completed_at = now(), next_attempt_at = NULL",
        "state = 'rejected', next_attempt_at = NULL",
    ],
)
def test_an_order_goes_on_only_with_what_shows_it(
    line: Line, campaign: Campaign, refused: Refusal, change: str
) -> None:
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    refused(f"UPDATE revocations_order SET {change}", constraint="revocations_order_shows_it")
    assert Order.objects.get().state == "queued"


def test_a_try_shows_no_completion_older_orders_replace_none(line: Line, campaign: Campaign, refused: Refusal) -> None:
    standing = allowed_again(line, campaign)
    stop_order = Order.objects.exclude(id=standing).get()
    Attempt.objects.create(line_id=line.pk, order_id=standing, number=1, at=NOW, outcome="error")
    done = "state = 'completed', acknowledged_at = now(), completed_at = now(), next_attempt_at = NULL"
    refused(f"UPDATE revocations_order SET {done} WHERE id = '{standing}'", constraint="revocations_order_shows_it")
    older = f"state = 'superseded', superseded_by = '{stop_order.id}', next_attempt_at = NULL"
    refused(f"UPDATE revocations_order SET {older} WHERE id = '{standing}'", constraint="revocations_order_shows_it")
    newer = Order.objects.filter(id=stop_order.id)
    assert newer.update(state="superseded", superseded_by=standing, next_attempt_at=None) == 1

    # A newer one of another agreement replaces none either; the first of a newer epoch does, whatever its number.
    newest, other = Order.objects.get(id=standing), a_campaign(a_contract(a_party("NorthLink")))
    newest.id, newest.jti, newest.version, newest.contract_id = uuid.uuid4(), "n", 99, other.contract_id
    newest.save(force_insert=True)
    by_another = f"state = 'superseded', superseded_by = '{newest.id}', next_attempt_at = NULL"
    refused(
        f"UPDATE revocations_order SET {by_another} WHERE id = '{standing}'", constraint="revocations_order_shows_it"
    )
    newest.id, newest.jti, newest.version = uuid.uuid4(), "m", 1
    newest.epoch, newest.contract_id = newest.epoch + 1, campaign.contract_id
    newest.save(force_insert=True)
    assert Order.objects.filter(id=standing).update(state="superseded", superseded_by=newest.id, next_attempt_at=None)


DONE = "UPDATE revocations_order SET state = 'completed', completed_at = now(), next_attempt_at = NULL"
REJECTED = "UPDATE revocations_order SET state = 'rejected', next_attempt_at = NULL"


def test_a_receipt_of_another_kind_shows_nothing(campaign: Campaign, refused: Refusal) -> None:
    for status, other in (("rejected", DONE), ("completed", REJECTED)):
        line = a_line()
        an_approval(line, campaign)
        (order_id,) = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web").order_ids
        Receipt.objects.create(
            line_id=line.pk, order_id=order_id, jti="j", party_id=campaign.contract.aggregator_id, received_at=NOW,
            status=status, token="", token_hash=b"",
        )  # fmt: skip
        refused(f"{other} WHERE line_id = {line.pk}", constraint="revocations_order_shows_it")


def test_what_its_partner_signed_shows_an_order_before_its_own_try_does(line: Line, campaign: Campaign) -> None:
    """The answer to a try that is still on its way comes by another door."""
    (order_id,) = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web").order_ids
    Receipt.objects.create(
        line_id=line.pk, order_id=order_id, jti="j", party_id=campaign.contract.aggregator_id, received_at=NOW,
        status="received", token="", token_hash=b"",
    )  # fmt: skip
    assert not Attempt.objects.exists()
    assert Order.objects.update(state="acknowledged", acknowledged_at=NOW, next_attempt_at=None) == 1


def test_what_its_partner_signed_for_all_of_an_ended_agreement_completes_an_order(
    line: Line, campaign: Campaign, refused: Refusal
) -> None:
    """Not for a use of it, not for what began after the end, not by another, and not in part."""
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    order, partner, other = Order.objects.get(), campaign.contract.aggregator.uri, a_party("NorthLink").uri
    for of, rises, signer, status in (
        ("campaign", 1, partner, "completed"), ("contract", 0, partner, "completed"),
        ("contract", 2, other, "completed"), ("contract", 3, partner, "partial"),
        ("contract", 4, partner, "completed"),
    ):  # fmt: skip
        cohort = a_cohort(campaign, at=NOW, of=of, target_id=rises, epoch=order.epoch + rises)
        CohortReceipt.objects.create(
            cohort_id=cohort.pk, event_id=uuid.uuid4(), signer_uri=signer, jti="j", received_at=NOW, status=status,
            token="", token_hash=b"",
        )  # fmt: skip
        if rises < 4:
            refused(DONE, constraint="revocations_order_shows_it")
    assert Order.objects.update(state="completed", completed_at=NOW, next_attempt_at=None) == 1


BACK = {
    State.ACKNOWLEDGED: ("queued", "sent", "parked"), State.REJECTED: ("queued", "sent", "parked"),
    State.PARTIAL: ("queued", "sent", "parked", "acknowledged"),
    State.CONTRADICTED: ("queued", "sent", "parked", "acknowledged"),
    State.COMPLETED: ("queued", "sent", "parked", "acknowledged", "partial", "rejected"),
}  # fmt: skip


def test_no_order_goes_back(campaign: Campaign, refused: Refusal) -> None:
    for state, back in BACK.items():
        line = a_line()
        an_approval(line, campaign)
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        bring_to(state, Order.objects.filter(line_id=line.pk), acknowledged_at=NOW, completed_at=NOW)
        for was in back:
            refused(
                f"UPDATE revocations_order SET state = '{was}' WHERE line_id = {line.pk}",
                constraint="revocations_order_never_goes_back",
            )


@pytest.mark.parametrize("column", ["next_attempt_at", "leased_until", "again_at", "polled_until"])
def test_no_try_is_put_off_for_ever(line: Line, campaign: Campaign, refused: Refusal, column: str) -> None:
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    refused(f"UPDATE revocations_order SET {column} = '2999-01-01'", constraint="revocations_order_next_try_is_near")
    assert Order.objects.update(**{column: database_clock() + timedelta(hours=10)}) == 1


def told(cohort: Cohort, jti: str) -> StreamEvent:
    """The event that tells its partner of an end."""
    return StreamEvent.objects.create(
        id=uuid.uuid4(), party_id=cohort.party_id, cohort_id=cohort.pk, kind=StreamEvent.Kind.COHORT, jti=jti,
        claims={"events": {}}, queued_at=NOW, next_attempt_at=NOW,
    )  # fmt: skip


def sign(event: StreamEvent, status: str, *, by: Party | None = None) -> None:
    """A receipt for an event, by its partner or by another."""
    signer = by or Party.objects.get(pk=event.party_id)
    assert event.cohort_id is not None
    CohortReceipt.objects.create(
        cohort_id=event.cohort_id, event_id=event.pk, signer_uri=signer.uri, jti=uuid.uuid4().hex, received_at=NOW,
        status=status, token="", token_hash=b"",
    )  # fmt: skip


def test_an_event_goes_on_only_with_what_its_partner_signed_about_it(refused: Refusal) -> None:
    cohort, other = a_cohort(a_campaign(a_contract(a_party("GeoBridge"))), at=NOW), a_party("NorthLink")
    for state, status, unlike in (
        ("completed", "completed", "rejected"), ("partial", "completed", "rejected"),
        ("rejected", "rejected", "completed"),
    ):  # fmt: skip
        event, earlier = told(cohort, f"{state} now"), told(cohort, f"{state} before")
        done = f"UPDATE revocations_streamevent SET state = '{state}', next_attempt_at = NULL WHERE id = '{event.pk}'"
        refused(done, constraint="revocations_event_shows_it")
        for about, word, by in ((event, status, other), (event, unlike, None), (earlier, status, None)):
            sign(about, word, by=by)
            refused(done, constraint="revocations_event_shows_it")
        sign(event, status)
        assert StreamEvent.objects.filter(pk=event.pk).update(state=state, next_attempt_at=None) == 1


def test_an_event_is_kept_and_never_goes_back(refused: Refusal) -> None:
    event = told(a_cohort(a_campaign(a_contract(a_party("GeoBridge"))), at=NOW), "j")
    for column, value in (
        ("claims", "'{}'"), ("jti", "'k'"), ("party_id", "1"), ("kind", "'verification'"), ("contract_id", "1"),
        ("cohort_id", "NULL"), ("id", "gen_random_uuid()"),
    ):  # fmt: skip
        refused(f"UPDATE revocations_streamevent SET {column} = {value}")
        refused(
            f"UPDATE revocations_streamevent SET {column} = {value}",
            constraint="revocations_event_never_goes_back",
            using="owner",
        )
    refused("DELETE FROM revocations_streamevent")
    refused("DELETE FROM revocations_streamevent", constraint="revocations_event_is_kept", using="owner")
    refused("TRUNCATE revocations_streamevent", constraint="revocations_event_no_truncate", using="owner")
    for column in ("next_attempt_at", "polled_until"):
        refused(
            f"UPDATE revocations_streamevent SET {column} = '2999-01-01'",
            constraint="revocations_event_next_try_is_near",
        )
    mine = StreamEvent.objects.filter(pk=event.pk)
    assert mine.update(state="acknowledged", acknowledged_at=NOW, next_attempt_at=None) == 1
    back = "UPDATE revocations_streamevent SET state = 'queued', next_attempt_at = now()"
    refused(back, constraint="revocations_event_never_goes_back")
    for state in ("completed", "partial", "rejected"):
        refused(f"UPDATE revocations_streamevent SET state = '{state}'", constraint="revocations_event_shows_it")
    sign(event, "completed")
    assert mine.update(state="completed") == 1
    for state in ("acknowledged", "partial", "rejected"):
        refused(f"UPDATE revocations_streamevent SET state = '{state}'", constraint="revocations_event_never_goes_back")


def test_no_end_and_no_event_is_done_as_it_is_inserted(refused: Refusal) -> None:
    cohort = a_cohort(a_campaign(a_contract(a_party("GeoBridge"))), at=NOW)
    event = told(cohort, "j")
    copy = "INSERT INTO {0} SELECT (jsonb_populate_record(one, '{1}')).* FROM {0} one"
    other, at = {"id": str(uuid.uuid4()), "jti": "k", "target_id": cohort.target_id + 1, "epoch": 7}, NOW.isoformat()
    for column in ("completed_at", "contradicted_at"):
        done = json.dumps({**other, column: at})
        refused(copy.format("revocations_cohort", done), constraint="revocations_cohort_begins")
    for state in State:
        if state != State.QUEUED:
            changed = json.dumps({**other, "state": state, "next_attempt_at": None})
            refused(copy.format("revocations_streamevent", changed), constraint="revocations_event_begins")
    for column in ("sent_at", "acknowledged_at"):
        changed = json.dumps({**other, column: at})
        refused(copy.format("revocations_streamevent", changed), constraint="revocations_event_begins")
    with connection.cursor() as cursor:
        for table in ("revocations_cohort", "revocations_streamevent"):
            cursor.execute(copy.format(table, json.dumps(other)))
    assert StreamEvent.objects.exclude(pk=event.pk).get().state == State.QUEUED


def test_a_contradicted_end_takes_a_newer_signature(refused: Refusal) -> None:
    cohort = a_cohort(a_campaign(a_contract(a_party("GeoBridge"))), at=NOW)
    done = "UPDATE revocations_cohort SET completed_at = now()"
    refused(done, constraint="revocations_cohort_is_signed_for")
    event = told(cohort, "j")
    Cohort.objects.filter(pk=cohort.pk).update(event_id=event.pk)
    cohort.refresh_from_db()
    untrue = "UPDATE revocations_streamevent SET state = 'contradicted', next_attempt_at = NULL"
    refused(untrue, constraint="revocations_event_shows_it")
    sign(event, "completed")
    refused(untrue, constraint="revocations_event_shows_it")
    sign_end(cohort, at=NOW)
    refused("UPDATE revocations_cohort SET completed_at = now()", constraint="revocations_cohort_is_signed_for")
    for back in (
        "completed_at = NULL", "contradicted_at = now()", "completed_at = NULL, contradicted_at = now()",
        "completed_at = NULL, contradicted_at = now(), event_id = gen_random_uuid()",
    ):  # fmt: skip
        refused(f"UPDATE revocations_cohort SET {back}", constraint="revocations_cohort_never_goes_back")
    mine = StreamEvent.objects.filter(pk=event.pk)
    assert mine.update(state="contradicted") == 1
    for state in ("queued", "acknowledged", "partial", "completed", "rejected"):
        refused(f"UPDATE revocations_streamevent SET state = '{state}'", constraint="revocations_event_never_goes_back")
    # A newer event must ask anew.
    open_again = "UPDATE revocations_cohort SET completed_at = NULL, contradicted_at = now()"
    refused(open_again, constraint="revocations_cohort_never_goes_back")
    newer = told(cohort, "k")
    Cohort.objects.filter(pk=cohort.pk).update(completed_at=None, contradicted_at=NOW, event_id=newer.pk)
    refused(done, constraint="revocations_cohort_is_signed_for")
    for forgot in ("NULL", "'2020-01-01'"):
        refused(
            f"UPDATE revocations_cohort SET contradicted_at = {forgot}", constraint="revocations_cohort_never_goes_back"
        )
    cohort.refresh_from_db()
    sign_end(cohort, at=NOW + timedelta(days=1))
    assert Cohort.objects.get().completed_at == NOW + timedelta(days=1)
    # Broken once more: never as if it had been less, or earlier, or as if it were done all the same.
    assert StreamEvent.objects.filter(pk=newer.pk).update(state="contradicted") == 1
    for untrue in (
        "completed_at = NULL, contradicted_at = NULL", "completed_at = NULL, contradicted_at = '2020-01-01'",
        "contradicted_at = now()",
    ):  # fmt: skip
        refused(
            f"UPDATE revocations_cohort SET {untrue}, event_id = gen_random_uuid()",
            constraint="revocations_cohort_never_goes_back",
        )


def test_a_partner_heard_of_late_is_told_of_a_no(line: Line) -> None:
    campaign = a_campaign(a_contract(a_party("NorthLink")), a_party("AdReach", "lbs_provider"))
    said = refuse(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="ask")
    assert Order.objects.count() == 0
    Dealing.objects.create(
        line_id=line.pk, aggregator=a_party("NorthLink"), party=a_party("AdReach", "lbs_provider"), last_at=NOW
    )
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 1
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 0
    late = Order.objects.get(party_id=a_party("NorthLink").pk)
    assert late.snapshot["required_actions"] == ["stop_use", "delete_held", "notify_downstream"]
    assert ChoiceOrder.objects.filter(choice_id=said.choice_id, order_id=late.id).count() == 1


def test_a_no_from_a_file_orders_deletion(line: Line, campaign: Campaign) -> None:
    no = FileChoice(
        id=uuid.uuid4(), source_id="no", kind=Choice.Kind.REFUSE, scope="campaign", ref=campaign.ref, made_at=NOW,
        until=None, channel="store", program="", content_hash=b"",
    )  # fmt: skip
    record_file_choices(by_line={line.pk: [no]}, actor="import:choices")
    assert Order.objects.get().snapshot["required_actions"] == ["stop_use", "delete_held", "notify_downstream"]
