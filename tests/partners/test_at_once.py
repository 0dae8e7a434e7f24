"""Machines and programs at the same moment: an assertion is good once, a line has one name, keys are those of now."""

import json
import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from functools import partial
from threading import Event

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from audit.queries import database_clock
from partners.actions import proposals
from partners.actions.addresses import move_keys_by_operator
from partners.actions.parties import add_link
from partners.actions.proposals import carry_out, mark_agreed
from partners.actions.sign_in import IssuedToken, TokenRefused, sign_in
from partners.actions.terms import shorten_term
from partners.domain import keysets, pairwise
from partners.feeds.parties import PartiesFeed
from partners.feeds.reading import NumberedLine
from partners.models import (
    Campaign,
    Contract,
    IdentifierLink,
    PairwiseKey,
    PairwiseSubject,
    PartnerKeySet,
    Party,
    Reach,
    SigningKey,
    UsedAssertion,
)
from partners.policies.lifecycle import NotNow
from partners.primitives.tokens import UnknownKey
from partners.workers import rotation
from tests.factories import a_campaign, a_contract, a_line, a_party
from tests.feeds import parties_document, take_parties
from tests.overlapping import A_MOMENT_S, overlap
from tests.partners.outside import Answer, Outside, Signer
from tests.staff import a_client, an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
NOW = datetime.now(UTC)


def test_one_assertion_signs_in_once() -> None:
    signer, now = Signer("gateway"), int(time.time())
    a_client(signer)
    claims = {"iss": "gateway", "sub": "gateway", "aud": settings.BASE_URL, "iat": now, "exp": now + 60, "jti": "j-1"}
    assertion = signer.sign(claims, typ="JWT")

    def signs_in() -> IssuedToken:
        return sign_in(assertion=assertion, scopes=[], at=datetime.now(UTC))

    with pytest.raises(TokenRefused, match="used before"):
        overlap(signs_in, signs_in)
    assert UsedAssertion.objects.count() == 1


@pytest.mark.parametrize("knows_a_line", [True, False], ids=["a_partner_with_a_key", "a_new_partner"])
def test_a_partner_knows_a_line_by_one_name(knows_a_line: bool) -> None:
    party, line = a_party(), a_line()
    if knows_a_line:
        pairwise.subject(line_id=a_line().pk, party_id=party.pk)

    def names() -> str:
        with transaction.atomic():
            return pairwise.subject(line_id=line.pk, party_id=party.pk)

    first, second = overlap(names, names)
    assert first == second == PairwiseSubject.objects.get(line_id=line.pk).sub
    assert PairwiseKey.objects.count() == 1


def test_a_line_has_one_name_for_each_partner() -> None:
    parties, line = [a_party(), a_party("NorthLink")], a_line()

    def names() -> None:
        with transaction.atomic():
            pairwise.name_lines(pairs={(line.pk, party.pk) for party in parties})

    overlap(names, names)
    assert PairwiseSubject.objects.filter(line_id=line.pk).count() == 2


def test_keys_fetched_while_moved_are_dropped(outside: Outside) -> None:
    party = a_party(jwks_uri=f"{outside.url}/old.json")
    old, officer = Signer(party.uri, outside, "/old.json"), an_actor()
    proposal = proposals.propose(
        act="move_keys", of="party", target_id=party.pk, payload={"jwks_uri": f"{outside.url}/new.json"}, reason="Due",
        actor=officer, at=NOW,
    )  # fmt: skip
    agreed = mark_agreed(proposal_id=proposal.pk, actor=an_actor(), reason="Due", at=NOW)

    def moves() -> None:
        carry_out(proposal=agreed, at=NOW)

    with pytest.raises(UnknownKey):
        overlap(moves, lambda: keysets.key_of(party=party, kid=old.kid, at=NOW))
    assert not PartnerKeySet.objects.exists()


def test_what_the_operator_moved_is_not_moved_by_an_older_proposal(outside: Outside) -> None:
    party, officer = a_party(jwks_uri=f"{outside.url}/old.json"), an_actor()
    proposal = proposals.propose(
        act="move_keys", of="party", target_id=party.pk, payload={"jwks_uri": f"{outside.url}/new.json"}, reason="Due",
        actor=officer, at=NOW,
    )  # fmt: skip
    agreed = mark_agreed(proposal_id=proposal.pk, actor=an_actor(), reason="Due", at=NOW)
    by_operator = f"{outside.url}/operator.json"
    with pytest.raises(NotNow, match="has changed since it was proposed"):
        overlap(
            lambda: move_keys_by_operator(party=party, jwks_uri=by_operator, actor="operator", at=NOW),
            lambda: carry_out(proposal=agreed, at=NOW),
        )
    assert Party.objects.get(pk=party.pk).jwks_uri == by_operator


def test_a_company_that_hands_no_keys_out_keeps_few_threads(outside: Outside) -> None:
    party, on = a_party(jwks_uri=f"{outside.url}/keys.json"), Event()
    signer = Signer(party.uri, outside, "/keys.json")
    outside.unknown, most = Answer(200, outside.documents.pop("/keys.json"), hold=on), keysets.AT_ONCE

    def looks() -> str:
        try:
            return str(keysets.key_of(party=party, kid=signer.kid, at=NOW).thumbprint())
        finally:
            connection.close()

    with ThreadPoolExecutor(most + 1) as pool:
        looking = [pool.submit(looks) for _ in range(most)]
        while len(outside.asked) < most:
            wait(looking, timeout=A_MOMENT_S)
        one_more = pool.submit(looks)
        is_waiting = not wait([one_more], timeout=5).done
        on.set()
    assert ([one.result() for one in looking], is_waiting) == ([signer.kid] * most, False)
    with pytest.raises(keysets.KeysOnTheirWay):
        one_more.result()
    assert (looks(), len(outside.asked)) == (signer.kid, most)


def test_keys_are_rotated_once() -> None:
    now = SigningKey.objects.earliest("used_from").used_from + rotation.PERIOD

    def rotates() -> int:
        return len(rotation.rotate(now=now).made)

    assert overlap(rotates, rotates) == (len(rotation.KINDS), 0)


def test_two_emergencies_at_once_make_one_new_key() -> None:
    now = datetime.now(UTC)

    def replaces() -> int:
        made = rotation.replace(
            uses=[SigningKey.Use.ACCESS], emergency=True, actor="officer:1", reason="It was seen.", now=now
        )
        return len(made.made)

    assert overlap(replaces, replaces) == (1, 0)


@pytest.mark.parametrize("link_first", [True, False], ids=["the_link_first", "the_campaign_first"])
def test_a_campaign_and_a_link_know_of_each_other(link_first: bool) -> None:
    """The stop of the one company covers what the other asks for."""
    provider, contract, old = a_party("RoadAid", "lbs_provider"), a_contract(), "https://old.example"

    @transaction.atomic
    def a_link() -> None:
        add_link(of="party", ref=provider.uri, kin_ref=old, link="same_as", at=database_clock())

    @transaction.atomic
    def a_new_campaign() -> None:
        a_campaign(contract, provider, ref="CMP-new")

    overlap(*((a_link, a_new_campaign) if link_first else (a_new_campaign, a_link)))
    assert IdentifierLink.objects.filter(ref=provider.uri, kin_ref=old).exists()
    cover = Campaign.objects.get(ref="CMP-new").cover
    assert sorted(cover.parties) == sorted([contract.aggregator.uri, provider.uri, old])
    assert old in cover.named_parties


def test_a_stop_of_either_of_two_companies_behind_a_use_covers_it() -> None:
    """Both become known at once."""
    campaign, companies = a_campaign(), [a_party(name, "end_customer") for name in ("Bail Now", "Fleet Co")]

    def is_behind(party: Party) -> None:
        with transaction.atomic():
            Reach.objects.create(campaign=campaign, party=party)

    overlap(*(partial(is_behind, company) for company in companies))
    campaign.cover.refresh_from_db()
    assert {company.uri for company in companies} <= set(campaign.cover.parties)


def test_of_two_first_addresses_of_a_partner_the_database_refuses_the_second() -> None:
    """Whoever writes the rows."""
    party = a_party()
    rows = [Contract.objects.filter(pk=a_contract(party).pk) for _ in range(2)]

    def is_put(contracts: QuerySet[Contract]) -> None:
        with transaction.atomic():
            contracts.update(endpoint_url=f"https://geobridge.example/{contracts.get().pk}")

    with pytest.raises(IntegrityError, match="are moved by two officers"):
        overlap(*(partial(is_put, contracts) for contracts in rows))
    assert [contracts.get().endpoint_url != "" for contracts in rows] == [True, False]


def test_what_an_officer_changes_while_a_file_comes_in_is_judged_by_the_file_as_it_is_then() -> None:
    take_parties()
    contract, document = Contract.objects.get(ref="AGR-1"), parties_document()
    document["contracts"][0]["ends_at"] = "2080-01-01T00:00:00Z"
    document["campaigns"] = []

    def shortens() -> None:
        shorten_term(
            of="contract", target_id=contract.pk, ends_at=datetime(2070, 1, 1, tzinfo=UTC), reason="Due",
            actor=an_actor(), at=NOW,
        )  # fmt: skip

    def comes_in() -> list[tuple[object, ...]]:
        fates = PartiesFeed().take(lines=[NumberedLine(1, json.dumps(document).encode())], at=NOW)
        return [(fate.line, fate.field, fate.reason) for fate in fates if fate.status == "rejected"]

    _, refused = overlap(shortens, transaction.atomic(comes_in))
    assert refused == [("contracts[0]", "ends_at", "loosening_needs_two_officers")]
    assert Contract.objects.get(ref="AGR-1").ends_at == datetime(2070, 1, 1, tzinfo=UTC)
