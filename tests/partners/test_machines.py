"""What officers do about machines: with a reason, in the trail; one is let in, or given another key, by two alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.queries import StaffOnly
from audit.models import AuditEvent, Incident
from console.actions import proposals
from partners.actions import proposals as proposals_actions
from partners.actions.clients import disable_machine, propose_certificate, propose_key, register_machine, unbind_machine
from partners.models import Client, Proposal
from partners.policies.lifecycle import NotNow
from partners.policies.loosening import BadProposal
from partners.primitives import tokens
from tests.factories import a_party
from tests.fixtures import Refusal
from tests.partners.outside import Signer
from tests.partners.terminator import a_certificate
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
# So long ago that what is later by minutes is past too.
NOW = datetime.now(UTC) - timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def officer() -> str:
    return an_actor()


def a_key(name: str) -> dict[str, tokens.Json]:
    return dict(Signer(name).public)


def registered(officer: str, client_id: str = "gateway") -> Client:
    return register_machine(
        client_id=client_id, kind="gateway", public_jwk=a_key(client_id), party="", reason="New.", actor=officer, at=NOW
    )


def waiting() -> Proposal:
    return Proposal.objects.get(decision="")


def agree(*, by: str = "", at: datetime = NOW) -> Client:
    """Another officer's yes to what waits."""
    proposal = waiting()
    proposals.agree_to_proposal(proposal_id=proposal.pk, reason="Seen.", actor=by or an_actor(), at=at)
    return Client.objects.get(number=proposal.target_id)


def let_in(officer: str, client_id: str = "gateway") -> Client:
    registered(officer, client_id)
    return agree()


def let_in_again(machine: Client, officer: str, *, at: datetime = NOW, reason: str = "Due", **payload: Any) -> Proposal:
    return proposals_actions.propose(
        act="enable_machine", of="machine", target_id=machine.number, payload=payload, reason=reason, actor=officer,
        at=at,
    )  # fmt: skip


def test_a_new_machine_is_let_in_by_a_second_officer(officer: str) -> None:
    machine = registered(officer)
    assert (machine.disabled_at, machine.changed_at) == (NOW, None)
    with pytest.raises(NotNow, match="another officer must approve it"):
        agree(by=officer)
    second = an_actor()
    machine = agree(by=second, at=NOW + MINUTE)
    assert (machine.disabled_at, machine.changed_at) == (None, NOW + MINUTE)
    done = AuditEvent.objects.get(action="machine.let_in")
    assert (done.target, done.actor, done.reason, done.detail["proposed_by"], done.detail["key"]) == (
        f"machine:{machine.number}", second, "Seen.", officer, tokens.thumbprint(machine.public_jwk),
    )  # fmt: skip
    with pytest.raises(NotNow, match="gateway may already sign in with this key and this certificate"):
        let_in_again(machine, officer)
    assert not Incident.objects.exists()


def test_another_key_counts_once_a_second_officer_agreed(officer: str) -> None:
    machine = let_in(officer)
    was, key = tokens.thumbprint(machine.public_jwk), a_key("other")
    about: dict[str, Any] = {"number": machine.number, "reason": "Due", "actor": officer, "at": NOW + MINUTE}
    with pytest.raises(NotNow, match="has changed since you opened this page"):
        propose_key(public_jwk=a_key("x"), was=tokens.thumbprint(a_key("y")), **about)
    with pytest.raises(NotNow, match="This is already the key of gateway"):
        propose_key(public_jwk=machine.public_jwk, was=was, **about)
    with pytest.raises(ValidationError, match="This key can't be used"):
        propose_key(public_jwk={"kty": "oct"}, was=was, **about)
    for wrong in ({**key, "d": "secret"}, {"kty": "EC"}, {**key, "kid": "1"}):
        with pytest.raises(BadProposal):
            let_in_again(machine, officer, public_jwk=wrong)
    propose_key(public_jwk=key, was=was, **about)
    assert tokens.thumbprint(Client.objects.get().public_jwk) == was
    with pytest.raises(NotNow, match="The same change is already proposed"):
        propose_key(public_jwk=a_key("third"), was=was, **about)
    machine = agree(at=NOW + 2 * MINUTE)
    assert (machine.public_jwk, machine.disabled_at) == (key, None)
    detail = AuditEvent.objects.filter(action="machine.let_in").latest("id").detail
    assert (detail["was"], detail["key"]) == (was, tokens.thumbprint(key))


def test_a_certificate_counts_once_a_second_officer_agreed(officer: str, tmp_path: Path) -> None:
    machine = let_in(officer)
    certificate = a_certificate("gateway", tmp_path)
    about: dict[str, Any] = {"number": machine.number, "reason": "Due", "actor": officer, "at": NOW + MINUTE}
    with pytest.raises(ValidationError, match="no certificate in PEM"):
        propose_certificate(certificate="x", **about)
    with pytest.raises(NotNow, match="isn't bound to a certificate"):
        unbind_machine(**about)
    propose_certificate(certificate=certificate.pem, **about)
    assert Client.objects.get().certificate_sha256 == ""
    assert agree(at=NOW + 2 * MINUTE).certificate_sha256 == certificate.thumbprint
    with pytest.raises(NotNow, match="already bound to this certificate"):
        propose_certificate(certificate=certificate.pem, **about)
    assert unbind_machine(**about).certificate_sha256 == ""


def test_one_officer_disables_and_what_was_proposed_is_over(officer: str) -> None:
    machine = let_in(officer)
    about: dict[str, Any] = {"number": machine.number, "reason": "Lost.", "actor": officer, "at": NOW + MINUTE}
    propose_key(public_jwk=a_key("x"), was=tokens.thumbprint(machine.public_jwk), **about)
    assert disable_machine(**about).disabled_at == NOW + MINUTE
    assert not Proposal.objects.filter(decision="").exists()
    with pytest.raises(NotNow, match="already disabled"):
        disable_machine(**about)
    with pytest.raises(NotNow, match="no such API client"):
        disable_machine(**{**about, "number": machine.number + 1})
    let_in_again(machine, officer, at=NOW + MINUTE, reason="Found.")
    assert agree(at=NOW + MINUTE).disabled_at is None


def test_what_changed_since_it_was_proposed_is_proposed_again(officer: str) -> None:
    machine = let_in(officer)
    early: dict[str, Any] = {"number": machine.number, "reason": "Due", "actor": officer, "at": NOW - MINUTE}
    propose_key(public_jwk=a_key("x"), was=tokens.thumbprint(machine.public_jwk), **early)
    with pytest.raises(NotNow, match="gateway was disabled or changed after it was proposed"):
        agree()


def test_nobody_but_an_officer_and_nobody_without_a_reason(officer: str) -> None:
    machine = let_in(officer)
    new: dict[str, Any] = {"client_id": "x", "kind": "feed", "public_jwk": a_key("x"), "party": ""}
    others: list[tuple[str, type[Exception], str]] = [
        (an_actor(who), StaffOnly, "Because.") for who in ("auditor", "agent", "legal")
    ]
    others.append((officer, NotNow, "  "))
    for wrong, error, reason in others:
        about: dict[str, Any] = {"actor": wrong, "reason": reason, "at": NOW}
        with pytest.raises(error):
            register_machine(**new, **about)
        about["number"] = machine.number
        with pytest.raises(error):
            propose_key(public_jwk=a_key("x"), was=tokens.thumbprint(machine.public_jwk), **about)
        for act in (disable_machine, unbind_machine):
            with pytest.raises(error):
                act(**about)
    assert Client.objects.get().disabled_at is None


def test_a_machine_s_name_and_owner_must_fit(officer: str) -> None:
    registered(officer)
    with pytest.raises(NotNow, match="gateway is already registered"):
        registered(officer)
    party = a_party("RoadAid", "lbs_provider")
    for kind, uri in (("aggregator", ""), ("aggregator", party.uri), ("feed", a_party().uri), ("odd", "")):
        with pytest.raises(ValidationError, match="belongs to its party"):
            register_machine(
                client_id="x", kind=kind, public_jwk=a_key("x"), party=uri, reason="Due", actor=officer, at=NOW
            )
    with pytest.raises(ValidationError, match="This key can't be used"):
        register_machine(
            client_id="x", kind="feed", public_jwk={"kty": "oct"}, party="", reason="Due", actor=officer, at=NOW
        )


# --- whatever writes the row


LATER = f"changed_at = '{NOW + timedelta(hours=1)}'"
ANOTHER = """public_jwk = '{"kty": "EC"}'"""


def test_a_yes_counts_once(officer: str, refused: Refusal) -> None:
    machine = let_in(officer)
    first = Client.objects.values("public_jwk").get()["public_jwk"]
    about: dict[str, Any] = {"number": machine.number, "reason": "Due", "actor": officer}
    propose_key(public_jwk=a_key("x"), was=tokens.thumbprint(first), at=NOW + MINUTE, **about)
    agree(at=NOW + MINUTE)
    # The first yes was to the first key.
    back = f"public_jwk = (SELECT payload -> 'public_jwk' FROM partners_proposal ORDER BY proposed_at LIMIT 1), {LATER}"
    refused(f"UPDATE partners_client SET {back}", constraint="partners_client_two_officers")


def agreed_without_us() -> None:
    """The yes stands there, and nothing was done by it yet."""
    Proposal.objects.filter(decision="").update(decision="agreed", decided_by=an_actor(), decided_at=NOW)


def test_a_yes_to_what_was_so_before_the_last_change_counts_for_nothing(officer: str, refused: Refusal) -> None:
    machine = let_in(officer)
    about: dict[str, Any] = {"number": machine.number, "reason": "Due", "actor": officer}
    was, key = tokens.thumbprint(machine.public_jwk), a_key("x")
    propose_key(public_jwk=key, was=was, at=NOW - MINUTE, **about)
    agreed_without_us()
    asked = "public_jwk = (SELECT payload -> 'public_jwk' FROM partners_proposal WHERE spent_at IS NULL)"
    refused(f"UPDATE partners_client SET {asked}, {LATER}", constraint="partners_client_two_officers")
    propose_key(public_jwk=key, was=was, at=NOW, **about)
    agreed_without_us()
    assert Client.objects.update(public_jwk=key, changed_at=NOW + MINUTE) == 1


def test_a_yes_that_lets_a_machine_in_does_nothing_else(officer: str, refused: Refusal) -> None:
    machine = let_in(officer)
    disable_machine(number=machine.number, reason="Lost.", actor=officer, at=NOW)
    let_in_again(machine, officer)
    agreed_without_us()
    refused(
        f"UPDATE partners_client SET disabled_at = '{NOW + MINUTE}', {LATER}", constraint="partners_client_two_officers"
    )
    assert Client.objects.update(disabled_at=None, changed_at=NOW + MINUTE) == 1


NEW_ONE = "(client_id, kind, public_jwk, certificate_sha256) VALUES ('new', 'feed', '{}', '')"
LET_IN_BEFORE = (
    "(client_id, kind, public_jwk, certificate_sha256, disabled_at, changed_at)"
    " VALUES ('new', 'feed', '{}', '', now(), now())"
)


def test_the_database_lets_no_machine_in_without_two(officer: str, refused: Refusal) -> None:
    machine = let_in(officer)
    for statement, constraint in (
        ("UPDATE partners_client SET kind = 'feed'", "stays_itself"),
        ("UPDATE partners_client SET number = number + 7", "stays_itself"),
        ("UPDATE partners_client SET client_id = 'other'", "stays_itself"),
        (f"UPDATE partners_client SET party_id = {a_party().pk}", "stays_itself"),
        ("UPDATE partners_client SET changed_at = NULL", "stays_itself"),
        ("DELETE FROM partners_client", "kept"),
        (f"INSERT INTO partners_client {NEW_ONE}", "waits"),
        (f"INSERT INTO partners_client {LET_IN_BEFORE}", "waits"),
    ):
        refused(statement, constraint=f"partners_client_{constraint}")
    disable_machine(number=machine.number, reason="Lost.", actor=officer, at=NOW + MINUTE)
    for change in (
        "disabled_at = NULL", f"disabled_at = NULL, {LATER}", f"disabled_at = '{NOW - MINUTE}', {LATER}",
        f"{ANOTHER}, {LATER}", f"{ANOTHER}, disabled_at = NULL, {LATER}", f"certificate_sha256 = 'x', {LATER}",
        "public_jwk = '{}'",
    ):  # fmt: skip
        refused(f"UPDATE partners_client SET {change}", constraint="partners_client_two_officers")


def test_a_key_for_one_without_a_key_takes_two(officer: str, refused: Refusal) -> None:
    """A machine without a key may stand there."""
    Client.objects.create(client_id="canary", kind="gateway", public_jwk={}, disabled_at=NOW)
    Client.objects.update(disabled_at=None)
    refused(f"UPDATE partners_client SET {ANOTHER}, {LATER}", constraint="partners_client_two_officers")
