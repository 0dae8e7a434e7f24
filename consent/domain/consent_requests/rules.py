"""When a line may be asked: only where nothing but its yes is missing, and never soon after a no."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection

import accounts.queries
from accounts.models import Line
from accounts.primitives.sealing import number_hash
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.models import Choice
from partners.models import Campaign

# (how many, in how many seconds)
PER_CLIENT = (1200, 60)
PER_NUMBER = (20, 3600)

# Twelve months, the longest they can be.
QUIET = timedelta(days=366)
MONTH = timedelta(days=31)
AT_MOST = 2
ONLY_A_YES_IS_MISSING = frozenset({"no_approval", "approval_unverified", "approval_expired"})
NOS = (Choice.Kind.STOP, Choice.Kind.REFUSE)

# What the gate would say of a campaign whatever the line is.
OPEN = """
SELECT c.ref FROM partners_campaign c JOIN partners_contract k ON k.id = c.contract_id
WHERE c.ref = ANY (%(refs)s) AND NOT c.is_draft AND NOT k.is_draft
    AND c.starts_at <= %(at)s AND %(at)s < c.ends_at AND k.starts_at <= %(at)s AND %(at)s < k.ends_at
    AND NOT EXISTS (
        SELECT FROM partners_suspension s
        WHERE s.starts_at <= %(at)s AND (s.ends_at IS NULL OR %(at)s < s.ends_at) AND (
            s.of = 'campaign' AND s.target_id = c.id
            OR s.of = 'contract' AND s.target_id = k.id
            OR s.of = 'party' AND (
                s.target_id IN (k.aggregator_id, c.lbs_provider_id)
                OR NOT c.names_recipient AND s.target_id IN (
                    SELECT r.party_id FROM partners_reach r WHERE r.campaign_id = c.id))))
"""


@dataclass(frozen=True)
class Case:
    """One line and one campaign (its id)."""

    line_id: int
    campaign: str


def open_campaigns(*, refs: Collection[str], at: datetime) -> set[str]:
    """Of these campaigns those in force under a contract in force, with nobody on their way suspended."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, {"refs": list(refs), "at": at})
        return {ref for (ref,) in cursor.fetchall()}


def askable(*, cases: Sequence[Case], at: datetime) -> list[bool]:
    """For each case: whether this line may be asked about this campaign now, by its state and its history.

    It may where the gate misses nothing but a yes, where nothing was refused or stopped for 12 months, whatever it was
    about, and where there is somebody who may answer: for a child's line, its account's holder. How often a line was
    asked is not looked at.
    """
    lines = Line.objects.in_bulk({case.line_id for case in cases})
    campaigns = _campaigns({case.campaign for case in cases})
    missing = _lack_only_a_yes(cases, lines, campaigns, at)
    return [
        n in missing and accounts.queries.answering_line(line=lines[case.line_id], at=at) is not None
        for n, case in enumerate(cases)
    ]


def _lack_only_a_yes(
    cases: Sequence[Case], lines: Mapping[int, Line], campaigns: Mapping[str, Campaign], at: datetime
) -> set[int]:
    """The cases where nothing was refused or stopped lately, and where the gate misses nothing but a yes."""
    said_no = set(
        Choice.objects.filter(line_id__in=lines, kind__in=NOS, made_at__gt=at - QUIET).values_list("line_id", flat=True)
    )
    asked = [n for n, case in enumerate(cases) if case.line_id in lines.keys() - said_no and case.campaign in campaigns]
    answers = deciding.evaluate(
        questions=[
            as_agreed(campaign=campaigns[cases[n].campaign], line=lines[cases[n].line_id].carrier_id) for n in asked
        ]
    )
    return {n for n, answer in zip(asked, answers, strict=True) if answer.reason in ONLY_A_YES_IS_MISSING}


def _campaigns(refs: Collection[str]) -> dict[str, Campaign]:
    found = Campaign.objects.filter(ref__in=refs).select_related("contract__aggregator", "lbs_provider")
    return {campaign.ref: campaign for campaign in found}


def seconds_to_wait(*, client_id: str, msisdn: str) -> int:
    """Count one more question of this client about this number. Returns 0, or how long it must wait.

    Counted per client: what one partner does says nothing to another. With Redis away all may pass.
    """
    limits = (
        (f"consent-info:{client_id}", PER_CLIENT),
        (f"consent-info:{client_id}:{number_hash(msisdn).hex()}", PER_NUMBER),
    )
    return max(span if _count(key, span) > most else 0 for key, (most, span) in limits)


def _count(key: str, span: int) -> int:
    cache.add(key, 0, timeout=span)
    try:
        return cache.incr(key)
    except ValueError:  # it ended between the two
        return 1
