"""What partners claim by API: that somebody agreed. It allows nothing, and the person is asked."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Line
from consent.actions.records import FileApproval, record_file_approvals
from consent.domain import consent_requests
from consent.domain.consent_requests import LASTS, Case, token_of
from consent.models import ConsentRequest, HeldRow
from consent.queries.links import token_hash


@dataclass(frozen=True)
class HeldClaim:
    """A claim about a phone that is not ours, or was not ours then: kept, sealed, until its line arrives."""

    source_hash: bytes
    named_hash: bytes
    campaign: str
    sealed: bytes


@transaction.atomic
def record_claims(*, by_line: Mapping[int, Sequence[FileApproval]], party_id: int, actor: str, at: datetime) -> None:
    """Append claims of some lines, and for each line that may be asked about one a question that waits for its text."""
    record_file_approvals(by_line=by_line, actor=actor)
    claims = {
        Case(line_id, claim.campaign): claim
        for line_id, claims in by_line.items()
        for claim in sorted(claims, key=lambda one: one.captured_at)
        if claim.expires_at is None or claim.expires_at > at
    }
    wanted = _not_yet_asked(_of_this_number(claims), at)
    askable = consent_requests.askable(cases=wanted, at=at)
    ConsentRequest.objects.bulk_create(
        _question(case, claims[case], party_id, at) for case, may in zip(wanted, askable, strict=True) if may
    )


@transaction.atomic
def hold_claims(*, claims: Collection[HeldClaim], at: datetime) -> None:
    """Keep claims until what they name arrives. One that is kept already stays as it was."""
    HeldRow.objects.bulk_create(
        [
            HeldRow(
                feed=HeldRow.Feed.APPROVALS,
                source_hash=claim.source_hash,
                msisdn_hash=claim.named_hash,
                campaign=claim.campaign,
                row_sealed=claim.sealed,
                held_at=at,
            )
            for claim in claims
        ],
        ignore_conflicts=True,
    )


def _of_this_number(claims: Mapping[Case, FileApproval]) -> list[Case]:
    """What was claimed before the line's number changed ended with that number."""
    changed = dict(Line.objects.filter(pk__in={case.line_id for case in claims}).values_list("pk", "number_changed_at"))
    return [
        case
        for case, claim in claims.items()
        if (changed_at := changed.get(case.line_id)) is None or claim.captured_at > changed_at
    ]


def _not_yet_asked(cases: Collection[Case], at: datetime) -> list[Case]:
    waiting = ConsentRequest.objects.filter(
        line_id__in={case.line_id for case in cases}, answer="", approval_id__isnull=False, expires_at__gt=at
    )
    asked = {Case(*case) for case in waiting.values_list("line_id", "campaign")}
    return [case for case in cases if case not in asked]


def _question(case: Case, claim: FileApproval, party_id: int, at: datetime) -> ConsentRequest:
    ask_id = uuid.uuid4()
    return ConsentRequest(
        line_id=case.line_id,
        id=ask_id,
        token_hash=token_hash(token=token_of(ask_id=ask_id)),
        campaign=case.campaign,
        party_id=party_id,
        approval_id=claim.id,
        until=claim.expires_at,
        asked_at=at,
        expires_at=at + LASTS,
    )
