"""Assertions, tokens, keys, terms and proposals begin and end at their very moment, and none lasts for ever."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import RequestFactory

from partners import queries
from partners.actions import proposals
from partners.actions.drafts import put_in_force
from partners.actions.proposals import carry_out, mark_agreed
from partners.actions.sign_in import TokenRefused, issue_access_token, sign_in
from partners.actions.terms import RuleTerms, add_rule, shorten_term
from partners.api import access
from partners.domain import keys, keysets
from partners.models import Campaign, Client, Contract, Proposal, SigningKey, Suspension, UsedAssertion
from partners.policies import lifecycle
from partners.policies.lifecycle import NotNow, Stage
from partners.primitives import tokens
from partners.workers import assertions, rotation
from support.queries import chains
from tests.factories import FAR_OFF, a_campaign, a_contract, a_party
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.partners.outside import Outside, Signer
from tests.staff import a_client, an_actor

pytestmark = pytest.mark.usefixtures("db", "no_broker")
NOW = datetime.now(UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
WHOLE = NOW.replace(microsecond=0)
KEYS = "https://geobridge.example/jwks.json"


# Sign-in of machines


@pytest.fixture
def signer() -> Signer:
    signer = Signer("gateway")
    a_client(signer, at=NOW)
    return signer


def is_let_in(signer: Signer, **times: float) -> Callable[[datetime], bool]:
    """By an assertion with these times, in seconds from `WHOLE` on."""
    claims = {
        "iss": "gateway", "sub": "gateway", "aud": settings.BASE_URL, "jti": "j-1",
        **{name: WHOLE.timestamp() + seconds for name, seconds in times.items()},
    }  # fmt: skip
    assertion = signer.sign(claims, typ="JWT")

    def enters(at: datetime) -> bool:
        try:
            sign_in(assertion=assertion, scopes=[], at=at)
        except TokenRefused:
            return False
        return True

    return enters


def test_an_assertion_is_good_from_five_seconds_before_it_begins(signer: Signer) -> None:
    assert ends_at(is_let_in(signer, iat=0, exp=60), WHOLE + 60 * SECOND)
    assert begins_at(is_let_in(signer, iat=0, exp=30), WHOLE - 5 * SECOND)
    assert begins_at(is_let_in(signer, iat=0, nbf=10, exp=60), WHOLE + 5 * SECOND)
    # From its own time on it lives a minute; where it does not say since when, a minute and five seconds from now.
    assert is_let_in(signer, iat=0, exp=60)(WHOLE)
    assert not is_let_in(signer, iat=0, exp=60.5)(WHOLE)


def test_used_assertions_are_known_until_they_would_be_over(signer: Signer) -> None:
    assert is_let_in(signer, iat=0, exp=60)(WHOLE)
    end = UsedAssertion.objects.get().expires_at
    assert end == WHOLE + 60 * SECOND

    def is_forgotten(at: datetime) -> bool:
        assertions.forget(now=at)
        return not UsedAssertion.objects.exists()

    # By a server whose clock is behind, too; and no machine comes back for it.
    assert begins_at(is_forgotten, end + 5 * SECOND)


def test_every_access_token_has_an_end(signer: Signer) -> None:
    issued = issue_access_token(
        client=Client.objects.get(), scopes=["decisions:read"], lifetime=10 * MINUTE, at=WHOLE
    )  # fmt: skip
    end = int(WHOLE.timestamp()) + 600
    for grant_of in (access.grant_of, access.remembered_grant_of):
        assert grant_of(f"Bearer {issued.token}", now=end - 1) is not None
        assert grant_of(f"Bearer {issued.token}", now=end) is None
    claims = keys.verify_own(use=SigningKey.Use.ACCESS, token=issued.token)
    assert (claims["exp"], claims["iat"]) == (end, end - 600)
    assert sign_in_answer(signer) == 600


def sign_in_answer(signer: Signer) -> int:
    claims = {
        "iss": "gateway", "sub": "gateway", "aud": settings.BASE_URL, "jti": "j-3", "iat": WHOLE.timestamp(),
        "exp": WHOLE.timestamp() + 60,
    }  # fmt: skip
    return sign_in(assertion=signer.sign(claims, typ="JWT"), scopes=[], at=WHOLE).seconds


def test_a_token_without_an_end_lets_nobody_in() -> None:
    claims = {"iss": settings.BASE_URL, "aud": settings.BASE_URL, "client_id": "gateway", "scope": "decisions:read"}
    for without in ({}, {"exp": None}, {"exp": "never"}, {"exp": True}):
        token = keys.sign(use=SigningKey.Use.ACCESS, claims={**claims, **without})
        assert access.grant_of(f"Bearer {token}", now=int(WHOLE.timestamp())) is None


def test_a_gateway_s_signature_counts_for_five_minutes() -> None:
    stamp = int(WHOLE.timestamp())
    signed = hmac.new(b"secret", f"{stamp}.".encode(), hashlib.sha256).hexdigest()
    request = RequestFactory().generic("POST", "/", headers={"X-Signed": f"t={stamp},v1={signed}"})

    def is_taken(at: datetime) -> bool:
        return access.is_signed(request, header="X-Signed", secrets=["secret"], at=at)

    fresh = access.FRESH_S * SECOND
    assert ends_at(is_taken, WHOLE + fresh + A_MOMENT)
    assert begins_at(is_taken, WHOLE - fresh)


# Keys


def test_a_partner_s_keys_are_fetched_anew_after_a_day(outside: Outside) -> None:
    party = a_party(jwks_uri=f"{outside.url}/jwks.json")
    signer = Signer(party.uri, outside)
    keysets.key_of(party=party, kid=signer.kid, at=NOW)

    def fetches(at: datetime) -> bool:
        before = len(outside.asked)
        keysets.key_of(party=party, kid=signer.kid, at=at)
        return len(outside.asked) > before

    assert begins_at(fetches, NOW + DAY)


def test_a_key_signs_from_its_moment_until_it_retires() -> None:
    first = SigningKey.objects.filter(use=SigningKey.Use.RECEIPT).get()
    due = first.used_from + rotation.PERIOD - rotation.PUBLISHED_BEFORE
    assert begins_at(lambda at: rotation.rotate(now=at).made, due)
    made = set(rotation.rotate(now=due).made)
    (second,) = SigningKey.objects.filter(use=SigningKey.Use.RECEIPT, kid__in=made)

    def signs(at: datetime) -> bool:
        return keys.signer(use=SigningKey.Use.RECEIPT, at=at).kid == second.kid

    def is_published(at: datetime) -> bool:
        return second.kid in {one["kid"] for one in keys.jwks(at=at)["keys"]}

    assert begins_at(signs, due + rotation.PUBLISHED_BEFORE)
    assert begins_at(is_published, due)
    assert begins_at(lambda at: second.kid in {one["kid"] for one in keys.archive(at=at)["keys"]}, due)
    over = second.used_from + keys.PUBLISHED_AFTER
    assert begins_at(lambda at: first.kid in rotation.rotate(now=at).retired, over)
    SigningKey.objects.filter(pk=second.pk).update(retired_at=over)
    assert ends_at(signs, over)
    assert ends_at(is_published, over)


# Terms and what officers decide


def test_a_partner_enters_while_an_agreement_is_in_force() -> None:
    contract = a_contract(starts_at=NOW, ends_at=NOW + 30 * DAY)

    def is_in_force(at: datetime) -> bool:
        return queries.has_contract_in_force(party_id=contract.aggregator_id, at=at)

    assert begins_at(is_in_force, NOW)
    assert ends_at(is_in_force, NOW + 30 * DAY)
    draft = a_contract(a_party("NorthLink"), is_draft=True)
    assert not queries.has_contract_in_force(party_id=draft.aggregator_id, at=NOW)
    Suspension.objects.create(
        of="contract",
        target_id=contract.pk,
        starts_at=NOW + DAY,
        ends_at=NOW + 2 * DAY,
        reason="Due",
        actor="officer:1",
    )
    assert ends_at(is_in_force, NOW + DAY)
    assert begins_at(is_in_force, NOW + 2 * DAY)


def test_the_console_s_stages_begin_at_their_moment() -> None:
    contract = a_contract(starts_at=NOW, ends_at=NOW + 100 * DAY)
    campaign = a_campaign(contract, starts_at=NOW + DAY)

    Suspension.objects.create(
        of="contract", target_id=contract.pk, starts_at=NOW + 10 * DAY, ends_at=NOW + 20 * DAY, reason="Due", actor="x"
    )

    def stage(of: Stage, *, own: bool) -> Callable[[datetime], bool]:
        def stands(at: datetime) -> bool:
            """By the page of one, and by the lists, which find it."""
            rows = (
                chains.campaigns_at(rows=Campaign.objects.all(), stages=[of], at=at) if own
                else chains.contracts_at(rows=Contract.objects.all(), stages=[of], at=at)
            )  # fmt: skip
            assert rows.exists() == (lifecycle.get_stage(campaign if own else contract, at=at) == of)
            return rows.exists()

        return stands

    assert ends_at(stage(Stage.NOT_YET, own=False), NOW)
    assert ends_at(stage(Stage.NOT_YET, own=True), NOW + DAY)
    for own in (False, True):
        assert begins_at(stage(Stage.SUSPENDED, own=own), NOW + 10 * DAY)
        assert ends_at(stage(Stage.SUSPENDED, own=own), NOW + 20 * DAY)
    assert begins_at(stage(Stage.ENDING, own=False), contract.ends_at - lifecycle.NOTICE_PERIOD)
    assert begins_at(stage(Stage.ENDED, own=False), contract.ends_at)
    assert begins_at(stage(Stage.ENDED, own=True), contract.ends_at)


def proposed(contract: Contract, officer: str, *, at: datetime = NOW, ends_at: datetime = FAR_OFF) -> Proposal:
    return proposals.propose(
        act="extend_term", of="contract", target_id=contract.pk, payload={"ends_at": ends_at.isoformat()}, reason="Due",
        actor=officer, at=at,
    )  # fmt: skip


def goes(act: Callable[[datetime], object]) -> Callable[[datetime], bool]:
    def at_that_moment(at: datetime) -> bool:
        try:
            act(at)
        except NotNow:
            return False
        return True

    return at_that_moment


def test_a_proposal_counts_for_seven_days_to_the_moment() -> None:
    one, two = an_actor(), an_actor()
    contract = a_contract(ends_at=NOW + 30 * DAY)
    number = proposed(contract, one).id
    is_agreed = goes(lambda at: mark_agreed(proposal_id=number, reason="Due", actor=two, at=at))
    assert ends_at(is_agreed, NOW + 7 * DAY)
    assert begins_at(goes(lambda at: proposed(contract, two, at=at)), NOW + 7 * DAY)


def test_what_has_ended_is_neither_extended_nor_shortened() -> None:
    one, two = an_actor(), an_actor()
    contract = a_contract(ends_at=NOW + 3 * DAY)
    proposal = mark_agreed(proposal_id=proposed(contract, one).id, reason="Due", actor=two, at=NOW)
    assert ends_at(goes(lambda at: carry_out(proposal=proposal, at=at)), contract.ends_at)
    of: dict[str, Any] = {"of": "contract", "target_id": contract.pk, "reason": "Due", "actor": one}
    # To the very end that it has it is not shortened, and not lengthened either.
    assert ends_at(lambda at: goes(lambda _: shorten_term(ends_at=at, at=NOW, **of))(NOW), contract.ends_at)
    assert not goes(lambda at: proposed(contract, one, at=at, ends_at=contract.ends_at))(NOW)
    assert ends_at(goes(lambda at: shorten_term(ends_at=at, at=at, **of)), contract.ends_at)


def test_a_rule_begins_at_most_five_years_ago_and_in_ten_years() -> None:
    officer = an_actor()

    def is_taken(starts_at: datetime) -> bool:
        rule = RuleTerms(state="WA", starts_at=starts_at, purposes=(), sale_test=True, source="test: a law")
        try:
            add_rule(terms=rule, reason="Due", actor=officer, at=NOW)
        except ValidationError:
            return False
        return True

    assert begins_at(is_taken, NOW - 5 * 366 * DAY)
    assert ends_at(is_taken, NOW + 10 * 366 * DAY + A_MOMENT)


def test_a_partner_has_at_most_twenty_one_days_to_complete() -> None:
    officer = an_actor()

    def may_have(days: int) -> bool:
        row = a_contract(is_draft=True, complete_within_days=days, jwks_uri=KEYS)
        of: dict[str, Any] = {"of": "contract", "target_id": row.pk, "reason": "Due", "actor": officer}
        return goes(lambda at: put_in_force(at=at, **of))(NOW)

    assert [may_have(days) for days in (21, 22)] == [True, False]


def test_a_moment_in_a_token_is_of_our_time() -> None:
    def is_one(value: int) -> bool:
        try:
            return tokens.numeric_date({"iat": value}, "iat") == value
        except tokens.BadToken:
            return False

    assert [is_one(value) for value in (-1, 0, tokens.LATEST - 1, tokens.LATEST)] == [False, True, True, False]
