"""What a partner signs about an ended agreement: what makes it count, one failing check at a time, and who is left."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from audit.models import AuditEvent
from audit.queries import database_clock
from console.queries.terminations import termination_page
from partners.models import Dealing, Party, Reach
from revocations.domain.receipts import ReceiptRefused
from revocations.models import CohortReceipt, State, StreamEvent
from revocations.queries.cohorts import CohortProgress, cohort_progress
from tests.factories import NOW, a_party
from tests.partners.outside import Outside, Signer
from tests.revocations.ended import Ended, end
from tests.revocations.scenes import Scene, a_scene, stamp, stop_all, the_order
from tests.revocations.signing import ACTIONS, about, below, company, done, received

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
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
        assert ended.told.note == "2 of 2 companies below have not signed"
    assert ended.sign(downstream=[below(road.uri, ended.nested(road_signer))]) == State.PARTIAL
    assert ended.told.note == "1 of 2 companies below have not signed"
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
    assert progress(ended).unnamed
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
    after = cohort_progress(cohort_id=ended.cohort_id, at=cohort.complete_by)
    assert (after.state, after.partner.is_completed, after.overdue) == ("completed", True, False)
