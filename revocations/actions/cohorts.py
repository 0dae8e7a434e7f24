"""End an agreement for all lines of a list: the list, its event, its fetching, and the partner's receipt."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

import audit.actions
from partners.clients import http
from partners.domain import keys
from partners.models import Contract, Party, SigningKey
from revocations.actions.streams import nudge
from revocations.actions.trials import fetch_trial_shard
from revocations.domain import cohorts
from revocations.domain.cohorts import ACTIONS, AgreementEnd
from revocations.domain.receipts import (
    ParsedReceipt,
    ReceiptRefused,
    VerifiedReceipt,
    check_applied,
    check_required_actions,
)
from revocations.domain.streams import queue_event
from revocations.models import TO_PUSH, Cohort, CohortReceipt, ManifestShard, State, StreamEvent
from revocations.queries.coverage import coverage_of_ends

INDEX = "application/jwt"


class NoSuchManifest(Exception):
    """Not a manifest of this partner's, or not a part of it."""


class ManifestExpired(Exception):
    """Its time is over."""


@dataclass(frozen=True)
class ManifestPart:
    """One part of a manifest as it is sent."""

    content: bytes
    content_type: str


@transaction.atomic
def add_shard(*, cohort_id: uuid.UUID, after: int, up_to: int, subs: Collection[str]) -> bool:
    """Write the next shard: the names of the affected lines after line id `after`, up to `up_to`.

    False, and nothing written, where another worker got that far first.
    """
    cohort = Cohort.objects.select_for_update().get(pk=cohort_id)
    if cohort.listed_to_line != after or cohort.manifest_at is not None:
        return False
    content = cohorts.pack_shard(subs=subs)
    ManifestShard.objects.create(
        cohort_id=cohort_id,
        number=ManifestShard.objects.filter(cohort_id=cohort_id).count() + 1,
        lines=len(subs),
        sha256=cohorts.digest(content=content),
        content=content,
    )
    Cohort.objects.filter(pk=cohort_id).update(listed_to_line=up_to, subject_count=F("subject_count") + len(subs))
    return True


@transaction.atomic
def publish_manifest(*, cohort_id: uuid.UUID, after: int, at: datetime) -> StreamEvent | None:
    """Sign the index of a list that is whole, its last line `after`, and queue the one event that names it.

    None where that was done before, or another worker is listing further.
    """
    cohort = Cohort.objects.select_for_update().get(pk=cohort_id)
    if cohort.manifest_at is not None or cohort.listed_to_line != after:
        return None
    shards = ManifestShard.objects.filter(cohort_id=cohort_id).order_by("number")
    digest = cohorts.list_digest(shards=shards.iterator(chunk_size=1))
    event, index = _announce(cohort, digest, "system" if cohort.by_term else "admin", at)
    Cohort.objects.filter(pk=cohort_id).update(
        manifest_at=at, manifest_expires_at=cohorts.expires_at(cohort=cohort), index_token=index, event_id=event.pk
    )
    audit.actions.record(
        action="manifest.published",
        actor="system:cohorts",
        target=f"cohort:{cohort_id}",
        at=at,
        detail={"lines": cohort.subject_count, "shards": shards.count(), "event": str(event.pk)},
    )
    return event


def announce_again(*, cohort: Cohort, at: datetime) -> StreamEvent:
    """Queue the same end anew, by a new date: what its partner signed about the last event was not true.

    In the caller's transaction, which holds the row and has marked that event as contradicted.
    """
    days = Contract.objects.values_list("complete_within_days", flat=True).get(pk=cohort.contract_id)
    cohort.complete_by = at + timedelta(days=days)
    event, index = _announce(cohort, cohorts.get_index_digest(index_token=cohort.index_token), "system", at)
    Cohort.objects.filter(pk=cohort.pk).update(
        complete_by=cohort.complete_by,
        manifest_expires_at=cohorts.expires_at(cohort=cohort),
        index_token=index,
        event_id=event.pk,
        completed_at=None,
        contradicted_at=at,
    )
    return event


def _announce(cohort: Cohort, list_sha256: str, by: str, at: datetime) -> tuple[StreamEvent, str]:
    """Sign an index of the list as it is, and queue an event that names it. Returns both."""
    ended = AgreementEnd.of(cohort, at=at)
    shards = list(ManifestShard.objects.filter(cohort_id=cohort.pk).order_by("number").defer("content"))
    index = keys.sign(
        use=SigningKey.Use.MANIFEST,
        claims=cohorts.index_claims(
            cohort=cohort,
            ended=ended,
            shards=shards,
            audience=Party.objects.values_list("uri", flat=True).get(pk=cohort.party_id),
            list_sha256=list_sha256,
            at=at,
        ),
    )
    event = queue_event(
        party_id=cohort.party_id,
        kind=StreamEvent.Kind.COHORT,
        sub_id=cohorts.subject(ended=ended),
        event=cohorts.event_body(cohort=cohort, ended=ended, index_token=index, shards=len(shards), by=by, at=at),
        at=at,
        contract_id=cohort.contract_id,
        cohort_id=cohort.pk,
    )
    nudge(party_id=cohort.party_id)
    return event, index


@transaction.atomic
def fetch_manifest(
    *, party: Party | None, cohort_id: uuid.UUID, number: int, client_id: str = "", at: datetime
) -> ManifestPart:
    """Hand a part of a manifest to the partner it is for, and write down that it was fetched.

    `number` 0 is the signed index, from 1 the shards. Raises NoSuchManifest, for others' ones too, ManifestExpired.
    """
    if party is None:
        raise NoSuchManifest
    cohort = Cohort.objects.filter(pk=cohort_id, party_id=party.pk, manifest_at__isnull=False).first()
    if cohort is None:
        part = fetch_trial_shard(party=party, manifest_id=cohort_id, number=number, at=at)
        if part is not None:
            return ManifestPart(part, cohorts.MEDIA_TYPE if number else INDEX)
    if cohort is None or cohort.manifest_expires_at is None:
        raise NoSuchManifest
    if cohort.manifest_expires_at <= at:
        raise ManifestExpired
    fetched = _read_part(cohort, number)
    audit.actions.record(
        action="manifest.fetched",
        actor=f"partner:{party.pk}",
        target=f"cohort:{cohort_id}",
        at=at,
        detail={"number": number} | audit.actions.name_client(client_id),
    )
    return fetched


def _read_part(cohort: Cohort, number: int) -> ManifestPart:
    """Return the index or a shard. Raises NoSuchManifest for a number beyond the last one."""
    if number == 0:
        return ManifestPart(cohort.index_token.encode(), INDEX)
    shard = ManifestShard.objects.filter(cohort_id=cohort.pk, number=number).first()
    if shard is None:
        raise NoSuchManifest
    return ManifestPart(bytes(shard.content), cohorts.MEDIA_TYPE)


MOVABLE = (*TO_PUSH, State.ACKNOWLEDGED, State.REJECTED, State.PARTIAL)
BEFORE_ANY_RECEIPT = (*TO_PUSH, State.ACKNOWLEDGED)


def record_for_cohort(
    *, word: VerifiedReceipt, parsed: ParsedReceipt, party: Party, client_id: str, at: datetime
) -> bool:
    """Check a receipt, keep it and what companies below signed, and move the event as far as that goes.

    False where it names no ended agreement of this partner's. In the caller's transaction. Raises ReceiptRefused.
    """
    event = (
        StreamEvent.objects.select_for_update()
        .filter(jti=word.order_jti, party_id=party.pk, kind=StreamEvent.Kind.COHORT)
        .first()
    )
    if event is None or event.cohort_id is None:
        return False
    cohort = Cohort.objects.select_for_update().get(pk=event.cohort_id)
    if word.event.status != "rejected":
        check_applied(word=word, epoch=cohort.epoch, version=0)
    if word.event.status == "completed":
        check_required_actions(word=word, required=ACTIONS, ordered_at=event.queued_at)
        _check_list(word, cohort)
    _store_receipt(word, parsed, (cohort.pk, event.pk), party, at)
    state, note = _outcome(word, event, cohort)
    if (state, note) != (event.state, event.note):
        StreamEvent.objects.filter(pk=event.pk).update(
            state=state,
            note=note[:300],
            next_attempt_at=None,
            leased_until=None,
            # What the partner signed about, it has received, whatever became of its 202.
            sent_at=Coalesce(F("sent_at"), Value(at)),
            acknowledged_at=Coalesce(F("acknowledged_at"), Value(at)),
        )
        if state == State.COMPLETED:
            Cohort.objects.filter(pk=cohort.pk).update(completed_at=at)
    audit.actions.record(
        action="cohort.receipt",
        actor=f"partner:{party.pk}",
        target=f"cohort:{cohort.pk}",
        at=at,
        detail={"status": word.event.status, "state": str(state), "acted_on": word.event.acted_on}
        | audit.actions.name_client(client_id),
    )
    return True


def _check_list(word: VerifiedReceipt, cohort: Cohort) -> None:
    """It says of how many, and of which list."""
    if word.event.acted_on is None:
        raise ReceiptRefused("invalid_request", "acted_on must say how many of the list you acted on")
    if word.event.list_sha256 != cohorts.get_index_digest(index_token=cohort.index_token):
        raise ReceiptRefused("invalid_request", "list_sha256 must be that of the index of this cohort's manifest")


def _store_receipt(
    word: VerifiedReceipt, parsed: ParsedReceipt, about: tuple[uuid.UUID, uuid.UUID], party: Party, at: datetime
) -> None:
    """`about`: the end, and the event that tells of it."""
    said, (cohort_id, event_id) = word.event, about
    own = CohortReceipt(
        cohort_id=cohort_id,
        event_id=event_id,
        signer_uri=party.uri,
        jti=word.jti,
        received_at=at,
        status=said.status,
        acted_on=said.acted_on,
        list_sha256=said.list_sha256,
        token=parsed.token,
        token_hash=parsed.digest,
    )
    nested = [
        CohortReceipt(
            cohort_id=cohort_id,
            event_id=event_id,
            signer_uri=report.uri,
            jti=report.nested.jti,
            received_at=at,
            status=report.status,
            acted_on=report.nested.event.acted_on,
            list_sha256=report.nested.event.list_sha256,
            token=report.nested.token,
            token_hash=report.nested.digest,
        )
        for report in word.reports
        if report.nested is not None
    ]
    # A company's receipt may be handed in again and again, inside others of the partner's; it counts once.
    CohortReceipt.objects.bulk_create([own, *nested], ignore_conflicts=True)


def _outcome(word: VerifiedReceipt, event: StreamEvent, cohort: Cohort) -> tuple[State, str]:
    """Return the state this receipt leads to from the event's own, never back, and the note that explains it."""
    now = State(event.state)
    match word.event.status:
        case _ if now not in MOVABLE:
            return now, event.note
        case "completed":
            note = _describe_shortfall(word, cohort)
            return (State.PARTIAL, note) if note else (State.COMPLETED, "")
        case "rejected" if now in BEFORE_ANY_RECEIPT:
            return State.REJECTED, http.readable(word.event.reason)
        case "in_progress" if now in TO_PUSH:
            return State.ACKNOWLEDGED, ""
        case _:
            return now, event.note


def _describe_shortfall(word: VerifiedReceipt, cohort: Cohort) -> str:
    """Return what keeps the partner's word from being the whole of it; "" where nothing does."""
    acted_on = word.event.acted_on or 0
    left = [f"acted on {acted_on} of {cohort.subject_count} lines"] if acted_on < cohort.subject_count else []
    if note := coverage_of_ends(cohorts=[cohort])[cohort.pk].note:
        left.append(note)
    return "; ".join(left)
