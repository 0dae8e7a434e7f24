"""How far an end is, by a term or an officer: from the gate to the last signature that the data is deleted."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum

from revocations.models import Cohort, ManifestShard, State
from revocations.queries.cohorts import CohortProgress, Signer, cohort_progress
from support.queries import names

UNNAMED = "a company we can't name received data and can't sign"
# What the page and the list say of one that was signed for, but for a company that we heard of since.
NOT_WHOLE = "a signature is missing"


@dataclass(frozen=True)
class Step:
    """One step: what, whether it is done, when, and what more is known. `late`: its date has passed."""

    what: str
    done: bool
    at: datetime | None = None
    more: str = ""
    late: bool = False


@dataclass(frozen=True)
class TerminationPage:
    """One end. `share`: how much of the list is made, in percent of the lines that the plan counted."""

    cohort: Cohort
    progress: CohortProgress
    target: names.NamedTarget
    who: str
    second: str
    steps: Sequence[Step]
    signers: Sequence[Signer]
    listed: int
    share: int
    shards: int

    @property
    def state(self) -> tuple[str, str]:
        """How far it is: a tone and a word."""
        if self.progress.state == State.COMPLETED:
            return "good", "deletion signed"
        if self.progress.contradicted_at:
            return "bad", "continued after signing"
        if self.cohort.completed_at:
            return "warn", NOT_WHOLE
        return ("bad", "overdue") if self.progress.overdue else ("warn", "in progress")

    @property
    def signatures(self) -> Sequence[tuple[Signer, str]]:
        """Who has signed or has to, each with the tone of its word."""
        return [(one, self._tone_of(one)) for one in self.signers]

    def _tone_of(self, one: Signer) -> str:
        if one.is_completed:
            return "warn" if one.differs else "good"
        return "bad" if self.progress.overdue else "warn"


def termination_page(*, cohort_id: uuid.UUID, at: datetime) -> TerminationPage | None:
    """Return the progress of one termination; None where there is none. Eleven statements."""
    cohort = Cohort.objects.filter(pk=cohort_id).defer("index_token").first()
    if cohort is None:
        return None
    progress = cohort_progress(cohort_id=cohort_id, at=at)
    who = names.actors(wanted={actor for actor in (cohort.actor, cohort.second_actor) if actor})
    made = ManifestShard.objects.filter(cohort_id=cohort.pk).aggregate(shards=Count("number"), listed=Sum("lines"))
    listed, wanted = made["listed"] or 0, _count_planned_lines(cohort)
    return TerminationPage(
        cohort=cohort,
        progress=progress,
        target=names.targets(wanted={(cohort.of, cohort.target_id)})[cohort.of, cohort.target_id],
        who=who[cohort.actor],
        second=who.get(cohort.second_actor, ""),
        steps=_steps(cohort, progress, at),
        signers=(progress.partner, *progress.below),
        listed=cohort.subject_count if cohort.manifest_at else listed,
        share=100 if cohort.manifest_at else min(99, 100 * listed // wanted) if wanted else 0,
        shards=made["shards"],
    )


def _steps(cohort: Cohort, progress: CohortProgress, at: datetime) -> list[Step]:
    late = cohort.complete_by <= at
    by = f"due {cohort.complete_by:%-d %b %Y}"
    all_signed = not progress.missing and progress.coverage.whole
    return [
        Step("Denied at our gate", done=True, at=cohort.terminated_at, more=f"epoch {cohort.epoch}"),
        Step("List of lines completed and signed", done=bool(cohort.manifest_at), at=cohort.manifest_at),
        Step("Partner notified", done=bool(progress.told_at or progress.acknowledged_at), at=progress.told_at),
        Step(
            "Partner acknowledged", done=bool(progress.acknowledged_at), at=progress.acknowledged_at,
            more="" if progress.acknowledged_at else progress.note,
        ),
        Step("Subscribers notified", done=bool(cohort.subscribers_told_at), at=cohort.subscribers_told_at),
        *_list_contradiction_steps(progress),
        _deletion_step(progress.partner, by, late=late),
        Step(
            "Every company it passed data to signed", done=all_signed, at=cohort.completed_at if all_signed else None,
            more="; ".join(_list_missing_signers(progress, by)), late=late and not all_signed,
        ),
    ]  # fmt: skip


def _deletion_step(partner: Signer, by: str, *, late: bool) -> Step:
    title = "Partner signed that it deleted the data"
    if partner.is_completed:
        return Step(title, done=True, at=partner.signed_at, more="", late=False)
    return Step(title, done=False, at=None, more=by, late=late)


def _list_missing_signers(progress: CohortProgress, by: str) -> list[str]:
    missing = progress.coverage.missing_names
    words = [f"waiting for {', '.join(missing)}, {by}"] if missing else []
    return words + ([UNNAMED] if progress.coverage.unnamed else [])


def _list_contradiction_steps(progress: CohortProgress) -> list[Step]:
    if progress.contradicted_at is None:
        return []
    return [
        Step(
            "Partner continued after signing", done=True, at=progress.contradicted_at, late=True,
            more="order sent again, new signature due",
        )
    ]  # fmt: skip


def _count_planned_lines(cohort: Cohort) -> int:
    lines = cohort.plan.get("lines") if isinstance(cohort.plan, dict) else None
    return lines if isinstance(lines, int) else 0
