"""One line as its pages speak of it: each use with its proofs, and the overall answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Literal

from consent.models import Approval, Origin
from consent.queries.current_consent_ledger import (
    EPOCH,
    Denial,
    Ledger,
    LineApproval,
    LineChoice,
    microseconds,
    outweighs,
)
from partners.labels import sanitise_text

State = Literal["on", "off", "partly"]

# Whatever was said, nothing is agreed while the gate has one of these reasons.
ALL_OVER = ("line_unknown", "contract_not_in_force", "campaign_not_in_force", "jurisdiction_prohibits")


@dataclass(frozen=True)
class Proof:
    """Why anybody may think that the person agreed.

    `kind`: `agreed` (the carrier holds it), `allowed` (said on these pages), `claimed` (a company's word alone) or
    `none`. `ended`: it counts no longer, `ended_at` by when, where a no, its own end or a change of number ended it.
    `kept_stop`: it is newer than the person's own stop, which counts anyhow.
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
    ended_at: datetime | None = None
    kept_stop: bool = False

    @property
    def by_person(self) -> bool:
        """Whether it was said on these pages, by somebody who signed in."""
        return self.kind == "allowed" and self.verified_by == Origin.PERSON

    def is_newer_than(self, at: datetime) -> bool:
        """Return whether it was said after a moment."""
        return self.at is not None and self.at > at

    def stood_at(self, at: datetime) -> bool:
        """Return whether it was more than a claim, and had neither begun after a moment nor come to its own end."""
        begun = self.at is not None and self.at <= at
        return begun and self.kind != "claimed" and (self.expires_at is None or self.expires_at > at)

    def was_valid_at(self, at: datetime) -> bool:
        """Return whether it stood at a moment, and no stop and no change of number had ended it."""
        return self.stood_at(at) and (self.ended_at is None or self.ended_at > at)

    @property
    def counts(self) -> bool:
        """Whether it is more than a claim, and has not ended."""
        return self.kind in {"agreed", "allowed"} and not self.ended


def proofs_of(*, campaign: str, reason: str, keys: Sequence[str], ledger: Ledger) -> list[Proof]:
    """List what speaks for an agreement, the newest first: what the carrier holds or the person said, then claims.

    `reason`: the gate's, as if nobody were suspended; `keys`: of the stops that cover the campaign.
    """
    judge = _ProofJudge(reason, ledger.stops(keys), ledger.list_past_stops(keys), ledger)
    records = ledger.approvals.get(campaign, ())
    said = [_build_choice_proof(choice, judge) for choice in ledger.allows.get(campaign, ())]
    kept = [_record(one, "agreed", judge) for one in records if one.verified_by == Approval.VerifiedBy.CARRIER]
    claims = [_record(one, "claimed", judge) for one in records if one.verified_by == Approval.VerifiedBy.PARTNER]
    return sorted([*said, *kept], key=lambda proof: (not proof.ended, proof.at or EPOCH), reverse=True) + claims


@dataclass(frozen=True)
class _ProofJudge:
    """Whether one record still counts: its own end, a change of number, and every stop that is as new as it or newer.

    A pause ends nothing: when it is over, what was agreed before counts again. `stops`: the newest of each key and
    origin; `past_stops`: every one.
    """

    reason: str
    stops: Sequence[Denial]
    past_stops: Sequence[Denial]
    ledger: Ledger

    def is_ended(self, at: datetime, until: datetime | None, origin: str) -> bool:
        since = microseconds(at)
        return (
            self.reason in ALL_OVER
            or self.ledger.over(since, None if until is None else microseconds(until))
            or any(_outdoes(stop, since, origin) for stop in self.stops)
        )

    def get_end(self, at: datetime, until: datetime | None, origin: str) -> datetime | None:
        """Return by when a record had ended: by its own end, a change of number or a stop; None where by none.

        A file's yes that is newer than a stop of another origin counted for nothing from its beginning.
        """
        since, changed = microseconds(at), self.ledger.row.number_changed_at
        ends = [max(at, self.ledger.began(stop)) for stop in self.past_stops if _outdoes(stop, since, origin)]
        ends += [changed] if changed is not None and at < changed else []
        end = min((*ends, until) if until else ends, default=None)
        return end if end and microseconds(end) <= self.ledger.at_us else None

    def is_after_every_stop(self, at: datetime) -> bool:
        """Return whether a record is newer than every stop, and the gate says no all the same."""
        newer = all(microseconds(at) > stop.at_us for stop in self.stops)
        return self.reason.startswith("stopped_") and newer


def _outdoes(stop: Denial, since: int, origin: str) -> bool:
    """Return whether a stop counts more than a yes of this moment and origin."""
    return since <= stop.at_us or not outweighs(yes=origin, no=stop.origin)


def _build_choice_proof(choice: LineChoice, judge: _ProofJudge) -> Proof:
    return Proof(
        "allowed",
        at=choice.made_at,
        expires_at=choice.until,
        choice_id=str(choice.id),
        verified_by=choice.origin,
        by=choice.actor,
        ended=judge.is_ended(choice.made_at, choice.until, choice.origin),
        ended_at=judge.get_end(choice.made_at, choice.until, choice.origin),
        kept_stop=choice.origin == Origin.FILE and judge.is_after_every_stop(choice.made_at),
    )


def _record(approval: LineApproval, kind: Literal["agreed", "claimed"], judge: _ProofJudge) -> Proof:
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
        ended_at=judge.get_end(approval.captured_at, approval.expires_at, Origin.FILE),
        kept_stop=kind == "agreed" and judge.is_after_every_stop(approval.captured_at),
    )


@dataclass(frozen=True)
class Use:
    """One campaign as this line stands to it now. `reason` is the gate's word, empty when allowed.

    `keys`: those of the gate row whose stops and pauses cover it.

    `beneath`: the gate's word as if nobody were suspended, so that a suspension hides no stop of the person's.
    `denied_since`: since when a stop or pause of theirs has stood without a gap; `by_record`: it comes from a file,
    none of it from them;
    `by_us`: none of it comes from them, and we said it for what a company did.
    `no_authors`: when they said it (in microseconds), and who of them, as the ledger names them.
    `precision`: as agreed; `state_limit`: what the line's state still lets pass, in words; "" where that is as much.
    `not_for`: names of the companies for which alone they stopped it, where its requests say for whom they ask.
    """

    campaign: str
    contract_id: int
    contract_ref: str
    aggregator_uri: str
    aggregator_name: str
    provider_id: int
    provider_uri: str
    provider_name: str
    purpose: str
    why: str
    description: str
    precision: str
    state_limit: str
    precision_m: int
    ends_at: datetime
    names_recipient: bool
    lifeline: bool
    family_tracking: bool
    scope: str
    keys: frozenset[str]
    allowed: bool
    reason: str
    beneath: str
    denied_since: datetime | None
    paused_until: datetime | None
    by_record: bool
    by_us: bool
    no_authors: tuple[tuple[int, str], ...]
    proof: Proof
    proofs: tuple[Proof, ...]
    not_for: tuple[str, ...] = ()
    suspended_since: datetime | None = None

    def is_open_to(self, key: str) -> bool:
        """Return whether it is allowed now, and a stop of this key of the gate row would change that."""
        return self.allowed and key in self.keys

    @property
    def parties(self) -> tuple[str, ...]:
        """Every party whose stop covers it, its aggregator first."""
        others = {key.removeprefix("party:") for key in self.keys if key.startswith("party:")} - {self.aggregator_uri}
        return (self.aggregator_uri, *sorted(others))

    @property
    def is_stopped(self) -> bool:
        """Whether a no that was said stands in the way now, whoever is suspended besides."""
        return self.beneath.startswith("stopped_") or self.beneath == "paused"

    @property
    def is_suspended(self) -> bool:
        """Whether an officer has suspended somebody whom this use goes through."""
        return self.reason == "partner_suspended"

    @property
    def may_be_allowed(self) -> bool:
        """Whether a yes of the person is all that is missing: no law, contract or suspension stands in the way."""
        may = self.is_stopped or self.beneath in {"no_approval", "approval_expired", "approval_unverified"}
        return may and self.reason == self.beneath


@dataclass(frozen=True)
class No:
    """What was said against all that a company does: a stop, a pause, both, or nothing.

    `since`: since when it has stood here without a gap. `by_record`: some of it comes from a file, and not from the
    person; `by_us`: some of it is ours, and not the person's. `authors`: who said what is theirs, the newest first.
    """

    stopped_at: datetime | None = None
    paused_until: datetime | None = None
    since: datetime | None = None
    by_record: bool = False
    by_us: bool = False
    authors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sharing:
    """The overall answer for a line.

    `off`: a stop or pause of everything is in force and no campaign is allowed; `on`: no stop or pause in force;
    else `partly`. A suspension changes none of it.

    `stopped_at`: since when a stop of everything has stood without a gap that no living yes has pierced; `by_record`:
    it comes from a file; `stop_id`: the newest such choice of the person's. `stops`: by the gate's key, since when a
    stop of it has stood, one of everything included; `stop_authors`: when the person's side said it, and who.
    `paused_until`, `paused_since`: of the pauses of everything that run, pierced or not. `by_recipient`: uses by
    campaign and the party (URI) that it asks for, where the gate has an answer of its own for that party.
    `gate_is_open`: false after a restore, while every company is told no.
    """

    state: State
    stopped_at: datetime | None
    stop_id: str
    by_record: bool
    paused_since: datetime | None
    paused_until: datetime | None
    uses: Mapping[str, Use]
    by_recipient: Mapping[tuple[str, str], Use]
    stops: Mapping[str, datetime]
    stop_authors: Mapping[str, tuple[tuple[int, str], ...]]
    own_stops: frozenset[str]
    our_stops: frozenset[str]
    gate_is_open: bool

    def use_by(self, *, campaign: str, uri: str) -> Use | None:
        """Return how the line stands to a campaign as far as it asks for this party."""
        return self.by_recipient.get((campaign, uri)) or self.uses.get(campaign)

    def no_to(self, *, uri: str, uses: Sequence[Use]) -> No:
        """Return the no to a company whose uses these are; by its name alone where no use of it is known."""
        if not uses:
            return self._no_by_name(uri)
        return self._no_to_all(uses) if all(use.is_stopped for use in uses) else No()

    def _no_to_all(self, uses: Sequence[Use]) -> No:
        return No(
            stopped_at=_latest(use.denied_since for use in uses if use.paused_until is None),
            paused_until=_latest(use.paused_until for use in uses),
            since=_latest(use.denied_since for use in uses),
            by_record=any(use.by_record for use in uses),
            by_us=any(use.by_us for use in uses),
            authors=_newest_first(*(use.no_authors for use in uses)),
        )

    def _no_by_name(self, uri: str) -> No:
        keys = {"all", f"party:{uri}"}
        stopped = min((since for key, since in self.stops.items() if key in keys), default=None)
        anothers = stopped is not None and not self.own_stops & keys
        by_us = anothers and bool(self.our_stops & keys)
        by_record = anothers and not by_us
        authors = _newest_first(*(self.stop_authors.get(key, ()) for key in keys))
        return No(stopped, self.paused_until, stopped or self.paused_since, by_record, by_us, authors)

    def allowed_by_name(self, *, since: datetime) -> list[Use]:
        """List the uses that the person allowed on these pages after a moment, and to which the gate says yes now."""
        return [
            use
            for use in self.allowed_uses
            if any(one.by_person and one.counts and one.at is not None and one.at > since for one in use.proofs)
        ]

    def get_denial_start(self, *, scope: str, ref: str, made_at: datetime) -> datetime:
        """Return since when a stop of this scope, made at a moment and standing now, has stood with those before it."""
        key = f"{scope}:{ref}" if ref else scope
        known = self.stopped_at if key == "all" else None
        return min(made_at, known or self.stops.get(key, made_at))

    @property
    def is_suspended(self) -> bool:
        """Whether nothing is allowed any longer because an officer suspended all that the person allowed."""
        agreed = [use for use in self.uses.values() if not use.beneath]
        return bool(agreed) and all(use.is_suspended for use in agreed)

    @property
    def own_yeses(self) -> list[Use]:
        """What a privacy signal does not stop unasked: what the person allowed on these pages, and lifelines agreed to.

        Nor what follows a family: whoever set it up may notice, so the person must be warned first. Paused or not, as
        long as the yes itself stands.
        """
        kept = (
            use
            for use in self.uses.values()
            if not use.beneath.startswith("stopped_")
            and any(one.counts and (one.by_person or use.lifeline or use.family_tracking) for one in use.proofs)
        )
        return sorted(kept, key=lambda use: (use.provider_name, use.campaign))

    @property
    def stopped_by_person(self) -> bool:
        """Whether everything is off until the person allows again: nobody else's word can change it."""
        return self.state == "off" and self.stopped_at is not None and not self.by_record

    @property
    def after_the_pause(self) -> list[str]:
        """Names of the companies that may ask again when the pause ends."""
        return sorted({use.provider_name for use in self.uses.values() if use.beneath == "paused" and use.proof.counts})

    @property
    def allowed_uses(self) -> list[Use]:
        """The uses to which the gate says yes now, by name."""
        return sorted(
            (use for use in self.uses.values() if use.allowed), key=lambda use: (use.provider_name, use.campaign)
        )

    @property
    def allowed_companies(self) -> list[str]:
        """Names of the companies to which the gate says yes now: whom a stop of everything blocks."""
        return sorted({use.provider_name for use in self.allowed_uses}, key=str.casefold)

    @property
    def may_be_noticed(self) -> bool:
        """Whether something is allowed whose end somebody near the person may notice."""
        return any(use.family_tracking for use in self.allowed_uses)

    @property
    def lifelines(self) -> list[str]:
        """Names of the services that find the person in an emergency of theirs and are allowed now."""
        return sorted({use.provider_name for use in self.allowed_uses if use.lifeline})


def _newest_first(*said: Iterable[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(actor for _, actor in sorted(chain.from_iterable(said), reverse=True))


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
