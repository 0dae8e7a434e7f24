"""Whether a stream is enabled, and by whose word."""

import uuid
from datetime import datetime

import audit.actions
from partners.policies.hosts import events_address_of
from revocations.domain.streams.events import queue, subject_of
from revocations.models import Stream, StreamEvent, StreamHealth

PARTNER = "partner:"
# Our workers, who pause a stream because its partner answered that it is gone.
DELIVERY = "system:delivery"


def is_imposed(*, stream: Stream) -> bool:
    """Whether somebody other than the partner keeps the stream from being enabled."""
    return stream.status != Stream.Status.ENABLED and not stream.status_by.startswith(PARTNER)


def ours_to_undo(*, stream: Stream) -> bool:
    """Whether the partner may not enable it: an officer's word. What the partner's own 410 brought about, it may."""
    return is_imposed(stream=stream) and stream.status_by != DELIVERY


def standing_stream(*, party_id: int, by: str, at: datetime) -> Stream:
    """The partner's stream, locked. One that never had any gets the one it has in effect: its contract's address."""
    url = events_address_of(party_id=party_id)
    Stream.objects.get_or_create(
        party_id=party_id,
        defaults={
            "id": uuid.uuid4(),
            "method": Stream.Method.PUSH if url else Stream.Method.POLL,
            "endpoint_url": url,
            "status_by": by,
            "status_at": at,
            "created_at": at,
        },
    )
    health_of(party_id=party_id, at=at)
    return Stream.objects.select_for_update().get(party_id=party_id)


def change_status(*, stream: Stream, status: Stream.Status, reason: str, by: str, at: datetime) -> bool:
    """Set a locked stream's status. Returns whether that changed it. Audited; the partner hears of what we changed.

    `status_at` keeps saying since when the stream is not enabled, from one such status to another.
    """
    reason = reason[:300]
    is_its_own = _is_partners_own(stream, status, by)
    if (stream.status, stream.status_reason, stream.status_by) == (status, reason, by):
        return False
    before, stream.status, stream.status_reason, stream.status_by = stream.status, status.value, reason, by
    if Stream.Status.ENABLED in (before, status) and before != status:
        stream.status_at = at
        if not is_its_own:
            ask_from(party_id=stream.party_id, at=at)
    stream.save(update_fields=["status", "status_reason", "status_by", "status_at"])
    audit.actions.record(
        action=f"stream.{status.value}", actor=by, target=f"stream:{stream.id}", at=at, reason=reason,
        detail={"before": before},
    )  # fmt: skip
    if before != status and not by.startswith(PARTNER):
        _tell_status(stream, status, reason, at)
    return True


def _is_partners_own(stream: Stream, status: Stream.Status, by: str) -> bool:
    """What a partner pauses and enables itself gives it no more time to answer."""
    return by.startswith(PARTNER) and (status != Stream.Status.ENABLED or stream.status_by.startswith(PARTNER))


def _tell_status(stream: Stream, status: Stream.Status, reason: str, at: datetime) -> None:
    queue(
        party_id=stream.party_id,
        kind=StreamEvent.Kind.STREAM_UPDATED,
        sub_id=subject_of(stream=stream),
        event={"status": status.value, **({"reason": reason} if reason else {})},
        at=at,
    )


def health_of(*, party_id: int, at: datetime) -> StreamHealth:
    """How the partner's verifications went; one that is not asked yet is from now on."""
    health, _ = StreamHealth.objects.get_or_create(party_id=party_id, defaults={"counts_from": at})
    return health


def ask_from(*, party_id: int, at: datetime) -> None:
    """What it was asked before now is no question any more; what it let pass before stays counted."""
    StreamHealth.objects.update_or_create(party_id=party_id, defaults={"counts_from": at})
