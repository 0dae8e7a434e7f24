"""A yes of two officers is spent by what it was for: whoever writes SQL as the application does it no second time."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.utils import timezone

from console.actions import proposals as agreeing
from disclosures.models import Upload
from partners.actions import authorized, clients, terms
from partners.actions import proposals as proposing
from partners.actions.guards import Of
from partners.models import AuthorizedAgent, Campaign, Client, Contract, JurisdictionRule, Proposal
from partners.queries import thumbprint_of
from tests.clocks import standing_still
from tests.factories import a_campaign, a_contract
from tests.fixtures import Refusal
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.partners.outside import Signer
from tests.staff import a_machine, an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
WHY = "As agreed by letter."


@dataclass(frozen=True)
class Loosened:
    """A row that two officers loosened, and one tightened again. `again`: what the old yes was to."""

    row: models.Model
    again: dict[str, object]


def agreed(proposal: Proposal) -> None:
    agreeing.agree_to_proposal(proposal_id=proposal.id, reason=WHY, actor=an_actor(), at=timezone.now())


def a_longer_campaign() -> Loosened:
    return _longer("campaign", a_campaign(ends_at=timezone.now() + timedelta(days=10)))


def a_longer_contract() -> Loosened:
    return _longer("contract", a_contract(ends_at=timezone.now() + timedelta(days=10)))


def _longer(of: Of, row: Campaign | Contract) -> Loosened:
    one, until, later = an_actor(), row.ends_at, row.ends_at + timedelta(days=300)
    agreed(
        proposing.propose(
            act="extend_term", of=of, target_id=row.pk, payload={"ends_at": later.isoformat()}, reason=WHY, actor=one,
            at=timezone.now(),
        )
    )  # fmt: skip
    terms.shorten_term(of=of, target_id=row.pk, ends_at=until, reason=WHY, actor=one, at=timezone.now())
    return Loosened(row, {"ends_at": later})


def a_campaign_paid_for_less() -> Loosened:
    one, row = an_actor(), a_campaign(consideration="monetary")
    agreed(
        proposing.propose(
            act="paid_for_less", of="campaign", target_id=row.pk, payload={"consideration": "none"}, reason=WHY,
            actor=one, at=timezone.now(),
        )
    )  # fmt: skip
    terms.set_consideration(campaign_id=row.pk, consideration="monetary", reason=WHY, actor=one, at=timezone.now())
    return Loosened(row, {"consideration": "none"})


def a_machine_s_earlier_key() -> Loosened:
    one, first, second = an_actor(), Signer("k1").public, Signer("k2").public
    machine = a_machine("feed-1", "feed", public_jwk=first)
    agreed(
        clients.propose_key(
            number=machine.number, public_jwk=second, was=thumbprint_of(machine=machine), reason=WHY, actor=one,
            at=timezone.now(),
        )
    )  # fmt: skip
    return Loosened(Client.objects.get(), {"public_jwk": first, "changed_at": timezone.now()})


def an_agent_let_in_again() -> Loosened:
    one = an_actor()
    key = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    authorized.register_agent(agent_id="AG", name="A", key=key, hosts=[], reason=WHY, actor=one, at=timezone.now())
    agreed(Proposal.objects.get(decision=""))
    agent = AuthorizedAgent.objects.get()
    authorized.suspend_agent(number=agent.number, reason=WHY, actor=one, at=timezone.now())
    return Loosened(agent, {"ended_at": None, "changed_at": timezone.now()})


@pytest.mark.parametrize(
    "loosened",
    [a_longer_campaign, a_longer_contract, a_campaign_paid_for_less, a_machine_s_earlier_key, an_agent_let_in_again],
)
def test_a_yes_of_two_officers_does_it_once(loosened: Callable[[], Loosened]) -> None:
    found = loosened()
    rows = type(found.row)._default_manager.filter(pk=found.row.pk)
    before = rows.values().get()
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(**found.again)
    assert rows.values().get() == before
    assert not Proposal.objects.filter(decision="agreed", spent_at__isnull=True).exists()


def is_taken(change: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            change()
    except IntegrityError:
        return False
    return True


def test_a_yes_comes_within_seven_days_and_to_a_machine_after_its_last_change() -> None:
    row, one, two = a_contract(ends_at=timezone.now() + timedelta(days=10)), an_actor(), an_actor()
    proposal = proposing.propose(
        act="extend_term", of="contract", target_id=row.pk,
        payload={"ends_at": (row.ends_at + timedelta(days=300)).isoformat()}, reason=WHY, actor=one, at=timezone.now(),
    )  # fmt: skip
    rows = Proposal.objects.filter(pk=proposal.pk)
    with standing_still(proposal.proposed_at) as clock:

        def is_agreed(at: datetime) -> bool:
            clock.move_to(at)
            return is_taken(lambda: rows.update(decision="agreed", decided_by=two, decided_at=at))

        assert ends_at(is_agreed, proposal.proposed_at + timedelta(days=7))
    machine = a_machine("feed-1", "feed", public_jwk=Signer("k1").public)
    another, changed_at = Signer("k2").public, machine.changed_at
    assert changed_at is not None
    asked = clients.propose_key(
        number=machine.number, public_jwk=another, was=thumbprint_of(machine=machine), reason=WHY, actor=one,
        at=changed_at,
    )  # fmt: skip
    Proposal.objects.filter(pk=asked.pk).update(decision="agreed", decided_by=two, decided_at=changed_at)
    assert begins_at(
        lambda at: is_taken(lambda: Client.objects.filter(pk=machine.pk).update(public_jwk=another, changed_at=at)),
        changed_at + A_MOMENT,
    )


def test_nobody_makes_a_spent_yes_count_again() -> None:
    found = a_longer_campaign()
    for change in ("spent_at = NULL", "spent_at = now()"):
        refused = pytest.raises(DatabaseError, match=r"permission denied|decided by a change")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE partners_proposal SET {change}")
    assert Proposal.objects.get().spent_at is not None
    assert Campaign.objects.get(pk=found.row.pk).ends_at < timezone.now() + timedelta(days=11)


def a_rule_that_may_end(
    until: datetime, *, state: str = "MD", agreed: bool = True
) -> tuple[models.QuerySet[JurisdictionRule], Proposal]:
    rule = JurisdictionRule.objects.create(
        state=state, starts_at=timezone.now() - timedelta(days=30), purposes=[], sale_test=True, source="Md."
    )
    proposal = proposing.propose(
        act="relax_rule", of="rule", target_id=rule.pk, payload={"ends_at": until.isoformat()}, reason=WHY,
        actor=an_actor(), at=timezone.now(),
    )  # fmt: skip
    if agreed:
        proposing.mark_agreed(proposal_id=proposal.id, reason=WHY, actor=an_actor(), at=timezone.now())
    return JurisdictionRule.objects.filter(pk=rule.pk), proposal


def test_a_rule_ends_no_sooner_than_was_agreed() -> None:
    until = timezone.now() + timedelta(days=10)
    rows, proposal = a_rule_that_may_end(until)
    for sooner in (timezone.now(), until - timedelta(seconds=1)):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(ends_at=sooner, relaxed_by=proposal)
    assert rows.update(ends_at=until, relaxed_by=proposal) == 1


def test_a_rule_ends_by_nothing_but_what_two_agreed_to_about_it() -> None:
    until = timezone.now() + timedelta(days=10)
    rows, waits = a_rule_that_may_end(until, agreed=False)
    _, another = a_rule_that_may_end(until, state="VA")
    for proposal in (waits, another):
        with pytest.raises(IntegrityError, match="that needs two officers"), transaction.atomic():
            rows.update(ends_at=until, relaxed_by=proposal)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "CA"}, {"starts_at": datetime(2020, 1, 1, tzinfo=UTC)}, {"purposes": ["dpv:Marketing"]},
        {"sale_test": False}, {"consideration": "monetary"}, {"max_radius_m": 1}, {"source": "Other"},
    ],
)  # fmt: skip
def test_what_a_rule_says_stays_as_it_ends(change: dict[str, object]) -> None:
    until = timezone.now() + timedelta(days=10)
    rows, proposal = a_rule_that_may_end(until)
    with pytest.raises(IntegrityError, match="a rule only ever ends"), transaction.atomic(using="owner"):
        rows.using("owner").update(ends_at=until, relaxed_by=proposal, **change)
    assert rows.update(ends_at=until, relaxed_by=proposal) == 1


def test_a_file_that_was_decided_about_stays_that_file(refused: Refusal) -> None:
    Upload.objects.create(
        feed=Upload.Feed.CHOICES, loosens=False, size=1, digest=b"1", total=1, uploaded_by="officer:1",
        uploaded_at=timezone.now(), reason="Due",
    )  # fmt: skip
    Upload.objects.update(state="agreed", decided_by="officer:1", decided_at=timezone.now())
    for change in (
        "agreed_by_id = gen_random_uuid()", "decided_by = 'officer:2'", "decided_at = now()", r"digest = '\x02'",
        "feed = 'releases'",
    ):  # fmt: skip
        refused(f"UPDATE disclosures_upload SET {change}", constraint="disclosures_upload_decided_once", using="owner")
