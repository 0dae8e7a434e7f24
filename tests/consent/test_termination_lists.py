"""The list of an end: who is on it, who may read what from it, and whatever cuts off whoever makes it."""

import gzip
import random
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import cast

import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from audit.queries import database_clock
from consent.actions.choices import allow, stop
from consent.actions.lines import terminate
from consent.domain.snapshots import affected_contracts
from consent.queries import termination
from consent.workers import cohorts
from consent.workers.cohorts import build_manifests
from partners.domain import keys, pairwise
from partners.models import Campaign, Contract, SigningKey
from revocations.actions.orders import enqueue_order
from revocations.domain.cohorts import AgreementEnd, digest
from revocations.domain.wire import Agreement, event_type, stream_event_claims
from revocations.models import Cohort, ManifestShard, Order, State, StreamEvent
from tests.consent.ending import LATER, MachineDied, build, dealt, listed, names
from tests.factories import FRAUD, NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.gate_questions import ask
from tests.moments import begins_at, ends_at
from tests.orders import bring_to
from tests.overlapping import elsewhere
from tests.revocations.scenes import event_of
from tests.selection import drawn
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
SECOND = timedelta(seconds=1)
WHY = "It sold what it was lent."


def ends(of: str, target: Contract | Campaign, **changed: str) -> Cohort:
    seen = termination.plan(of=of, target_id=target.pk, at=database_clock())
    given = {"actor": an_actor(), "reason": WHY, "plan_digest": seen.digest, **changed}
    return terminate(of=of, target_id=target.pk, at=database_clock(), **given)


@pytest.fixture
def campaign() -> Campaign:
    """Roadside help by RoadAid, through GeoBridge."""
    return a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider"), lifeline=True)


@pytest.fixture
def other(campaign: Campaign) -> Campaign:
    """Fraud checks by FraudShield, under the same contract."""
    return a_campaign(campaign.contract, a_party("FraudShield", "lbs_provider"), purpose=FRAUD)


# The list and the event


def test_partner_is_told_once_with_a_list_that_is_signed(campaign: Campaign, other: Campaign) -> None:
    lines = [a_line() for _ in range(7)]
    for line in lines[:4]:
        an_approval(line, campaign)
    for line in lines[2:6]:
        an_approval(line, other)
    dealt(lines[6], other)
    a_line()
    cohort = ends("contract", campaign.contract)
    assert build(batch=2, shard=3) == 1
    assert build(batch=2, shard=3) == 0
    cohort.refresh_from_db()
    party = campaign.contract.aggregator
    assert cohort.subject_count == 7
    assert sorted(listed(cohort)) == sorted(names(party, lines))
    shards = list(ManifestShard.objects.order_by("number"))
    assert [(shard.number, shard.lines) for shard in shards] == [(1, 3), (2, 3), (3, 1)]
    assert [shard.sha256 for shard in shards] == [digest(content=bytes(shard.content)) for shard in shards]
    index = keys.verify_own(use=SigningKey.Use.MANIFEST, token=cohort.index_token)
    whole = b"".join(gzip.decompress(bytes(shard.content)) for shard in shards)
    assert (index["aud"], index["epoch"], index["subject_count"]) == (party.uri, 2, 7)
    assert index["list_sha256"] == digest(content=whole)
    assert index["shards"] == [
        {"number": shard.number, "lines": shard.lines, "sha256": shard.sha256} for shard in shards
    ]
    event = StreamEvent.objects.get()
    assert (event.pk, event.party_id, event.kind) == (cohort.event_id, party.pk, "cohort-revoked")


def test_the_event_is_as_the_guide_has_it(campaign: Campaign) -> None:
    an_approval(a_line(), campaign)
    cohort = ends("contract", campaign.contract)
    build()
    cohort.refresh_from_db()
    queued = StreamEvent.objects.get()
    claims = stream_event_claims(event=queued, audience=campaign.contract.aggregator.uri)
    agreement = f"{settings.BASE_URL}/agreements/{campaign.contract.ref}"
    assert claims["sub_id"] == {"format": "complex", "group": {"format": "uri", "uri": agreement}}
    assert list(cast("dict[str, object]", claims["events"])) == [event_type("cohort-revoked")]
    event = event_of(claims)
    minute = queued.queued_at.replace(second=0, microsecond=0)
    assert event == {
        "event_timestamp": int(minute.timestamp()),
        "initiating_entity": "admin",
        "reason_admin": {"en": "Permission changed. See the current state."},
        "agreement": agreement,
        "epoch": 2,
        "selector": "all_subjects_of_group",
        "subject_count": 1,
        "manifest": {
            "url": f"{settings.BASE_URL}/ssf/manifests/{cohort.pk}",
            "media_type": "application/x-ndjson+gzip",
            "shards": 1,
            "sha-256": digest(content=cohort.index_token.encode()),
            "expires_at": f"{cohort.manifest_expires_at:%Y-%m-%dT%H:%M:00Z}",
        },
        "required_actions": ["stop_use", "delete_held", "notify_downstream"],
        "stop_by": f"{minute + timedelta(minutes=15):%Y-%m-%dT%H:%M:00Z}",
        "complete_by": f"{cohort.complete_by:%Y-%m-%dT%H:%M:00Z}",
    }


def test_two_partners_lists_can_t_be_laid_side_by_side(campaign: Campaign) -> None:
    north = a_campaign(a_contract(a_party("NorthLink")), a_party("MedAlert", "lbs_provider"))
    lines = [a_line() for _ in range(12)]
    for line in lines:
        an_approval(line, campaign)
        an_approval(line, north)
    both = [ends("contract", campaign.contract), ends("contract", north.contract)]
    build()
    orders = []
    for cohort in both:
        place = {sub: n for n, sub in enumerate(listed(cohort))}
        subs = pairwise.list_subjects(line_ids=[line.pk for line in lines], party_id=cohort.party_id)
        orders.append([place[subs[line.pk]] for line in lines])
        assert listed(cohort) == sorted(listed(cohort))
    assert orders[0] != orders[1]
    told = [StreamEvent.objects.get(party_id=one.party_id) for one in both]
    values = [set(leaves(stream_event_claims(event=one, audience=f"aud-{one.party_id}"))) for one in told]
    common = {value for value in values[0] & values[1] if isinstance(value, str) and not value.startswith("20")}
    assert common == {
        settings.BASE_URL, "complex", "uri", "admin", "Permission changed. See the current state.",
        "all_subjects_of_group", "application/x-ndjson+gzip", "stop_use", "delete_held", "notify_downstream",
    }  # fmt: skip


def leaves(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from leaves(one)
    else:
        yield value


def test_campaign_ends_alone_and_what_is_in_flight_goes_anew(campaign: Campaign, other: Campaign) -> None:
    line, idle = a_line(), a_line()
    for one in (line, idle):
        an_approval(one, campaign)
        an_approval(one, other)
    stop(line_id=line.pk, scope="campaign", ref=other.ref, actor="subscriber:1", channel="web")
    before = Order.objects.get()
    cohort = ends("campaign", campaign)
    build()
    cohort.refresh_from_db()
    assert set(listed(cohort)) == names(campaign.contract.aggregator, [line, idle])
    event = event_of(stream_event_claims(event=StreamEvent.objects.get(), audience="x"))
    assert event["scope"] == {"purpose": campaign.purpose, "recipient": campaign.lbs_provider.uri}
    goes_on = {"recipient": other.lbs_provider.uri, "purpose": other.purpose, "scopes": [other.scope]}
    assert event["still_in_force"] == [goes_on]

    def is_named(at: datetime) -> bool:
        return goes_on in AgreementEnd.of(cohort, at=at).still_in_force

    other.ends_at -= timedelta(days=1)
    other.save(update_fields=["ends_at"])
    assert (begins_at(is_named, other.starts_at), ends_at(is_named, other.ends_at)) == (True, True)
    over = other.ends_at - timedelta(days=1)
    Contract.objects.filter(pk=campaign.contract_id).update(ends_at=over)
    assert ends_at(is_named, over)
    # Of the same company for another purpose, of another one for the same, and of both, which is no other use.
    for of, purpose in ((campaign, FRAUD), (other, campaign.purpose), (campaign, campaign.purpose)):
        a_campaign(campaign.contract, of.lbs_provider, purpose=purpose)
    named = AgreementEnd.of(cohort, at=over - SECOND).still_in_force
    assert {(use["recipient"], use["purpose"]) for use in named} == {
        (other.lbs_provider.uri, other.purpose),
        (campaign.lbs_provider.uri, FRAUD),
        (other.lbs_provider.uri, campaign.purpose),
    }
    after = Order.objects.exclude(id=before.id).get()
    before.refresh_from_db()
    assert (before.state, before.superseded_by) == (State.SUPERSEDED, after.id)
    assert (after.epoch, after.version, after.state, after.snapshot["state"]) == (2, 1, "queued", [])
    assert after.snapshot["required_actions"] == before.snapshot["required_actions"]
    assert ask(idle, other) == ""


def test_whose_agreement_ended_too_before_it_was_told_is_told_of_no_use_that_goes_on(
    campaign: Campaign, other: Campaign
) -> None:
    an_approval(a_line(), campaign)
    ends("campaign", campaign)
    ends("contract", campaign.contract)
    build()
    told = [event_of(stream_event_claims(event=one, audience="x")) for one in StreamEvent.objects.all()]
    part, whole = sorted(told, key=lambda event: str(event["epoch"]))
    assert (part["epoch"], part["still_in_force"]) == (2, [])
    assert (whole["epoch"], "still_in_force" in whole) == (3, False)


@pytest.mark.parametrize("seed", [*drawn(range(4), of=2)])
def test_the_list_is_of_lines_a_stop_would_concern(seed: int) -> None:
    """Over random ledgers, against `consent_affected`, by which each stop is held to its orders at commit."""
    chance = random.Random(seed)
    contracts = [a_contract(a_party(name)) for name in ("GeoBridge", "NorthLink")]
    providers = [a_party(name, "lbs_provider") for name in ("RoadAid", "MedAlert", "FraudShield")]
    campaigns = [a_campaign(contract, provider) for contract in contracts for provider in providers]
    lines = [a_line() for _ in range(20)]
    for line in lines:
        for campaign in chance.sample(campaigns, chance.randint(0, 2)):
            match chance.choice(("approval", "claim", "allow", "dealing", "stop")):
                case "approval":
                    an_approval(line, campaign, expires_at=chance.choice((None, NOW)))
                case "claim":
                    an_approval(line, campaign, verified_by="partner")
                case "allow":
                    allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
                case "dealing":
                    dealt(line, campaign)
                case _:
                    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    for contract in contracts:
        affected = [line for line in lines if contract.pk in affected_contracts(line_id=line.pk, scope="all", ref="")]
        plan = termination.plan(of="contract", target_id=contract.pk, at=database_clock())
        cohort = ends("contract", contract)
        build(batch=chance.randint(1, 7), shard=chance.randint(1, 9))
        assert set(listed(cohort)) == names(contract.aggregator, affected)
        assert len(listed(cohort)) == len(affected) == plan.lines


def test_the_list_of_a_campaign_has_nobody_who_dealt_with_another_company_alone(
    campaign: Campaign, other: Campaign
) -> None:
    own, of_another = a_line(), a_line()
    for line, used in ((own, campaign), (of_another, other)):
        dealt(line, used)
        pairwise.subject(line_id=line.pk, party_id=campaign.contract.aggregator_id)
    cohort = ends("campaign", campaign)
    build()
    assert set(listed(cohort)) == names(campaign.contract.aggregator, [own])


def test_who_was_only_told_is_listed_while_that_is_open(campaign: Campaign) -> None:
    contract, (queued, received, done, replaced) = campaign.contract, [a_line() for _ in range(4)]
    use = {"scopes": [campaign.scope], "purpose": campaign.purpose, "recipient": campaign.lbs_provider.uri}
    granted = [{**use, "status": "granted"}]
    for line, state in ((queued, granted), (received, granted), (done, granted), (replaced, granted), (replaced, [])):
        with transaction.atomic():
            told = Agreement(contract, state, ())
            enqueue_order(line_id=line.pk, agreements=[told], by="user", at=database_clock())
        pairwise.subject(line_id=line.pk, party_id=contract.aggregator_id)
    older, newer = Order.objects.filter(line_id=replaced.pk).order_by("version")
    bring_to(State.ACKNOWLEDGED, Order.objects.filter(line_id=received.pk), acknowledged_at=NOW)
    bring_to(State.SUPERSEDED, Order.objects.filter(pk=older.pk), superseded_by=newer.id)
    for one in (Order.objects.filter(line_id=done.pk), Order.objects.filter(pk=newer.pk)):
        bring_to(State.COMPLETED, one, acknowledged_at=NOW, completed_at=NOW)
    plan = termination.plan(of="contract", target_id=contract.pk, at=database_clock())
    assert (plan.lines, plan.orders, plan.open_orders) == (2, 2, 1)
    cohort = ends("contract", contract)
    build()
    assert set(listed(cohort)) == names(contract.aggregator, [queued, received])


def test_who_only_ever_said_no_is_on_no_list(campaign: Campaign) -> None:
    """The partner has never had a name for such a line: it must not be given one, to be told that nothing is there."""
    agreed, refused = a_line(), a_line()
    an_approval(agreed, campaign)
    stop(line_id=refused.pk, scope="campaign", ref=campaign.ref, actor="subscriber:1", channel="web")
    cohort = ends("contract", campaign.contract)
    build()
    assert listed(cohort) == sorted(names(campaign.contract.aggregator, [agreed]))
    assert not names(campaign.contract.aggregator, [refused])


# Cut off, and at once


def test_a_worker_cut_off_anywhere_leaves_whole_shards(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [a_line() for _ in range(10)]
    for line in lines:
        an_approval(line, campaign)
    cohort = ends("contract", campaign.contract)
    cuts = ["subjects", "add_shard", "publish_manifest"]
    seams = {
        "subjects": "consent.workers.cohorts.pairwise.subjects",
        "add_shard": "consent.workers.cohorts.add_shard",
        "publish_manifest": "consent.workers.cohorts.publish_manifest",
    }
    for cut in cuts:
        for after in range(3):
            with monkeypatch.context() as patched:
                patched.setattr(seams[cut], dying(seams[cut], after))
                try:
                    build(batch=2, shard=4)
                except MachineDied:
                    connection.close()
    build(batch=2, shard=4)
    assert len(listed(cohort)) == 10
    assert set(listed(cohort)) == names(campaign.contract.aggregator, lines)
    assert StreamEvent.objects.count() == 1


def dying(seam: str, after: int) -> Callable[..., object]:
    calls: list[int] = []
    name = seam.rpartition(".")[2]
    real = getattr(pairwise if name == "subjects" else cohorts, name)

    def instead(**given: object) -> object:
        calls.append(1)
        if len(calls) > after:
            raise MachineDied
        return real(**given)

    return instead


def test_two_workers_at_once_list_nobody_twice(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [a_line() for _ in range(9)]
    for line in lines:
        an_approval(line, campaign)
    cohort = ends("contract", campaign.contract)
    runs: list[int] = []
    real = pairwise.subjects

    def another_comes(*, line_ids: Collection[int], party_id: int) -> object:
        if not runs:
            runs.append(elsewhere(lambda: build(batch=3, shard=3)))
        return real(line_ids=line_ids, party_id=party_id)

    monkeypatch.setattr("consent.workers.cohorts.pairwise.subjects", another_comes)
    assert build(batch=3, shard=3) == 1
    assert runs == [0]
    assert (len(listed(cohort)), StreamEvent.objects.count()) == (9, 1)


def test_without_a_lock_the_slower_one_writes_nothing(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(9):
        an_approval(a_line(), campaign)
    cohort = ends("contract", campaign.contract)
    runs: list[int] = []
    real = pairwise.subjects

    def another_comes(*, line_ids: Collection[int], party_id: int) -> object:
        if not runs:
            runs.append(0)
            cohorts._build(cohort.pk, database_clock() + LATER, 3, 3)
        return real(line_ids=line_ids, party_id=party_id)

    monkeypatch.setattr("consent.workers.cohorts.pairwise.subjects", another_comes)
    assert build(batch=3, shard=3) == 0
    assert (len(listed(cohort)), len(set(listed(cohort))), StreamEvent.objects.count()) == (9, 9, 1)


def test_the_list_waits_for_what_was_open_awhile(campaign: Campaign) -> None:
    line = a_line()
    other_session = connections["owner"]
    with other_session.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_current_xact_id()")
        cohort = ends("contract", campaign.contract)
        try:
            assert build_manifests(now=cohort.terminated_at + SECOND) == 0
            an_approval(line, campaign)
            assert build_manifests(now=cohort.terminated_at + cohorts.PATIENCE) == 1
        finally:
            cursor.execute("ROLLBACK")
    assert set(listed(cohort)) == names(campaign.contract.aggregator, [line])


def test_a_stop_between_the_end_and_the_list_counts(campaign: Campaign) -> None:
    line, late = a_line(), a_line()
    an_approval(line, campaign)
    cohort = ends("contract", campaign.contract)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    dealt(late, campaign)
    build()
    assert set(listed(cohort)) == names(campaign.contract.aggregator, [line, late])
    order = Order.objects.get()
    assert (order.epoch, order.version, order.state) == (2, 1, State.QUEUED)


def test_a_campaign_is_lost_from_its_beginning_to_its_end() -> None:
    contract = a_contract()
    one = a_campaign(contract, starts_at=NOW + LATER, ends_at=NOW + 3 * LATER)
    a_campaign(contract, is_draft=True)

    def is_lost(at: datetime) -> bool:
        found = termination.plan(of="contract", target_id=contract.pk, at=at).campaigns
        assert {ending.ref for ending in found} <= {one.ref}
        return bool(found)

    assert begins_at(is_lost, one.starts_at)
    assert ends_at(is_lost, one.ends_at)
