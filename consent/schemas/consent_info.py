"""CAMARA Consent Info's shapes: how a partner asks whether it may, and what it is told."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from consent.domain.consent_requests import Status

MOST_SCOPES = 50
Scope = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
PhoneNumber = Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{4,14}\Z")]


class RetrieveStatus(msgspec.Struct, frozen=True):
    """The request. `campaign` is ours, not CAMARA's: it names one of the campaigns that share a scope and a purpose."""

    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=MOST_SCOPES)]
    purpose: Annotated[str, msgspec.Meta(pattern=r"^dpv:[a-zA-Z0-9]+\Z", max_length=200)]
    request_capture_url: bool = msgspec.field(name="requestCaptureUrl")
    phone_number: PhoneNumber | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="phoneNumber")
    callback_url: Annotated[str, msgspec.Meta(max_length=1000)] = msgspec.field(default="", name="callbackUrl")
    campaign: Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*$")] = ""


DECODER = msgspec.json.Decoder(RetrieveStatus)


def response(*, by_scope: Sequence[tuple[str, Status]], purpose: str, capture_url: str) -> dict[str, object]:
    """The answer: scopes that stand alike share an item. `by_scope`: each scope asked for, and how it stands."""
    items: list[tuple[list[str], dict[str, Any]]] = []
    for scope, status in by_scope:
        told = _format_status(status)
        for scopes, known in items:
            if known == told:
                scopes.append(scope)
                break
        else:
            items.append(([scope], told))
    info = [{"scopes": scopes, "purpose": purpose, **told} for scopes, told in items]
    return {"statusInfo": info, **({"captureUrl": capture_url} if capture_url else {})}


def error(*, status: int, code: str, message: str) -> dict[str, object]:
    """CAMARA's `ErrorInfo`."""
    return {"status": status, "code": code, "message": message}


def _format_status(status: Status) -> dict[str, Any]:
    reason = {"statusReason": status.reason} if status.reason else {}
    return {"statusValidForProcessing": status.valid, **reason, **_expiring(status.expires_at)}


def _expiring(moment: datetime | None) -> dict[str, str]:
    if moment is None:
        return {}
    return {"expirationDate": moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")}
