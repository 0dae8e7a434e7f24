"""The acts that two officers must want: what each needs to be told, in the shape in which a proposal keeps it.

`LIFT_SUSPENSION` and `IMPORT_FILE` need nothing but their target. Times are instants with an offset. To terminate
loosens nothing, and one officer may; but it is never taken back, so that two may want it as well.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from partners.models import Campaign, Proposal

# An officer who proposes and hears nothing for a week proposes again, with what is so by then.
OPEN_FOR = timedelta(days=7)
PAID = {"": 0, Campaign.Consideration.NONE: 0, Campaign.Consideration.OTHER: 1, Campaign.Consideration.MONETARY: 2}

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


def is_expired(*, proposal: Proposal, at: datetime) -> bool:
    """Return whether nobody decided it in time: from then on nobody can."""
    return not proposal.decision and proposal.proposed_at + OPEN_FOR <= at


class BadProposal(Exception):
    """What was proposed can't be done to such a target, or what it needs is missing."""


class NoTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The target says it all."""


class ExtendTerm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A later end. `was`: the end when it was proposed; another one by now, and nobody agreed to this step."""

    ends_at: Instant
    was: Instant


class RelaxRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a state's rule ends; no earlier than the second officer agrees."""

    ends_at: Instant


class PaidForLess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That less is paid for a campaign's data than was written down."""

    consideration: Literal["none", "other"]


class Terminate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`plan`: the digest of the plan that was seen; "" where the second officer goes by the plan of then."""

    plan: Annotated[str, msgspec.Meta(max_length=200)] = ""


class LetMachineIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key (a public JWK) a machine signs in with, and the certificate (its thumbprint, "" for none) it is bound to.

    As they are where it is let in again; others where it is given another key or certificate.
    """

    public_jwk: dict[str, str]
    certificate: Annotated[str, msgspec.Meta(max_length=43)]


class Endpoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contract's address for events and address of keys, "" for none, and the other hosts its partner may name."""

    endpoint_url: Annotated[str, msgspec.Meta(max_length=1000)]
    jwks_uri: Annotated[str, msgspec.Meta(max_length=1000)]
    hosts: tuple[Annotated[str, msgspec.Meta(max_length=260)], ...]


class SetEndpoints(Endpoints, frozen=True, forbid_unknown_fields=True):
    """Other endpoints. `was`: those when they were proposed; others by now, and nobody agreed to this change."""

    was: Endpoints


class MoveKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another address of a company's keys, "" for none of its own. `was`: where its keys were when it was proposed."""

    jwks_uri: Annotated[str, msgspec.Meta(max_length=1000)]
    was: Annotated[str, msgspec.Meta(max_length=1000)]


class LetAgentAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an authorised agent is called, its key (base64), and where it may be called back, once both agreed."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    key: Annotated[str, msgspec.Meta(min_length=44, max_length=44)]
    hosts: tuple[Annotated[str, msgspec.Meta(max_length=253)], ...]


class LoosenAnomalies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The next version of a rule for anomalies; the target is the version that it follows, and no other."""

    threshold: int
    window: int
    suspend_after_days: int | None
    enabled: bool


class PublishNotice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The next version of a notice, and from when it counts; no earlier than the second officer agrees."""

    use: str
    language: str
    body: str
    starts_at: Instant


type Payload = (
    NoTerms
    | ExtendTerm
    | RelaxRule
    | PaidForLess
    | Terminate
    | LetMachineIn
    | LoosenAnomalies
    | LetAgentAsk
    | SetEndpoints
    | MoveKeys
    | PublishNotice
)

SHAPES: Mapping[str, tuple[type[Payload], frozenset[str]]] = {
    Proposal.Act.LIFT_SUSPENSION: (NoTerms, frozenset({"party", "contract", "campaign"})),
    Proposal.Act.EXTEND_TERM: (ExtendTerm, frozenset({"contract", "campaign"})),
    Proposal.Act.RELAX_RULE: (RelaxRule, frozenset({"rule"})),
    Proposal.Act.PAID_FOR_LESS: (PaidForLess, frozenset({"campaign"})),
    Proposal.Act.TERMINATE: (Terminate, frozenset({"contract", "campaign"})),
    Proposal.Act.ENABLE_MACHINE: (LetMachineIn, frozenset({"machine"})),
    Proposal.Act.LOOSEN_ANOMALIES: (LoosenAnomalies, frozenset({"anomaly"})),
    Proposal.Act.LET_AGENT_ASK: (LetAgentAsk, frozenset({"authorized"})),
    Proposal.Act.END_PROTECTION: (NoTerms, frozenset({"protection"})),
    Proposal.Act.SET_ENDPOINTS: (SetEndpoints, frozenset({"contract"})),
    Proposal.Act.MOVE_KEYS: (MoveKeys, frozenset({"party"})),
    Proposal.Act.IMPORT_FILE: (NoTerms, frozenset({"import"})),
    Proposal.Act.PUBLISH_NOTICE: (PublishNotice, frozenset({"notice"})),
}


def read(*, act: str, of: str, payload: Mapping[str, Any]) -> Payload:
    """Return what a proposal of this act says. Raises BadProposal."""
    shape, targets = SHAPES.get(act, (NoTerms, frozenset[str]()))
    if of not in targets:
        raise BadProposal(f"{act} is not done to a {of}")
    try:
        return msgspec.convert(dict(payload), shape)
    except msgspec.ValidationError as error:
        raise BadProposal(f"{act}: {error}") from error


def as_json(payload: Payload | Endpoints) -> dict[str, Any]:
    """Return the payload as a proposal keeps it."""
    kept: dict[str, Any] = msgspec.to_builtins(payload)
    return kept
