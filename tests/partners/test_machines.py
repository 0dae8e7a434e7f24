"""What officers do about machines: with a reason, in the trail, and a disabled one is let in again by two alone."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

import support.actions
from accounts.queries import NotForThem
from audit.models import AuditEvent
from partners import actions, tokens
from partners.lifecycle import NotNow
from partners.models import Client, Proposal
from tests.factories import a_party
from tests.partners.outside import Signer
from tests.partners.terminator import a_certificate
from tests.staff import an_actor

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def officer() -> str:
    return an_actor()


def a_key(name: str) -> dict[str, tokens.Json]:
    return dict(Signer(name).public)


def a_machine(officer: str, client_id: str = "gateway") -> Client:
    return actions.register_machine(
        client_id=client_id, kind="gateway", public_jwk=a_key(client_id), party="", reason="New.", actor=officer, at=NOW
    )


def disabled(officer: str, client_id: str = "gateway") -> Client:
    machine = a_machine(officer, client_id)
    return actions.disable_machine(number=machine.number, reason="Lost.", actor=officer, at=NOW)


def proposed(officer: str, machine: Client, *, at: datetime = NOW) -> Proposal:
    return actions.propose(
        act=Proposal.Act.ENABLE_MACHINE, of="machine", target_id=machine.number, payload={}, reason="Found.",
        actor=officer, at=at,
    )  # fmt: skip


def agreed(proposal: Proposal) -> None:
    support.actions.agree(proposal_id=proposal.pk, reason="Seen.", actor=an_actor(), at=NOW + timedelta(minutes=1))


def test_every_act_stands_in_the_trail_with_its_reason_and_its_keys(officer: str, tmp_path: Path) -> None:
    first, second = a_key("gateway"), a_key("other")
    machine = actions.register_machine(
        client_id="gateway", kind="gateway", public_jwk=first, party="", reason="One.", actor=officer, at=NOW
    )
    was, now = tokens.thumbprint(first), tokens.thumbprint(second)
    certificate = a_certificate("gateway", tmp_path)
    about: dict[str, Any] = {"number": machine.number, "actor": officer, "at": NOW}
    actions.replace_key(public_jwk=second, was=was, reason="Two.", **about)
    actions.bind_machine(certificate=certificate.pem, reason="Three.", **about)
    actions.unbind_machine(reason="Four.", **about)
    actions.disable_machine(reason="Five.", **about)
    written = AuditEvent.objects.filter(target=f"machine:{machine.number}", actor=officer).order_by("id")
    assert [(one.action, one.reason, one.detail.get("key"), one.detail.get("was")) for one in written] == [
        ("machine.registered", "One.", was, None),
        ("machine.key_replaced", "Two.", now, was),
        ("machine.bound", "Three.", now, None),
        ("machine.unbound", "Four.", now, certificate.thumbprint),
        ("machine.disabled", "Five.", now, None),
    ]
    kept = Client.objects.get()
    assert (tokens.thumbprint(kept.public_jwk), kept.certificate_sha256, kept.disabled_at) == (now, "", NOW)


@pytest.mark.parametrize("who", ["auditor", "agent", "legal"])
def test_nobody_but_an_officer_and_nobody_without_a_reason(officer: str, who: str) -> None:
    number = a_machine(officer).number
    new: dict[str, Any] = {"client_id": "x", "kind": "feed", "public_jwk": a_key("x"), "party": ""}
    for wrong, error, reason in ((an_actor(who), NotForThem, "Because."), (officer, NotNow, "  ")):
        about: dict[str, Any] = {"actor": wrong, "reason": reason, "at": NOW}
        with pytest.raises(error):
            actions.register_machine(**new, **about)
        with pytest.raises(error):
            actions.replace_key(number=number, public_jwk=a_key("x"), was="", **about)
        with pytest.raises(error):
            actions.disable_machine(number=number, **about)
        with pytest.raises(error):
            actions.bind_machine(number=number, certificate="", **about)
        with pytest.raises(error):
            actions.unbind_machine(number=number, **about)
    assert Client.objects.get().disabled_at is None


def test_a_known_machine_is_not_registered_again_and_whose_it_is_must_fit(officer: str) -> None:
    a_machine(officer)
    with pytest.raises(NotNow, match="gateway is registered already"):
        a_machine(officer)
    party = a_party("RoadAid", "lbs_provider")
    for kind, uri in (("aggregator", ""), ("aggregator", party.uri), ("feed", a_party().uri), ("odd", "")):
        with pytest.raises(ValidationError, match="belongs to its party"):
            actions.register_machine(
                client_id="x", kind=kind, public_jwk=a_key("x"), party=uri, reason="r", actor=officer, at=NOW
            )
    with pytest.raises(ValidationError, match="This key can't be used"):
        actions.register_machine(
            client_id="x", kind="feed", public_jwk={"kty": "oct"}, party="", reason="r", actor=officer, at=NOW
        )


def test_a_key_is_replaced_only_as_it_was_seen(officer: str) -> None:
    machine = a_machine(officer)
    kept = tokens.thumbprint(machine.public_jwk)
    about: dict[str, Any] = {"number": machine.number, "reason": "r", "actor": officer, "at": NOW}
    with pytest.raises(NotNow, match="was changed since you looked"):
        actions.replace_key(public_jwk=a_key("x"), was=tokens.thumbprint(a_key("y")), **about)
    with pytest.raises(NotNow, match="This is the key that gateway has"):
        actions.replace_key(public_jwk=machine.public_jwk, was=kept, **about)
    assert tokens.thumbprint(Client.objects.get().public_jwk) == kept


def test_what_is_so_already_is_said(officer: str, tmp_path: Path) -> None:
    machine = disabled(officer)
    certificate = a_certificate("gateway", tmp_path).pem
    about: dict[str, Any] = {"number": machine.number, "reason": "r", "actor": officer, "at": NOW}
    with pytest.raises(NotNow, match="disabled already"):
        actions.disable_machine(**about)
    with pytest.raises(NotNow, match="bound to no certificate"):
        actions.unbind_machine(**about)
    actions.bind_machine(certificate=certificate, **about)
    with pytest.raises(NotNow, match="bound to this certificate already"):
        actions.bind_machine(certificate=certificate, **about)
    with pytest.raises(ValidationError, match="no certificate in PEM"):
        actions.bind_machine(certificate="x", **about)
    with pytest.raises(NotNow, match="no such machine"):
        actions.disable_machine(**{**about, "number": machine.number + 1})


def test_a_disabled_machine_is_let_in_again_by_a_second_officer(officer: str, no_broker: None) -> None:
    machine = disabled(officer)
    proposal = proposed(officer, machine)
    assert proposal.payload == {"key": tokens.thumbprint(machine.public_jwk)}
    with pytest.raises(NotNow, match="another officer's yes"):
        support.actions.agree(proposal_id=proposal.pk, reason="Mine.", actor=officer, at=NOW)
    assert Client.objects.get().disabled_at == NOW
    agreed(proposal)
    assert Client.objects.get().disabled_at is None
    done = AuditEvent.objects.get(action="machine.enabled")
    assert (done.target, done.reason, done.detail["proposed_by"]) == (f"machine:{machine.number}", "Found.", officer)
    with pytest.raises(NotNow, match="gateway is not disabled"):
        proposed(officer, machine)


def test_the_second_officer_s_yes_is_to_the_key_of_then(officer: str, no_broker: None) -> None:
    machine = disabled(officer)
    proposal = proposed(officer, machine)
    was = tokens.thumbprint(machine.public_jwk)
    actions.replace_key(number=machine.number, public_jwk=a_key("x"), was=was, reason="r", actor=officer, at=NOW)
    with pytest.raises(NotNow, match="The key of gateway was changed since it was proposed"):
        agreed(proposal)
    assert Client.objects.get().disabled_at == NOW


def refused(constraint: str, **changed: object) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Client.objects.filter(client_id="gateway").update(**changed)


def test_the_database_lets_no_disabled_machine_in_without_two(officer: str) -> None:
    machine, other = disabled(officer), disabled(officer, "other")
    two = "needs two officers"
    refused(two, disabled_at=None)
    refused(two, disabled_at=NOW - timedelta(days=1))
    refused(two, disabled_at=None, public_jwk={})
    late, early = proposed(officer, other), proposed(officer, machine, at=NOW - timedelta(minutes=5))
    for one in (late, early):
        actions.mark_agreed(proposal_id=one.pk, reason="r", actor=an_actor(), at=NOW)
        refused(two, disabled_at=None)
    with pytest.raises(IntegrityError, match=re.escape("partners_client")), transaction.atomic():
        machine.delete()
    refused("partners_client", number=other.number + 7)
    assert Client.objects.get(client_id="gateway").disabled_at == NOW
    fresh = proposed(officer, machine)
    actions.mark_agreed(proposal_id=fresh.pk, reason="r", actor=an_actor(), at=NOW)
    assert Client.objects.filter(client_id="gateway").update(disabled_at=None) == 1
