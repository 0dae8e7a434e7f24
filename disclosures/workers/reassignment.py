"""Reassign releases when we learn late that a number had changed hands.

A release belongs to the line that held its number at that moment. Releases stored under a line that no longer held the
number are detached here and held, then stored under whoever held it, or kept unassigned. Each batch is one transaction
and is safe to repeat.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count, Max

import audit.actions
from audit.models import AuditEvent
from disclosures.domain.ingest import reassigned_rows
from disclosures.domain.ingest.reassigned_rows import Stretch, skip_unaffected
from disclosures.domain.ingest.rows import lock_notices
from disclosures.domain.ingest.store import attribute_pending_releases
from disclosures.models import Basis, Outcome, ReassignedRelease
from disclosures.workers import archiving
from disclosures.workers.anomalies import detection
from disclosures.workers.anomalies.detection import recheck_without_rule

logger = logging.getLogger(__name__)
ACTION, TARGET = "disclosures.given_back", "feed:disclosures:given_back"
NOTED_ALONE = "SELECT pg_advisory_xact_lock(hashtext('disclosures.given_back'))"

# Line, moment and path.
type Look = tuple[int, datetime, Sequence[str]]


def attribute(*, at: datetime, actor: str, waits: bool = True) -> None:
    """Give back what is no line's by the number it came by, then take in what is held for what is known now.

    `waits`: for whoever takes held rows in; else that is left to them.
    """
    detach_releases(at=at, actor=actor)
    attribute_pending_releases(at=at, actor=actor, waits=waits)


def detach_releases(*, at: datetime, actor: str) -> int:
    """Take out of lines what their numbers reported when they were no longer theirs. Returns how many rows that were.

    A batch that breaks is done period by period; the one that breaks it is logged and left for the next run.
    """
    given = 0
    broken = set[int]()
    while periods := reassigned_rows.list_shortened_periods(besides=broken):
        try:
            given += _detach_period(periods, at)
        except Exception:  # whatever it is, it must not keep every other line's rows with the wrong person
            logger.exception("a batch of shortened periods can't be looked through: one by one now")
            given += sum(_one(period, at, broken) for period in periods)
    _note(at, actor)
    return given


def _one(period: int, at: datetime, broken: set[int]) -> int:
    try:
        return _detach_period([period], at)
    except Exception:
        logger.exception("a shortened period can't be looked through: left for the next run")
        broken.add(period)
        return 0


def _detach_period(periods: Sequence[int], at: datetime) -> int:
    return sum(_detach(period, at) for period in _skip_unaffected(periods))


@transaction.atomic
def _skip_unaffected(periods: Sequence[int]) -> list[int]:
    """By itself, because what follows waits for a search for anomalies that runs: most ends need not."""
    lock_notices()
    return skip_unaffected(periods=periods)


@transaction.atomic
def _detach(period: int, at: datetime) -> int:
    """The rows go last: what was written as the owner, this session could no longer read where the ledger is spread."""
    detection.lock_anomalies()
    lock_notices()
    reassigned_rows.lock_rejudging()
    stretch = reassigned_rows.find_stretch(period=period)
    if stretch is None:
        return 0
    ids, looks = stretch.ids, _look_ups(stretch)
    if ids:
        archiving.take_away(line_ids=set(archiving.find_visible_rows(disclosure_ids=ids, at=at).values()))
    if looks:
        recheck_without_rule(rows=looks, ids=ids, at=at)
    reassigned_rows.detach_stretch(stretch=stretch, at=at)
    return len(ids)


def _look_ups(stretch: Stretch) -> list[Look]:
    said = [row.report for row in stretch.rows]
    return [
        (stretch.period.line_id, one.occurred_at, path)
        for one, path in zip(said, stretch.paths, strict=True)
        if one.basis == Basis.APPROVAL and one.outcome == Outcome.RELEASED
    ]


@transaction.atomic
def _note(at: datetime, actor: str) -> None:
    """Write into the trail what was given back since the last time: all of it, also where a run was cut off."""
    with connection.cursor() as cursor:
        cursor.execute(NOTED_ALONE)
    before = AuditEvent.objects.filter(target=TARGET, action=ACTION).order_by("-at", "-id").first()
    through = before.detail["through"] if before else 0
    new = ReassignedRelease.objects.filter(pk__gt=through).aggregate(
        rows=Count("pk"), lines=Count("line_id", distinct=True), through=Max("pk")
    )
    if new["rows"]:
        detail = {"count": new["rows"], "lines": new["lines"], "through": new["through"]}
        audit.actions.record(action=ACTION, actor=actor, target=TARGET, at=at, detail=detail)
