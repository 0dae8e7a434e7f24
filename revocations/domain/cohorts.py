"""The end of an agreement as its partner receives it: one event, a signed index, and shards of names.

A shard is NDJSON, gzip, one `{"sub": …}` a line in the order of the names: the order of our lines would let two
partners lay their lists side by side.
"""

import gzip
import hashlib
import json
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from partners.models import Campaign, Contract
from partners.primitives import tokens
from revocations.domain.wire import REASON
from revocations.models import Cohort, Duty, ManifestShard

MEDIA_TYPE = "application/x-ndjson+gzip"
# A partner that is late can still fetch what it owes.
KEPT_AFTER_DEADLINE = timedelta(days=60)
STOP_USE_WITHIN = timedelta(minutes=15)
ACTIONS = (Duty.Action.STOP_USE, Duty.Action.DELETE_HELD, Duty.Action.NOTIFY_DOWNSTREAM)


@dataclass(frozen=True)
class AgreementEnd:
    """What ended, in the words of the wire. `part`: of the agreement, where it did not end as a whole.

    `still_in_force`: the uses of the agreement that go on beside that part.
    """

    agreement: str
    group: str
    part: Mapping[str, str] | None
    still_in_force: Sequence[Mapping[str, object]] = ()

    @classmethod
    def of(cls, cohort: Cohort, *, at: datetime) -> "AgreementEnd":
        """Return the agreement, or the campaign under it, of a cohort, as things stand at this moment."""
        contract = Contract.objects.get(pk=cohort.contract_id)
        agreement = f"{settings.BASE_URL}/agreements/{contract.ref}"
        if cohort.of == Cohort.Of.CONTRACT:
            return cls(agreement, agreement, None)
        campaign = Campaign.objects.select_related("lbs_provider").get(pk=cohort.target_id)
        part = {"purpose": campaign.purpose, "recipient": campaign.lbs_provider.uri}
        group = f"{settings.BASE_URL}/campaigns/{campaign.ref}"
        return cls(agreement, group, part, _still_in_force(campaign, at))


def _still_in_force(ended: Campaign, at: datetime) -> list[Mapping[str, object]]:
    """Return the other uses of its agreement whose term runs, each company and purpose once; none once that is over.

    Of its own company and purpose nothing is named: whom another campaign serves there is told by an order of the new
    epoch.
    """
    others = Campaign.objects.filter(contract=ended.contract_id, is_draft=False, starts_at__lte=at, ends_at__gt=at)
    others = others.filter(contract__ends_at__gt=at)
    others = others.exclude(lbs_provider=ended.lbs_provider_id, purpose=ended.purpose)
    scopes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for uri, purpose, scope in others.values_list("lbs_provider__uri", "purpose", "scope"):
        scopes[uri, purpose].add(scope)
    return [
        {"recipient": uri, "purpose": purpose, "scopes": sorted(of)} for (uri, purpose), of in sorted(scopes.items())
    ]


def digest(*, content: bytes) -> str:
    """SHA-256, base64url without padding."""
    return urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def pack_shard(*, subs: Iterable[str]) -> bytes:
    """Return the names as a shard holds them, the same bytes for the same names."""
    written = "".join(f"{json.dumps({'sub': sub})}\n" for sub in sorted(subs))
    return gzip.compress(written.encode(), mtime=0)


def list_digest(*, shards: Iterable[ManifestShard]) -> str:
    """Of the whole list: the lines of all shards, unpacked, one after another."""
    whole = hashlib.sha256()
    for shard in shards:
        whole.update(gzip.decompress(bytes(shard.content)))
    return urlsafe_b64encode(whole.digest()).rstrip(b"=").decode()


def index_claims(
    *,
    cohort: Cohort,
    ended: AgreementEnd,
    shards: Sequence[ManifestShard],
    audience: str,
    list_sha256: str,
    at: datetime,
) -> dict[str, object]:
    """Return what the index says (JSON Schema `manifest-index.json`). `shards` need no content."""
    return {
        "iss": settings.BASE_URL,
        "aud": audience,
        "jti": cohort.pk.hex,
        "iat": _seconds(at),
        "exp": _seconds(expires_at(cohort=cohort)),
        "agreement": ended.agreement,
        "epoch": cohort.epoch,
        "subject_count": sum(shard.lines for shard in shards),
        "list_sha256": list_sha256,
        "shards": [{"number": shard.number, "lines": shard.lines, "sha256": shard.sha256} for shard in shards],
    }


def get_index_digest(*, index_token: str) -> str:
    """Return the digest of the list, as its signed index says it."""
    return str(tokens.parse_unverified(index_token).claims["list_sha256"])


def event_body(
    *, cohort: Cohort, ended: AgreementEnd, index_token: str, shards: int, by: str, at: datetime
) -> dict[str, object]:
    """Return the body of the `cohort-revoked` event (JSON Schema `cohort-revoked.json`). Times are to the minute.

    `by`: CAEP's `initiating_entity`.
    """
    return {
        "event_timestamp": _seconds(at),
        "initiating_entity": by,
        "reason_admin": REASON,
        "agreement": ended.agreement,
        "epoch": cohort.epoch,
        "selector": "all_subjects_of_group",
        **({"scope": ended.part, "still_in_force": ended.still_in_force} if ended.part else {}),
        "subject_count": cohort.subject_count,
        "manifest": {
            "url": f"{settings.BASE_URL}/ssf/manifests/{cohort.pk}",
            "media_type": MEDIA_TYPE,
            "shards": shards,
            "sha-256": digest(content=index_token.encode()),
            "expires_at": _stamp(expires_at(cohort=cohort)),
        },
        "required_actions": list(ACTIONS),
        "stop_by": _stamp(at + STOP_USE_WITHIN),
        "complete_by": _stamp(cohort.complete_by),
    }


def subject(*, ended: AgreementEnd) -> dict[str, object]:
    """SSF's complex subject: everybody of a group."""
    return {"format": "complex", "group": {"format": "uri", "uri": ended.group}}


def expires_at(*, cohort: Cohort) -> datetime:
    """Until when the manifest can be fetched, to the minute."""
    return (cohort.complete_by + KEPT_AFTER_DEADLINE).replace(second=0, microsecond=0)


def _seconds(at: datetime) -> int:
    return int(at.replace(second=0, microsecond=0).timestamp())


def _stamp(at: datetime) -> str:
    return at.replace(second=0, microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
