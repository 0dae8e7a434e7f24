"""Where a partner is spoken to and where its keys are: one officer writes the first down, two change them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from msgspec.structs import replace

from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from console.actions import proposals
from partners.actions import proposals as proposals_actions
from partners.actions.addresses import endpoints_of, set_endpoints_by_operator
from partners.actions.clients import disable_machine, register_machine
from partners.actions.drafts import ContractTerms, change_draft, draft_contract, put_in_force
from partners.actions.parties import add_party, change_party
from partners.actions.terms import set_endpoints
from partners.domain.keysets import jwks_uri_of
from partners.models import Contract, Party, Proposal
from partners.policies.identifiers import events_address_of
from partners.policies.lifecycle import NotNow
from partners.policies.loosening import BadProposal
from tests.factories import FAR_OFF, LONG_AGO, ROADSIDE, a_contract, a_party
from tests.feeds import parties_document, take_parties
from tests.fixtures import Refusal
from tests.partners.outside import Signer
from tests.staff import a_machine, an_actor, an_agreed_proposal, move_endpoints, move_keys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
NOW = datetime.now(UTC)
MINUTE = timedelta(minutes=1)
BRIDGE = "https://geobridge.example"
KEYS, EVENTS, HOSTS = f"{BRIDGE}/jwks.json", f"{BRIDGE}/events", ["callback.geobridge.example"]
EVIL = "https://evil.example"


@pytest.fixture
def officer() -> str:
    return an_actor()


@pytest.fixture
def contract() -> Contract:
    return a_contract(endpoint_url=EVENTS, jwks_uri=KEYS, hosts=HOSTS)


def put(contract: Contract, officer: str, *, at: datetime = NOW, **endpoints: object) -> Contract | Proposal:
    said: dict[str, Any] = {
        "endpoint_url": contract.endpoint_url, "jwks_uri": contract.jwks_uri, "hosts": tuple(contract.hosts),
        **endpoints,
    }  # fmt: skip
    return set_endpoints(contract_id=contract.pk, **said, reason="They moved.", actor=officer, at=at)


def call(party: Party, officer: str, *, at: datetime = NOW, **said: str) -> Party | Proposal:
    fields = {"name": party.name, "website": "", "about": "", "jwks_uri": party.jwks_uri, **said}
    return change_party(party_id=party.pk, **fields, reason="They moved.", actor=officer, at=at)


def agree(*, by: str = "", at: datetime = NOW) -> Proposal:
    """Another officer's yes to what waits."""
    proposal = Proposal.objects.get(decision="")
    return proposals.agree_to_proposal(proposal_id=proposal.pk, reason="Seen.", actor=by or an_actor(), at=at)


def endpoints(contract: Contract) -> tuple[str, str, list[str]]:
    row = Contract.objects.get(pk=contract.pk)
    return row.endpoint_url, row.jwks_uri, row.hosts


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("endpoint_url", f"{EVIL}/events"), ("endpoint_url", ""), ("jwks_uri", f"{EVIL}/jwks.json"), ("jwks_uri", ""),
        ("hosts", ("callback.geobridge.example", "evil.example")), ("hosts", ()),
    ],
)  # fmt: skip
def test_one_officer_s_change_waits_for_another(contract: Contract, officer: str, field: str, value: Any) -> None:
    assert isinstance(put(contract, officer, **{field: value}), Proposal)
    assert endpoints(contract) == (EVENTS, KEYS, HOSTS)
    with pytest.raises(NotNow, match="another officer must approve it"):
        agree(by=officer)
    with pytest.raises(NotNow, match="The same change is already proposed and waits for another officer"):
        put(contract, officer, endpoint_url="")
    second = an_actor()
    agree(by=second, at=NOW + MINUTE)
    changed = Contract.objects.get(pk=contract.pk)
    assert getattr(changed, field) == (list(value) if isinstance(value, tuple) else value)
    done = AuditEvent.objects.get(action="contract.endpoints_set")
    assert (done.target, done.actor, done.reason, done.detail["fields"], done.detail["proposed_by"]) == (
        f"contract:{contract.pk}", second, "Seen.", [field], officer,
    )  # fmt: skip
    assert (done.detail["was"]["jwks_uri"], done.detail["now"]["jwks_uri"]) == (KEYS, changed.jwks_uri)
    assert not Incident.objects.exists()


def test_what_nobody_wrote_down_yet_one_officer_does(officer: str) -> None:
    contract = a_contract()
    put(contract, officer, endpoint_url=EVENTS, jwks_uri=KEYS, hosts=("b.example", "A.example"))
    assert endpoints(contract) == (EVENTS, KEYS, ["a.example", "b.example"])
    polls = a_contract(a_party("Polls"), jwks_uri="https://polls.example/jwks.json")
    put(polls, officer, endpoint_url="https://polls.example/events")
    assert Contract.objects.get(pk=polls.pk).endpoint_url == "https://polls.example/events"
    assert not Proposal.objects.exists()
    with pytest.raises(NotNow, match="Nothing has changed"):
        put(Contract.objects.get(pk=polls.pk), officer)


def test_an_address_for_events_takes_the_place_of_polling(officer: str) -> None:
    # Nobody has let its machine in yet, so that it has never polled.
    waits = a_party("Waits")
    key = Signer("waits").public
    register_machine(
        client_id="waits", kind="aggregator", public_jwk=key, party=waits.uri, reason="Due", actor=officer, at=NOW
    )
    put(a_contract(waits), officer, endpoint_url="https://waits.example/events")
    assert events_address_of(party_id=waits.pk) == "https://waits.example/events"
    party = a_party("Polls")
    machine = a_machine("polls", "aggregator", public_jwk=Signer("polls").public, party=party.uri)
    # Nothing is in force yet, so that nothing is polled.
    first = a_contract(party, is_draft=True, jwks_uri="https://polls.example/jwks.json")
    put_in_force(of="contract", target_id=first.pk, reason="Due", actor=officer, at=NOW)
    disable_machine(number=machine.number, reason="Due", actor=officer, at=NOW)
    first.refresh_from_db()
    assert isinstance(put(first, officer, endpoint_url="https://polls.example/events"), Proposal)
    assert events_address_of(party_id=party.pk) == ""


def test_nothing_is_first_that_another_contract_has(contract: Contract, officer: str) -> None:
    other = a_contract(contract.aggregator, starts_at=LONG_AGO - MINUTE)
    assert isinstance(put(other, officer, endpoint_url=f"{EVIL}/events"), Proposal)
    Proposal.objects.all().update(decision="withdrawn", decided_by=officer, decided_at=NOW)
    assert isinstance(put(other, officer, jwks_uri=f"{EVIL}/jwks.json"), Proposal)
    # The addresses that count move nothing, wherever else they are written down.
    a_third = a_contract(contract.aggregator, starts_at=LONG_AGO - MINUTE)
    assert isinstance(put(a_third, officer, endpoint_url=EVENTS, jwks_uri=KEYS, hosts=tuple(HOSTS)), Contract)
    # A draft moves nothing yet.
    draft = a_contract(contract.aggregator, is_draft=True)
    assert isinstance(put(draft, officer, endpoint_url=f"{EVIL}/events", jwks_uri=f"{EVIL}/jwks.json"), Contract)
    assert endpoints(draft) == (f"{EVIL}/events", f"{EVIL}/jwks.json", [])


def test_a_yes_is_to_the_change_that_was_seen(contract: Contract, officer: str) -> None:
    put(contract, officer, endpoint_url=f"{BRIDGE}/new")
    seen = endpoints_of(row=contract)
    for other in (replace(seen, hosts=()), replace(seen, jwks_uri=f"{BRIDGE}/other.json")):
        set_endpoints_by_operator(row=contract, wanted=other, actor="import:parties", at=NOW)
        with pytest.raises(NotNow, match="The endpoints have changed since it was proposed"):
            agree()
        set_endpoints_by_operator(row=contract, wanted=seen, actor="import:parties", at=NOW)
    agree(at=database_clock())
    assert endpoints(contract) == (f"{BRIDGE}/new", KEYS, HOSTS)


def test_addresses_that_can_t_be_used_are_not_proposed(contract: Contract, officer: str) -> None:
    with pytest.raises(ValidationError, match="It can't be used"):
        put(contract, officer, jwks_uri="https://10.0.0.1/jwks.json")
    plain = {"endpoint_url": "", "jwks_uri": "http://geobridge.example/jwks.json", "hosts": []}
    same, no_other = {"endpoint_url": EVENTS, "jwks_uri": KEYS, "hosts": HOSTS}, "replaces no other address"
    draft, party = a_contract(is_draft=True), contract.aggregator_id
    refused: list[tuple[str, str, int, dict[str, Any], type[Exception], str]] = [
        ("set_endpoints", "contract", contract.pk, plain, ValidationError, "It can't be used"),
        ("set_endpoints", "contract", contract.pk, same, NotNow, no_other),
        ("move_keys", "party", party, {"jwks_uri": f"{EVIL}/k"}, BadProposal, "on its own host"),
        ("move_keys", "party", party, {"jwks_uri": KEYS}, NotNow, no_other),
        ("set_endpoints", "contract", draft.pk, plain, NotNow, "is a draft. Change it instead"),
    ]
    for act, of, target_id, payload, error, why in refused:
        with pytest.raises(error, match=why):
            proposals_actions.propose(
                act=act, of=of, target_id=target_id, payload=payload, reason="Due", actor=officer, at=NOW
            )


@pytest.mark.parametrize("own", ["", f"{BRIDGE}/own.json"], ids=["keys by its contract", "keys of its own"])
def test_keys_are_moved_by_two_the_rest_by_one(contract: Contract, officer: str, own: str) -> None:
    party = contract.aggregator
    if own:
        contract = a_contract(party := a_party("NorthLink", jwks_uri="https://northlink.example/own.json"))
    was = jwks_uri_of(party=party)
    new = was.replace("//", "//keys.")
    assert isinstance(call(party, officer, name="Renamed", jwks_uri=new), Proposal)
    row = Party.objects.get(pk=party.pk)
    assert (row.name, jwks_uri_of(party=row)) == ("Renamed", was)
    assert AuditEvent.objects.get(action="party.changed").detail["fields"] == ["name"]
    second = an_actor()
    agree(by=second)
    assert jwks_uri_of(party=Party.objects.get(pk=party.pk)) == new
    done = AuditEvent.objects.get(action="party.keys_moved")
    assert (done.target, done.actor, done.detail["was"], done.detail["now"]) == (f"party:{party.pk}", second, was, new)


def test_without_its_own_a_company_has_its_contract_s_keys(contract: Contract, officer: str) -> None:
    party = contract.aggregator
    # It moves nothing to write down once more what counts already.
    assert isinstance(call(party, officer, jwks_uri=KEYS), Party)
    put(contract, officer, jwks_uri=f"{BRIDGE}/other.json")
    agree()
    assert jwks_uri_of(party=Party.objects.get(pk=party.pk)) == KEYS
    assert isinstance(call(Party.objects.get(pk=party.pk), officer, jwks_uri=""), Proposal)
    agree(at=NOW + MINUTE)
    assert jwks_uri_of(party=Party.objects.get(pk=party.pk)) == f"{BRIDGE}/other.json"


def test_a_yes_is_to_the_keys_that_were_there(contract: Contract, officer: str) -> None:
    call(contract.aggregator, officer, jwks_uri=f"{BRIDGE}/own.json")
    first = Proposal.objects.get()
    put(contract, officer, jwks_uri=f"{BRIDGE}/other.json")
    proposals.agree_to_proposal(
        proposal_id=Proposal.objects.exclude(pk=first.pk).get().pk, reason="Seen.", actor=an_actor(), at=NOW
    )
    with pytest.raises(NotNow, match="The address of the keys of GeoBridge has changed since it was proposed"):
        agree()
    assert Party.objects.get(pk=contract.aggregator_id).jwks_uri == ""


def test_a_first_address_of_keys_is_one_officer_s(officer: str) -> None:
    party = a_party("RoadAid", "lbs_provider")
    call(party, officer, jwks_uri="https://roadaid.example/jwks.json")
    assert Party.objects.get(pk=party.pk).jwks_uri == "https://roadaid.example/jwks.json"
    seen = a_party("Seen", "unnamed")
    a_contract(seen, jwks_uri=KEYS)
    with pytest.raises(NotNow, match="Add it without that address, then propose that on its page"):
        add_party(
            uri=seen.uri, name="Seen", kind="aggregator", jwks_uri=f"{seen.uri}/k", reason="Due", actor=officer, at=NOW
        )


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"endpoint_url": f"{EVIL}/events"}, "Event address"),
        ({"jwks_uri": f"{EVIL}/jwks.json"}, "Key address (JWKS)"),
        ({"hosts": ("evil.example",)}, "Other allowed hosts"),
        ({"endpoint_url": f"{EVIL}/e", "jwks_uri": f"{EVIL}/k"}, "Event address, Key address (JWKS)"),
    ],
)
def test_a_draft_put_in_force_takes_the_place_of_nothing(
    contract: Contract, officer: str, said: dict[str, Any], fields: str
) -> None:
    terms = ContractTerms(LONG_AGO, NOW, FAR_OFF, (ROADSIDE,), **said)
    about: dict[str, Any] = {"reason": "Due", "actor": officer, "at": NOW}
    draft = draft_contract(ref="AGR-new", aggregator=BRIDGE, terms=terms, **about)
    with pytest.raises(NotNow) as told:
        put_in_force(of="contract", target_id=draft.pk, **about)
    assert str(told.value) == (
        f"AGR-new can't be put in force yet. It would change what is in force for GeoBridge: {fields}. That takes two"
        " officers. Clear these fields in the draft, put it in force, then propose them on its page under Endpoints and"
        " keys."
    )
    assert (events_address_of(party_id=draft.aggregator_id), jwks_uri_of(party=draft.aggregator)) == (EVENTS, KEYS)
    # As it says.
    cleared = ContractTerms(LONG_AGO, NOW, FAR_OFF, (ROADSIDE,))
    change_draft(of="contract", target_id=draft.pk, terms=cleared, **about)
    put_in_force(of="contract", target_id=draft.pk, **about)
    proposed = {"endpoint_url": "", "jwks_uri": "", "hosts": (), **said}
    assert isinstance(set_endpoints(contract_id=draft.pk, **proposed, **about), Proposal)
    agree()
    assert endpoints(draft)[0] == said.get("endpoint_url", "")


def test_a_draft_says_nothing_of_where_its_partner_is(officer: str) -> None:
    party = a_contract(endpoint_url=EVENTS, jwks_uri=KEYS, is_draft=True).aggregator
    assert (events_address_of(party_id=party.pk), jwks_uri_of(party=party)) == ("", "")
    first = a_contract(party, is_draft=True, endpoint_url=f"{BRIDGE}/e", jwks_uri=f"{BRIDGE}/k", hosts=HOSTS)
    put_in_force(of="contract", target_id=first.pk, reason="Due", actor=officer, at=NOW)
    assert (events_address_of(party_id=party.pk), jwks_uri_of(party=party)) == (f"{BRIDGE}/e", f"{BRIDGE}/k")


class TestDatabase:
    """Whoever writes the row."""

    CONTRACT = "partners_contract_addresses"

    def test_no_contract_in_force_is_moved(self, contract: Contract, refused: Refusal) -> None:
        for change in (
            f"endpoint_url = '{EVIL}'", "endpoint_url = ''", f"jwks_uri = '{EVIL}'", "jwks_uri = ''", "hosts = '{}'",
            "hosts = '{evil.example}'",
        ):  # fmt: skip
            refused(f"UPDATE partners_contract SET {change}", constraint=self.CONTRACT)

    def test_nor_by_another_contract_of_its_partner(self, contract: Contract, refused: Refusal) -> None:
        others: list[dict[str, Any]] = [{"endpoint_url": EVIL}, {"jwks_uri": EVIL}, {"hosts": ["evil.example"]}]
        for said in others:
            draft = a_contract(contract.aggregator, is_draft=True, **said)
            refused("UPDATE partners_contract SET is_draft = false WHERE is_draft", constraint=self.CONTRACT)
            draft.delete()
            with pytest.raises(IntegrityError, match="are moved by two officers"), transaction.atomic():
                a_contract(contract.aggregator, **said)

    def test_nor_an_older_one_to_what_counts(self, refused: Refusal) -> None:
        older = a_contract(
            endpoint_url=f"{BRIDGE}/old", jwks_uri=f"{BRIDGE}/old.json", starts_at=LONG_AGO - MINUTE
        )  # fmt: skip
        newest = a_contract(older.aggregator)
        counts = replace(endpoints_of(row=newest), endpoint_url=EVENTS, jwks_uri=KEYS)
        set_endpoints_by_operator(row=newest, wanted=counts, actor="import:parties", at=NOW)
        for change in (f"endpoint_url = '{EVENTS}'", f"jwks_uri = '{KEYS}'"):
            refused(f"UPDATE partners_contract SET {change} WHERE id = {older.pk}", constraint=self.CONTRACT)

    def test_nobody_who_polls_is_pushed_to_instead(self, refused: Refusal) -> None:
        party = a_party("Polls")
        a_machine("polls", "aggregator", public_jwk=Signer("polls").public, party=party.uri)
        a_contract(party)
        refused(f"UPDATE partners_contract SET endpoint_url = '{EVIL}'", constraint=self.CONTRACT)

    def test_nobody_who_named_hosts_alone_gets_others(self, refused: Refusal) -> None:
        party = a_party("Asks only")
        draft = a_contract(party, is_draft=True, hosts=["evil.example"])
        a_contract(party, hosts=HOSTS)
        refused("UPDATE partners_contract SET is_draft = false WHERE is_draft", constraint=self.CONTRACT)
        assert Contract.objects.filter(pk=draft.pk).update(hosts=HOSTS, is_draft=False) == 1

    @pytest.mark.parametrize("said", ["endpoint_url", "jwks_uri"])
    @pytest.mark.parametrize("later", [0 * MINUTE, MINUTE], ids=["together", "later"])
    def test_nor_by_a_later_start(self, contract: Contract, refused: Refusal, later: timedelta, said: str) -> None:
        newest = a_contract(contract.aggregator, starts_at=LONG_AGO + later)
        move_endpoints(newest, **{said: f"{BRIDGE}/new"})
        refused(
            f"UPDATE partners_contract SET starts_at = starts_at + interval '1 day' WHERE id = {contract.pk}",
            constraint=self.CONTRACT,
        )

    def test_what_starts_as_before_takes_over_known_hosts(self) -> None:
        older = a_contract(endpoint_url=EVENTS)
        newest = a_contract(older.aggregator, starts_at=LONG_AGO + MINUTE)
        move_endpoints(newest, endpoint_url=f"{BRIDGE}/new", hosts=HOSTS)
        assert Contract.objects.filter(pk=older.pk).update(hosts=HOSTS) == 1

    def test_a_later_start_passes_by_a_draft(self, contract: Contract) -> None:
        a_contract(contract.aggregator, is_draft=True, endpoint_url=EVIL, jwks_uri=EVIL)
        later = contract.starts_at + MINUTE
        assert Contract.objects.filter(pk=contract.pk).update(starts_at=later) == 1

    def test_a_yes_is_to_these_values_and_until_the_next(self, contract: Contract, refused: Refusal) -> None:
        was = {"endpoint_url": EVENTS, "jwks_uri": KEYS, "hosts": HOSTS}
        new = {**was, "endpoint_url": f"{BRIDGE}/new"}
        move = f"UPDATE partners_contract SET endpoint_url = '{BRIDGE}/new'"
        for payload in ({**was, "endpoint_url": EVIL, "was": was}, {**new, "was": {**was, "hosts": []}}):
            an_agreed_proposal("set_endpoints", "contract", contract.pk, payload=payload, at=NOW - MINUTE)
            refused(move, constraint=self.CONTRACT)
        an_agreed_proposal("set_endpoints", "contract", contract.pk, payload={**new, "was": was}, at=NOW)
        refused(f"{move}, hosts = '{{}}'", constraint=self.CONTRACT)
        assert Contract.objects.update(endpoint_url=f"{BRIDGE}/new") == 1
        an_agreed_proposal("set_endpoints", "contract", contract.pk, payload={**was, "was": new}, at=NOW + MINUTE)
        Contract.objects.filter(pk=contract.pk).update(endpoint_url=EVENTS)
        refused(move, constraint=self.CONTRACT)
        # Never used, and no longer the newest.
        an_agreed_proposal("set_endpoints", "contract", contract.pk, payload={**new, "was": was}, at=NOW + 2 * MINUTE)
        other = {**was, "endpoint_url": EVIL, "was": was}
        an_agreed_proposal("set_endpoints", "contract", contract.pk, payload=other, at=NOW + 3 * MINUTE)
        refused(move, constraint=self.CONTRACT)

    def test_no_company_s_keys_are_moved(self, contract: Contract, refused: Refusal) -> None:
        move, party = f"UPDATE partners_party SET jwks_uri = '{BRIDGE}/own.json'", contract.aggregator
        refused(move, constraint="partners_party_keys")
        payload = {"jwks_uri": f"{BRIDGE}/own.json", "was": EVIL}
        an_agreed_proposal("move_keys", "party", party.pk, payload=payload, at=NOW)
        refused(move, constraint="partners_party_keys")
        move_keys(party, f"{BRIDGE}/own.json")
        refused("UPDATE partners_party SET jwks_uri = ''", constraint="partners_party_keys")


class TestFile:
    """The operator's file may say where events go; officers are told."""

    @pytest.fixture
    def known(self) -> Contract:
        take_parties()
        return Contract.objects.get(ref="AGR-1")

    def take(self, **changes: object) -> list[str]:
        document = parties_document()
        document["contracts"][0] |= changes
        return [f"{fate.field} {fate.reason}" for fate in take_parties(document) if fate.status == "rejected"]

    def test_another_address_for_events_opens_an_incident(self, known: Contract, refused: Refusal) -> None:
        was = known.endpoint_url
        assert (bool(was), Incident.objects.exists()) == (True, False), "a first one is none"
        assert self.take(endpoint_url=f"{BRIDGE}/new") == []
        assert Contract.objects.get(ref="AGR-1").endpoint_url == f"{BRIDGE}/new"
        incident = Incident.objects.get()
        assert (incident.kind, incident.subject, incident.closed_at) == ("addresses_by_operator", BRIDGE, None)
        assert AuditEvent.objects.get(action="contract.endpoints_set").actor == "import:parties"
        assert self.take(endpoint_url=f"{BRIDGE}/new", ack_within_s=1) == []
        assert Incident.objects.get().count == 1
        # It covers this one change.
        for url in (was, EVIL):
            move = f"UPDATE partners_contract SET endpoint_url = '{url}'"
            refused(f"{move} WHERE ref = 'AGR-1'", constraint="partners_contract_addresses")

    def test_so_does_a_new_contract_s(self, known: Contract) -> None:
        newer = {"id": "AGR-9", "starts_at": "2025-01-01T00:00:00Z"}
        assert self.take(**newer) == []
        assert not Incident.objects.exists()
        assert self.take(**{**newer, "id": "AGR-10"}, endpoint_url=f"{BRIDGE}/new") == []
        assert Incident.objects.get().subject == BRIDGE
        assert Contract.objects.get(ref="AGR-10").endpoint_url == f"{BRIDGE}/new"

    def test_a_later_start_moves_nothing(self, known: Contract) -> None:
        newer = {"id": "AGR-9", "starts_at": "2025-01-01T00:00:00Z", "endpoint_url": f"{BRIDGE}/new"}
        assert self.take(**newer) == self.take() == []
        assert self.take(starts_at="2025-06-01T00:00:00Z") == ["starts_at changed_by_officers_alone"]
        assert events_address_of(party_id=known.aggregator_id) == f"{BRIDGE}/new"
