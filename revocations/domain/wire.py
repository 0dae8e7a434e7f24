"""An order as a partner receives it: a Security Event Token (RFC 8417) of our own event type."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from django.conf import settings

from revocations.models import Order, StreamEvent

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
