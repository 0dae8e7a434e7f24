"""How far the end of an agreement has come: who must delete, who has signed that it did, and who has not."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from partners.labels import party_name
from partners.models import Party
from revocations.models import Cohort, CohortReceipt, State, StreamEvent
from revocations.queries.coverage import Coverage, coverage_of_ends, restrict_state

COMPLETED = "completed"


@dataclass(frozen=True)
class Signer:
    """A company and its newest signed word; `status` "" while there is none.

    `differs`: it says it acted on another number of lines than were listed.
    """

    party_id: int
    uri: str
    name: str
    status: str
    signed_at: datetime | None
    acted_on: int | None
    differs: bool

    @property
    def is_completed(self) -> bool:
        """Whether it signed that it did everything."""
        return self.status == COMPLETED


@dataclass(frozen=True)
class CohortProgress:
    """One ended agreement, by the newest event to its partner. `state` "" while the list is still made.

    `contradicted_at`: when we found that the partner had gone on after it signed, until it has signed that event.
    """

    cohort_id: uuid.UUID
    state: str
    note: str
    subject_count: int
    terminated_at: datetime
    told_at: datetime | None
    acknowledged_at: datetime | None
    complete_by: datetime
    overdue: bool
    partner: Signer
    below: tuple[Signer, ...]
    coverage: Coverage
    contradicted_at: datetime | None

    @property
    def missing(self) -> tuple[Signer, ...]:
        """Who has not signed that it is done: the partner, and companies below it."""
        return tuple(one for one in (self.partner, *self.below) if not one.is_completed)

    @property
    def differing(self) -> tuple[Signer, ...]:
        """Whose count is not that of the list."""
        return tuple(one for one in (self.partner, *self.below) if one.differs)


def cohort_progress(*, cohort_id: uuid.UUID, at: datetime) -> CohortProgress:
    """Return who has signed for an ended agreement, and who has not. Seven statements. Raises Cohort.DoesNotExist."""
    cohort = Cohort.objects.get(pk=cohort_id)
    event = _newest_event(cohort)
    signed = CohortReceipt.objects.filter(cohort_id=cohort_id).order_by("received_at", "jti")
    receipts = list(signed.filter(event_id=event.pk)) if event.state else []
    covered = coverage_of_ends(cohorts=[cohort])[cohort_id]
    companies = Party.objects.filter(uri__in=[one.uri for one in (*covered.signed, *covered.missing)]).order_by("uri")
    state = event.state and restrict_state(state=State(event.state), coverage=covered)
    return CohortProgress(
        cohort_id=cohort_id,
        state=state,
        note=event.note,
        subject_count=cohort.subject_count,
        terminated_at=cohort.terminated_at,
        told_at=event.sent_at,
        acknowledged_at=event.acknowledged_at,
        complete_by=cohort.complete_by,
        overdue=cohort.complete_by <= at and state != State.COMPLETED,
        partner=_signer(Party.objects.get(pk=cohort.party_id), receipts, cohort),
        below=tuple(_signer(one, receipts, cohort) for one in companies),
        coverage=covered,
        contradicted_at=cohort.contradicted_at if cohort.is_contradicted else None,
    )


def _newest_event(cohort: Cohort) -> StreamEvent:
    """Return the newest event to the partner; one without a state while the list is still made."""
    event = StreamEvent.objects.filter(pk=cohort.event_id).first() if cohort.event_id else None
    return event or StreamEvent(state="", note="")


def _signer(party: Party, receipts: Sequence[CohortReceipt], cohort: Cohort) -> Signer:
    word = _find_newest_receipt(party, receipts)
    acted_on = None if word is None else word.acted_on
    return Signer(
        party_id=party.pk,
        uri=party.uri,
        name=party_name(party.name, party.uri),
        status="" if word is None else word.status,
        signed_at=None if word is None else word.received_at,
        acted_on=acted_on,
        differs=acted_on is not None and acted_on != cohort.subject_count,
    )


def _find_newest_receipt(party: Party, receipts: Sequence[CohortReceipt]) -> CohortReceipt | None:
    own = [one for one in receipts if one.signer_uri == party.uri]
    # What was signed as done stays done.
    done = [one for one in own if one.status == COMPLETED]
    return next(iter(reversed(done or own)), None)
