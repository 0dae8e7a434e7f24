"""What was said for and against each use of one line, read once, and what still stands of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Func, OuterRef
from django.db.models.functions import JSONObject

from consent.gate.deciding import IS_OPEN
from consent.models import Approval, Choice, LineGate, Origin
from consent.queries.approvals import STANDS
from partners.models import Campaign

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FOREVER = 2**62


def microseconds(moment: datetime) -> int:
    """Convert a moment into the gate row's microseconds."""
    return (moment - EPOCH) // MICROSECOND


def moment_of(at_us: int) -> datetime:
    """Convert microseconds of the gate row back into a moment."""
    return EPOCH + at_us * MICROSECOND


def outweighs(*, yes: str, no: str) -> bool:
    """Return whether a newer yes of this origin counts against a no of that: a file never outranks the person."""
    return yes == Origin.PERSON or no == Origin.FILE


@dataclass(frozen=True)
class Denial:
    """A stop (`until` None) or a pause that covers a use, by its key and origin. Times in microseconds.

    `actor`: as the ledger names who said it; "" where it was read from the gate row, which does not keep that.
    """

    key: str
    origin: str
    at_us: int
    until: int | None = None
    actor: str = ""


class LineApproval(msgspec.Struct, frozen=True):
    """An approval or a claim of one line, as far as its person is shown it."""

    campaign: str
    method: str
    captured_at: datetime
    captured_by: str
    wording: str
    language: str
    evidence_ref: str
    expires_at: datetime | None
    verified_by: str
    recorded_at: datetime


class LineChoice(msgspec.Struct, frozen=True):
    """A choice of one line, as far as the standing needs it."""

    id: UUID
    kind: str
    scope: str
    ref: str
    made_at: datetime
    until: datetime | None
    origin: str
    actor: str
    recorded_at: datetime


@dataclass(frozen=True)
class Yes:
    """A yes to one campaign. Times in microseconds: its own, from when the gate kept it, and its end."""

    origin: str
    at_us: int
    from_us: int
    until: int | None


@dataclass(frozen=True)
class Ledger:
    """What the gate row, the approvals and the choices say.

    `came`: when a no taken over from a file was recorded, by its key and its own time. `denials`: every no ever said,
    by its key, where the gate row has the newest alone.
    """

    row: LineGate
    approvals: Mapping[str, list[LineApproval]]
    allows: Mapping[str, list[LineChoice]]
    came: Mapping[tuple[str, int], datetime]
    denials: Mapping[str, Sequence[Denial]]
    at_us: int

    def stops(self, keys: Iterable[str]) -> list[Denial]:
        """The newest stop of each key and origin, pierced or not."""
        return [Denial(key, origin, at_us) for key in keys for origin, at_us in self.row.stops.get(key, {}).items()]

    def list_past_stops(self, keys: Iterable[str]) -> list[Denial]:
        """List every stop ever said by one of these keys."""
        return [one for key in keys for one in self.denials.get(key, ()) if one.until is None]

    def pauses(self, keys: Iterable[str]) -> list[Denial]:
        """Return the pauses that run now, pierced or not."""
        return [
            Denial(key, origin, since, until)
            for key in keys
            for since, until, origin in self.row.pauses.get(key, ())
            if since <= self.at_us < until
        ]

    def list_authors(self, denials: Iterable[Denial]) -> tuple[tuple[int, str], ...]:
        """List when each of them from the person's side was said, and by whom."""
        said = {(one.key, one.origin, one.at_us): one.actor for kept in self.denials.values() for one in kept}
        keys = [(one.key, one.origin, one.at_us) for one in denials if one.origin == Origin.PERSON]
        return tuple((key[2], said[key]) for key in keys if key in said)

    def list_standing_denials(self, denials: Iterable[Denial], campaign: str) -> list[Denial]:
        """List those of them that no newer yes to this campaign stands against."""
        yeses = self.row.approvals.get(campaign, ())
        return [
            one
            for one in denials
            if not any(since > one.at_us and outweighs(yes=origin, no=one.origin) for since, _, origin in yeses)
        ]

    def unbroken(self, stop: Denial) -> bool:
        """Return whether no living yes to anything is newer than this stop of everything and counts against it."""
        return not any(
            since > stop.at_us and outweighs(yes=origin, no=stop.origin) and not self.over(since, until)
            for yeses in self.row.approvals.values()
            for since, until, origin in yeses
        )

    def over(self, since: int, until: int | None) -> bool:
        """Return whether a yes has ended by itself: its own end has come, or the line's number changed after it."""
        changed = self.row.number_changed_at
        return (until is not None and until <= self.at_us) or (
            changed is not None and since < microseconds(changed) <= self.at_us
        )

    def began(self, denial: Denial) -> datetime:
        """Return from when on the gate has kept it: one from a file counted for nobody before it came."""
        return self.came.get((denial.key, denial.at_us), moment_of(denial.at_us))

    def yeses(self, campaign: str) -> list[Yes]:
        """Return every yes to a campaign that counts or did, ended ones too."""
        agreed = (
            (Origin.FILE, one.captured_at, one.recorded_at, one.expires_at)
            for one in self.approvals.get(campaign, ())
            if one.verified_by == Approval.VerifiedBy.CARRIER
        )
        allowed = ((one.origin, one.made_at, one.recorded_at, one.until) for one in self.allows.get(campaign, ()))
        return [_yes(*one) for one in (*agreed, *allowed)]

    def stood_since(
        self, keys: Iterable[str], yeses: Sequence[Yes], *, newest: Sequence[Denial], comes_back: bool = False
    ) -> datetime | None:
        """Return since when a no by one of these keys has stood without a gap, or None where `newest` is empty.

        `newest`: those that stand now. A newer yes that counts against a no ends it for its use; `comes_back`: until
        that yes has ended itself, as a stop of everything is whole again then.
        """
        stood = [
            span
            for key in keys
            for denial in self.denials.get(key, ())
            for span in self._spans_of(denial, yeses, comes_back=comes_back)
        ]
        since, until = self._last_run(stood)
        stands = newest and since is not None and until > self.at_us
        return moment_of(since) if stands and since is not None else self.in_force(newest)

    def _spans_of(self, denial: Denial, yeses: Sequence[Yes], *, comes_back: bool) -> list[tuple[int, int]]:
        """When a no stood: from its beginning to its end, but for what newer yeses took of that."""
        stood: list[tuple[int, int]] = []
        against = [yes for yes in yeses if yes.at_us > denial.at_us and outweighs(yes=yes.origin, no=denial.origin)]
        begins, ends = microseconds(self.began(denial)), FOREVER if denial.until is None else denial.until
        for yes in sorted(against, key=lambda one: one.from_us):
            if yes.from_us > begins:
                stood.append((begins, min(ends, yes.from_us)))
            begins = max(begins, self._ends(yes)) if comes_back else FOREVER
        return [*stood, (begins, ends)]

    def _last_run(self, stood: Iterable[tuple[int, int]]) -> tuple[int | None, int]:
        """The last of the times without a gap that had begun by now."""
        since: int | None = None
        until = 0
        for begins, ends in sorted(stood):
            if begins >= ends or begins > self.at_us:
                continue
            since, until = (begins if since is None or begins > until else since), max(until, ends)
        return since, until

    def _ends(self, yes: Yes) -> int:
        """When a yes ended or will: by its own end, or by the line's number change after it."""
        changed = self.row.number_changed_at
        by_change = microseconds(changed) if changed is not None and yes.at_us < microseconds(changed) else FOREVER
        return min(by_change, FOREVER if yes.until is None else yes.until)

    def in_force(self, denials: Iterable[Denial]) -> datetime | None:
        """Return from when on the gate has kept the newest of them, or None where there is none."""
        newest = max(denials, key=lambda one: (one.at_us, one.key), default=None)
        return None if newest is None else self.began(newest)


@dataclass(frozen=True)
class LineLedger:
    """A line's gate row with the rows behind it, the newest first, and whether the gate is open at all."""

    row: LineGate
    approvals: list[LineApproval]
    choices: list[LineChoice]
    gate_is_open: bool


def get_line_ledger(*, line_id: int) -> LineLedger:
    """Read all that is kept of one line: its gate row, what was agreed, and every choice. One query."""
    approvals = Approval.objects.filter(STANDS, line_id=OuterRef("pk")).order_by("-captured_at", "id")
    choices = Choice.objects.filter(STANDS, line_id=OuterRef("pk")).order_by("-made_at", "-recorded_at")
    row = LineGate.objects.annotate(
        approval_rows=ArraySubquery(approvals.values(json=JSONObject(**_fields(LineApproval)))),
        choice_rows=ArraySubquery(choices.values(json=JSONObject(**_fields(LineChoice)))),
        gate_is_open=Func(template=IS_OPEN, output_field=BooleanField()),
    ).get(pk=line_id)
    rows = vars(row)
    return LineLedger(
        row=row,
        approvals=msgspec.convert(rows["approval_rows"], list[LineApproval]),
        choices=msgspec.convert(rows["choice_rows"], list[LineChoice]),
        gate_is_open=rows["gate_is_open"],
    )


def read(*, kept: LineLedger, refs: Collection[str], at: datetime) -> Ledger:
    """Read the ledger of one line as far as these campaigns go."""
    approvals: dict[str, list[LineApproval]] = {}
    for one in kept.approvals:
        if one.campaign in refs:
            approvals.setdefault(one.campaign, []).append(one)
    allows: dict[str, list[LineChoice]] = {}
    came: dict[tuple[str, int], datetime] = {}
    denials: dict[str, list[Denial]] = {}
    for choice in kept.choices:
        if choice.kind == Choice.Kind.ALLOW:
            allows.setdefault(choice.ref, []).append(choice)
            continue
        denial = _denial(choice)
        denials.setdefault(denial.key, []).append(denial)
        if choice.origin == Origin.FILE:
            came[denial.key, denial.at_us] = choice.recorded_at
    return Ledger(kept.row, approvals, allows, came, denials, microseconds(at))


def _denial(choice: LineChoice) -> Denial:
    key = f"{choice.scope}:{choice.ref}" if choice.ref else choice.scope
    until = microseconds(choice.until) if choice.until else None
    return Denial(key, choice.origin, microseconds(choice.made_at), until, choice.actor)


def _yes(origin: str, at: datetime, recorded_at: datetime, until: datetime | None) -> Yes:
    return Yes(
        origin, microseconds(at), microseconds(max(at, recorded_at)), None if until is None else microseconds(until)
    )


def _fields(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {name: name for name in struct.__struct_fields__}


def keys_of(*, campaign: Campaign, recipient: str = "", kin: Collection[str] = ()) -> list[str]:
    """Return the gate row's keys whose stops and pauses cover a campaign.

    `recipient`, `kin`: for whom it asks, and that party with its kin, where the campaign's requests name their
    recipient; "": for its provider itself.
    """
    cover = campaign.cover
    alone = campaign.names_recipient and recipient in {"", *cover.told_apart}
    parties = {*(cover.named_parties if alone else cover.parties), *kin}
    return [
        "all",
        *(f"party:{uri}" for uri in parties),
        *(f"purpose:{term}" for term in cover.purposes),
        *(f"campaign:{ref}" for ref in cover.campaigns),
    ]
