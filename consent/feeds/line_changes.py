"""Write what rows change about known lines, many lines at once.

Each row is decided on with what the rows above it left. What follows from it waits here until the chunk is over, or
until something else needs to find it written.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

import audit.actions
from accounts.actions import people
from accounts.models import Line, LineState
from consent.actions.lines import change_numbers, end_tenures
from consent.domain.change_notices import Change, notify_of_line_moves
from consent.domain.snapshots import list_allowed_campaigns, lock_lines
from consent.feeds.numbers import Timeline, store_periods
from consent.models import RejudgeRequest
from consent.workers.expiry import enqueue_current_states

type Lines = dict[int, Line]


class LineChanges:
    """The changes of one chunk of rows that aren't written yet. `actor`: who brings them, as the trail names them."""

    def __init__(self, *, actor: str, timeline: Timeline, at: datetime) -> None:
        self._actor = actor
        self._timeline = timeline
        self._at = at
        self._clear()

    def _clear(self) -> None:
        self._warned: dict[Change, Lines] = defaultdict(dict)
        self._taken: Lines = {}
        self._changed: Lines = {}
        self._columns: dict[int, set[str]] = defaultdict(set)
        self._renumbered: Lines = {}
        self._ended: Lines = {}
        # Lines of another state, with what the trail says of them.
        self._moved: dict[int, dict[str, Any]] = {}
        self._warned_of_state: Lines = {}
        self._rejudged: list[tuple[int, datetime]] = []
        self._details: dict[int, list[Mapping[str, object]]] = defaultdict(list)

    def concerns(self, line: Line) -> bool:
        """Return whether something of this line isn't written yet."""
        return line.pk in self._changed

    def warn(self, line: Line, change: Change) -> None:
        """Warn a line's person, at the number that the line has before what waits here is written."""
        self._write_moved_number(line)
        self._warned[change][line.pk] = line

    def warn_taken(self, line: Line) -> None:
        """Warn whoever has the number that a line takes, once that is written."""
        self._taken[line.pk] = line

    def save(self, line: Line, columns: Sequence[str], detail: Mapping[str, object]) -> None:
        """Save these columns of a line; the trail says `detail`."""
        self._write_moved_number(line)
        self._change(line, columns)
        self._details[line.pk].append(detail)

    def change_state(self, line: Line, columns: Sequence[str], detail: dict[str, Any], *, warns: bool) -> None:
        """Save these columns, the state among them, which counts from now on; partners are told.

        `warns`: its person is told where the laws of the state before forbade what the new state's don't. Whoever moved
        may not know, and whoever did not must. The trail says which campaigns.
        """
        self.save(line, columns, detail)
        self._moved[line.pk] = detail
        self._rejudged.append((line.pk, self._at))
        if warns:
            self._warned_of_state[line.pk] = line

    def change_number(self, line: Line, columns: Sequence[str], *, since: datetime) -> None:
        """Save the number that a line has `since` then. Warn of it first."""
        self._change(line, columns)
        self._renumbered[line.pk] = line
        self._rejudged.append((line.pk, since))

    def end(self, line: Line, *, since: datetime) -> None:
        """Save the end of a line. Warn of it first. `since`: from when on that may change what was judged."""
        self._write_moved_number(line)
        self._change(line, ["deactivated_at"])
        self._ended[line.pk] = line
        self._rejudged.append((line.pk, since))

    def write(self) -> None:
        """Write all that waits, in as many statements for many lines as for one."""
        warned, taken, at = self._warned, self._taken, self._at
        for change, lines in warned.items():
            notify_of_line_moves(lines=lines.values(), change=change, at=at)
        allowed = self._lock_moved()
        self._save_lines()
        if self._moved:
            self._tell_of_states(allowed)
        if self._renumbered:
            change_numbers(line_ids=self._renumbered, at=at, actor=self._actor)
        if self._ended:
            people.end_tenures(line_ids=self._ended, at=at)
            end_tenures(line_ids=self._ended, at=at, actor=self._actor)
        if taken:
            notify_of_line_moves(lines=taken.values(), change=Change.TAKEN, at=at)
        RejudgeRequest.objects.bulk_create(RejudgeRequest(line_id=pk, since=since) for pk, since in self._rejudged)
        self._write_trail()
        self._clear()

    def _change(self, line: Line, columns: Sequence[str]) -> None:
        self._changed[line.pk] = line
        self._columns[line.pk].update(columns)

    def _write_moved_number(self, line: Line) -> None:
        """Write a line's number and end first: they decide who is warned."""
        if line.pk in self._renumbered or line.pk in self._ended:
            self.write()

    def _lock_moved(self) -> Mapping[int, Collection[str]]:
        """Lock the lines of another state. Returns what the gate allows of them until then."""
        if not self._moved:
            return {}
        lock_lines(line_ids=self._moved)
        return list_allowed_campaigns(line_ids=self._moved)

    def _tell_of_states(self, allowed: Mapping[int, Collection[str]]) -> None:
        """Note since when the states count, tell partners, and find what they open that was not `allowed`."""
        states = [LineState(line_id=pk, since=self._at, state=self._changed[pk].state) for pk in self._moved]
        LineState.objects.bulk_create(
            states, update_conflicts=True, unique_fields=["line", "since"], update_fields=["state"]
        )
        enqueue_current_states(line_ids=self._moved, but=())
        opened = {
            pk: sorted(refs - {*allowed[pk]}) for pk, refs in list_allowed_campaigns(line_ids=self._moved).items()
        }
        for pk, refs in opened.items():
            if refs:
                self._moved[pk]["opened"] = refs
        warned = [line for pk, line in self._warned_of_state.items() if opened[pk]]
        notify_of_line_moves(lines=warned, change=Change.STATE, at=self._at)

    def _save_lines(self) -> None:
        alike: dict[tuple[str, ...], list[Line]] = defaultdict(list)
        for pk, columns in self._columns.items():
            alike[tuple(sorted(columns))].append(self._changed[pk])
        for names, lines in alike.items():
            Line.objects.bulk_update(lines, names, batch_size=250)
        store_periods(timeline=self._timeline, lines=(self._renumbered | self._ended).values())

    def _write_trail(self) -> None:
        """One event for each detail, those of one line in order."""
        for together in zip_longest(*self._details.values()):
            details = {pk: one for pk, one in zip(self._details, together, strict=True) if one is not None}
            audit.actions.record_for_lines(action="line.changed", actor=self._actor, at=self._at, details=details)
