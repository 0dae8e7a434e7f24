"""Bring the lines we know to what a lines file says: new tenures, their ends, new numbers, what else changed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

import audit.actions
from accounts.models import Line, LineState
from accounts.primitives.sealing import number_hash, seal
from consent.actions.lines import notify_new_adult
from consent.domain.change_notices import Change
from consent.feeds.approvals import invalidate_approvals
from consent.feeds.line_continuity import (
    LineHolder,
    LineRecord,
    PendingRows,
    RowFate,
    Source,
    copy_predecessor,
    copy_predecessor_late,
    get_line_holder,
    is_same_person,
    list_news,
    make_accounts,
    role_of,
)
from consent.feeds.line_moves import MOVES, AccountLines, LineMoves
from consent.feeds.numbers import (
    LineChanges,
    Period,
    Timeline,
    lacks_start,
    names_line,
    period_in,
    periods_of,
    store_periods,
)
from consent.models import RejudgeRequest

ACTOR = "import:lines"
# When we learned of it: our own words, and nothing that a row says.
KNOWN_AT = ("change_known_at", "holder_known_at")
ACCEPTED, REPEATED, WAITS = ("", "accepted"), ("", "repeated"), ("", "waits")
TAKEN = (ACCEPTED, REPEATED)
# What may be cured by a later line of the same file: a number given back, a predecessor, the moment of a new number.
CURABLE = ("number_overlap", "line_unknown", "missing")
# Whoever takes lines in does so alone: whether a number is free is decided on what others have written before.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('accounts.lines'))"


@transaction.atomic
def record_lines(
    *, records: Sequence[LineRecord], unsettled: PendingRows, source: Source, at: datetime, read_to_end: bool = False
) -> list[tuple[LineRecord, RowFate]]:
    """Take in rows in order: what became of each, (field, "accepted" | "repeated" | why it is refused).

    A row that is left out is among the `unsettled` now, and one that was there may come back. So are the lines that
    grew up: `grow_up` them afterwards. `read_to_end`: no more rows will follow but those that clash, so that none waits
    for a later row of its line.
    """
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
    keeper = _TenureWriter(records, unsettled, source, at, read_to_end=read_to_end)
    settled = [(record, fate) for record in records if (fate := keeper.take(record)) != WAITS]
    keeper.write()
    keeper.hold_successors()
    keeper.invalidate_outdated_approvals()
    return settled + unsettled.pop_replaced_rows()


def _refuse_another(before: Line | None, line: Line) -> RowFate | None:
    same = before is not None and before.pk == line.continues_line_id
    return None if same else ("continues_line_id", "id_conflict")


def _changes_end(line: Line, record: LineRecord, *, new_number: bool) -> bool:
    return record.deactivated_at is not None and (new_number or line.deactivated_at is None)


def _may_be_newer(line: Line, record: LineRecord) -> bool:
    # A tenure ends once; what says otherwise is older.
    return line.deactivated_at is None or record.deactivated_at is not None


def _list_named_lines(records: Sequence[LineRecord]) -> set[str]:
    return {name for record in records for name in (record.carrier_id, record.continues) if name}


class _TenureWriter:
    """The lines that a chunk speaks of, as they stand and as it changes them."""

    def __init__(
        self, records: Sequence[LineRecord], unsettled: PendingRows, source: Source, at: datetime, *, read_to_end: bool
    ) -> None:
        self.at = at
        self.source = source
        self.unsettled = unsettled
        self.read_to_end = read_to_end
        known = Line.objects.select_related("account").filter(carrier_id__in=_list_named_lines(records))
        self.lines = {line.carrier_id: line for line in known}
        self.accounts = make_accounts(refs={record.account for record in records})
        self.timeline = Timeline.of(
            periods_of(lines=self.lines.values(), numbers={number_hash(record.msisdn) for record in records})
        )
        self.changes = LineChanges(actor=source.actor, timeline=self.timeline, at=at)
        self.account_lines = AccountLines(
            lines=self.lines.values(), accounts=self.accounts.values(), began_at=source.began_at
        )
        self.moves = LineMoves(
            source=source, timeline=self.timeline, changes=self.changes, lines=self.account_lines, at=at
        )
        self.new: dict[str, Line] = {}
        # Lines that had a number for a shorter time than was known, and from when on that may be.
        self.shortened: dict[int, tuple[Line, datetime]] = {}

    def take(self, record: LineRecord) -> RowFate:
        """Take a row in. Returns what became of it; WAITS: it is among the unsettled."""
        fate = self._take(record)
        if fate[1] in CURABLE:
            self.unsettled.defer_conflict(record, fate)
            return WAITS
        return fate

    def _take(self, record: LineRecord) -> RowFate:
        line = self.lines.get(record.carrier_id)
        if line is not None and (record.carrier_id in self.new or self.changes.concerns(line)):
            # The same line again in one chunk: it must be there before it can change.
            self.write()
        return self._begin(record) if line is None else self._change(line, record)

    def write(self) -> None:
        """Write what changed of known lines, then the new lines with what belongs to them."""
        self.changes.write()
        lines = sorted(self.new.values(), key=lambda line: line.carrier_id)
        self.new = {}
        known = self.moves.hold_new_lines(lines)
        Line.objects.bulk_create(lines)
        LineState.objects.bulk_create(LineState(line=line, state=line.state, since=line.activated_at) for line in lines)
        store_periods(timeline=self.timeline, lines=lines)
        if self.source.is_machine:
            began = {line.pk: {"line": line.carrier_id} for line in lines}
            audit.actions.record_for_lines(action="line.recorded", actor=self.source.actor, at=self.at, details=began)
        self.moves.warn_of_new(lines, known)
        for line in lines:
            copy_predecessor(line=line, actor=self.source.actor, at=self.at)
        self.changes.write()

    def hold_successors(self) -> None:
        """Hold the lines that continue the changed ones, in whichever order the rows came."""
        self.moves.hold_successors()
        self.changes.write()

    def invalidate_outdated_approvals(self) -> None:
        """Set aside what came by numbers that were not these lines' any more; a later row may have given one back."""
        if self.shortened:
            invalidate_approvals(shortened=self.shortened, at=self.at, actor=self.source.actor)

    def _mark_shortened(self, line: Line, since: datetime) -> None:
        known = self.shortened.get(line.pk)
        self.shortened[line.pk] = line, since if known is None else min(since, known[1])

    def _begin(self, record: LineRecord) -> RowFate:
        before = self.lines.get(record.continues) if record.continues else None
        refused = self._cannot_begin(record, before)
        if refused:
            return refused
        if record.continues in self.new:
            self.write()
        period = period_in(record=record)
        if not self.timeline.insert(period):
            return "msisdn", "number_overlap"
        self.moves.begin(period)
        self.lines[record.carrier_id] = self.new[record.carrier_id] = Line(
            carrier_id=record.carrier_id,
            account=self.accounts[record.account],
            holder_name_sealed=seal(record.holder_name),
            user_role=record.user_role,
            state=record.state,
            language=record.language,
            activated_at=record.activated_at,
            deactivated_at=record.deactivated_at,
            sim_changed_at=record.sim_changed_at,
            number_changed_at=period.starts_at if period.starts_at > record.activated_at else None,
            forwarding_changed_at=record.forwarding_changed_at,
            recorded_at=self.at,
            continues_line=before,
        )
        self.account_lines.place(self.new[record.carrier_id])
        if before:
            # It is the same person: a new line ends no hold, and another phone begins one.
            self.moves.follow(self.new[record.carrier_id], before)
        self.unsettled.heard(record, since=period.starts_at)
        return ACCEPTED

    def _cannot_begin(self, record: LineRecord, before: Line | None) -> RowFate | None:
        """Why a new line can't continue the one that its row names."""
        if record.continues and before is None:
            return "continues_line_id", "line_unknown"
        if before is not None and not self._stays(
            get_line_holder(line=before), self._build_line_holder(record, role=record.user_role), before
        ):
            return "continues_line_id", "not_same_user"
        return None

    def _change(self, line: Line, record: LineRecord) -> RowFate:
        refused = self._cannot_change(line, record)
        if refused:
            return refused
        newest = self.timeline.newest(line.carrier_id)
        since = names_line(record=record, newest=newest)
        is_of_now = since >= newest.starts_at and _may_be_newer(line, record)
        fates = [REPEATED]
        if self._names_earlier_number(record, newest, since):
            fates.append(self._earlier_number(line, record))
        if is_of_now and fates[-1] in TAKEN:
            fates.append(self._apply_dated_row(line, record, since))
        if fates[-1] not in TAKEN:
            return fates[-1]
        fate = self._take_moments(line, record, fates)
        return self._apply_undated_row(line, record, since, fate) if is_of_now else fate

    def _cannot_change(self, line: Line, record: LineRecord) -> RowFate | None:
        """Why the row can't be about this line."""
        if line.activated_at != record.activated_at:
            return "activated_at", "id_conflict"
        refused = self._cannot_continue(line, record)
        if refused:
            return refused
        newest = self.timeline.newest(line.carrier_id)
        speaks_of_newest = names_line(record=record, newest=newest) == newest.starts_at
        if speaks_of_newest and newest.number != number_hash(record.msisdn):
            return "number_changed_at", "missing"
        return None

    def _names_earlier_number(self, record: LineRecord, newest: Period, since: datetime) -> bool:
        return record.has_number_since < newest.starts_at and (
            since < newest.starts_at or lacks_start(record=record, timeline=self.timeline)
        )

    def _take_moments(self, line: Line, record: LineRecord, fates: Collection[RowFate]) -> RowFate:
        """Take in the moments beside the number's, and the line that this one continues."""
        besides = [*(self._apply_newer_moment(line, record, name) for name in MOVES), self._continue(line, record)]
        return ACCEPTED if any(besides) or ACCEPTED in fates else REPEATED

    def _cannot_continue(self, line: Line, record: LineRecord) -> RowFate | None:
        """Why the row's predecessor can't be this line's. A row that names none says nothing about it."""
        if not record.continues:
            return None
        before = self.lines.get(record.continues)
        if line.continues_line_id is not None:
            return _refuse_another(before, line)
        if before is None:
            return "continues_line_id", "line_unknown"
        if line in before.list_tenures():
            return "continues_line_id", "id_conflict"
        return (
            None
            if self._stays(get_line_holder(line=before), get_line_holder(line=line), line)
            else ("continues_line_id", "not_same_user")
        )

    def _continue(self, line: Line, record: LineRecord) -> bool:
        """A later row names the predecessor for the first time: its person's stops come over now."""
        if not record.continues or line.continues_line_id is not None:
            return False
        self.write()
        line.continues_line = before = self.lines[record.continues]
        line.save(update_fields=["continues_line", *self.moves.follow(line, before)])
        copy_predecessor_late(line=line, actor=self.source.actor)
        self._audit_machine_row("line.continued", line)
        return True

    def _apply_dated_row(self, line: Line, record: LineRecord, since: datetime) -> RowFate:
        """What a row says with its moment: a new number, and that the tenure is over."""
        newest = self.timeline.newest(line.carrier_id)
        new_number = since > newest.starts_at
        if new_number and not self._new_number(line, record):
            return "msisdn", "number_overlap"
        over = _changes_end(line, record, new_number=new_number)
        if over and not self._end(line, record):
            return "msisdn", "number_overlap"
        return ACCEPTED if over or new_number else REPEATED

    def _earlier_number(self, line: Line, record: LineRecord) -> RowFate:
        """What a row says of the time before the newest number: known, or the number of that time."""
        there = self.timeline.starting_at(line.carrier_id, record.has_number_since)
        if there is not None:
            same = there.number == number_hash(record.msisdn)
            return REPEATED if same else ("number_changed_at", "missing")
        period = period_in(record=record)
        if not self.timeline.insert(period):
            return "msisdn", "number_overlap"
        self.moves.warn_of_taken(line, period)
        self.changes.write()
        store_periods(timeline=self.timeline, lines=[line])
        self._mark_shortened(line, record.has_number_since)
        RejudgeRequest.objects.create(line_id=line.pk, since=record.has_number_since)
        self._audit_machine_row("line.earlier_number", line)
        return ACCEPTED

    def _new_number(self, line: Line, record: LineRecord) -> bool:
        if not self.timeline.insert(period_in(record=record)):
            return False
        line.number_changed_at = since = record.has_number_since
        self.moves.warn_of_number(line)
        self.changes.change_number(line, ["number_changed_at", *self.moves.take_number(line)], since=since)
        self._mark_shortened(line, since)
        return True

    def _end(self, line: Line, record: LineRecord) -> bool:
        """End the tenure, or correct its end. False, and nothing done, if the number is another line's by then."""
        newest = self.timeline.newest(line.carrier_id)
        if not self.timeline.free(newest.number, newest.starts_at, record.deactivated_at, line=line.carrier_id):
            return False
        if line.deactivated_at is None:
            self.moves.warn(line, Change.ENDED)
        ends = [moment for moment in (line.deactivated_at, record.deactivated_at) if moment is not None]
        line.deactivated_at = newest.ends_at = record.deactivated_at
        newest.changed = True
        self.changes.end(line, since=min(ends))
        self._mark_shortened(line, min(ends))
        return True

    def _apply_newer_moment(self, line: Line, record: LineRecord, name: str) -> bool:
        """A newer moment of a change that holds what the line opens. An older one says nothing new."""
        known, reported = getattr(line, name), getattr(record, name)
        if reported is None or (known and known >= reported):
            return False
        setattr(line, name, reported)
        self._save_changes(line, [name, *self.moves.start_hold(line)])
        self.moves.warn(line, MOVES[name])
        self.moves.reach_on(line, MOVES[name])
        return True

    def _apply_undated_row(self, line: Line, record: LineRecord, since: datetime, fate: RowFate) -> RowFate:
        """What has no moment of its own in the file is so from now on, as the file's last row of the line has it."""
        if self.unsettled.is_outdated(record, since=since):
            return fate
        news = list_news(line=line, record=record, account=self.accounts[record.account])
        corrected = record.deactivated_at != line.deactivated_at
        if not news and not corrected:
            self.unsettled.heard(record, since=since)
            return fate
        if not self.read_to_end:
            self.unsettled.wait(record, fate)
            return WAITS
        refused = self._cannot_correct(line, record, news=bool(news), corrected=corrected)
        if refused:
            return refused
        if news:
            self._take_news(line, news)
        self.unsettled.heard(record, since=since)
        return ACCEPTED

    def _cannot_correct(self, line: Line, record: LineRecord, *, news: bool, corrected: bool) -> RowFate | None:
        """Why what the row says otherwise can't be so; ends the line where it says another end."""
        if news and not self._stays(
            get_line_holder(line=line),
            self._build_line_holder(record, role=role_of(line=line, reported=record.user_role)),
            line,
        ):
            return "user_role", "needs_new_line_id"
        if corrected and not self._end(line, record):
            return "msisdn", "number_overlap"
        return None

    def _take_news(self, line: Line, news: Mapping[str, object]) -> None:
        """Write what a row says otherwise, and tell whom it concerns: who grew up, whose line has another holder."""
        grew = Line.UserRole.MINOR == line.user_role != news.get("user_role", line.user_role)
        names, before = self.moves.take_news(line, news)
        self._save_changes(line, names, **({"was": "minor"} if grew else {}))
        self.moves.warn_of_news(line, news, before)
        if grew:
            self.changes.write()
            notify_new_adult(line_id=line.pk, at=self.at)
            self.unsettled.grew_up(line.pk)

    def _save_changes(self, line: Line, names: list[str], **besides: object) -> None:
        changed = [name.removesuffix("_sealed") for name in names if name not in KNOWN_AT]
        detail = {"changed": changed, **besides}
        if "state" in names:
            self.changes.change_state(line, names, detail, warns=not self.source.is_new_line(line))
        else:
            self.changes.save(line, names, detail)

    def _audit_machine_row(self, action: str, line: Line) -> None:
        """Name the machine whose row this is; a file's rows of this kind change nothing that the line opens."""
        if self.source.is_machine:
            audit.actions.record(
                action=action, actor=self.source.actor, target=f"line:{line.pk}", at=self.at, line_id=line.pk
            )

    def _build_line_holder(self, record: LineRecord, *, role: str) -> LineHolder:
        return LineHolder(role, self.accounts[record.account].pk, record.holder_name)

    def _stays(self, before: LineHolder, after: LineHolder, line: Line) -> bool:
        """Whether a line stays with its person; nobody becomes a holder where another line is the holder's."""
        becomes_holder = after.role == Line.UserRole.HOLDER != before.role
        return is_same_person(before=before, after=after) and not (
            becomes_holder and self.account_lines.has_holder(after.account_id, but=line)
        )
