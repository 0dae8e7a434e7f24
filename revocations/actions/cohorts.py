"""An ended agreement told: its list, shard by shard; the event that names it; and the partner that fetches it."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

import audit.actions
from partners.domain import keys
from partners.models import Contract, Party, SigningKey
from revocations.actions.streams import nudge
from revocations.actions.trials import fetch_trial_shard
from revocations.domain import cohorts
from revocations.domain.cohorts import AgreementEnd
from revocations.domain.streams import queue_event
from revocations.models import Cohort, ManifestShard, StreamEvent

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
        manifest_at=at,
        manifest_expires_at=cohorts.expires_at(cohort=cohort),
        index_token=index,
        event_id=event.pk,
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
def fetch_manifest(*, party: Party | None, cohort_id: uuid.UUID, number: int, at: datetime) -> ManifestPart:
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
        detail={"number": number},
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
