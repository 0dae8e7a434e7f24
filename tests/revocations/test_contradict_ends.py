"""A partner that signed for a whole ended agreement, and went on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.workers.cohorts.settling import settle_orders
from partners.domain import keys
from partners.models import Campaign, Party, SigningKey
from revocations.actions.contradictions import Use, contradict
from revocations.actions.redelivery import recover_since
from revocations.actions.term_end_contradictions import contradict_ends
from revocations.domain.cohorts import digest
from revocations.models import CohortReceipt, State, StreamEvent
from revocations.queries.cohorts import cohort_progress
from tests.factories import ADS, FRAUD, READ, a_campaign, a_contract, a_party, an_approval
from tests.partners.outside import Outside, Signer
from tests.revocations.ended import ACTIONS, Ended, end, received
from tests.revocations.scenes import a_scene, allow, stop_all
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def ended(outside: Outside) -> Ended:
    return end(a_scene(outside))


def a_use(ended: Ended, *, after: timedelta = MINUTE, n: int = 0) -> Use:
    campaign = ended.scene.campaign
    return Use(
        line_id=ended.lines[n].pk,
        party_id=ended.scene.party.pk,
        path=(ended.scene.party.uri, campaign.lbs_provider.uri),
        purpose=campaign.purpose,
        scope=campaign.scope,
        occurred_at=database_clock() + after,
        campaign=campaign.ref,
    )


def told(ended: Ended) -> list[tuple[str, bool]]:
    """The events of the end, the oldest first: their states, and which one is the newest."""
    events = StreamEvent.objects.filter(cohort_id=ended.cohort_id).order_by("queued_at")
    return [(event.state, event.pk == ended.cohort.event_id) for event in events]


def day_of(use: Use) -> str:
    return use.occurred_at.astimezone(UTC).date().isoformat()


def incidents() -> list[tuple[str, str, int]]:
    return list(Incident.objects.order_by("key").values_list("kind", "key", "count"))


def untouched(ended: Ended, state: State) -> bool:
    cohort = ended.cohort
    return (ended.state, cohort.completed_at is not None, cohort.contradicted_at, incidents(), len(told(ended))) == (
        state, state == State.COMPLETED, None, [], 1,
    )  # fmt: skip


# What it does


def test_a_use_after_the_receipt_contradicts_it(ended: Ended) -> None:
    ended.sign()
    first, use = ended.event, a_use(ended)
    at = database_clock()
    assert contradict_ends(uses=[use, a_use(ended, n=1)], at=at) == 1
    cohort = ended.cohort
    assert (cohort.completed_at, cohort.contradicted_at, cohort.complete_by) == (None, at, at + 10 * DAY)
    assert told(ended) == [("contradicted", False), ("queued", True)]
    first.refresh_from_db()
    assert (first.note, first.next_attempt_at) == ("used again after it was signed as done", None)
    assert incidents() == [("contradicted", f"cohort:{cohort.pk}:{day_of(use)}", 2)]
    assert Incident.objects.get().subject == f"partner:{ended.scene.party.pk}"
    noted = AuditEvent.objects.get(action="cohort.contradicted")
    assert (noted.actor, noted.target, noted.line_id) == ("system:ledger", f"cohort:{cohort.pk}", None)


def test_it_is_asked_for_anew_by_a_new_date_and_of_the_same_list(ended: Ended) -> None:
    ended.sign()
    first = ended.event
    at = database_clock() + 40 * DAY
    contradict_ends(uses=[a_use(ended)], at=at)
    again, cohort = ended.event, ended.cohort
    before, now = first.claims["event"], again.claims["event"]
    assert (again.jti == first.jti, again.claims["sub_id"]) == (False, first.claims["sub_id"])
    assert (now["epoch"], now["subject_count"], now["required_actions"]) == (2, 3, list(ACTIONS))
    assert (now["initiating_entity"], now["complete_by"]) == ("system", f"{at + 10 * DAY:%Y-%m-%dT%H:%M:00Z}")
    assert (now["manifest"]["url"], now["manifest"]["shards"]) == (before["manifest"]["url"], 1)
    assert now["manifest"]["sha-256"] == digest(content=cohort.index_token.encode()) != before["manifest"]["sha-256"]
    assert cohort.manifest_expires_at == (at + 70 * DAY).replace(second=0, microsecond=0)
    index = keys.verify_own(use=SigningKey.Use.MANIFEST, token=cohort.index_token)
    assert (index["list_sha256"], index["exp"]) == (ended.list_sha256, int(cohort.manifest_expires_at.timestamp()))


def test_a_receipt_for_the_new_event_ends_it_and_one_for_the_old_changes_nothing(ended: Ended) -> None:
    ended.sign()
    old = ended.claims()
    used = a_use(ended, after=timedelta(0))
    contradict_ends(uses=[used], at=database_clock())
    ended.hand_in(ended.scene.signer.sign(old))
    assert (told(ended), ended.cohort.completed_at) == ([("contradicted", False), ("queued", True)], None)
    late = AuditEvent.objects.filter(action="cohort.receipt").order_by("-id")[0]
    assert late.detail == {"status": "completed", "state": "contradicted", "acted_on": 3}
    assert ended.sign() == State.COMPLETED
    assert told(ended) == [("contradicted", False), ("completed", True)]
    cohort = ended.cohort
    assert (cohort.completed_at is not None, cohort.contradicted_at is not None, cohort.is_contradicted) == (
        True, True, False,
    )  # fmt: skip
    # The same use again, late: the new word is not gone back on by it. The day's incident counts it.
    assert contradict_ends(uses=[used], at=database_clock()) == 0
    assert (told(ended)[-1], incidents()) == (
        ("completed", True), [("contradicted", f"cohort:{cohort.pk}:{day_of(used)}", 2)],
    )  # fmt: skip
    assert contradict_ends(uses=[a_use(ended, after=DAY)], at=database_clock() + DAY) == 1
    assert told(ended) == [("contradicted", False), ("contradicted", False), ("queued", True)]
    assert len(incidents()) == 2


def test_each_day_has_one_incident_that_counts_its_uses(ended: Ended) -> None:
    ended.sign()
    noon = (database_clock() + 2 * DAY).replace(hour=12)
    uses = [
        replace(a_use(ended, n=n), occurred_at=at)
        for n, at in ((0, noon), (1, noon + timedelta(hours=1)), (2, noon + DAY))
    ]
    assert contradict_ends(uses=uses, at=database_clock()) == 1
    assert contradict_ends(uses=[replace(uses[0], occurred_at=noon + MINUTE)], at=database_clock()) == 0
    cohort = ended.cohort_id
    assert incidents() == [
        ("contradicted", f"cohort:{cohort}:{noon:%Y-%m-%d}", 3),
        ("contradicted", f"cohort:{cohort}:{noon + DAY:%Y-%m-%d}", 1),
    ]
    assert len(told(ended)) == 2


def test_a_partial_receipt_is_a_word_too(ended: Ended) -> None:
    received(ended, a_party("RoadAid", "lbs_provider"))
    assert ended.sign() == State.PARTIAL
    assert contradict_ends(uses=[a_use(ended)], at=database_clock()) == 1
    assert told(ended) == [("contradicted", False), ("queued", True)]


def test_companies_below_sign_anew(ended: Ended) -> None:
    road = a_party("RoadAid", "lbs_provider")
    Party.objects.filter(pk=road.pk).update(jwks_uri=f"{ended.scene.outside.url}/RoadAid.json")
    signer = Signer(road.uri, ended.scene.outside, "/RoadAid.json")
    received(ended, road)
    assert ended.sign(downstream=[ended.nested(signer)]) == State.COMPLETED
    contradict_ends(uses=[a_use(ended)], at=database_clock())
    assert [one.name for one in cohort_progress(cohort_id=ended.cohort_id, at=database_clock()).missing] == [
        "GeoBridge", "RoadAid",
    ]  # fmt: skip
    assert ended.sign() == State.PARTIAL
    assert ended.cohort.is_contradicted
    assert ended.sign(downstream=[ended.nested(signer)]) == State.COMPLETED
    assert CohortReceipt.objects.filter(cohort_id=ended.cohort_id, signer_uri=road.uri).count() == 2


def test_an_order_that_the_signature_settled_is_contradicted_beside_the_end(outside: Outside) -> None:
    scene = a_scene(outside)
    line = scene.a_line()
    stop_all(line)
    ended = end(scene)
    ended.sign(acted_on=4)
    assert settle_orders(now=database_clock()) == 1
    use = replace(a_use(ended), line_id=line.pk)
    assert (contradict(uses=[use], at=database_clock()), contradict_ends(uses=[use], at=database_clock())) == (1, 1)
    assert [key.partition(":")[0] for _, key, _ in incidents()] == ["cohort", "order"]


def test_many_uses_take_as_many_statements_as_one(ended: Ended) -> None:
    ended.sign()
    contradict_ends(uses=[a_use(ended)], at=database_clock())
    counted = []
    for uses in ([a_use(ended)], [a_use(ended, n=n % 3, after=n * timedelta(seconds=1)) for n in range(50)]):
        with CaptureQueriesContext(connection) as queries:
            contradict_ends(uses=uses, at=database_clock())
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_a_partner_that_lost_its_store_is_offered_the_newest_event_alone(ended: Ended) -> None:
    ended.sign()
    first = ended.event
    contradict_ends(uses=[a_use(ended)], at=database_clock())
    ended.sign()
    since = first.queued_at - DAY
    recover_since(party_id=ended.scene.party.pk, since=since, actor=an_actor(), reason="r", at=database_clock())
    offered = StreamEvent.objects.filter(cohort_id=ended.cohort_id, again_at__isnull=False)
    assert [event.pk for event in offered] == [ended.cohort.event_id]


# What it does not


def test_a_use_before_the_receipt_does_not(ended: Ended) -> None:
    use = a_use(ended, after=timedelta(0))
    ended.sign()
    assert contradict_ends(uses=[use, replace(use, occurred_at=received_at())], at=database_clock()) == 0
    assert untouched(ended, State.COMPLETED)


def received_at() -> datetime:
    return CohortReceipt.objects.get().received_at


@pytest.mark.parametrize("status", ["none", "in_progress", "rejected"])
def test_an_end_that_was_never_signed_is_not_contradicted(ended: Ended, status: str) -> None:
    state = State.QUEUED
    if status != "none":
        state = ended.sign(status=status, reason="No.", actions=[], acted_on=None, list_sha256="")
    assert contradict_ends(uses=[a_use(ended)], at=database_clock()) == 0
    assert untouched(ended, state)


def another_agreement(ended: Ended) -> Campaign:
    """Of the same partner: one that goes on."""
    return a_campaign(a_contract(ended.scene.party), ended.scene.campaign.lbs_provider)


OTHERS: dict[str, Callable[[Ended, Use], Use]] = {
    "another party's request": lambda _, use: replace(use, party_id=a_party("NorthLink").pk),
    "another party's campaign": lambda _, use: replace(use, campaign=a_campaign(a_contract(a_party("NorthLink"))).ref),
    "another agreement of the partner's": lambda ended, use: replace(use, campaign=another_agreement(ended).ref),
    "no campaign": lambda _, use: replace(use, campaign=""),
    "a campaign of nobody": lambda _, use: replace(use, campaign="CMP-nobody"),
    "an entry under another agreement": lambda ended, use: replace(
        use, campaign="", contract_id=another_agreement(ended).contract_id
    ),
}


@pytest.mark.parametrize("of", ["contract", "campaign"])
@pytest.mark.parametrize("other", OTHERS)
def test_what_is_not_of_this_end_does_not_contradict_it(outside: Outside, of: str, other: str) -> None:
    ended = end(a_scene(outside), of=of)
    ended.sign()
    assert contradict_ends(uses=[OTHERS[other](ended, a_use(ended))], at=database_clock()) == 0
    assert untouched(ended, State.COMPLETED)


# One campaign that ended, its agreement going on


@pytest.fixture
def campaign_ended(outside: Outside) -> Ended:
    ended = end(a_scene(outside), of="campaign")
    ended.sign()
    return ended


def test_of_a_campaign_its_own_use_contradicts_and_another_s_does_not(campaign_ended: Ended) -> None:
    goes_on = a_campaign(campaign_ended.scene.contract, a_party("FraudShield", "lbs_provider"), purpose=FRAUD)
    use = a_use(campaign_ended)
    assert contradict_ends(uses=[replace(use, campaign=goes_on.ref)], at=database_clock()) == 0
    assert contradict_ends(uses=[use], at=database_clock()) == 1
    assert told(campaign_ended) == [("contradicted", False), ("queued", True)]


PLACES: dict[str, tuple[int, Callable[[Use], Use]]] = {
    "its own": (1, lambda use: use),
    "another purpose": (0, lambda use: replace(use, purpose=ADS)),
    "another scope": (0, lambda use: replace(use, scope=f"{READ}-not")),
    "another company": (0, lambda use: replace(use, path=(use.path[0], "https://adreach.example"))),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_entry_of_a_digest_is_of_the_campaign_whose_place_it_is(campaign_ended: Ended, place: str) -> None:
    marked, changed = PLACES[place]
    entry = changed(replace(a_use(campaign_ended), campaign="", contract_id=campaign_ended.scene.contract.pk))
    assert contradict_ends(uses=[entry], at=database_clock()) == marked


def test_what_an_order_allowed_since_breaks_no_word(campaign_ended: Ended) -> None:
    scene, line = campaign_ended.scene, campaign_ended.lines[0]
    same_place = a_campaign(scene.contract, scene.campaign.lbs_provider)
    an_approval(line, same_place)
    use = replace(a_use(campaign_ended, after=5 * MINUTE), campaign="", contract_id=scene.contract.pk)
    allow(line, same_place)
    assert contradict_ends(uses=[use], at=database_clock()) == 0
    stop_all(line)
    # It was taken back: that is for the newer order.
    assert contradict_ends(uses=[use], at=database_clock()) == 0
    assert untouched(campaign_ended, State.COMPLETED)
    # Another line was told of no such thing.
    assert contradict_ends(uses=[replace(use, line_id=campaign_ended.lines[1].pk)], at=database_clock()) == 1


def test_a_campaign_and_its_contract_that_ended_after_it_are_both_contradicted(outside: Outside) -> None:
    first = end(a_scene(outside), of="campaign")
    first.sign()
    whole = end(first.scene, lines=1)
    assert whole.sign(acted_on=whole.cohort.subject_count) == State.COMPLETED
    assert contradict_ends(uses=[a_use(first)], at=database_clock()) == 2
    assert [told(first), told(whole)] == [[("contradicted", False), ("queued", True)]] * 2
