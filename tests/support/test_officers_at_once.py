"""Two officers decide in the same moment: the first one's act stands, and the other reads what it was."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction

import disclosures.actions
from audit.actions import acknowledge_incident, open_incident
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions import choices
from consent.domain.snapshots import lock_terms
from console.actions import proposals as proposals_actions
from console.actions.imports import discard_file, import_file, upload_file
from console.actions.notes import add_note
from console.actions.terms import discard_draft
from console.workers.imports import run
from disclosures.models import Upload
from partners.actions import proposals
from partners.actions.authorized import register_agent, suspend_agent
from partners.actions.clients import disable_client, disable_machine, propose_key, register_client
from partners.actions.drafts import ContractTerms, draft_contract, put_in_force
from partners.actions.notices import propose_notice
from partners.actions.parties import add_party, change_party
from partners.actions.suspensions import suspend
from partners.actions.terms import RuleTerms, add_rule, set_consideration, set_endpoints, shorten_term
from partners.models import Campaign, Client, Contract, JurisdictionRule, Party, Proposal, Suspension
from partners.policies.identifiers import events_address_of
from partners.policies.lifecycle import NotNow
from partners.queries import thumbprint_of
from revocations.models import Order
from support.actions.replies import write_reply
from support.actions.saved_views import remove_view, save_view
from support.models import SavedReply, SavedView
from support.workers import term_change_propagation
from tests import feeds
from tests.agents import public
from tests.factories import FAR_OFF, FRAUD, LONG_AGO, a_campaign, a_contract, a_line, a_party, an_approval
from tests.moments import begins_at
from tests.overlapping import noted, overlap, overlap_at_a_row
from tests.partners.outside import Signer
from tests.staff import a_machine, a_staff_user, an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def propose(act: str, of: str, target_id: int, actor: str, **payload: object) -> Proposal:
    return proposals.propose(
        act=act, of=of, target_id=target_id, payload=payload, reason="Renewed.", actor=actor, at=NOW
    )


def agrees(proposal: Proposal, actor: str | None = None) -> Callable[[], Proposal]:
    return lambda: proposals_actions.agree_to_proposal(
        proposal_id=proposal.id, reason="Read.", actor=actor or an_actor(), at=NOW + DAY
    )


def the_same_twice(verb: Callable[..., object], refusal: str, **said: Any) -> None:
    """Two officers do it in the same moment; the second is told why not."""

    def acts(actor: str) -> Callable[[], object]:
        return lambda: verb(**{"at": NOW, **said}, reason="Due", actor=actor)

    with pytest.raises(NotNow, match=refusal):
        overlap(acts(an_actor()), acts(an_actor()))


def a_suspended_contract(officer: str) -> Contract:
    contract = a_contract()
    suspend(of="contract", target_id=contract.pk, actor=officer, reason="Due", at=NOW - DAY)
    return contract


def test_of_two_who_agree_the_first_did_it() -> None:
    one = an_actor()
    proposal = propose("lift_suspension", "contract", a_suspended_contract(one).pk, one)
    with pytest.raises(NotNow, match="already decided: agreed"):
        overlap(agrees(proposal), agrees(proposal))
    assert (noted("proposal.agreed"), noted("suspension.lifted")) == (1, 1)


@pytest.mark.parametrize("verb", ["decline", "withdraw"])
def test_what_is_declined_or_withdrawn_is_not_done(verb: str) -> None:
    one, two = an_actor(), an_actor()
    proposal = propose("lift_suspension", "contract", a_suspended_contract(one).pk, one)
    refuse = getattr(proposals, verb)
    with pytest.raises(NotNow, match="already decided"):
        overlap(
            lambda: refuse(proposal_id=proposal.id, reason="Due", actor=two if verb == "decline" else one, at=NOW),
            agrees(proposal),
        )
    assert Suspension.objects.get().ends_at is None


def test_two_who_suspend_make_one_suspension() -> None:
    contract, one, two = a_contract(), an_actor(), an_actor()

    def suspends(actor: str) -> Callable[[], Suspension]:
        return lambda: suspend(of="contract", target_id=contract.pk, actor=actor, reason="Due", at=NOW)

    first, second = overlap(suspends(one), suspends(two))
    assert (first, second.actor) == (second, one)
    assert noted("suspension.began") == 1


def test_what_is_shortened_meanwhile_is_not_extended() -> None:
    contract, one = a_contract(ends_at=NOW + 30 * DAY), an_actor()
    proposal = propose("extend_term", "contract", contract.pk, one, ends_at=FAR_OFF.isoformat())

    def shortens() -> None:
        shorten_term(of="contract", target_id=contract.pk, ends_at=NOW + 5 * DAY, reason="Due", actor=one, at=NOW)

    with pytest.raises(NotNow, match=r"changed (since|after) it was proposed"):
        overlap(shortens, agrees(proposal))
    assert Contract.objects.get().ends_at == NOW + 5 * DAY


def test_a_draft_is_put_in_force_once() -> None:
    contract = a_contract(is_draft=True, endpoint_url="https://a.example/events", jwks_uri="https://a.example/keys")
    the_same_twice(put_in_force, "already in force", of="contract", target_id=contract.pk)
    assert noted("contract.put_in_force") == 1


def test_a_draft_that_somebody_agrees_to_meanwhile_is_not_discarded() -> None:
    """Its id would be free for another use, which they never agreed to."""
    draft, line, officer = a_campaign(is_draft=True), a_line(), an_actor()

    @transaction.atomic
    def agree() -> None:
        lock_terms(campaigns=[draft.ref])
        an_approval(line, draft)

    with pytest.raises(NotNow, match="can't be discarded: consent to it is on record"):
        overlap(agree, lambda: discard_draft(
            of="campaign", target_id=draft.pk, reason="Due", actor=officer, at=NOW
        ))  # fmt: skip
    assert Campaign.objects.filter(pk=draft.pk).exists()


def test_what_is_paid_is_said_once() -> None:
    campaign = a_campaign()
    the_same_twice(set_consideration, "already recorded", campaign_id=campaign.pk, consideration="monetary")
    assert Campaign.objects.get().consideration == "monetary"


def test_a_machine_is_disabled_once_and_another_key_proposed_once() -> None:
    machine = a_machine("gateway", Client.Kind.GATEWAY, public_jwk=dict(Signer("gateway").public))
    the_same_twice(
        propose_key, "The same change is already proposed", number=machine.number,
        public_jwk=dict(Signer("another").public), was=thumbprint_of(machine=machine),
    )  # fmt: skip
    # Of one about which nothing is proposed: whoever comes second waits for the machine, and not for a proposal.
    another = a_machine("another", Client.Kind.GATEWAY, public_jwk=dict(Signer("another").public))
    the_same_twice(disable_machine, "already disabled", number=another.number)
    assert (noted("proposal.made"), noted("machine.disabled")) == (3, 1), "and each machine was let in by one"


def test_a_machine_that_is_disabled_meanwhile_is_not_let_in() -> None:
    machine, one = a_machine("gateway", Client.Kind.GATEWAY, public_jwk=dict(Signer("gateway").public)), an_actor()
    at = database_clock()
    about: dict[str, Any] = {"number": machine.number, "reason": "Due", "actor": one, "at": at}
    proposal = propose_key(public_jwk=dict(Signer("another").public), was=thumbprint_of(machine=machine), **about)
    with pytest.raises(NotNow, match="already decided"):
        overlap(lambda: disable_machine(**about), agrees(proposal))
    assert Client.objects.get().disabled_at == at


def test_so_is_one_by_the_operator_s_commands() -> None:
    register_client(
        client_id="gateway", kind=Client.Kind.GATEWAY, public_jwk=dict(Signer("gateway").public), party=None,
        actor="system:cli", at=NOW,
    )  # fmt: skip
    the_same_twice(disable_client, "already disabled", client_id="gateway")
    assert noted("client.disabled") == 1


def test_an_agent_is_suspended_once() -> None:
    key, one = public(Ed25519PrivateKey.generate()), an_actor()
    agent = register_agent(
        agent_id="SLIP", name="Slip", key=key, hosts=["agent.example"], reason="New.", actor=one, at=NOW - DAY
    )
    agrees(Proposal.objects.get())()
    the_same_twice(suspend_agent, "may not act for anyone", number=agent.number, at=NOW + 2 * DAY)
    assert noted("authorized.suspended") == 1


def test_a_company_seen_in_a_path_is_named_once() -> None:
    seen = Party.objects.create(uri="https://seen.example", name="https://seen.example", kind=Party.Kind.UNNAMED)
    the_same_twice(add_party, "already exists", uri=seen.uri, name="Seen", kind="end_customer")
    assert noted("party.added") == 1


def test_a_company_is_renamed_once() -> None:
    party = a_party()
    the_same_twice(
        change_party, "Nothing has changed", party_id=party.pk, name="Renamed", website="", about="",
        jwks_uri="",
    )  # fmt: skip
    (change,) = AuditEvent.objects.filter(action="party.changed")
    assert change.detail["fields"] == ["name"]


def test_of_two_first_addresses_the_second_waits_for_another_officer() -> None:
    party = a_party()
    events = [f"https://geobridge.example/{number}" for number in range(2)]

    def sets(url: str) -> Callable[[], object]:
        contract, actor = a_contract(party), an_actor()
        return lambda: set_endpoints(
            contract_id=contract.pk, endpoint_url=url, jwks_uri="", hosts=(), reason="Due", actor=actor, at=NOW
        )

    overlap(*map(sets, events))
    assert events_address_of(party_id=party.pk) == events[0]
    assert Proposal.objects.get().payload["endpoint_url"] == events[1]


def test_a_rule_for_anomalies_has_one_next_version() -> None:
    the_same_twice(
        disclosures.actions.change_anomaly_rule, "already says that", kind="burst", threshold=10, window=60,
        suspend_after_days=None, enabled=True,
    )  # fmt: skip
    assert noted("anomaly_rule.changed") == 1


def test_laws_wordings_companies_and_contracts_are_written_down_once() -> None:
    terms = RuleTerms(state="NV", starts_at=NOW + DAY, purposes=(FRAUD,), sale_test=False, source="test: a law")
    the_same_twice(add_rule, "that very moment", terms=terms)
    the_same_twice(
        propose_notice, "already proposed", use="stop", language="en", body="Stopping is in force at once.",
        starts_at=NOW,
    )  # fmt: skip
    the_same_twice(add_party, "just added it", uri="https://race.example", name="Race", kind="end_customer")
    agreed = ContractTerms(LONG_AGO, LONG_AGO, FAR_OFF, (FRAUD,))
    the_same_twice(draft_contract, "just added by you", ref="AGR-RACE", aggregator=a_party().uri, terms=agreed)
    assert (JurisdictionRule.objects.filter(state="NV").count(), noted("rule.added")) == (1, 1)
    assert Proposal.objects.get(of="notice").decision == ""
    assert (Party.objects.filter(uri="https://race.example").count(), Contract.objects.count()) == (1, 1)


def test_the_same_is_proposed_once() -> None:
    contract = a_suspended_contract(an_actor())
    lift = {"act": "lift_suspension", "of": "contract", "target_id": contract.pk, "payload": {}}
    the_same_twice(proposals.propose, "already proposed", **lift)
    assert Proposal.objects.count() == 1


def test_a_yes_that_was_said_as_a_rule_came_is_told_again() -> None:
    """Its partner was told as of before the rule, and was not yet among those told when the rule was looked at."""
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)

    def says_yes() -> None:
        choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")

    def settles() -> int:
        at = database_clock()
        terms = RuleTerms(
            state=line.state, starts_at=at - DAY, purposes=(campaign.purpose,), sale_test=False, source="test: a law"
        )
        add_rule(terms=terms, reason="Due", actor=an_actor(), at=at)
        return term_change_propagation.settle(now=database_clock())

    assert overlap(says_yes, settles) == (None, 1)
    newest = Order.objects.filter(line_id=line.pk).order_by("-version")
    assert [order.snapshot["state"] == [] for order in newest] == [True, False]


def test_each_of_two_says_what_the_one_before_left() -> None:
    contract, officer, owners = a_contract(), an_actor(), [an_actor(), an_actor()]
    open_incident(kind="ungated", key="k", subject="us", at=NOW)
    incident_id = Incident.objects.get().pk

    def looks_after(owner: str) -> None:
        add_note(of="contract", target_id=contract.pk, note="Due", owner=owner, remind_on=None, actor=officer, at=NOW)

    def assigns(owner: str) -> bool:
        return acknowledge_incident(incident_id=incident_id, assigned_to=owner, actor=officer, reason="Due", at=NOW)

    def writes(body: str) -> SavedReply:
        return write_reply(key="k", language="en", title="Hello", body=body, actor=officer, at=NOW)

    acts: tuple[tuple[Callable[[str], object], str, str], ...] = (
        (looks_after, "contract.noted", "owner_was"), (assigns, "incident.assigned", "was"),
        (writes, "reply.written", "was"),
    )  # fmt: skip
    writes("")
    for act, action, was in acts:
        overlap(partial(act, owners[0]), partial(act, owners[1]))
        newest = AuditEvent.objects.filter(action=action).latest("pk")
        assert newest.detail[was] == ({"body": owners[0]} if act is writes else owners[0]), action


def test_a_file_that_is_uploaded_twice_waits_once() -> None:
    officer, content = an_actor(), feeds.ndjson([feeds.line_row()])

    def uploads() -> Upload:
        return upload_file(feed=Upload.Feed.LINES, content=content, reason="Due", actor=officer, at=NOW)

    one, again = overlap(uploads, uploads)
    assert (one, noted("import.uploaded")) == (again, 1)
    discard_file(upload_id=one.pk, reason="Wrong", actor=officer, at=NOW)
    assert uploads() != one


def test_a_file_is_taken_by_one_worker_and_again_once_its_lease_is_over() -> None:
    upload_file(
        feed="lines", content=feeds.ndjson([feeds.line_row()]), reason="The monthly file", actor=an_actor(), at=NOW
    )
    assert overlap(lambda: run(now=NOW), lambda: run(now=NOW)) == (True, False)
    assert noted("import.checked") == 1
    Upload.objects.update(state=Upload.State.WAITING, leased_until=NOW + DAY)
    assert begins_at(lambda at: run(now=at), NOW + DAY)


def a_checked_file(feed: str, row: dict[str, object]) -> Upload:
    one = upload_file(feed=feed, content=feeds.ndjson([row]), reason="Due", actor=an_actor(), at=NOW)
    assert run(now=NOW)
    return one


def test_a_file_is_imported_once() -> None:
    file = a_checked_file("choices", feeds.choice_row())
    the_same_twice(import_file, "isn't waiting for a decision", upload_id=file.pk)
    assert noted("import.agreed") == 1


def test_a_file_is_imported_or_discarded() -> None:
    about: dict[str, Any] = {"upload_id": a_checked_file("choices", feeds.choice_row()).pk, "reason": "Due", "at": NOW}
    imports, discards = (partial(act, actor=an_actor(), **about) for act in (import_file, discard_file))
    with pytest.raises(NotNow, match="isn't waiting for a decision"):
        overlap(imports, discards)
    assert (Upload.objects.get().state, noted("import.discarded")) == (Upload.State.AGREED, 0)


def test_a_view_that_is_removed_twice_was_removed_once() -> None:
    user = a_staff_user("officer")
    save_view(user=user, page="incidents", name="Late", query="due=overdue", typed=["overdue"], at=NOW)
    view_id = SavedView.objects.get().pk

    def removes() -> None:
        remove_view(user=user, view_id=view_id, at=NOW)

    overlap(removes, removes)
    assert noted("saved_view.removed") == 1


def test_who_acts_on_what_is_proposed_and_who_agrees_never_wait_for_each_other() -> None:
    party = a_party(jwks_uri="https://geobridge.example/keys")
    contract = a_contract(
        a_party("NorthLink"), endpoint_url="https://a.example/events", jwks_uri="https://a.example/keys"
    )
    wrong, right = (a_checked_file("approvals", feeds.approval_row(id=name)) for name in ("wrong", "right"))
    moves: tuple[tuple[Any, Callable[..., Any], dict[str, Any]], ...] = (
        (party, change_party, {
            "party_id": party.pk, "name": party.name, "website": "", "about": "",
            "jwks_uri": "https://geobridge.example/other",
        }),
        (contract, set_endpoints, {
            "contract_id": contract.pk, "endpoint_url": "https://b.example/events", "jwks_uri": contract.jwks_uri,
            "hosts": (),
        }),
        (right, import_file, {"upload_id": right.pk}),
    )  # fmt: skip
    for row, verb, said in moves:

        def acts(verb: Callable[..., Any] = verb, said: dict[str, Any] = said) -> object:
            return verb(**said, reason="Due", actor=an_actor(), at=NOW)

        proposal = acts()
        assert isinstance(proposal, Proposal)
        with pytest.raises(NotNow, match="already proposed"):
            overlap_at_a_row(type(row).objects.filter(pk=row.pk), acts, agrees(proposal))
        assert Proposal.objects.get(pk=proposal.pk).decision == "agreed"
    proposal = import_file(upload_id=wrong.pk, reason="Due", actor=an_actor(), at=NOW)
    assert isinstance(proposal, Proposal)
    with pytest.raises(NotNow, match="already decided: withdrawn"):
        overlap_at_a_row(
            Upload.objects.filter(pk=wrong.pk),
            lambda: discard_file(upload_id=wrong.pk, reason="Wrong", actor=an_actor(), at=NOW), agrees(proposal),
        )  # fmt: skip
