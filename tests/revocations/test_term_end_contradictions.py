"""A partner that signed for a whole ended agreement, and went on."""

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.workers.cohorts import settle_orders
from partners.domain import keys
from partners.models import SigningKey
from revocations.actions.contradictions import Use, mark_contradicted_ends, mark_contradicted_orders
from revocations.actions.redelivery import recover_since
from revocations.domain.cohorts import digest
from revocations.models import CohortReceipt, State, StreamEvent
from revocations.queries.cohorts import cohort_progress
from tests.factories import ADS, FRAUD, READ, a_campaign, a_contract, a_party, an_approval
from tests.partners.outside import Outside
from tests.properties import undone
from tests.revocations.ended import Ended, end
from tests.revocations.scenes import Scene, allow, stop_all
from tests.revocations.signing import ACTIONS, below, company, received
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def a_use(ended: Ended, *, after: timedelta = MINUTE, n: int = 0) -> Use:
    campaign, party = ended.scene.campaign, ended.scene.party
    return Use(
        line_id=ended.lines[n].pk, party_id=party.pk, path=(party.uri, campaign.lbs_provider.uri),
        purpose=campaign.purpose, scope=campaign.scope, occurred_at=database_clock() + after, campaign=campaign.ref,
    )  # fmt: skip


def contradicted(*uses: Use, after: timedelta = timedelta(0)) -> int:
    return mark_contradicted_ends(uses=uses, at=database_clock() + after)


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
    first, use = ended.told, a_use(ended)
    at = database_clock()
    assert mark_contradicted_ends(uses=[use, a_use(ended, n=1)], at=at) == 1
    cohort = ended.cohort
    assert (cohort.completed_at, cohort.contradicted_at, cohort.complete_by) == (None, at, at + 10 * DAY)
    assert told(ended) == [("contradicted", False), ("queued", True)]
    first.refresh_from_db()
    assert (first.note, first.next_attempt_at) == ("used again after it was signed as done", None)
    assert incidents() == [("contradicted", f"cohort:{cohort.pk}:{day_of(use)}", 2)]
    assert Incident.objects.get().subject == f"partner:{ended.scene.party.pk}"
    noted = AuditEvent.objects.get(action="cohort.contradicted")
    assert (noted.actor, noted.target, noted.line_id) == ("system:ledger", f"cohort:{cohort.pk}", None)


def test_it_is_asked_for_anew_by_a_new_date(ended: Ended) -> None:
    ended.sign()
    first = ended.told
    at = database_clock() + 40 * DAY
    mark_contradicted_ends(uses=[a_use(ended)], at=at)
    again, cohort = ended.told, ended.cohort
    before, now = first.claims["event"], again.claims["event"]
    assert (again.jti == first.jti, again.claims["sub_id"]) == (False, first.claims["sub_id"])
    assert (now["epoch"], now["subject_count"], now["required_actions"]) == (2, 3, list(ACTIONS))
    assert (now["initiating_entity"], now["complete_by"]) == ("system", f"{at + 10 * DAY:%Y-%m-%dT%H:%M:00Z}")
    assert (now["manifest"]["url"], now["manifest"]["shards"]) == (before["manifest"]["url"], 1)
    assert now["manifest"]["sha-256"] == digest(content=cohort.index_token.encode()) != before["manifest"]["sha-256"]
    assert cohort.manifest_expires_at == (at + 70 * DAY).replace(second=0, microsecond=0)
    index = keys.verify_own(use=SigningKey.Use.MANIFEST, token=cohort.index_token)
    assert (index["list_sha256"], index["exp"]) == (ended.list_sha256, int(cohort.manifest_expires_at.timestamp()))


def test_only_a_receipt_for_the_new_event_ends_it(ended: Ended) -> None:
    ended.sign()
    old = ended.claims()
    used = a_use(ended, after=timedelta(0))
    contradicted(used)
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
    assert contradicted(used) == 0
    assert (told(ended)[-1], incidents()) == (
        ("completed", True), [("contradicted", f"cohort:{cohort.pk}:{day_of(used)}", 2)],
    )  # fmt: skip
    assert contradicted(a_use(ended, after=DAY), after=DAY) == 1
    assert told(ended) == [("contradicted", False), ("contradicted", False), ("queued", True)]
    assert len(incidents()) == 2


def test_each_day_has_one_incident_that_counts_its_uses(ended: Ended) -> None:
    ended.sign()
    noon = (database_clock() + 2 * DAY).replace(hour=12)
    uses = [
        replace(a_use(ended, n=n), occurred_at=at)
        for n, at in ((0, noon), (1, noon + timedelta(hours=1)), (2, noon + DAY))
    ]
    assert contradicted(*uses) == 1
    assert contradicted(replace(uses[0], occurred_at=noon + MINUTE)) == 0
    cohort = ended.cohort_id
    assert incidents() == [
        ("contradicted", f"cohort:{cohort}:{noon:%Y-%m-%d}", 3),
        ("contradicted", f"cohort:{cohort}:{noon + DAY:%Y-%m-%d}", 1),
    ]
    assert len(told(ended)) == 2


def test_companies_below_sign_anew(ended: Ended, outside: Outside) -> None:
    road, signer = company(outside)
    received(ended.lines[0], ended.scene.party, road)
    with undone():
        # A partial receipt is a word too.
        assert ended.sign() == State.PARTIAL
        assert contradicted(a_use(ended)) == 1
        assert told(ended) == [("contradicted", False), ("queued", True)]
    assert ended.sign(downstream=[below(road.uri, ended.nested(signer))]) == State.COMPLETED
    contradicted(a_use(ended))
    progress = cohort_progress(cohort_id=ended.cohort_id, at=database_clock())
    assert [one.name for one in progress.missing] == ["GeoBridge", "RoadAid"]
    assert ended.sign() == State.PARTIAL
    assert ended.cohort.is_contradicted
    assert ended.sign(downstream=[below(road.uri, ended.nested(signer))]) == State.COMPLETED
    assert CohortReceipt.objects.filter(cohort_id=ended.cohort_id, signer_uri=road.uri).count() == 2


def test_an_order_settled_by_the_signature_is_contradicted_too(scene: Scene) -> None:
    line = scene.a_line()
    stop_all(line)
    ended = end(scene)
    ended.sign(acted_on=4)
    assert settle_orders(now=database_clock()) == 1
    use = replace(a_use(ended), line_id=line.pk)
    assert (mark_contradicted_orders(uses=[use], at=database_clock()), contradicted(use)) == (1, 1)
    assert [key.partition(":")[0] for _, key, _ in incidents()] == ["cohort", "order"]


def test_many_uses_take_as_many_statements_as_one(ended: Ended) -> None:
    ended.sign()
    contradicted(a_use(ended))
    counted = []
    for uses in ([a_use(ended)], [a_use(ended, n=n % 3, after=n * timedelta(seconds=1)) for n in range(50)]):
        with CaptureQueriesContext(connection) as queries:
            contradicted(*uses)
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_who_lost_its_store_is_offered_the_newest_alone(ended: Ended) -> None:
    ended.sign()
    first = ended.told
    contradicted(a_use(ended))
    ended.sign()
    since = first.queued_at - DAY
    recover_since(party_id=ended.scene.party.pk, since=since, actor=an_actor(), reason="Due", at=database_clock())
    offered = StreamEvent.objects.filter(cohort_id=ended.cohort_id, again_at__isnull=False)
    assert [event.pk for event in offered] == [ended.cohort.event_id]


# What it does not


def test_a_use_before_a_receipt_or_without_one_does_not(ended: Ended) -> None:
    said: dict[str, Any] = {"reason": "No.", "actions": [], "acted_on": None, "list_sha256": ""}
    for status in ("none", "in_progress", "rejected"):
        with undone():
            state = State.QUEUED if status == "none" else ended.sign(status=status, **said)
            assert contradicted(a_use(ended)) == 0
            assert untouched(ended, state), status
    use = a_use(ended, after=timedelta(0))
    ended.sign()
    assert contradicted(use, replace(use, occurred_at=CohortReceipt.objects.get().received_at)) == 0
    assert untouched(ended, State.COMPLETED)


@pytest.mark.parametrize("of", ["contract", "campaign"])
def test_what_is_not_of_this_end_does_not_contradict_it(scene: Scene, of: str) -> None:
    ended = end(scene, of=of)
    ended.sign()
    north = a_campaign(a_contract(a_party("NorthLink")))
    goes_on = a_campaign(a_contract(scene.party), scene.campaign.lbs_provider)
    changes: list[dict[str, Any]] = [
        {"party_id": north.contract.aggregator_id}, {"campaign": north.ref}, {"campaign": goes_on.ref},
        {"campaign": ""}, {"campaign": "CMP-nobody"}, {"campaign": "", "contract_id": goes_on.contract_id},
    ]  # fmt: skip
    for changed in changes:
        assert contradicted(replace(a_use(ended), **changed)) == 0, changed
    assert untouched(ended, State.COMPLETED)


# One campaign that ended, its agreement going on


@pytest.fixture
def campaign_ended(scene: Scene) -> Ended:
    ended = end(scene, of="campaign")
    ended.sign()
    return ended


def test_of_a_campaign_its_own_use_and_place_contradict(campaign_ended: Ended) -> None:
    scene, use = campaign_ended.scene, a_use(campaign_ended)
    goes_on = a_campaign(scene.contract, a_party("FraudShield", "lbs_provider"), purpose=FRAUD)
    assert contradicted(replace(use, campaign=goes_on.ref)) == 0
    # An entry of a digest is of the campaign whose place it is.
    entry = replace(use, campaign="", contract_id=scene.contract.pk)
    for elsewhere in ({"purpose": ADS}, {"scope": f"{READ}-not"}, {"path": (use.path[0], "https://adreach.example")}):
        assert contradicted(replace(entry, **elsewhere)) == 0
    for own in (entry, use):
        with undone():
            assert contradicted(own) == 1
            assert told(campaign_ended) == [("contradicted", False), ("queued", True)]


def test_what_an_order_allowed_since_breaks_no_word(campaign_ended: Ended) -> None:
    scene, line = campaign_ended.scene, campaign_ended.lines[0]
    same_place = a_campaign(scene.contract, scene.campaign.lbs_provider)
    an_approval(line, same_place)
    use = replace(a_use(campaign_ended, after=5 * MINUTE), campaign="", contract_id=scene.contract.pk)
    allow(line, same_place)
    assert contradicted(use) == 0
    stop_all(line)
    # It was taken back: that is for the newer order.
    assert contradicted(use) == 0
    assert untouched(campaign_ended, State.COMPLETED)
    # Another line was told of no such thing.
    assert contradicted(replace(use, line_id=campaign_ended.lines[1].pk)) == 1


def test_an_ended_campaign_and_its_contract_are_both_contradicted(scene: Scene) -> None:
    first = end(scene, of="campaign")
    first.sign()
    whole = end(first.scene, lines=1)
    assert whole.sign(acted_on=whole.cohort.subject_count) == State.COMPLETED
    assert contradicted(a_use(first)) == 2
    assert [told(first), told(whole)] == [[("contradicted", False), ("queued", True)]] * 2
