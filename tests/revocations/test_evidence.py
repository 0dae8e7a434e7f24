"""After "I never agreed" the partner is asked for its proof, by a date; what it answers is its word and no more."""

import re
import uuid
from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.conf import settings

from accounts.models import Line
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.choices import UnknownRef
from consent.models import Choice
from consent.queries.choices import NEVER_AGREED
from consent.queries.current_consent import use_of
from consent.queries.receipts import evidence_of
from disclosures.models import Judgement
from partners.domain import pairwise
from revocations.actions.receipts import record_receipt
from revocations.domain.receipts import ReceiptRefused
from revocations.models import EvidenceRequest, StreamEvent
from revocations.workers.deadlines import record_missing_evidence
from revocations.workers.delivery import delivery_rounds
from support.domain.tickets import open_tickets
from tests.conformance.schemas import faults
from tests.factories import a_line, an_approval
from tests.moments import A_MOMENT
from tests.partners.outside import Outside, Signer
from tests.people import Browser, signed_in, user_of
from tests.revocations.scenes import Scene, a_scene, event_of, stamp, stop_all
from tests.revocations.signing import about
from tests.world import disclosed

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker", "texts_in_memory")
OURS = f"{settings.BASE_URL}/schemas/secevent/consent/event-type/"
REQUEST, RESPONSE = f"{OURS}evidence-request", f"{OURS}evidence-response"
WEEK, MINUTE = timedelta(days=7), timedelta(minutes=1)


@pytest.fixture
def line(scene: Scene) -> Line:
    return scene.a_line()


def dispute(line: Line, scope: str, ref: str, actor: str = "subscriber:1") -> Choice:
    made = choices.stop(line_id=line.pk, scope=scope, ref=ref, actor=actor, channel="web", reason=NEVER_AGREED)
    return Choice.objects.get(id=made.choice_id)


@pytest.fixture
def asked(line: Line, scene: Scene) -> EvidenceRequest:
    dispute(line, "campaign", scene.campaign.ref)
    return EvidenceRequest.objects.get()


def answer(asked: EvidenceRequest, scene: Scene, **changed: object) -> dict[str, object]:
    event = {
        "event_timestamp": 1, "answer": "evidence", "method": "sms", "captured_at": "2025-05-03T17:20:00Z",
        "wording": "Reply YES.", "language": "en", "evidence_ref": "consents/4711",
    }  # fmt: skip
    return {
        "iss": scene.party.uri, "aud": settings.BASE_URL, "jti": f"ev-{uuid.uuid4().hex}", "iat": 1, "toe": 1,
        "txn": "tx-1", "sub_id": about(asked.jti), "events": {RESPONSE: {**event, **changed}},
    }  # fmt: skip


def hand_in(scene: Scene, claims: Mapping[str, object], *, after: timedelta = timedelta(0)) -> str:
    token = scene.signer.sign(claims)
    record_receipt(token=token, party=scene.party, at=database_clock() + after)
    return token


def test_a_dispute_asks_the_partner(line: Line, scene: Scene, asked: EvidenceRequest) -> None:
    event = StreamEvent.objects.get(jti=asked.jti)
    assert (event.kind, event.party_id) == ("evidence-request", scene.party.pk)
    assert asked.due_at - asked.asked_at == WEEK
    delivery_rounds.sweep(now=database_clock())
    (claims,) = [claims for claims in scene.tokens() if REQUEST in str(claims["events"])]
    assert faults("evidence-request", claims) == []
    assert event_of(claims) == {
        "agreement": f"{settings.BASE_URL}/agreements/{scene.contract.ref}",
        "recipient": scene.campaign.lbs_provider.uri,
        "campaign": scene.campaign.ref,
        "purpose": scene.campaign.purpose,
        "respond_by": stamp(asked.due_at.replace(second=0, microsecond=0)),
    }
    sub = pairwise.subject(line_id=line.pk, party_id=scene.party.pk)
    assert claims["sub_id"] == {"format": "iss_sub", "iss": settings.BASE_URL, "sub": sub}


def test_an_answer_with_a_subject_does_not_count(scene: Scene, asked: EvidenceRequest) -> None:
    for wrong in ({"sub": "k1.subject"}, {"exp": 4_102_444_800}, {"iat": None}):
        with pytest.raises(ReceiptRefused):
            hand_in(scene, {**answer(asked, scene), **wrong})
    hand_in(scene, {**answer(asked, scene), "iat": 1.5})


def test_what_is_rolled_back_and_a_plain_stop_ask_nobody(line: Line) -> None:
    with pytest.raises(UnknownRef):
        dispute(line, "campaign", "no-such-campaign")
    assert (EvidenceRequest.objects.count(), StreamEvent.objects.count()) == (0, 0)
    stop_all(line)
    assert not EvidenceRequest.objects.exists()


def test_a_dispute_of_a_company_asks_about_each_use(line: Line, scene: Scene) -> None:
    claimed = a_line()
    an_approval(claimed, scene.campaign, verified_by="partner")
    for disputed in (line, claimed):
        dispute(disputed, "party", scene.campaign.lbs_provider.uri)
        assert [(one.campaign, one.contract_id) for one in EvidenceRequest.objects.filter(line_id=disputed.pk)] == [
            (scene.campaign.ref, scene.contract.pk)
        ]


def test_an_answer_is_kept_and_opens_nothing(line: Line, scene: Scene, asked: EvidenceRequest) -> None:
    # In the last moment, of the same moment.
    token = scene.signer.sign(answer(asked, scene, captured_at=asked.due_at.isoformat()))
    record_receipt(token=token, party=scene.party, at=asked.due_at)
    kept = EvidenceRequest.objects.get()
    assert (kept.answer, kept.method, kept.wording, kept.token) == ("evidence", "sms", "Reply YES.", token)
    use = use_of(line=line, campaign=scene.campaign.ref, at=database_clock())
    assert use is not None
    assert not use.allowed
    event = AuditEvent.objects.get(action="evidence.answered")
    assert (event.line_id, event.actor, event.detail["late"]) == (line.pk, f"partner:{scene.party.pk}", False)
    record_receipt(token=token, party=scene.party, at=asked.due_at)
    assert AuditEvent.objects.filter(action="evidence.answered").count() == 1


def refused(scene: Scene, claims: Mapping[str, object], signer: Signer | None = None) -> str:
    token = (signer or scene.signer).sign(claims, kid=scene.signer.kid)
    with pytest.raises(ReceiptRefused) as refusal:
        record_receipt(token=token, party=scene.party, at=database_clock())
    assert not EvidenceRequest.objects.get().answer
    return refusal.value.err


def test_what_is_wrong_in_an_answer_does_not_count(scene: Scene, asked: EvidenceRequest, outside: Outside) -> None:
    good = answer(asked, scene)
    other = a_scene(outside, "LocAgg")
    assert refused(scene, {**good, "iss": other.party.uri}) == "invalid_issuer"
    assert refused(scene, {**good, "aud": other.party.uri}) == "invalid_audience"
    assert refused(scene, good, Signer(scene.party.uri)) == "invalid_key"
    assert refused(scene, {**good, "sub_id": about("x")}) == INVALID
    for wrong in (
        {"answer": "perhaps"}, {"captured_at": None}, {"captured_at": "2099-01-01T00:00:00Z"}, {"method": "oath"},
        {"captured_at": "2025-05-03T17:20:00"}, {"wording": "x" * 1001}, {"wording": "a\x00b"}, {"language": "e" * 41},
    ):  # fmt: skip
        assert refused(scene, answer(asked, scene, **wrong)) == INVALID
    claims = {**answer(asked, other), "iss": other.party.uri}
    with pytest.raises(ReceiptRefused, match="no evidence-request"):
        record_receipt(token=other.signer.sign(claims), party=other.party, at=database_clock())


INVALID = "invalid_request"


def test_only_one_answer_counts_and_then_it_is_not_late(scene: Scene, asked: EvidenceRequest) -> None:
    hand_in(scene, answer(asked, scene, answer="none", captured_at=None))
    with pytest.raises(ReceiptRefused, match="answered already"):
        hand_in(scene, answer(asked, scene))
    assert EvidenceRequest.objects.get().answer == "none"
    assert (record_missing_evidence(now=asked.due_at + WEEK), Incident.objects.count()) == (0, 0)


def test_no_answer_by_the_date_is_one_incident(scene: Scene, asked: EvidenceRequest) -> None:
    assert record_missing_evidence(now=asked.due_at) == 0
    assert [record_missing_evidence(now=asked.due_at + A_MOMENT) for _ in range(2)] == [1, 0]
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject, incident.count) == ("no_evidence", f"partner:{scene.party.pk}", 1)
    hand_in(scene, answer(asked, scene), after=WEEK + MINUTE)
    assert AuditEvent.objects.get(action="evidence.answered").detail["late"] is True
    assert record_missing_evidence(now=asked.due_at + WEEK) == 0


def case(browser: Browser, choice: Choice) -> str:
    assert f"/help/{choice.id}/" in browser.get(f"/choices/{choice.id}/").text
    return browser.get(f"/help/{choice.id}/").text


def test_the_person_reads_who_was_asked_and_what_came(line: Line, scene: Scene) -> None:
    browser = signed_in(line)
    choice = dispute(line, "campaign", scene.campaign.ref)
    open_tickets(at=database_clock())
    asked = EvidenceRequest.objects.get()
    page = case(browser, choice)
    assert "We asked it to prove that you agreed." in page
    assert "It has not answered yet." in page
    (late,) = evidence_of(line_id=line.pk, choice_id=choice.id, at=asked.due_at + MINUTE)
    assert (late.late, late.answered_at) == (True, None)
    hand_in(scene, answer(asked, scene, wording="<b>Reply</b> YES."), after=WEEK + MINUTE)
    page = case(browser, choice)
    assert "It says that it has proof." in page
    assert "The answer was late." in page
    assert "&lt;b&gt;Reply&lt;/b&gt; YES." in page
    assert "Your stop still applies" in page
    assert "<dt>How</dt><dd>by text" in page


def test_no_page_says_that_a_company_that_claims_proof_showed_none(scene: Scene) -> None:
    line, campaign = a_line(), scene.campaign
    service, path = campaign.lbs_provider, [scene.party.uri, campaign.lbs_provider.uri]
    at = database_clock() - timedelta(days=2)
    disclosed(line, path, at=at, campaign=campaign.ref, judgement=Judgement.NO_APPROVAL)
    browser = signed_in(line)
    only_if = "A company may get your location only if you agreed. We have no text, form or call in which you agreed"
    none = f"{only_if}, and the company has shown us none."
    claims = (
        "A company may get your location only if you agreed. We have no text, form or call in which you agreed."
        " A company says that it has proof, but that is only its word."
    )
    dispute(line, "campaign", campaign.ref)
    assert none in browser.get(f"/companies/{service.pk}/").text
    hand_in(scene, answer(EvidenceRequest.objects.get(), scene))
    page = browser.get(f"/companies/{service.pk}/").text
    assert "It says that it has proof." in page
    assert none not in page
    assert claims in page


def test_a_case_says_that_a_company_was_allowed_since(line: Line, scene: Scene) -> None:
    browser = signed_in(line)
    actor = f"subscriber:{user_of(line).pk}"
    choice = dispute(line, "campaign", scene.campaign.ref, actor)
    hand_in(scene, answer(EvidenceRequest.objects.get(), scene))
    blocked = ("stays blocked, whatever the outcome", "The stop stays.", "Your stop still applies.")
    assert [one in case(browser, choice) for one in blocked] == [True] * 3
    choices.allow(line_id=line.pk, campaign=scene.campaign.ref, actor=actor, channel="web")
    page = case(browser, choice)
    assert [one in page for one in blocked] == [False] * 3
    assert re.search(r"Blocked from <time.*</time>\. A newer choice changed that on <time", page)
    assert "This is only the company's word.</p>" in page
    browser.post(f"/help/dispute/{choice.id}/withdraw/")
    page = browser.get(f"/choices/{choice.id}/").text
    assert "“I never agreed” was withdrawn on" in page
    assert "The stop stays." not in page


def test_the_case_is_its_own_person_s_alone(line: Line, scene: Scene) -> None:
    choice = dispute(line, "campaign", scene.campaign.ref)
    plain = choices.stop(line_id=line.pk, scope="all", actor="s:1", channel="web").choice_id
    for person, choice_id in ((a_line(), choice.id), (line, plain)):
        assert signed_in(person).get(f"/help/{choice_id}/").status_code == 404
