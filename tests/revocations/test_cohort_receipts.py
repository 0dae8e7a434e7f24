"""What a partner signs about an ended agreement: what makes it count, one failing check at a time, and who is left."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings

from audit.models import AuditEvent
from audit.queries import database_clock
from console.queries.terminations import termination_page
from partners.models import Dealing, Party, Reach
from revocations.domain.receipts import ReceiptRefused
from revocations.models import CohortReceipt, State, StreamEvent
from revocations.queries.cohorts import cohort_progress
from tests.factories import NOW, a_party
from tests.partners.outside import Outside, Signer
from tests.revocations.ended import ACTIONS, Ended, end, received
from tests.revocations.scenes import RECEIPT, a_scene, stamp, stop_all, the_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
HOUR = timedelta(hours=1)


@pytest.fixture
def ended(outside: Outside) -> Ended:
    return end(a_scene(outside))


def company(ended: Ended, name: str = "RoadAid") -> tuple[Party, Signer]:
    """A company with keys of its own."""
    party = a_party(name, "lbs_provider")
    Party.objects.filter(pk=party.pk).update(jwks_uri=f"{ended.scene.outside.url}/{name}.json")
    party.refresh_from_db()
    return party, Signer(party.uri, ended.scene.outside, f"/{name}.json")


# What counts


def test_a_valid_receipt_completes_it(ended: Ended) -> None:
    token = ended.receipt()
    ended.hand_in(token)
    event, cohort = ended.event, ended.cohort
    assert (event.state, event.note, event.next_attempt_at) == (State.COMPLETED, "", None)
    assert event.acknowledged_at is not None
    assert cohort.completed_at is not None
    kept = CohortReceipt.objects.get()
    assert (kept.cohort_id, kept.signer_uri, kept.status, kept.acted_on, kept.list_sha256, kept.token) == (
        cohort.pk,
        ended.scene.party.uri,
        "completed",
        3,
        ended.list_sha256,
        token,
    )
    noted = AuditEvent.objects.get(action="cohort.receipt")
    assert (noted.actor, noted.target) == (f"partner:{ended.scene.party.pk}", f"cohort:{cohort.pk}")
    assert noted.detail == {"status": "completed", "state": "completed", "acted_on": 3}


def test_the_same_bytes_again_change_nothing(ended: Ended) -> None:
    token = ended.receipt()
    for _ in range(3):
        ended.hand_in(token)
    assert (CohortReceipt.objects.count(), AuditEvent.objects.filter(action="cohort.receipt").count()) == (1, 1)


def test_the_name_of_a_receipt_is_used_once_over_orders_and_ends(ended: Ended) -> None:
    claims = ended.claims()
    ended.hand_in(ended.scene.signer.sign(claims))
    with pytest.raises(ReceiptRefused, match="used for another"):
        ended.hand_in(ended.scene.signer.sign({**claims, "iat": 2}))
    (order_id,) = stop_all(ended.lines[0])
    about = {"format": "jwt_id", "iss": settings.BASE_URL, "jti": the_order(order_id).jti}
    with pytest.raises(ReceiptRefused, match="used for another"):
        ended.hand_in(ended.scene.signer.sign({**claims, "sub_id": about}))


def test_in_progress_is_received_and_completed_stays(ended: Ended) -> None:
    assert ended.sign(status="in_progress", acted_on=None, list_sha256="", actions=[]) == State.ACKNOWLEDGED
    assert ended.sign() == State.COMPLETED
    assert ended.sign(status="in_progress", actions=[]) == State.COMPLETED
    assert ended.sign(status="rejected", reason="No.") == State.COMPLETED


def test_a_refusal_is_kept_with_its_reason_and_done_may_follow(ended: Ended) -> None:
    assert ended.sign(status="rejected", reason="Ask our\u0007lawyer.", applied=None) == State.REJECTED
    assert ended.event.note == "Ask our lawyer."
    assert ended.sign() == State.COMPLETED


# One failing check at a time


def changed(**given: object) -> Callable[[Ended], str]:
    return lambda ended: ended.receipt(**given)


def outer(**given: object) -> Callable[[Ended], str]:
    return lambda ended: ended.scene.signer.sign(ended.claims(**given))


def deeds(*actions: str, at: str = "", status: str = "completed") -> list[dict[str, str]]:
    return [{"action": one, "status": status, "at": at or stamp(database_clock())} for one in actions]


BAD: dict[str, tuple[str, Callable[[Ended], str]]] = {
    "no list": ("list_sha256", lambda ended: ended.receipt(list_sha256="")),
    "another list": ("list_sha256", lambda ended: ended.receipt(list_sha256="x" * 43)),
    "the digest of the index itself": (
        "list_sha256",
        lambda ended: ended.receipt(list_sha256=ended.event.claims["event"]["manifest"]["sha-256"]),
    ),
    "no count": ("acted_on", lambda ended: ended.receipt(acted_on=None)),
    "a count below nought": ("acted_on", lambda ended: ended.receipt(acted_on=-1)),
    "the old epoch": ("applied", lambda ended: ended.receipt(applied={"epoch": 1, "version": 99})),
    "nothing applied": ("applied", lambda ended: ended.receipt(applied=None)),
    "an action is missing": ("notify_downstream", lambda ended: ended.receipt(actions=deeds(*ACTIONS[:2]))),
    "an action is not done": (
        "notify_downstream",
        lambda ended: ended.receipt(actions=[*deeds(*ACTIONS[:2]), *deeds(ACTIONS[2], status="in_progress")]),
    ),
    "done before it was asked": (
        "stop_use must be dated",
        lambda ended: ended.receipt(actions=deeds(*ACTIONS, at=stamp(database_clock() - HOUR))),
    ),
    "done tomorrow": (
        "stop_use must be dated",
        lambda ended: ended.receipt(actions=deeds(*ACTIONS, at=stamp(database_clock() + HOUR))),
    ),
    "records below nought": (
        "records",
        lambda ended: ended.receipt(actions=[{**one, "records": -1} for one in deeds(*ACTIONS)]),
    ),
    "another issuer": ("iss is not", lambda ended: ended.scene.signer.sign(ended.claims(iss="https://other.example"))),
    "for another": ("aud must be", lambda ended: ended.scene.signer.sign(ended.claims(aud="https://other.example"))),
    "about nothing of ours": (
        "no order of this jti",
        lambda ended: ended.scene.signer.sign(
            ended.claims(sub_id={"format": "jwt_id", "iss": settings.BASE_URL, "jti": "made-up"})
        ),
    ),
    "two events": (
        "exactly one event",
        lambda ended: ended.scene.signer.sign(ended.claims(events={RECEIPT: ended.said(), "urn:other": {}})),
    ),
    "another typ": ("typ must be", lambda ended: ended.scene.signer.sign(ended.claims(), typ="jwt")),
    "a key nobody published": (
        "no key with this kid",
        lambda ended: Signer(ended.scene.party.uri).sign(ended.claims()),
    ),
}


@pytest.mark.parametrize("wrong", BAD)
def test_one_thing_wrong_and_nothing_comes_of_it(ended: Ended, wrong: str) -> None:
    why, make = BAD[wrong]
    with pytest.raises(ReceiptRefused, match=why):
        ended.hand_in(make(ended))
    assert (ended.state, CohortReceipt.objects.count(), ended.cohort.completed_at) == (State.QUEUED, 0, None)


def test_another_partner_s_end_is_none_of_its_business(ended: Ended, outside: Outside) -> None:
    other = a_scene(outside, "NorthLink")
    stranger = Ended(other, ended.lines, ended.cohort_id)
    with pytest.raises(ReceiptRefused, match="no order of this jti"):
        stranger.hand_in(stranger.receipt())
    assert ended.state == State.QUEUED


def test_a_verification_is_nothing_to_sign_about(ended: Ended) -> None:
    event = StreamEvent.objects.create(
        id=uuid.uuid4(), party_id=ended.scene.party.pk, kind=StreamEvent.Kind.VERIFICATION, jti="verification",
        claims={"event": {}}, queued_at=NOW, next_attempt_at=NOW,
    )  # fmt: skip
    about = {"format": "jwt_id", "iss": settings.BASE_URL, "jti": event.jti}
    with pytest.raises(ReceiptRefused, match="no order of this jti"):
        ended.hand_in(ended.scene.signer.sign(ended.claims(sub_id=about)))


# To the last one


def test_it_is_done_only_when_every_company_below_signed(ended: Ended) -> None:
    (road, road_signer), (med, med_signer) = company(ended), company(ended, "MedAlert")
    received(ended, road, med, ended.scene.party)
    assert ended.sign() == State.PARTIAL
    assert ended.event.note == "2 of 2 companies below have not signed"
    assert ended.sign(downstream=[ended.nested(road_signer)]) == State.PARTIAL
    assert ended.event.note == "1 of 2 companies below have not signed"
    progress = cohort_progress(cohort_id=ended.cohort_id, at=database_clock())
    assert [(one.name, one.is_completed) for one in progress.below] == [("MedAlert", False), ("RoadAid", True)]
    assert [one.name for one in progress.missing] == ["MedAlert"]
    # What was signed before need not be handed in again.
    assert ended.sign(downstream=[ended.nested(med_signer)]) == State.COMPLETED
    assert cohort_progress(cohort_id=ended.cohort_id, at=database_clock()).missing == ()
    signers = CohortReceipt.objects.values_list("signer_uri", flat=True)
    assert sorted(signers) == sorted([ended.scene.party.uri] * 3 + [road.uri, med.uri])


STILL_MISSING: dict[str, Callable[[Ended, Signer], dict[str, object]]] = {
    "only said": lambda ended, signer: {**ended.nested(signer), "receipt": ""},
    "still at it": lambda ended, signer: ended.nested(signer, {"status": "in_progress"}),
}


@pytest.mark.parametrize("how", STILL_MISSING)
def test_a_company_that_did_not_sign_this_is_missing(ended: Ended, how: str) -> None:
    road, signer = company(ended)
    received(ended, road)
    assert ended.sign(downstream=[STILL_MISSING[how](ended, signer)]) == State.PARTIAL
    assert [one.name for one in cohort_progress(cohort_id=ended.cohort_id, at=NOW).missing] == ["RoadAid"]


NOT_ITS_OWN: dict[str, Callable[[Ended, Signer], dict[str, object]]] = {
    "about another order": lambda ended, signer: ended.nested(
        signer, {"root": {"iss": settings.BASE_URL, "jti": "another"}}
    ),
    "with no root": lambda ended, signer: ended.nested(signer, {"root": None}),
    "said done, signed in progress": lambda ended, signer: {
        **ended.nested(signer, {"status": "in_progress"}),
        "status": "completed",
    },
    "by a key of nobody's": lambda ended, signer: ended.nested(Signer(signer.uri)),
    "by the partner in its name": lambda ended, signer: {
        **ended.nested(ended.scene.signer),
        "recipient": signer.uri,
    },
    "for somebody else": lambda ended, signer: ended.nested(signer, aud="https://other.example"),
}


@pytest.mark.parametrize("how", NOT_ITS_OWN)
def test_a_receipt_with_another_s_word_for_a_company_is_refused(ended: Ended, how: str) -> None:
    road, signer = company(ended)
    received(ended, road)
    before = ended.state
    with pytest.raises(ReceiptRefused, match=r"^downstream\[0\]\.receipt of https://roadaid\.example: "):
        ended.sign(downstream=[NOT_ITS_OWN[how](ended, signer)])
    assert (ended.state, CohortReceipt.objects.count()) == (before, 0)


def test_a_company_we_can_t_name_keeps_it_partial(ended: Ended) -> None:
    received(ended, Party.objects.get(uri="unknown"))
    assert ended.sign() == State.PARTIAL
    assert ended.event.note == "one company we can't name"
    assert cohort_progress(cohort_id=ended.cohort_id, at=NOW).unnamed
    # The officers' page says no more than that: the partner signed, and not every company below it.
    page = termination_page(cohort_id=ended.cohort_id, at=NOW)
    assert page is not None
    told, last = page.steps[3], page.steps[-1]
    assert (told.what, told.more) == ("Partner acknowledged", "")
    assert (page.steps[-2].what, page.steps[-2].done) == ("Partner signed that it deleted", True)
    assert (last.what, last.done, last.at) == ("Every company below it signed", False, None)
    assert last.more == "a company that we can't name received data, and can't sign"


def test_fewer_than_were_listed_is_not_all(ended: Ended) -> None:
    assert ended.sign(acted_on=2) == State.PARTIAL
    assert ended.event.note == "acted on 2 of 3 lines"
    progress = cohort_progress(cohort_id=ended.cohort_id, at=NOW)
    assert [(one.name, one.acted_on) for one in progress.differing] == [("GeoBridge", 2)]
    assert ended.sign() == State.COMPLETED
    assert cohort_progress(cohort_id=ended.cohort_id, at=NOW).differing == ()


def test_more_than_were_listed_is_done_and_flagged(ended: Ended) -> None:
    assert ended.sign(acted_on=5) == State.COMPLETED
    assert [one.acted_on for one in cohort_progress(cohort_id=ended.cohort_id, at=NOW).differing] == [5]


def test_of_a_campaign_only_its_own_companies_must_sign(outside: Outside) -> None:
    ended = end(a_scene(outside), of="campaign")
    bail, elsewhere = a_party("BailNow", "end_customer"), a_party("FraudShield", "lbs_provider")
    never_received = a_party("Ring", "end_customer")
    for party in (bail, never_received):
        Reach.objects.create(campaign=ended.scene.campaign, party=party)
    received(ended, ended.scene.campaign.lbs_provider, bail, elsewhere)
    progress = cohort_progress(cohort_id=ended.cohort_id, at=NOW)
    assert [one.name for one in progress.below] == ["BailNow", "RoadAid"]


def test_others_dealings_are_others(ended: Ended) -> None:
    Dealing.objects.create(line_id=ended.lines[0].pk, aggregator=a_party("NorthLink"), party=a_party("X"), last_at=NOW)
    assert ended.sign() == State.COMPLETED


def test_an_officer_sees_how_far_it_has_come(ended: Ended) -> None:
    cohort, event = ended.cohort, ended.event
    before = cohort_progress(cohort_id=ended.cohort_id, at=database_clock())
    assert (before.state, before.subject_count, before.overdue) == ("queued", 3, False)
    assert (before.partner.name, before.partner.status, before.partner.signed_at) == ("GeoBridge", "", None)
    assert (before.told_at, before.complete_by) == (event.sent_at, cohort.complete_by)
    assert cohort_progress(cohort_id=ended.cohort_id, at=cohort.complete_by).overdue
    ended.sign()
    after = cohort_progress(cohort_id=ended.cohort_id, at=cohort.complete_by)
    assert (after.state, after.partner.is_completed, after.overdue) == ("completed", True, False)
