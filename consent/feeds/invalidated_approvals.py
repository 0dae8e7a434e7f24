"""A yes that came by a number when it was no longer its line's is another's: set aside here, and taken in for them.

By which number a row of a file came stands nowhere; the keyed hash of its content, the number included, tells.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection, transaction

import audit.actions
from accounts.models import Line, LineNumber
from accounts.primitives.sealing import unseal
from consent.actions.records import FileApproval, FileChoice
from consent.domain.snapshots import lock_lines
from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.feeds.entries import Entry
from consent.models import Approval, Choice, InvalidatedApproval, Origin, RejudgeRequest
from consent.queries.approvals import STANDS
from consent.workers.expiry import enqueue_current_state

# Most lines have said yes to nothing since.
ALLOWED_SINCE = """
SELECT told.line_id FROM unnest(%s::bigint[], %s::timestamptz[]) AS told (line_id, since)
WHERE EXISTS (
        SELECT FROM consent_approval yes WHERE yes.line_id = told.line_id AND yes.captured_at >= told.since)
    OR EXISTS (
        SELECT FROM consent_choice yes
        WHERE yes.line_id = told.line_id AND yes.made_at >= told.since AND yes.kind = 'allow' AND yes.origin = 'file')
ORDER BY told.line_id
"""


@transaction.atomic
def invalidate_approvals(*, shortened: Mapping[int, tuple[Line, datetime]], at: datetime, actor: str) -> None:
    """Set aside what lines said yes to by numbers that, as became known, were not their own from a moment on.

    In the transaction in which that is written down: there is no moment at which the gate allows by it. What came so
    is held, as if its line were not known yet, for whoever had the number. Stops that came so stay, and deny.
    `shortened`: by line id, the line and that moment.
    """
    now = lock_lines(line_ids=list(shortened))
    with connection.cursor() as cursor:
        cursor.execute(ALLOWED_SINCE, [list(shortened), [since for _, since in shortened.values()]])
        allowed = [line_id for (line_id,) in cursor.fetchall()]
    for line_id in allowed:
        line, since = shortened[line_id]
        _invalidate(line, since, now[line_id], at, actor)


def _invalidate(line: Line, since: datetime, now: datetime, at: datetime, actor: str) -> None:
    approvals, choices, numbers = ApprovalsFeed(), ChoicesFeed(), _Numbers(line)
    approvals_held = _approvals_since(approvals, line, numbers, since, now)
    choices_held = _allows_since(choices, line, numbers, since, now)
    named = {one.row.id: (one.row.campaign, one.at) for one in approvals_held}
    named |= {one.row.id: (one.row.ref, one.at) for one in choices_held}
    if not named:
        return
    approvals.keep(entries=approvals_held, at=at)
    choices.keep(entries=choices_held, at=at)
    InvalidatedApproval.objects.bulk_create(
        InvalidatedApproval(line_id=line.pk, yes_id=yes_id, campaign=campaign, recorded_at=now)
        for yes_id, (campaign, _) in named.items()
    )
    enqueue_current_state(line_id=line.pk)
    RejudgeRequest.objects.create(line_id=line.pk, since=min(moment for _, moment in named.values()))
    audit.actions.record(
        action="consent.set_aside",
        actor=actor,
        target=f"line:{line.pk}",
        at=now,
        line_id=line.pk,
        detail={"count": len(named)},
    )


def _approvals_since(
    feed: ApprovalsFeed, line: Line, numbers: "_Numbers", since: datetime, now: datetime
) -> list[Entry[FileApproval]]:
    agreed = Approval.objects.filter(STANDS, line_id=line.pk, captured_at__gte=since)
    return [
        entry
        for row in agreed
        for msisdn in numbers.not_at(row.captured_at)
        if (entry := feed.entry_of(row=row, msisdn=msisdn, at=now)) is not None
    ]


def _allows_since(
    feed: ChoicesFeed, line: Line, numbers: "_Numbers", since: datetime, now: datetime
) -> list[Entry[FileChoice]]:
    allowed = Choice.objects.filter(
        STANDS, line_id=line.pk, made_at__gte=since, kind=Choice.Kind.ALLOW, origin=Origin.FILE
    )
    return [
        entry
        for row in allowed
        for msisdn in numbers.not_at(row.made_at)
        if (entry := feed.entry_of(row=row, msisdn=msisdn, at=now)) is not None
    ]


class _Numbers:
    """The numbers that a line has had, and when."""

    def __init__(self, line: Line) -> None:
        self._periods = list(LineNumber.objects.filter(line=line).order_by("starts_at"))

    def not_at(self, moment: datetime) -> list[str]:
        """List those that were not its own at this moment."""
        own = {
            bytes(one.msisdn_hash)
            for one in self._periods
            if one.starts_at <= moment and (one.ends_at is None or moment < one.ends_at)
        }
        others = {bytes(one.msisdn_hash): bytes(one.msisdn_sealed) for one in self._periods}
        return [unseal(sealed) for hashed, sealed in others.items() if hashed not in own]
