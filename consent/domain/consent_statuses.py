"""How a number stands to campaigns, in no more than what their partner may know (CAMARA Consent Info's words).

A number that is no line of ours, one that the partner never dealt with and one that was stopped before it did are all
the same: nothing is known of a yes. Each is read by the same statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

from django.db import connection

import accounts.queries
from accounts.primitives.sealing import make_placeholder_id
from consent.domain.consent_requests import QUIET
from consent.gate import deciding
from consent.gate.readiness import RESTORING
from consent.gate.shapes import Answer, as_agreed
from partners.models import Campaign

type Reason = Literal["PENDING", "REQUESTED", "DENIED", "EXPIRED"]

# `met`: when the partner first dealt with this line under this agreement and under its present number. A no is told to
# it only if it came after that and an order told of it; how lately, by that order: of a no that came later and changed
# nothing for the partner it was not told. An agreement that a change of number ended is unknown to it.
KNOWN = """
SELECT c.ref,
    EXISTS (
        SELECT FROM consent_choice h
            JOIN consent_choiceorder o ON o.line_id = h.line_id AND o.choice_id = h.id
        WHERE h.line_id = %(line)s AND h.kind IN ('stop', 'pause', 'refuse')
            AND o.contract_id = c.contract_id AND h.recorded_at >= met.at),
    EXISTS (
        SELECT FROM consent_choice h
            JOIN consent_choiceorder o ON o.line_id = h.line_id AND o.choice_id = h.id
            JOIN revocations_order lately ON lately.line_id = o.line_id AND lately.id = o.order_id
        WHERE h.line_id = %(line)s AND h.kind IN ('stop', 'refuse')
            AND o.contract_id = c.contract_id AND h.recorded_at >= met.at AND lately.queued_at > %(quiet_since)s),
    EXISTS (
        SELECT FROM consent_ask q
        WHERE q.line_id = %(line)s AND q.campaign = c.ref AND q.approval_id IS NULL AND q.expires_at > %(at)s),
    (SELECT max(yes.ends_at) FROM (
        SELECT a.id, a.expires_at AS ends_at FROM consent_approval a
            WHERE a.line_id = %(line)s AND a.campaign = c.ref AND a.verified_by = 'carrier'
                AND a.captured_at > number.since
        UNION ALL
        SELECT h.id, h.until FROM consent_choice h
            WHERE h.line_id = %(line)s AND h.kind = 'allow' AND h.ref = c.ref AND h.made_at > number.since
    ) yes WHERE yes.ends_at <= %(at)s
        AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = %(line)s AND x.yes_id = yes.id))
FROM partners_campaign c
    JOIN partners_contract k ON k.id = c.contract_id
    CROSS JOIN LATERAL (
        SELECT coalesce(max(l.number_changed_at), '-infinity') AS since FROM accounts_line l WHERE l.id = %(line)s
    ) number
    CROSS JOIN LATERAL (
        SELECT min(deal.at) AS at FROM (
            SELECT a.recorded_at AS at FROM consent_approval a JOIN partners_campaign other ON other.ref = a.campaign
                WHERE a.line_id = %(line)s AND other.contract_id = k.id AND a.captured_at > number.since
            UNION ALL
            SELECT h.recorded_at FROM consent_choice h JOIN partners_campaign other ON other.ref = h.ref
                WHERE h.line_id = %(line)s AND h.kind = 'allow' AND other.contract_id = k.id
                    AND h.made_at > number.since
            UNION ALL
            SELECT d.last_at FROM partners_dealing d
                WHERE d.line_id = %(line)s AND d.aggregator_id = k.aggregator_id AND d.last_at > number.since
        ) deal
    ) met
WHERE c.id = ANY (%(campaigns)s)
"""


@dataclass(frozen=True)
class Status:
    """Whether a use is allowed now, and if not, why as far as its partner may know.

    `expires_at`: when it will end by itself or (EXPIRED) ended. `quiet`: its partner was told of a no lately, so that
    nobody is asked.
    """

    campaign: str
    valid: bool
    reason: Reason | None = None
    expires_at: datetime | None = None
    quiet: bool = False

    @property
    def wants_a_yes(self) -> bool:
        """Whether the person may be shown the question."""
        return self.reason in {"PENDING", "REQUESTED", "EXPIRED"}


# Of several reasons the one that is told.
WEIGHTIEST_FIRST: Sequence[Reason] = ("DENIED", "EXPIRED", "REQUESTED", "PENDING")


class _RequestFacts(NamedTuple):
    told: bool
    quiet: bool
    requested: bool
    ended_at: datetime | None


def subject_of(*, msisdn: str, at: datetime) -> int:
    """Return the line that has this number now; for a number that is not ours, its stand-in (below zero)."""
    line = accounts.queries.line_of_number(msisdn=msisdn, at=at)
    return line.pk if line else make_placeholder_id(msisdn)


def statuses(*, msisdn: str, subject: int, campaigns: Sequence[Campaign], at: datetime) -> list[Status]:
    """Return how a number stands to each of these campaigns of one partner, by the gate's own answers.

    Two statements.
    """
    asked = [as_agreed(campaign=campaign, msisdn=msisdn) for campaign in campaigns]
    answers = deciding.evaluate(questions=asked, for_release=True)
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, {"line": subject, "at": at, "campaigns": [campaign.pk for campaign in campaigns],
                               "quiet_since": at - QUIET})  # fmt: skip
        known = {ref: _RequestFacts(*facts) for ref, *facts in cursor.fetchall()}
    return [
        _status(campaign.ref, answer, known[campaign.ref]) for campaign, answer in zip(campaigns, answers, strict=True)
    ]


def combine_statuses(*, statuses: Sequence[Status]) -> Status:
    """Say how campaigns that share a scope stand as one: it may be used only where each of them may.

    `campaign` is then the first whose question is still open, "" for none.
    """
    if all(one.valid for one in statuses):
        return _valid_until_first_end(statuses)
    whole = _get_main_reason(statuses)
    quiet = any(one.quiet for one in statuses)
    still_open = next((one.campaign for one in statuses if one.wants_a_yes), "")
    return replace(whole, campaign=still_open, quiet=quiet) if whole.wants_a_yes else whole


def _valid_until_first_end(statuses: Sequence[Status]) -> Status:
    ends = [one.expires_at for one in statuses if one.expires_at is not None]
    return Status("", valid=True, expires_at=min(ends, default=None))


def _get_main_reason(statuses: Sequence[Status]) -> Status:
    """Why campaigns may not all be used, by the reason that weighs most."""
    reason = next(reason for reason in WEIGHTIEST_FIRST if any(one.reason == reason for one in statuses))
    ended = [one.expires_at for one in statuses if one.reason == reason and one.expires_at is not None]
    return Status("", valid=False, reason=reason, expires_at=max(ended, default=None))


def _is_stopped(answer: Answer) -> bool:
    return answer.reason.startswith("stopped_") or answer.reason == "paused"


def _status(ref: str, answer: Answer, known: _RequestFacts) -> Status:
    if answer.allowed:
        return Status(ref, valid=True, expires_at=answer.expires_at)
    if answer.reason == RESTORING:
        return Status(ref, valid=False, reason="PENDING", quiet=True)
    if known.told and _is_stopped(answer):
        return Status(ref, valid=False, reason="DENIED")
    if known.ended_at is not None and answer.reason == "approval_expired":
        return Status(ref, valid=False, reason="EXPIRED", expires_at=known.ended_at, quiet=known.quiet)
    return Status(ref, valid=False, reason="REQUESTED" if known.requested else "PENDING", quiet=known.quiet)
