"""The lines feed: activations, deactivations, new numbers, SIMs, roles and states, holders."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import batched
from typing import Annotated

import msgspec

from accounts.models import Line
from accounts.primitives.zones import STATE_NAMES
from consent.actions.lines import grow_up
from consent.feeds.approvals import apply_pending_rows
from consent.feeds.line_continuity import LineRecord, PendingRows, RowFate, Source
from consent.feeds.tenures import ACTOR, record_lines
from consent.queries.approvals import list_lines_left_from_childhood
from consent.queries.choices import GROWN_UP
from partners.feeds.checking import (
    Fate,
    FreeText,
    Instant,
    InstantOrEmpty,
    Msisdn,
    RowRefused,
    build_accepted_fate,
    build_rejected_fate,
    build_repeated_fate,
    instant,
    instant_or_none,
    read,
)
from partners.feeds.reading import NumberedLine, Record

CarrierId = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class ReportedLine(msgspec.Struct, frozen=True):
    """One line of a lines file as it stands there."""

    line_id: CarrierId
    msisdn: Msisdn
    account_id: CarrierId
    holder_name: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    user_role: FreeText
    state: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2}\Z")]
    language: Annotated[str, msgspec.Meta(min_length=1, max_length=12)]
    activated_at: Instant
    deactivated_at: InstantOrEmpty | None = None
    sim_changed_at: InstantOrEmpty | None = None
    number_changed_at: InstantOrEmpty | None = None
    forwarding_changed_at: InstantOrEmpty | None = None
    continues_line_id: Annotated[str, msgspec.Meta(max_length=100)] | None = None


MOMENTS = ("activated_at", "deactivated_at", "sim_changed_at", "number_changed_at", "forwarding_changed_at")
DECODER = msgspec.json.Decoder(ReportedLine)


class LinesFeed:
    """Takes lines in. What only the end of the file decides is settled there: clashes, and who has the last word."""

    name = "lines"
    header = "line_id"
    chunk = 1000

    def __init__(self, *, actor: str = ACTOR) -> None:
        """`actor`: who brings the lines, as the trail names them: a file, or a machine ("client:feed-1")."""
        self._actor = actor
        self._began_at: datetime | None = None
        self._unsettled = PendingRows()
        self._pierced = 0

    def take(self, *, lines: Sequence[NumberedLine | Record], at: datetime) -> list[Fate]:
        self._began_at = self._began_at or at
        fates: list[Fate] = []
        records: list[LineRecord] = []
        for line in lines:
            try:
                records.append(record_of(line, at=at))
            except RowRefused as refused:
                fates.append(build_rejected_fate(line.number, refused.field, refused.reason))
        fates += _fates(self._record(records, at))
        return sorted(fates, key=lambda fate: int(fate.line))

    def finish(self, *, at: datetime) -> list[Fate]:
        """Settle what was left open; then take in what was held for these lines."""
        fates = self.settle_rest(at=at)
        # Where an earlier run was cut off between a row and what it ends.
        _grow_up(list_lines_left_from_childhood(), GROWN_UP, at)
        self._pierced = apply_pending_rows(at=at)
        return fates

    def settle_rest(self, *, at: datetime) -> list[Fate]:
        """Settle what was left open, as long as that helps."""
        fates: list[Fate] = []
        while rows := self._unsettled.to_try():
            settled = [
                fate
                for chunk in batched(rows, self.chunk, strict=False)
                for fate in self._record(chunk, at, read_to_end=True)
            ]
            fates += _fates(settled or self._unsettled.incurable())
        return sorted(fates, key=lambda fate: int(fate.line))

    def clashes(self) -> list[Fate]:
        return _fates(self._unsettled.clashing)

    def extra(self) -> dict[str, int]:
        return {"file_stops_pierced": self._pierced}

    def _record(
        self, records: Sequence[LineRecord], at: datetime, *, read_to_end: bool = False
    ) -> list[tuple[LineRecord, RowFate]]:
        source = Source(self._actor, self._began_at or at)
        settled = record_lines(
            records=records, unsettled=self._unsettled, source=source, at=at, read_to_end=read_to_end
        )
        _grow_up(self._unsettled.pop_adult_lines(), GROWN_UP if self._actor == ACTOR else self._actor, at)
        return settled


def _grow_up(line_ids: Iterable[int], actor: str, at: datetime) -> None:
    for line_id in line_ids:
        grow_up(line_id=line_id, actor=actor, at=at)


def record_of(line: NumberedLine | Record, *, at: datetime) -> LineRecord:
    """Parse the record in a line, as known at `at`. Raises RowRefused."""
    told = read(line, DECODER, ReportedLine)
    if not told.user_role:
        raise RowRefused("user_role", "missing")
    # No rule of a state would find it: whoever lives in Maryland would lose what Maryland forbids.
    if told.state.upper() not in STATE_NAMES:
        raise RowRefused("state", "not_a_state")
    record = LineRecord(
        n=line.number,
        carrier_id=told.line_id,
        msisdn=told.msisdn,
        account=told.account_id,
        holder_name=told.holder_name,
        # A role that we don't know means an adult, who alone decides.
        user_role=Line.UserRole(told.user_role) if told.user_role in Line.UserRole.values else Line.UserRole.USER,
        state=told.state.upper(),
        language=told.language,
        activated_at=instant("activated_at", told.activated_at),
        deactivated_at=instant_or_none("deactivated_at", told.deactivated_at),
        sim_changed_at=instant_or_none("sim_changed_at", told.sim_changed_at),
        number_changed_at=instant_or_none("number_changed_at", told.number_changed_at),
        forwarding_changed_at=instant_or_none("forwarding_changed_at", told.forwarding_changed_at),
        continues=told.continues_line_id or "",
    )
    _refuse_senseless_times(record, at)
    return record


def _refuse_senseless_times(record: LineRecord, at: datetime) -> None:
    for name in MOMENTS:
        moment = getattr(record, name)
        if moment is not None and moment > at:
            raise RowRefused(name, "in_future")
    if record.deactivated_at is not None and record.deactivated_at <= record.activated_at:
        raise RowRefused("deactivated_at", "before_activated_at")
    if record.deactivated_at is not None and record.has_number_since >= record.deactivated_at:
        raise RowRefused("number_changed_at", "after_deactivated_at")


def _fates(settled: Iterable[tuple[LineRecord, RowFate]]) -> list[Fate]:
    return [_fate(record, *fate) for record, fate in settled]


def _fate(record: LineRecord, field: str, what: str) -> Fate:
    if what == "accepted":
        return build_accepted_fate(record.n)
    return build_repeated_fate(record.n) if what == "repeated" else build_rejected_fate(record.n, field, what)
