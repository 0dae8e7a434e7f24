"""What partners were asked to show after "I never agreed", and what they showed, for the person's own page."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from partners.labels import party_name, purpose_in_words, sanitise_text
from partners.models import Campaign, Party
from revocations.models import EvidenceRequest


@dataclass(frozen=True)
class EvidenceView:
    """One partner's part: when it was asked, by when it was to answer, and what it said. Its word, not ours."""

    party: str
    why: str
    asked_at: datetime
    due_at: datetime
    answered_at: datetime | None
    answer: str
    late: bool
    method: str
    captured_at: datetime | None
    wording: str
    evidence_ref: str

    @property
    def moments(self) -> list[tuple[str, datetime]]:
        """What happened and what is due, in the order of time: `asked`, `answered`, `due`."""
        known = [("asked", self.asked_at), ("answered", self.answered_at), ("due", self.due_at)]
        return sorted(((what, at) for what, at in known if at is not None), key=lambda one: one[1])


def evidence_of(*, line_id: int, choice_id: uuid.UUID, at: datetime) -> tuple[EvidenceView, ...]:
    """What each partner was asked about one dispute, in the order of asking."""
    rows = list(EvidenceRequest.objects.filter(line_id=line_id, choice_id=choice_id).order_by("asked_at", "id"))
    parties = Party.objects.in_bulk({row.party_id for row in rows})
    purposes = dict(Campaign.objects.filter(ref__in={row.campaign for row in rows}).values_list("ref", "purpose"))
    return tuple(
        EvidenceView(
            party=party_name(parties[row.party_id].name, parties[row.party_id].uri),
            why=purpose_in_words(purposes[row.campaign]) if row.campaign in purposes else "",
            asked_at=row.asked_at,
            due_at=row.due_at,
            answered_at=row.answered_at,
            answer=row.answer,
            late=(row.answered_at or at) > row.due_at,
            method=row.method,
            captured_at=row.captured_at,
            wording=sanitise_text(row.wording),
            evidence_ref=sanitise_text(row.evidence_ref, at_most=200),
        )
        for row in rows
    )
