"""Agreements that ended, as they concern one line: read from the end itself, with no row for each line."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import connection

from partners.labels import party_name
from revocations.models import BY_TERM

State = Literal["owed", "partial", "signed", "contradicted"]

# Whose it was: a yes or a claim under it, or a release through its aggregator (of a campaign: to its provider).
# Signed counts for a line that the partner has a name for: the list is of names.
CONCERNING = """
SELECT c.id, agg.id, agg.uri, agg.name, lbs.id, lbs.uri, lbs.name, c.actor = %(by_term)s,
    c.terminated_at, c.complete_by,
    CASE WHEN NOT named.so THEN '' WHEN c.contradicted_at IS NOT NULL AND c.completed_at IS NULL THEN 'contradicted'
        ELSE told.state END,
    (SELECT max(r.received_at) FROM revocations_cohortreceipt r
        WHERE r.cohort_id = c.id AND r.signer_uri = agg.uri AND r.status = 'completed')
FROM revocations_cohort c
    JOIN partners_party agg ON agg.id = c.party_id
    LEFT JOIN partners_campaign one ON c.of = 'campaign' AND one.id = c.target_id
    LEFT JOIN partners_party lbs ON lbs.id = one.lbs_provider_id
    LEFT JOIN revocations_streamevent told ON told.id = c.event_id
    CROSS JOIN LATERAL (SELECT EXISTS (
        SELECT FROM partners_pairwisesubject s WHERE s.line_id = %(line)s AND s.party_id = c.party_id) AS so) named
WHERE EXISTS (
        SELECT FROM consent_approval a JOIN partners_campaign under ON under.ref = a.campaign
        WHERE a.line_id = %(line)s AND under.contract_id = c.contract_id AND (c.of = 'contract' OR under.id = one.id)
            AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = a.line_id AND x.yes_id = a.id))
    OR EXISTS (
        SELECT FROM consent_choice h JOIN partners_campaign under ON under.ref = h.ref
        WHERE h.line_id = %(line)s AND h.kind = 'allow' AND under.contract_id = c.contract_id
            AND (c.of = 'contract' OR under.id = one.id)
            AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = h.line_id AND x.yes_id = h.id))
    OR EXISTS (
        SELECT FROM partners_dealing d
        WHERE d.line_id = %(line)s AND d.aggregator_id = c.party_id
            AND (c.of = 'contract' OR one.lbs_provider_id IN (d.party_id, d.aggregator_id)))
ORDER BY c.terminated_at DESC, c.id
"""


@dataclass(frozen=True)
class EndedAgreement:
    """One end, in as many words as are known. `use`: the one company whose use ended, "" where the whole agreement did.

    `by_term`: its term was over; else we ended it.
    `owed`: the partner must still delete; `signed`: it signed that it did, and so did every company below it;
    `partial`: it signed, and somebody's signature, or part of the list, is missing; `contradicted`: it signed and went
    on, with whatever line, and has not signed anew for the whole.
    """

    cohort_id: uuid.UUID
    company: str
    party_id: int
    use: str
    use_id: int
    by_term: bool
    ended_at: datetime
    delete_by: datetime
    state: State
    signed_at: datetime | None
    overdue: bool

    def concerns(self, party_ids: Collection[int]) -> bool:
        """Return whether one of these companies is the partner, or the one whose use ended."""
        return self.party_id in party_ids or self.use_id in party_ids


def ended_agreements(*, line_id: int, at: datetime) -> tuple[EndedAgreement, ...]:
    """Return every agreement that ended and that concerned this line, the newest end first. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(CONCERNING, {"line": line_id, "by_term": BY_TERM})
        rows = cursor.fetchall()
    return tuple(
        EndedAgreement(
            cohort_id=cohort_id,
            company=party_name(name, uri),
            party_id=party_id,
            use=party_name(lbs, lbs_uri) if lbs_uri else "",
            use_id=lbs_id or 0,
            by_term=by_term,
            ended_at=ended_at,
            delete_by=delete_by,
            state=_state(told),
            signed_at=signed_at,
            overdue=delete_by <= at and _state(told) != "signed",
        )
        for cohort_id, party_id, uri, name, lbs_id, lbs_uri, lbs, by_term, ended_at, delete_by, told, signed_at in rows
    )


def _state(told: str | None) -> State:
    match told:
        case "completed":
            return "signed"
        case "partial" | "contradicted":
            return told
        case _:
            return "owed"
