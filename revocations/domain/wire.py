"""Write an order as its partner receives it: where one line stands under one agreement, and what to do about it.

It travels as a Security Event Token (RFC 8417) of our own event type.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from audit.primitives.traces import traces
from partners.models import Contract
from revocations.models import Duty, Order, Standing, StreamEvent

# One sentence for every order: the reason is nobody's business but the person's.
REASON = {"en": "Permission changed. See the current state."}


def event_type(name: str) -> str:
    """Return the URI of one of our event types: `consent-change`, `revocation-receipt`."""
    return f"{settings.BASE_URL}/schemas/secevent/consent/event-type/{name}"


def agreement_uri(*, contract_ref: str) -> str:
    """Return an agreement as partners read it."""
    return f"{settings.BASE_URL}/agreements/{contract_ref}"


def pairwise_subject(*, sub: str) -> dict[str, object]:
    """Return one line as the subject of an event, by its partner's own name for it."""
    return {"format": "iss_sub", "iss": settings.BASE_URL, "sub": sub}


def order_claims(*, order: Order, audience: str, sub: str) -> Mapping[str, object]:
    """Return the claims of this order for its one partner. The same on each try, so that a repeat is seen to be one."""
    said = dict(order.snapshot)
    minute = said["event_timestamp"]
    return {
        "iss": settings.BASE_URL,
        "aud": audience,
        "jti": order.jti,
        "iat": minute,
        "toe": minute,
        "txn": order.txn,
        "sub_id": {"format": "iss_sub", "iss": settings.BASE_URL, "sub": sub},
        "events": {
            event_type("consent-change"): {
                **said,
                "reason_admin": REASON,
                "consent_record_id": f"urn:uuid:{order.record_id}",
            }
        },
    }


# The events that SSF 1.0 itself defines have its URIs, ours have our own.
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
OF_SSF = (StreamEvent.Kind.VERIFICATION, StreamEvent.Kind.STREAM_UPDATED)


@dataclass(frozen=True)
class StreamClaims:
    """What a stream event keeps of its token until it is signed."""

    txn: str
    sub_id: Mapping[str, object]
    event: Mapping[str, object]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def stream_event_claims(*, event: StreamEvent, audience: str) -> Mapping[str, object]:
    """Return the claims of a stream event for its one partner, the same on each try. Times are to the minute."""
    told = StreamClaims(**event.claims)
    minute = int(event.queued_at.replace(second=0, microsecond=0).timestamp())
    return {
        "iss": settings.BASE_URL,
        "aud": audience,
        "jti": event.jti,
        "iat": minute,
        "toe": minute,
        "txn": told.txn,
        "sub_id": dict(told.sub_id),
        "events": {f"{SSF}{event.kind}" if event.kind in OF_SSF else event_type(event.kind): dict(told.event)},
    }


STOP_USE_WITHIN = timedelta(minutes=15)
EVERYTHING = "all"
StateEntry = dict[str, Any]


@dataclass(frozen=True)
class Agreement:
    """What one partner is to be told about one line.

    `state`: everything still allowed, `[{"scopes","purpose","recipient","status","expires_at"?}]`.
    `before`: the same as it was, for a partner that was never told. `actions`: what the partner must now do, for each
    of `scopes` ("all", "<purpose> <recipient URI>", or " <recipient URI>"), about all it has received until `since`
    (None: until now).
    """

    contract: Contract
    state: Sequence[StateEntry]
    before: Sequence[StateEntry]
    actions: Sequence[Duty.Action] = ()
    scopes: Sequence[str] = ()
    since: datetime | None = None


def next_version(*, standing: Standing | None, contract: Contract) -> int:
    """Return the version of the next order about a line: each epoch of an agreement counts from 1."""
    return standing.version + 1 if standing and standing.epoch == contract.epoch else 1


def build_order(
    *,
    line_id: int,
    contract: Contract,
    version: int,
    lane: Order.Lane,
    snapshot: StateEntry,
    complete_by: datetime | None,
    at: datetime,
) -> Order:
    """Build an order to the partner of an agreement, to be sent at once; does not save it."""
    return Order(
        line_id=line_id,
        id=uuid.uuid4(),
        contract_id=contract.pk,
        party_id=contract.aggregator_id,
        epoch=contract.epoch,
        version=version,
        jti=uuid.uuid4().hex,
        txn=f"tx-{uuid.uuid4().hex}",
        record_id=uuid.uuid4(),
        lane=lane,
        snapshot=snapshot,
        queued_at=at,
        next_attempt_at=at,
        complete_by=complete_by,
        trace=traces.current(),
    )


def snapshot_of(
    agreement: Agreement, version: int, changes: Sequence[StateEntry], by: str, at: datetime
) -> dict[str, Any]:
    """Return what an order says of the agreement, but for what is to be done by when."""
    return {
        "event_timestamp": int(minute(at=at).timestamp()),
        "initiating_entity": by,
        "agreement": f"{settings.BASE_URL}/agreements/{agreement.contract.ref}",
        "epoch": agreement.contract.epoch,
        "version": version,
        "snapshot": True,
        "changes": changes,
        "state": list(agreement.state),
        "default": "denied",
    }


def snapshot_duties(*, owed: Sequence[Duty], complete_by: datetime | None, at: datetime) -> StateEntry:
    """Return what a snapshot says of what is owed and by when."""
    return {
        "required_actions": sorted({duty.action for duty in owed}, key=list(Duty.Action).index),
        "duties": [
            {"action": duty.action, "scope": _format_scope(duty.scope), "since": stamp(at=duty.since)} for duty in owed
        ],
        **_deadlines(at, complete_by),
    }


def _deadlines(at: datetime, complete_by: datetime | None) -> StateEntry:
    if complete_by is None:
        return {}
    return {"stop_by": stamp(at=at + STOP_USE_WITHIN), "complete_by": stamp(at=complete_by)}


def _format_scope(scope: str) -> dict[str, object]:
    if scope == EVERYTHING:
        return {"all": True}
    purpose, _, recipient = scope.partition(" ")
    return {name: value for name, value in (("purpose", purpose), ("recipient", recipient)) if value}


def _place(entry: StateEntry) -> tuple[str, str, tuple[str, ...]]:
    return entry["recipient"], entry["purpose"], tuple(entry["scopes"])


def are_same(told: Sequence[StateEntry], now: Sequence[StateEntry]) -> bool:
    """Return whether both say the same, whatever the order."""
    return sorted(map(repr, map(_whole, told))) == sorted(map(repr, map(_whole, now)))


def _whole(entry: StateEntry) -> tuple[object, ...]:
    return (*_place(entry), entry["status"], entry.get("expires_at"), tuple(entry.get("except", ())))


def list_changes(before: Sequence[StateEntry], after: Sequence[StateEntry]) -> list[StateEntry]:
    """Return the uses that came to be allowed or denied."""
    was, now = {_place(entry) for entry in before}, {_place(entry) for entry in after}
    return [
        {
            "scopes": list(scopes),
            "purpose": purpose,
            "recipient": recipient,
            "from": "granted" if (recipient, purpose, scopes) in was else "withdrawn",
            "to": "granted" if (recipient, purpose, scopes) in now else "withdrawn",
        }
        for recipient, purpose, scopes in sorted(was ^ now)
    ]


def minute(*, at: datetime) -> datetime:
    """Rounded down to the minute, so that two partners' orders about one act can't be joined on their times."""
    return at.replace(second=0, microsecond=0)


def stamp(*, at: datetime) -> str:
    """RFC 3339, to the minute, in UTC."""
    return minute(at=at).strftime("%Y-%m-%dT%H:%M:%SZ")
