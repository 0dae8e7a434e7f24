"""Make, change, test and delete a partner's stream as the partner asks; pause and enable it as officers decide."""

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from msgspec import UNSET, UnsetType

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.primitives.sealing import seal
from partners.actions import guards
from partners.clients import http
from partners.models import Party
from partners.policies.identifiers import host_of
from revocations import tasks
from revocations.domain import streams
from revocations.domain.streams import (
    MIN_VERIFICATION_INTERVAL,
    PARTNER,
    POLLED,
    Delivery,
    RequestedStream,
    change_status,
    configuration_of,
    events_not_declined,
    health_of,
    is_set_by_officer,
    queue_event,
    restart_verification,
    standing_stream,
    status_of,
    subject_of,
)
from revocations.models import Breaker, Stream, StreamEvent


def nudge(*, party_id: int) -> None:
    """Have what is due to this partner pushed once the transaction is over."""
    # robust: a dead broker must not fail what is told; the sweep finds the row.
    transaction.on_commit(partial(tasks.deliver_due.delay, party_id=party_id), robust=True)


LONGEST_DESCRIPTION = 300


class StreamRefused(Exception):
    """Why a partner's wish about its stream is not granted; the message is fit for it to read."""


class Unfit(StreamRefused):
    """What was sent can't be."""


class NotAllowed(StreamRefused):
    """Somebody else must do it."""


class NoSuchStream(StreamRefused):
    """The partner has no stream of this id."""


class HasOne(StreamRefused):
    """There is one stream for each partner."""


class TooSoon(StreamRefused):
    """It was just done."""


@transaction.atomic
def create_stream(*, party: Party, wanted: RequestedStream, client_id: str = "", at: datetime) -> dict[str, object]:
    """Give the partner the stream it asks for; without a delivery it polls. Returns its configuration.

    What the partner says of our own members must be as it is. `client_id`: by which client of its.
    Raises HasOne, Unfit.
    """
    fields = _fields(party, wanted, whole=True)
    actor = _name(party)
    stream, made = Stream.objects.get_or_create(
        party_id=party.pk,
        defaults={"id": uuid.uuid4(), "status_by": actor, "status_at": at, "created_at": at, **fields},
    )
    if not made:
        raise HasOne(f"You have the stream {stream.id}. Read it, and change it by PATCH or PUT.")
    health_of(party_id=party.pk, at=at)
    _check_ours(wanted, configuration_of(stream=stream, party=party))
    _record_stream_change("stream.created", stream, party, client_id, at)
    nudge(party_id=party.pk)
    return configuration_of(stream=stream, party=party)


@transaction.atomic
def change_stream(
    *, party: Party, wanted: RequestedStream, whole: bool, client_id: str = "", at: datetime
) -> dict[str, object]:
    """Change what is named, or with `whole` put what is named in the place of all. Returns the configuration.

    What the partner says of our own members must be as it is. Raises NoSuchStream, Unfit.
    """
    stream = _own(party, wanted.stream_id)
    _check_ours(wanted, configuration_of(stream=stream, party=party))
    fields = _fields(party, wanted, whole=whole)
    for name, value in fields.items():
        setattr(stream, name, value)
    stream.save(update_fields=list(fields))
    _record_stream_change("stream.changed", stream, party, client_id, at)
    nudge(party_id=party.pk)
    return configuration_of(stream=stream, party=party)


@transaction.atomic
def delete_stream(*, party: Party, stream_id: str, client_id: str = "", at: datetime) -> None:
    """Forget the stream: from here its contract's address is pushed to, or, where there is none, it polls.

    Leaving out the stream is not leaving out the stops: a partner is told in one way or the other as long as it owes
    anything. Nor is it forgotten which verifications it let pass. Raises NoSuchStream, and NotAllowed while an officer
    has it paused, because deleting would undo that.
    """
    stream = _own(party, stream_id)
    if is_set_by_officer(stream=stream):
        raise NotAllowed(f"The carrier set this stream to {stream.status}: {stream.status_reason}")
    _record_stream_change("stream.deleted", stream, party, client_id, at)
    if stream.status != Stream.Status.ENABLED:
        restart_verification(party_id=party.pk, at=at)
    stream.delete()
    nudge(party_id=party.pk)


@transaction.atomic
def set_status(
    *, party: Party, stream_id: str, status: Stream.Status, reason: str, client_id: str = "", at: datetime
) -> dict[str, str]:
    """Set the status that the partner wants, also over the pause that its 410 brought about. Returns the status.

    Raises NoSuchStream, and NotAllowed for what an officer set.
    """
    stream = _own(party, stream_id)
    if is_set_by_officer(stream=stream):
        raise NotAllowed(f"The carrier set this stream to {stream.status}: {stream.status_reason}")
    change_status(stream=stream, status=status, reason=reason, by=_name(party), client_id=client_id, at=at)
    nudge(party_id=party.pk)
    return status_of(stream=stream)


@transaction.atomic
def verify_stream(*, party: Party, stream_id: str, state: str | None, at: datetime) -> None:
    """Send the partner a verification event with its own `state`. Raises NoSuchStream, TooSoon."""
    stream = _own(party, stream_id)
    probes = Breaker.objects.filter(party_id=party.pk, probe_id__isnull=False).values("probe_id")
    lately = at - timedelta(seconds=MIN_VERIFICATION_INTERVAL)
    asked = StreamEvent.objects.filter(
        party_id=party.pk, kind=StreamEvent.Kind.VERIFICATION, queued_at__gt=lately
    ).exclude(id__in=probes)
    if asked.exists():
        raise TooSoon(f"Ask once in {MIN_VERIFICATION_INTERVAL} seconds.")
    queue_event(
        party_id=party.pk,
        kind=StreamEvent.Kind.VERIFICATION,
        sub_id=subject_of(stream=stream),
        event={} if state is None else {"state": state},
        at=at,
    )
    nudge(party_id=party.pk)


@transaction.atomic
def pause_stream(*, party_id: int, actor: str, reason: str, at: datetime) -> None:
    """Stop pushing to a partner: an officer's word, which the partner can't undo. It is told.

    Nothing is lost: orders wait, and the clocks run. Raises NotNow without a reason, StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason, action=StaffAction.SUSPEND)
    stream = standing_stream(party_id=party_id, by=name, at=at)
    change_status(stream=stream, status=Stream.Status.PAUSED, reason=reason, by=name, at=at)
    nudge(party_id=party_id)


@transaction.atomic
def enable_stream(*, party_id: int, actor: str, reason: str, at: datetime) -> None:
    """Push again to a partner, whoever paused it. It is told, and everything that waited goes out.

    Raises NotNow without a reason, StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    stream = standing_stream(party_id=party_id, by=name, at=at)
    change_status(stream=stream, status=Stream.Status.ENABLED, reason=reason, by=name, at=at)
    nudge(party_id=party_id)


def _own(party: Party, stream_id: object) -> Stream:
    """Lock the partner's stream, if that is its id."""
    stream = Stream.objects.select_for_update().filter(party_id=party.pk).first()
    if stream is None or stream_id != str(stream.id):
        raise NoSuchStream("You have no stream of this id.")
    return stream


def _fields(party: Party, wanted: RequestedStream, *, whole: bool) -> dict[str, Any]:
    """Return the columns that the partner's wish changes; `whole`: what it leaves out goes back to how it begins."""
    fields: dict[str, Any] = {}
    if _counts(wanted.delivery, whole=whole):
        fields |= _delivery(party, _get_or_default(wanted.delivery, POLLED), whole=whole)
    if _counts(wanted.events_requested, whole=whole):
        fields["events_requested"] = _parse_requested_events(wanted.events_requested)
    if _counts(wanted.description, whole=whole):
        fields["description"] = (wanted.description or "")[:LONGEST_DESCRIPTION]
    if _counts(wanted.signing_alg, whole=whole):
        fields["algorithm"] = _get_or_default(wanted.signing_alg, "ES256")
    return fields


def _counts(value: object, *, whole: bool) -> bool:
    return value is not UNSET or whole


def _get_or_default[T](value: T | UnsetType, otherwise: T) -> T:
    return otherwise if value is UNSET else value


def _delivery(party: Party, wanted: Delivery, *, whole: bool) -> dict[str, Any]:
    if wanted.method == Stream.Method.POLL:
        return {"method": Stream.Method.POLL, "endpoint_url": "", "authorization_sealed": None}
    url = wanted.endpoint_url or ""
    if not _may_be_opened(url):
        raise Unfit("delivery.endpoint_url must be a plain https address.")
    if not streams.allows(url=url, party_id=party.pk):
        raise Unfit("The host of delivery.endpoint_url is not on your agreement's list. Ask the carrier to add it.")
    fields: dict[str, Any] = {"method": Stream.Method.PUSH, "endpoint_url": url}
    # The header is never shown, so who changes the rest by PATCH need not know it.
    if whole or wanted.authorization_header is not UNSET:
        fields["authorization_sealed"] = _sealed_header(wanted.authorization_header or "")
    return fields


def _sealed_header(header: str) -> bytes | None:
    return seal(header) if header else None


def _may_be_opened(url: str) -> bool:
    if not host_of(url):
        return False
    parts = urlsplit(url)
    loopback = parts.scheme == "http" and http.loopback_allowed() and http.is_loopback(parts.hostname or "")
    return (parts.scheme == "https" or loopback) and not parts.username and not parts.password


def _parse_requested_events(wanted: tuple[str, ...] | UnsetType) -> list[str]:
    if wanted is UNSET:
        return []
    missing = [name for name in events_not_declined() if name not in wanted]
    if missing:
        raise Unfit(f"A stream carries stops and ended agreements; events_requested leaves out {' '.join(missing)}.")
    return list(dict.fromkeys(wanted))


def _check_ours(wanted: RequestedStream, ours: dict[str, Any]) -> None:
    """SSF 1.0, 8.1.1.3: members that are the transmitter's may be there, if they are as they are."""
    for name in ("iss", "aud", "events_supported", "events_delivered", "min_verification_interval"):
        said = getattr(wanted, name)
        if said is not UNSET and said != ours[name] and not (name == "aud" and said == [ours[name]]):
            raise Unfit(f"{name} is ours to say, and it is not that.")
    if _polled_at(wanted) not in {None, "", f"{settings.BASE_URL}/ssf/poll"}:
        raise Unfit("Where to poll is ours to say: leave out delivery.endpoint_url.")


def _polled_at(wanted: RequestedStream) -> str | None:
    delivery = wanted.delivery if isinstance(wanted.delivery, Delivery) else POLLED
    return delivery.endpoint_url if delivery.method == Stream.Method.POLL else None


def _record_stream_change(action: str, stream: Stream, party: Party, client_id: str, at: datetime) -> None:
    audit.actions.record(
        action=action,
        actor=_name(party),
        target=f"stream:{stream.id}",
        at=at,
        detail={"method": stream.method, "endpoint_url": stream.endpoint_url, "algorithm": stream.algorithm}
        | audit.actions.name_client(client_id),
    )


def _name(party: Party) -> str:
    return f"{PARTNER}{party.pk}"
