"""What partners report by API that somebody agreed to: shape, whose it is, and what each is told.

The answer is the same for every number: taken in, and by which name the partner knows the phone that has this number
now. A number that is not ours has such a name as well (docs/decisions/0011).
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched, islice
from typing import Annotated, Literal

import msgspec
from django.db import transaction

import audit.actions
from accounts.models import Line
from accounts.primitives.sealing import make_placeholder_id, number_hash, seal, unseal
from consent.actions.records import FileApproval, SealedClaim, hold_claims, record_claims
from consent.domain.consent_requests import open_campaigns
from consent.domain.snapshots import lock_terms
from consent.feeds.approvals import ApprovalsFeed, ReportedApproval
from consent.feeds.records import LINES_AT_ONCE, Entry, Holders, lock_feed
from consent.models import HeldRow
from partners.domain import pairwise
from partners.feeds.checking import (
    STATUSES,
    Fate,
    FreeText,
    Instant,
    InstantOrEmpty,
    Msisdn,
    Ref,
    RowRefused,
    Text,
    build_accepted_fate,
    build_rejected_fate,
    build_repeated_fate,
    content_hash,
    decode,
    refuse_if_nothing_readable,
    summary_of,
)
from partners.feeds.reading import LONGEST_LINE, NumberedLine, Readable, numbered_lines, problem_of
from partners.models import Campaign, Party

MOST_CLAIMED = 1000
MOST_BYTES = 8_000_000
FEED = ApprovalsFeed()


class TooManyLines(Exception):
    """A request holds more lines, or more bytes, than are taken at once. None was taken."""


class VerifiedByIsOurs(Exception):
    """A partner says who verified. None of the request was taken."""


class Claim(msgspec.Struct, frozen=True):
    """One claim as a partner sends it. Exactly one of `msisdn` and `subject_ref` names the phone."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    campaign: Ref
    method: Literal["sms", "ivr", "web", "app", "paper"]
    captured_at: Instant
    captured_by: Text
    wording: FreeText
    language: FreeText
    evidence_ref: FreeText
    msisdn: Msisdn | None = None
    subject_ref: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    expires_at: InstantOrEmpty | None = None
    verified_by: object | msgspec.UnsetType = msgspec.UNSET


class PendingClaim(ReportedApproval, frozen=True):
    """A claim as it is kept until its line arrives: `msisdn` may be a partner's name for the phone."""

    msisdn: str


DECODER = msgspec.json.Decoder(Claim)


@dataclass(frozen=True)
class ClaimFate:
    """What became of one claim, and by which name the partner knows the phone: "" where it was not taken."""

    fate: Fate
    id: str = ""
    subject_ref: str = ""


@dataclass(frozen=True)
class _ResolvedClaim:
    """A claim that is well formed. `now`: the line that has the number now, or its stand-in; `then`: at its moment."""

    entry: Entry[FileApproval]
    claim: Claim
    now: int
    then: int | None


def receive_claims(*, stream: Readable, single: bool, party: Party, client_id: str, at: datetime) -> list[ClaimFate]:
    """Take in what a partner claims: a claim a line, or (`single`) one in all. `client_id`: by which client of its.

    Raises TooManyLines, VerifiedByIsOurs, and NothingReadable for many of which none is an object.
    """
    fates, entries = _check_claims(_lines(stream, single=single), party, at)
    if not single and not entries:
        refuse_if_nothing_readable([one.fate for one in fates])
    fates += _decide_fates(_resolve_claims(entries, fates, party, at), party, client_id, at)
    counted = Counter(one.fate.status for one in fates)
    audit.actions.record(
        action="approvals.claimed",
        actor=f"partner:{party.pk}",
        target="feed:approvals",
        at=at,
        detail={"client": client_id} | {status: counted[status] for status in STATUSES},
    )
    return sorted(fates, key=lambda one: int(one.fate.line))


def report(*, fates: Sequence[ClaimFate]) -> dict[str, object]:
    """Return the answer to many claims: counts, and what became of each line."""
    results = [{"line": one.fate.line, **answer_claim(one=one)} for one in fates]
    return {**summary_of([one.fate for one in fates]), "results": results}


def answer_claim(*, one: ClaimFate) -> dict[str, object]:
    """Return the answer to one claim."""
    fate = one.fate
    values = {"id": one.id, "status": fate.status, "subject_ref": one.subject_ref}
    values |= {"field": fate.field, "reason": fate.reason}
    return {name: value for name, value in values.items() if value}


def _lines(stream: Readable, *, single: bool) -> list[NumberedLine]:
    if single:
        content = b"".join(_pieces(stream))
        return [NumberedLine(1, content, problem_of(content))]
    read = Counter[str]()

    def count_bytes(size: int) -> None:
        read["bytes"] += size
        if read["bytes"] > MOST_BYTES:
            raise TooManyLines

    lines = list(islice(numbered_lines(stream, seen=count_bytes), MOST_CLAIMED + 1))
    if len(lines) > MOST_CLAIMED:
        raise TooManyLines
    return lines


def _pieces(stream: Readable) -> Iterator[bytes]:
    size = 0
    while piece := stream.read(LONGEST_LINE):
        size += len(piece)
        if size > LONGEST_LINE:
            raise TooManyLines
        yield piece


def _check_claims(
    lines: Sequence[NumberedLine], party: Party, at: datetime
) -> tuple[list[ClaimFate], list[tuple[Claim, Entry[FileApproval]]]]:
    fates: list[ClaimFate] = []
    claims: list[tuple[int, Claim]] = []
    for line in lines:
        try:
            claims.append((line.number, _claim_in(line)))
        except RowRefused as refused:
            fates.append(ClaimFate(build_rejected_fate(line.number, refused.field, refused.reason)))
    campaigns = _own_campaigns({claim.campaign for _, claim in claims}, party, at)
    entries = []
    for number, claim in claims:
        try:
            entries.append((claim, _entry(number, claim, campaigns, party, at)))
        except RowRefused as refused:
            fates.append(ClaimFate(build_rejected_fate(number, refused.field, refused.reason), claim.id))
    return fates, entries


def _claim_in(line: NumberedLine) -> Claim:
    if line.problem:
        raise RowRefused("", line.problem)
    claim = decode(DECODER, line.content)
    if claim.verified_by is not msgspec.UNSET:
        raise VerifiedByIsOurs
    if claim.msisdn is None and claim.subject_ref is None:
        raise RowRefused("msisdn", "missing")
    if claim.msisdn is not None and claim.subject_ref is not None:
        raise RowRefused("subject_ref", "not_allowed")
    return claim


def _own_campaigns(refs: Collection[str], party: Party, at: datetime) -> dict[str, Campaign | None]:
    """This partner's own of these campaigns; None for one for which nothing can be agreed to now."""
    found = Campaign.objects.filter(
        ref__in=refs, contract__aggregator=party, is_draft=False, contract__is_draft=False
    ).select_related("lbs_provider")
    is_open = open_campaigns(refs=refs, at=at)
    return {campaign.ref: campaign if campaign.ref in is_open else None for campaign in found}


def _entry(
    number: int, claim: Claim, campaigns: Mapping[str, Campaign | None], party: Party, at: datetime
) -> Entry[FileApproval]:
    """The claim as a row of the ledger would have it. Another's campaign is as unknown as one that is not there."""
    if claim.campaign not in campaigns:
        raise RowRefused("campaign", "campaign_unknown")
    campaign = campaigns[claim.campaign]
    if campaign is None:
        raise RowRefused("campaign", "campaign_not_in_force")
    if claim.captured_by not in {campaign.lbs_provider.uri, party.uri}:
        raise RowRefused("captured_by", "not_of_campaign")
    told = ReportedApproval(
        id=f"partner:{party.pk}:{claim.id}",
        msisdn=claim.msisdn or claim.subject_ref or "",
        campaign=claim.campaign,
        method=claim.method,
        captured_at=claim.captured_at,
        captured_by=claim.captured_by,
        wording=claim.wording,
        language=claim.language,
        evidence_ref=claim.evidence_ref,
        verified_by="partner",
        expires_at=claim.expires_at,
    )
    return FEED.build_entry(told, number, at)


def _resolve_claims(
    entries: Sequence[tuple[Claim, Entry[FileApproval]]], fates: list[ClaimFate], party: Party, at: datetime
) -> list[_ResolvedClaim]:
    """Whose phone each is about. Adds to `fates` what names a phone by a name that we never gave this partner."""
    holders = Holders(msisdns=[claim.msisdn for claim, _ in entries if claim.msisdn])
    lines = _lines_by_reference([claim for claim, _ in entries], party)
    tenures = Line.objects.in_bulk(set(lines.values()))
    named = []
    for claim, entry in entries:
        if claim.msisdn:
            named.append(_named_by_number(claim, claim.msisdn, entry, holders, at))
        elif (line_id := lines.get(claim.subject_ref or "")) is not None:
            named.append(_named_by_reference(claim, entry, line_id, tenures.get(line_id)))
        else:
            fates.append(ClaimFate(build_rejected_fate(entry.line, "subject_ref", "subject_unknown"), claim.id))
    return named


def _lines_by_reference(claims: Sequence[Claim], party: Party) -> Mapping[str, int]:
    return pairwise.lines_of(subs=[claim.subject_ref for claim in claims if claim.subject_ref], party_id=party.pk)


def _named_by_number(
    claim: Claim, msisdn: str, entry: Entry[FileApproval], holders: Holders, at: datetime
) -> _ResolvedClaim:
    now = holders.line_at(msisdn, at)
    then = holders.line_at(msisdn, entry.at)
    return _ResolvedClaim(entry, claim, make_placeholder_id(msisdn) if now is None else now, then)


def _named_by_reference(claim: Claim, entry: Entry[FileApproval], line_id: int, tenure: Line | None) -> _ResolvedClaim:
    return _ResolvedClaim(entry, claim, line_id, line_id if _had_line(tenure, entry.at) else None)


def _had_line(tenure: Line | None, at: datetime) -> bool:
    return (
        tenure is not None
        and tenure.activated_at <= at
        and (tenure.deactivated_at is None or at < tenure.deactivated_at)
    )


def _decide_fates(named: Sequence[_ResolvedClaim], party: Party, client_id: str, at: datetime) -> list[ClaimFate]:
    """Take in, repeat, keep or refuse each: told alike whichever of the first three it was."""
    known = _find_stored_claims([one.entry for one in named], at)
    fresh = _first_of_each(named, known)
    new = {one.entry.line for one in fresh}
    known.update(_store_or_hold(fresh, party, client_id, at, new))
    fates = [(one, _fate(one.entry, known, new)) for one in named]
    subs = pairwise.subjects(line_ids=[one.now for one, fate in fates if not fate.reason], party_id=party.pk)
    return [ClaimFate(fate, one.claim.id, "" if fate.reason else subs[one.now]) for one, fate in fates]


def _first_of_each(named: Sequence[_ResolvedClaim], known: dict[uuid.UUID, bytes]) -> list[_ResolvedClaim]:
    """Those that nobody has made before, each once. Adds them to `known`."""
    fresh = []
    for one in named:
        row = one.entry.row
        if row.id not in known:
            known[row.id] = row.content_hash
            fresh.append(one)
    return fresh


def _store_or_hold(
    fresh: Sequence[_ResolvedClaim], party: Party, client_id: str, at: datetime, new: set[int]
) -> dict[uuid.UUID, bytes]:
    """Write down the claims, and keep those of no line of ours. Returns what came in meanwhile."""
    there: dict[uuid.UUID, bytes] = {}
    by_line: dict[int, list[_ResolvedClaim]] = defaultdict(list)
    for one in fresh:
        if one.then is not None:
            by_line[one.then].append(one)
    for line_ids in batched(sorted(by_line), LINES_AT_ONCE, strict=False):
        there |= _store_claims(by_line, line_ids, party, client_id, at, new)
    return there | _hold([one for one in fresh if one.then is None], at, new)


def _store_claims(
    by_line: Mapping[int, Sequence[_ResolvedClaim]],
    line_ids: Sequence[int],
    party: Party,
    client_id: str,
    at: datetime,
    new: set[int],
) -> dict[uuid.UUID, bytes]:
    """Write down the claims of these lines, after the stops that wait. Returns what came in meanwhile."""
    claims = [one for line_id in line_ids for one in by_line[line_id]]
    while (there := _write(claims, line_ids, party, client_id, at, new)) is None:
        FEED.take_stops_in(line_ids=line_ids, at=at)
    return there


def _fate(entry: Entry[FileApproval], known: Mapping[uuid.UUID, bytes], new: Collection[int]) -> Fate:
    if entry.line in new:
        return build_accepted_fate(entry.line)
    same = known[entry.row.id] == entry.row.content_hash
    return build_repeated_fate(entry.line) if same else build_rejected_fate(entry.line, "id", "id_conflict")


def _find_stored_claims(entries: Sequence[Entry[FileApproval]], at: datetime) -> dict[uuid.UUID, bytes]:
    """Of these claims those taken in or kept already, each with the hash of its content."""
    ids = {_source_hash(entry): entry.row.id for entry in entries}
    kept = HeldRow.objects.filter(feed=HeldRow.Feed.APPROVALS, source_hash__in=ids)
    found = FEED.find_stored_hashes([entry.row.id for entry in entries])
    for source, sealed in kept.values_list("source_hash", "row_sealed"):
        # Not checked as a row of a file would be: the phone may stand there by a partner's name for it.
        told = msgspec.json.decode(unseal(bytes(sealed)), type=PendingClaim)
        found[ids[bytes(source)]] = FEED.build_entry(told, 0, at).row.content_hash
    return found


@transaction.atomic
def _write(
    claims: Sequence[_ResolvedClaim], line_ids: Sequence[int], party: Party, client_id: str, at: datetime, new: set[int]
) -> dict[uuid.UUID, bytes] | None:
    """Write down the claims of some lines. Leaves out, takes from `new` and returns what came in meanwhile.

    None, and nothing written, where a stop of theirs waits.
    """
    lock_feed()
    lock_terms(campaigns=[one.entry.campaign for one in claims])
    if FEED.stops_wait(line_ids=line_ids):
        return None
    there = _find_concurrent_claims(claims, at, new)
    rows: dict[int, list[FileApproval]] = defaultdict(list)
    for one in claims:
        if one.then is not None and one.entry.row.id not in there:
            rows[one.then].append(one.entry.row)
    if rows:
        record_claims(by_line=rows, party_id=party.pk, client_id=client_id, at=at)
    return there


@transaction.atomic
def _hold(claims: Sequence[_ResolvedClaim], at: datetime, new: set[int]) -> dict[uuid.UUID, bytes]:
    """Keep claims of no line of ours. Leaves out, takes from `new` and returns what came in meanwhile."""
    there = _find_concurrent_claims(claims, at, new)
    hold_claims(
        claims=[
            SealedClaim(
                source_hash=_source_hash(one.entry),
                named_hash=number_hash(one.entry.msisdn),
                campaign=one.entry.campaign,
                sealed=seal(msgspec.json.encode(one.entry.told).decode()),
            )
            for one in claims
            if one.entry.row.id not in there
        ],
        at=at,
    )
    return there


def _find_concurrent_claims(claims: Sequence[_ResolvedClaim], at: datetime, new: set[int]) -> dict[uuid.UUID, bytes]:
    lock_feed()
    there = _find_stored_claims([one.entry for one in claims], at)
    new.difference_update(one.entry.line for one in claims if one.entry.row.id in there)
    return there


def _source_hash(entry: Entry[FileApproval]) -> bytes:
    return content_hash(HeldRow.Feed.APPROVALS, entry.row.source_id)
