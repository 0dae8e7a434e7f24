"""What a partner signs about an ended agreement: what makes it count, and what is so when it signed and went on."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.models import Choice
from consent.workers.cohorts import settle_orders
from console.queries.evidence_packs import build_report
from console.queries.terminations import termination_page
from partners.domain import keys
from partners.models import Dealing, Party, Reach, SigningKey
from revocations.actions.contradictions import Use, mark_contradicted_ends, mark_contradicted_orders
from revocations.actions.redelivery import recover_since
from revocations.domain.cohorts import digest
from revocations.domain.receipts import ReceiptRefused
from revocations.models import CohortReceipt, Duty, Receipt, State, StreamEvent
from revocations.queries.cohorts import CohortProgress, cohort_progress
from support.queries.timeline import event_page
from tests.factories import ADS, FRAUD, NOW, READ, a_campaign, a_contract, a_party, an_approval
from tests.partners.outside import Outside, Signer
from tests.people import signed_in
from tests.properties import undone
from tests.revocations.ended import Ended, end
from tests.revocations.scenes import Scene, a_scene, allow, stamp, stop_all, the_order
from tests.revocations.signing import ACTIONS, about, below, company, done, received
from tests.staff import an_actor
from tests.support.officers import staff
from tests.words.pages import words_of

pytestmark = pytest.mark.usefixtures("db", "no_broker")
HOUR = timedelta(hours=1)


def behind(ended: Ended, *parties: Party) -> None:
    received(ended.lines[0], ended.scene.party, *parties)


def progress(ended: Ended) -> CohortProgress:
    return cohort_progress(cohort_id=ended.cohort_id, at=database_clock())


# What counts


def test_a_receipt_completes_it_once_under_one_name(ended: Ended) -> None:
    # Nobody else received anything: a partner is not behind itself.
    behind(ended, ended.scene.party)
    claims = ended.claims()
    token = ended.scene.signer.sign(claims)
    for _ in range(3):
        ended.hand_in(token)
    event, cohort = ended.told, ended.cohort
    assert (event.state, event.note, event.next_attempt_at) == (State.COMPLETED, "", None)
    assert event.acknowledged_at is not None
    assert cohort.completed_at is not None
    assert progress(ended).below == ()
    kept = CohortReceipt.objects.get()
    assert (kept.cohort_id, kept.signer_uri, kept.status, kept.acted_on, kept.list_sha256, kept.token) == (
        cohort.pk, ended.scene.party.uri, "completed", 3, ended.list_sha256, token,
    )  # fmt: skip
    noted = AuditEvent.objects.get(action="cohort.receipt")
    assert (noted.actor, noted.target) == (f"partner:{ended.scene.party.pk}", f"cohort:{cohort.pk}")
    assert noted.detail == {"status": "completed", "state": "completed", "acted_on": 3}
    (order_id,) = stop_all(ended.lines[0])
    for other in ({"iat": 2}, {"sub_id": about(the_order(order_id).jti)}):
        with pytest.raises(ReceiptRefused, match="used for another"):
            ended.hand_in(ended.scene.signer.sign({**claims, **other}))


def test_a_state_goes_on_and_never_back(scene: Scene, outside: Outside) -> None:
    ended = end(scene)
    assert ended.sign(status="in_progress", acted_on=None, list_sha256="", actions=[]) == State.ACKNOWLEDGED
    assert ended.sign(status="rejected", reason="Ask our\u0007lawyer.", applied=None) == State.REJECTED
    assert ended.told.note == "Ask our lawyer."
    assert ended.sign(status="in_progress", actions=[]) == State.REJECTED
    assert ended.sign() == State.COMPLETED
    later: list[dict[str, Any]] = [
        {"status": "in_progress", "actions": []}, {"status": "rejected", "reason": "No.", "applied": None},
    ]  # fmt: skip
    for again in later:
        assert ended.sign(**again) == State.COMPLETED
    # Neither takes back the part that was signed.
    other = end(a_scene(outside, "NorthLink"))
    assert other.sign(acted_on=2) == State.PARTIAL
    page = event_page(party_id=other.told.party_id, event_id=other.told.pk)
    assert page is not None
    assert page.sent.note == "acted on 2 of 3 lines"
    for again in later:
        assert (other.sign(**again), other.told.note) == (State.PARTIAL, "acted on 2 of 3 lines")


# One failing check at a time


BAD: dict[str, tuple[str, Callable[[Ended], dict[str, object]]]] = {
    "no list": ("list_sha256", lambda _: {"list_sha256": ""}),
    "another list": ("list_sha256", lambda _: {"list_sha256": "x" * 43}),
    "the digest of the index itself": (
        "list_sha256", lambda ended: {"list_sha256": ended.told.claims["event"]["manifest"]["sha-256"]},
    ),
    "no count": ("acted_on", lambda _: {"acted_on": None}),
    "a count below nought": ("acted_on", lambda _: {"acted_on": -1}),
    "the old epoch": ("applied", lambda _: {"applied": {"epoch": 1, "version": 99}}),
    "nothing applied": ("applied", lambda _: {"applied": None}),
    "an action is missing": ("notify_downstream", lambda _: {"actions": done(*ACTIONS[:2])}),
    "an action is not done": (
        "notify_downstream", lambda _: {"actions": [*done(*ACTIONS[:2]), *done(ACTIONS[2], status="in_progress")]},
    ),
    "done before it was asked": (
        "stop_use must be dated", lambda _: {"actions": done(*ACTIONS, at=stamp(database_clock() - HOUR))},
    ),
    "done tomorrow": (
        "stop_use must be dated", lambda _: {"actions": done(*ACTIONS, at=stamp(database_clock() + HOUR))},
    ),
    "records below nought": ("records", lambda _: {"actions": done(*ACTIONS, records=-1)}),
}  # fmt: skip


def test_one_thing_wrong_and_nothing_comes_of_it(ended: Ended, outside: Outside) -> None:
    for wrong, (why, changed) in BAD.items():
        with pytest.raises(ReceiptRefused, match=why):
            ended.hand_in(ended.receipt(**changed(ended)))
        seen = (ended.state, CohortReceipt.objects.count(), ended.cohort.completed_at)
        assert seen == (State.QUEUED, 0, None), wrong
    stranger = Ended(a_scene(outside, "NorthLink"), ended.lines, ended.cohort_id)
    verification = StreamEvent.objects.create(
        id=uuid.uuid4(), party_id=ended.scene.party.pk, kind=StreamEvent.Kind.VERIFICATION, jti="verification",
        claims={"event": {}}, queued_at=NOW, next_attempt_at=NOW,
    )  # fmt: skip
    nothing_to_sign = ended.scene.signer.sign(ended.claims(sub_id=about(verification.jti)))
    for signed_by, token in ((stranger, stranger.receipt()), (ended, nothing_to_sign)):
        with pytest.raises(ReceiptRefused, match="no order of this jti"):
            signed_by.hand_in(token)
    assert ended.state == State.QUEUED


# To the last one


def test_it_is_done_only_when_every_company_below_signed(ended: Ended, outside: Outside) -> None:
    (road, road_signer), (med, med_signer) = company(outside), company(outside, "MedAlert")
    behind(ended, road, med, ended.scene.party)
    Dealing.objects.create(line_id=ended.lines[0].pk, aggregator=a_party("NorthLink"), party=a_party("X"), last_at=NOW)
    only_said = below(road.uri)
    at_it = below(road.uri, ended.nested(road_signer, {"status": "in_progress"}), "in_progress")
    for downstream in ([], [only_said], [at_it]):
        assert ended.sign(downstream=downstream) == State.PARTIAL
        assert ended.told.note == "2 of 2 companies behind it have not signed"
    assert ended.sign(downstream=[below(road.uri, ended.nested(road_signer))]) == State.PARTIAL
    assert ended.told.note == "1 of 2 companies behind it has not signed"
    assert [(one.name, one.is_completed) for one in progress(ended).below] == [("MedAlert", False), ("RoadAid", True)]
    assert [one.name for one in progress(ended).missing] == ["MedAlert"]
    # What was signed before need not be handed in again.
    assert ended.sign(downstream=[below(med.uri, ended.nested(med_signer))]) == State.COMPLETED
    assert progress(ended).missing == ()
    signers = CohortReceipt.objects.filter(status="completed").values_list("signer_uri", flat=True)
    assert sorted(signers) == sorted([ended.scene.party.uri] * 5 + [road.uri, med.uri])


NOT_ITS_OWN: dict[str, Callable[[Ended, Signer], str]] = {
    "about another order": lambda ended, signer: ended.nested(signer, {"root": {"iss": "x", "jti": "another"}}),
    "with no root": lambda ended, signer: ended.nested(signer, {"root": None}),
    "said done, signed in progress": lambda ended, signer: ended.nested(signer, {"status": "in_progress"}),
    "by a key of nobody's": lambda ended, signer: ended.nested(Signer(signer.uri)),
    "by the partner in its name": lambda ended, _: ended.nested(ended.scene.signer),
    "for somebody else": lambda ended, signer: ended.nested(signer, aud="https://other.example"),
}


def test_another_s_word_for_a_company_is_refused(ended: Ended, outside: Outside) -> None:
    road, signer = company(outside)
    behind(ended, road)
    before = ended.state
    for how, made in NOT_ITS_OWN.items():
        with pytest.raises(ReceiptRefused, match=r"^downstream\[0\]\.receipt of https://roadaid\.example: "):
            ended.sign(downstream=[below(road.uri, made(ended, signer))])
        assert (ended.state, CohortReceipt.objects.count()) == (before, 0), how


def test_a_company_we_can_t_name_keeps_it_partial(ended: Ended) -> None:
    behind(ended, Party.objects.get(uri="unknown"))
    assert ended.sign() == State.PARTIAL
    assert ended.told.note == "one company we can't name"
    assert progress(ended).coverage.unnamed
    # The officers' page says no more than that: the partner signed, and not every company below it.
    page = termination_page(cohort_id=ended.cohort_id, at=NOW)
    assert page is not None
    told, last = page.steps[3], page.steps[-1]
    assert (told.what, told.more) == ("Partner acknowledged", "")
    assert (page.steps[-2].what, page.steps[-2].done) == ("Partner signed that it deleted the data", True)
    assert (last.what, last.done, last.at) == ("Every company it passed data to signed", False, None)
    assert last.more == "a company we can't name received data and can't sign"


def test_fewer_than_were_listed_is_not_all(ended: Ended) -> None:
    for acted_on, state, differing in ((2, State.PARTIAL, [("GeoBridge", 2)]), (3, State.COMPLETED, [])):
        assert ended.sign(acted_on=acted_on) == state
        assert [(one.name, one.acted_on) for one in progress(ended).differing] == differing
    other = end(a_scene(ended.scene.outside, "NorthLink"))
    assert other.sign(acted_on=5) == State.COMPLETED
    assert [one.acted_on for one in progress(other).differing] == [5]


def test_of_a_campaign_only_its_own_companies_must_sign(scene: Scene) -> None:
    ended = end(scene, of="campaign")
    bail, elsewhere = a_party("BailNow", "end_customer"), a_party("FraudShield", "lbs_provider")
    never_received = a_party("Ring", "end_customer")
    for party in (bail, never_received):
        Reach.objects.create(campaign=ended.scene.campaign, party=party)
    behind(ended, ended.scene.campaign.lbs_provider, bail, elsewhere)
    assert [one.name for one in progress(ended).below] == ["BailNow", "RoadAid"]


def test_an_officer_sees_how_far_it_has_come(ended: Ended) -> None:
    cohort, before = ended.cohort, progress(ended)
    assert (before.state, before.subject_count, before.overdue) == ("queued", 3, False)
    assert (before.partner.name, before.partner.status, before.partner.signed_at) == ("GeoBridge", "", None)
    assert (before.told_at, before.complete_by) == (ended.told.sent_at, cohort.complete_by)
    assert cohort_progress(cohort_id=ended.cohort_id, at=cohort.complete_by).overdue
    ended.sign()
    # What was signed as done stays done.
    ended.sign(status="in_progress", actions=[])
    after = cohort_progress(cohort_id=ended.cohort_id, at=cohort.complete_by)
    assert (after.state, after.partner.is_completed, after.overdue) == ("completed", True, False)


# A partner that signed for a whole ended agreement, and went on.


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


def test_an_order_from_before_the_end_allows_no_use_after_it(scene: Scene) -> None:
    line = scene.a_line()
    stop_all(line)
    (allowing,) = allow(line, scene.campaign)
    ended = end(scene)
    ended.lines.append(line)
    assert ended.sign() == State.COMPLETED
    assert (the_order(allowing).epoch, bool(the_order(allowing).snapshot["state"])) == (ended.cohort.epoch - 1, True)
    assert contradicted(a_use(ended, n=3)) == 1


def test_what_was_signed_for_before_the_end_keeps_its_own_proof(scene: Scene) -> None:
    line = scene.a_line()
    (order_id,) = stop_all(line)
    Receipt.objects.create(
        line_id=line.pk, order_id=order_id, jti="own", party_id=scene.party.pk, received_at=NOW, status="completed",
        token="", token_hash=b"",
    )  # fmt: skip
    owed = Duty.objects.filter(line_id=line.pk).order_by("id")
    first = Duty.objects.filter(pk=owed[0].pk)
    assert first.update(discharged_at=NOW, discharged_by="own") == 1
    ended = end(scene)
    ended.lines.append(line)
    assert ended.sign() == State.COMPLETED
    assert settle_orders(now=database_clock()) == 1
    assert first.get().discharged_by == "own"
    assert owed.filter(discharged_at=None).count() == 0 < owed.exclude(discharged_by="own").count()


def test_what_a_stop_after_the_signature_asks_stays_owed(scene: Scene) -> None:
    line = scene.a_line()
    stop(line_id=line.pk, scope="campaign", ref=scene.campaign.ref, actor="subscriber:1", channel="web")
    ended = end(scene)
    ended.lines.append(line)
    assert ended.sign() == State.COMPLETED
    stop_all(line)
    newest = Choice.objects.filter(line_id=line.pk).latest("made_at")
    assert settle_orders(now=database_clock()) == 1
    owed = Duty.objects.filter(line_id=line.pk, discharged_at=None)
    assert set(owed.values_list("since", flat=True)) == {newest.made_at}


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


# One answer to who has not signed, wherever it is read


def test_a_company_heard_of_after_the_last_signature_is_missing_everywhere(ended: Ended, outside: Outside) -> None:
    names = ("RoadAid", "MedAlert", "Later")
    (road, road_signer), (med, med_signer), (later, _) = (company(outside, one) for one in names)
    mine, other = ended.lines[0], ended.lines[1]
    behind(ended, road)
    assert ended.sign(downstream=[below(road.uri, ended.nested(road_signer))]) == State.COMPLETED
    browser, officer = signed_in(mine), staff(name="reads ends")
    page = f"/admin/terminations/{ended.cohort_id}/"

    def shown() -> tuple[str, str, str, str]:
        ends = words_of(officer.client.get("/admin/terminations/").text)
        one = words_of(officer.client.get(page).text)
        pack = build_report(kind="company", ref=str(ended.scene.party.pk), who="Ann", at=database_clock())
        assert pack is not None
        (of_ends,) = (one for one in pack.sections if one.heading == "Terminations")
        ((*_, missing, _reason),) = of_ends.rows
        return words_of(browser.get("/home/").text), ends, one, str(missing)

    whole = "GeoBridge signed that it deleted your data"
    home, ends, one, missing = shown()
    assert (whole in home, "deletion signed" in ends, "deletion signed" in one, missing) == (True, True, True, "–")
    # The ledger shows one that had received before the signature, and one that received after it.
    before, after = (ended.cohort.completed_at or NOW) - HOUR, database_clock() + HOUR
    for party, at in ((med, before), (later, after)):
        Dealing.objects.create(line_id=mine.pk, aggregator=ended.scene.party, party=party, last_at=at, first_at=at)
    home, ends, one, missing = shown()
    assert "1 company that gets data from it has not signed: MedAlert. GeoBridge must delete your data by" in home
    assert whole not in home
    assert ("a signature is missing" in ends, "deletion signed" in ends + one) == (True, False)
    assert "Every company it passed data to signed not yet, waiting for MedAlert, due" in one
    assert (missing, progress(ended).state) == ("MedAlert", State.PARTIAL)
    # Nothing of another line's went there.
    assert whole in words_of(signed_in(other).get("/home/").text)
    # What it signs counts whenever it comes.
    ended.sign(downstream=[below(med.uri, ended.nested(med_signer))])
    home, ends, one, missing = shown()
    assert (whole in home, "deletion signed" in ends, "deletion signed" in one, missing) == (True, True, True, "–")
    assert "Later" not in home + one


def test_what_was_sent_of_an_end_says_who_is_missing_by_now(ended: Ended, outside: Outside) -> None:
    (road, road_signer), (med, _), (later, _) = (company(outside, one) for one in ("RoadAid", "MedAlert", "Later"))
    behind(ended, road)
    officer, path = staff(name="reads events"), f"/admin/streams/{ended.scene.party.pk}/"

    def said() -> list[str]:
        pages = [words_of(officer.client.get(one).text) for one in (path, f"{path}events/{ended.told.pk}/")]
        return [one for one in ("Signed in part", "1 of 2", "2 of 3") if all(one in page for page in pages)]

    assert ended.sign(downstream=[below(road.uri, ended.nested(road_signer))]) == State.COMPLETED
    before = (ended.cohort.completed_at or NOW) - HOUR
    told = [said()]
    for party in (med, later):
        Dealing.objects.create(
            line_id=ended.lines[0].pk, aggregator=ended.scene.party, party=party, last_at=before, first_at=before
        )
        told.append(said())
    assert told == [[], ["Signed in part", "1 of 2"], ["Signed in part", "2 of 3"]]
