"""What speaks for an agreement, each record judged by itself: does it still count, and if not, why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from consent.models import Approval, Origin
from consent.queries.current_consent.ledger import (
    EPOCH,
    Denial,
    Ledger,
    LineApproval,
    LineChoice,
    microseconds,
    outweighs,
)
from partners.labels import sanitise_text

# Whatever was said, nothing is agreed while the gate has one of these reasons.
ALL_OVER = ("line_unknown", "contract_not_in_force", "campaign_not_in_force", "jurisdiction_prohibits")


@dataclass(frozen=True)
class Proof:
    """Why anybody may think that the person agreed.

    `kind`: `agreed` (the carrier holds it), `allowed` (said on these pages), `claimed` (a company's word alone) or
    `none`. `ended`: it counts no longer. `kept_stop`: it is newer than the person's own stop, which counts anyhow.
    `by`: who allowed, as the ledger names them ("subscriber:7").
    """

    kind: Literal["agreed", "allowed", "claimed", "none"]
    at: datetime | None = None
    method: str = ""
    captured_by: str = ""
    wording: str = ""
    language: str = ""
    evidence_ref: str = ""
    verified_by: str = ""
    expires_at: datetime | None = None
    choice_id: str = ""
    by: str = ""
    ended: bool = False
    kept_stop: bool = False

    @property
    def by_person(self) -> bool:
        """Whether it was said on these pages, by somebody who signed in."""
        return self.kind == "allowed" and self.verified_by == Origin.PERSON

    @property
    def counts(self) -> bool:
        """Whether it is more than a claim, and has not ended."""
        return self.kind in {"agreed", "allowed"} and not self.ended


def proofs_of(*, campaign: str, reason: str, stops: Sequence[Denial], ledger: Ledger) -> list[Proof]:
    """What speaks for an agreement, the newest first: what the carrier holds or the person said, then mere claims.

    `reason`: the gate's, as if nobody were suspended; `stops`: every stop that covers the campaign.
    """
    judge = _Judge(reason, stops, ledger)
    records = ledger.approvals.get(campaign, ())
    said = [_build_choice_proof(choice, judge) for choice in ledger.allows.get(campaign, ())]
    kept = [_record(one, "agreed", judge) for one in records if one.verified_by == Approval.VerifiedBy.CARRIER]
    claims = [_record(one, "claimed", judge) for one in records if one.verified_by == Approval.VerifiedBy.PARTNER]
    return sorted([*said, *kept], key=lambda proof: (not proof.ended, proof.at or EPOCH), reverse=True) + claims


@dataclass(frozen=True)
class _Judge:
    """Whether one record still counts: its own end, a change of number, and every stop that is as new as it or newer.

    A pause ends nothing: when it is over, what was agreed before counts again.
    """

    reason: str
    stops: Sequence[Denial]
    ledger: Ledger

    def is_ended(self, at: datetime, until: datetime | None, origin: str) -> bool:
        since = microseconds(at)
        return (
            self.reason in ALL_OVER
            or self.ledger.over(since, None if until is None else microseconds(until))
            or any(since <= stop.at_us or not outweighs(yes=origin, no=stop.origin) for stop in self.stops)
        )

    def kept_stop(self, at: datetime) -> bool:
        """Of a record: it is newer than every stop, and the gate says no all the same."""
        newer = all(microseconds(at) > stop.at_us for stop in self.stops)
        return self.reason.startswith("stopped_") and newer


def _build_choice_proof(choice: LineChoice, judge: _Judge) -> Proof:
    return Proof(
        "allowed",
        at=choice.made_at,
        expires_at=choice.until,
        choice_id=str(choice.id),
        verified_by=choice.origin,
        by=choice.actor,
        ended=judge.is_ended(choice.made_at, choice.until, choice.origin),
        kept_stop=choice.origin == Origin.FILE and judge.kept_stop(choice.made_at),
    )


def _record(approval: LineApproval, kind: Literal["agreed", "claimed"], judge: _Judge) -> Proof:
    return Proof(
        kind,
        at=approval.captured_at,
        method=approval.method,
        captured_by=approval.captured_by,
        wording=sanitise_text(approval.wording),
        language=sanitise_text(approval.language, at_most=40),
        evidence_ref=sanitise_text(approval.evidence_ref, at_most=200),
        verified_by=approval.verified_by,
        expires_at=approval.expires_at,
        ended=judge.is_ended(approval.captured_at, approval.expires_at, Origin.FILE),
        kept_stop=kind == "agreed" and judge.kept_stop(approval.captured_at),
    )
