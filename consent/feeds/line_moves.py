"""Rows that bring a line to another account, holder or number: whom that holds for a day, and who is warned at once.

What one import brings together is how it begins: no line of it is held against another, and nobody is warned. A line
that joins lines which were known before is held, and so is one that takes a number which was another line's.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from django.db.models import Q

from accounts.actions.people import hold_successors
from accounts.models import Account, Line
from accounts.policies import delegations
from consent.domain.change_notices import Change
from consent.feeds.line_continuity import Source
from consent.feeds.numbers import LineChanges, Period, Timeline

# Besides a new number: what may put a phone's calls and texts into other hands.
MOVES = {"sim_changed_at": Change.SIM, "forwarding_changed_at": Change.FORWARDING}
# The columns of what passes to the lines that continue this one, as the trail names them.
REPORTED_IN = {
    **{change: name for name, change in MOVES.items()},
    Change.NUMBER: "number_changed_at", Change.HOLDER: "holder_name",
}  # fmt: skip
# What says whose the line is.
HOLDER = frozenset({"account", "holder_name_sealed"})


class AccountLines:
    """The lines on the accounts of one chunk of rows, as the rows leave them. Others than the rows' are read once.

    Of those that this import began only the holders' are read: a large account may have begun with it.
    """

    def __init__(self, *, lines: Collection[Line], accounts: Collection[Account], began_at: datetime) -> None:
        self._began_at = began_at
        self._accounts = {one.pk for one in accounts} | {line.account_id for line in lines}
        self._placed: dict[int, dict[str, Line]] = defaultdict(dict)
        self._named = {line.carrier_id for line in lines}
        for line in lines:
            self.place(line)

    def place(self, line: Line) -> None:
        """Note on which account a line is now."""
        self._placed[line.account_id][line.carrier_id] = line

    def has_holder(self, account_id: int, *, but: Line) -> bool:
        """Return whether another line of an account is the holder's."""
        return any(
            line.user_role == Line.UserRole.HOLDER and line.carrier_id != but.carrier_id
            for line in self.list_active({account_id})
        )

    def list_active(self, accounts: Collection[int]) -> list[Line]:
        """List the lines on these accounts that haven't ended: all holders', and all that were known before."""
        there = self._with_others
        return [
            line
            for account_id in accounts
            for line in there[account_id].values()
            if line.account_id == account_id and line.deactivated_at is None
        ]

    @cached_property
    def _with_others(self) -> dict[int, dict[str, Line]]:
        others = Line.objects.filter(account__in=self._accounts, deactivated_at__isnull=True)
        counts = Q(recorded_at__lt=self._began_at) | Q(user_role=Line.UserRole.HOLDER)
        for line in others.filter(counts).exclude(carrier_id__in=self._named):
            if line.carrier_id not in self._placed[line.account_id]:
                self.place(line)
        return self._placed


class LineMoves:
    """The moves of one chunk of rows."""

    def __init__(
        self, *, source: Source, timeline: Timeline, changes: LineChanges, lines: AccountLines, at: datetime
    ) -> None:
        self._source = source
        self._timeline = timeline
        self._changes = changes
        self._lines = lines
        self._at = at
        # New lines, by the carrier's id, that begin with a number which was another's.
        self._took: set[str] = set()
        # What may hold the lines that continue these, and of which change their persons are warned then.
        self._reach_on: list[tuple[Line, Change | None]] = []

    def reach_on(self, line: Line, change: Change | None = None) -> None:
        """Note that the lines that continue this one are to be held with it, and warned of this change."""
        self._reach_on.append((line, change))

    def hold_successors(self) -> None:
        """Hold the lines that continue those noted, once all is written, and warn their persons."""
        changes = defaultdict[int | None, set[Change]](set)
        for line, change in self._reach_on:
            changes[line.pk].update([change] if change else [])
        self._reach_on = []
        for line in hold_successors(line_ids=[pk for pk in changes if pk is not None]):
            changes[line.pk] |= changes[line.continues_line_id]
            if changes[line.pk] and not self._source.is_new_line(line):
                self._tell_of_predecessor(line, sorted(changes[line.pk]))

    def _tell_of_predecessor(self, line: Line, changes: Sequence[Change]) -> None:
        """Warn a line's person of what is reported of the line before theirs, and write it into their own log."""
        for change in changes:
            self._changes.warn(line, change)
        detail = {"changed": [REPORTED_IN[change] for change in changes], "continues": line.continues_line_id}
        self._changes.save(line, ["change_known_at", "holder_known_at"], detail)

    def warn(self, line: Line, change: Change) -> None:
        """Tell the person of a change that may be somebody else's doing."""
        if not self._begins(line):
            self._changes.warn(line, change)

    def follow(self, line: Line, before: Line) -> list[str]:
        """Hold a line with the one that it continues, and anew where the phone is another: it takes over what that
        one's person stopped. That person is warned, unless their line has ended. Returns the columns.
        """
        self.reach_on(before)
        number, its = (self._timeline.newest(one.carrier_id).number for one in (line, before))
        if self._begins(before) or (number == its and not _has_moved_since(before, line)):
            return []
        if before.deactivated_at is None:
            self._changes.warn(before, Change.NUMBER)
        return self._hold(line)

    def start_hold(self, line: Line) -> list[str]:
        """Write when we learned of what holds what the line opens, and return the column; none at its begin."""
        return [] if self._begins(line) else self._hold(line)

    def begin(self, period: Period) -> None:
        """Note that a line begins with this number."""
        if self._was_anothers(period.number, period.line):
            self._took.add(period.line)

    def hold_new_lines(self, lines: Collection[Line]) -> Mapping[int, Sequence[Line]]:
        """Hold the new lines, not stored yet, that join known ones or take a number. Returns the known, by account."""
        known = self._list_existing_lines({line.account_id for line in lines})
        for line in lines:
            if known.get(line.account_id) or line.carrier_id in self._took:
                line.holder_known_at = self._at
        return known

    def warn_of_new(self, lines: Collection[Line], known: Mapping[int, Sequence[Line]]) -> None:
        """Warn each line that one of the new ones reaches, once; and whoever has a number that a new one took."""
        for _, other in sorted(_list_reachable(lines, known).items()):
            self.warn(other, Change.JOINED)
        for line in lines:
            if line.carrier_id in self._took:
                self._took.remove(line.carrier_id)
                self._changes.warn_taken(line, self._timeline.newest(line.carrier_id).msisdn)

    def take_number(self, line: Line) -> list[str]:
        """Hold the line by its new number, and from its holder where that was another's. Returns the columns."""
        names = self.start_hold(line)
        if self._was_anothers(self._timeline.newest(line.carrier_id).number, line.carrier_id):
            line.holder_known_at = self._at
            names.append("holder_known_at")
        return names

    def warn_of_number(self, line: Line) -> None:
        """Tell the person of the new number; and whoever has that number, where it was another line's."""
        self.warn(line, Change.NUMBER)
        self.reach_on(line, Change.NUMBER)
        self.warn_of_taken(line, self._timeline.newest(line.carrier_id))

    def warn_of_taken(self, line: Line, period: Period) -> None:
        """Tell whoever has a number that was another line's: also where this line had it for a time that is over."""
        if self._was_anothers(period.number, line.carrier_id):
            self._changes.warn_taken(line, period.msisdn)

    def take_news(self, line: Line, news: Mapping[str, object]) -> tuple[list[str], frozenset[int]]:
        """Write what a row says otherwise into its line: the columns, and the lines that it reached until then."""
        before = frozenset(other.pk for other in self._list_reachable_by(line)) if _places(news) else frozenset[int]()
        for name, value in news.items():
            setattr(line, name, value)
        self._lines.place(line)
        if not _places(news) or (self._source.is_new_line(line) and not self._others_of(line)):
            return [*news], before
        line.holder_known_at = self._at
        return [*news, "holder_known_at"], before

    def warn_of_news(self, line: Line, news: Mapping[str, object], before: Collection[int]) -> None:
        """Warn a line of another account or holder, and each line that it reaches now."""
        if not _places(news):
            return
        self.warn(line, Change.HOLDER)
        self.reach_on(line, Change.HOLDER)
        for other in self._list_reachable_by(line):
            if other.pk not in before:
                self.warn(other, Change.JOINED)

    def _hold(self, line: Line) -> list[str]:
        line.change_known_at = self._at
        return ["change_known_at"]

    def _begins(self, line: Line) -> bool:
        """Whether what this import says of the line is how it begins: not where it continues one that was known."""
        return self._source.is_new_line(line) and (line.continues_line is None or self._begins(line.continues_line))

    def _was_anothers(self, number: bytes, line: str) -> bool:
        """Whether a line that was known before this import has, or had, the number."""
        return any(
            one.line != line and one.known_since is not None and one.known_since < self._source.began_at
            for one in self._timeline.by_number[number]
        )

    def _list_existing_lines(self, accounts: Collection[int]) -> dict[int, list[Line]]:
        """The lines on these accounts that were known before this import and have not ended."""
        found = defaultdict[int, list[Line]](list)
        for line in self._lines.list_active(accounts) if accounts else ():
            if not self._source.is_new_line(line):
                found[line.account_id].append(line)
        return found

    def _others_of(self, line: Line) -> list[Line]:
        existing = self._list_existing_lines([line.account_id])
        return [other for other in existing[line.account_id] if other != line]

    def _list_reachable_by(self, line: Line) -> list[Line]:
        return [other for other in self._others_of(line) if _reaches(line, other)]


def _list_reachable(lines: Collection[Line], known: Mapping[int, Sequence[Line]]) -> dict[int, Line]:
    """The known lines that those of these lines reach which have not ended, by id."""
    going = [line for line in lines if line.deactivated_at is None]
    return {other.pk: other for line in going for other in known.get(line.account_id, ()) if _reaches(line, other)}


def _places(news: Mapping[str, object]) -> bool:
    """Whether a row says otherwise whose the line is."""
    return bool(HOLDER & news.keys()) or news.get("user_role") == Line.UserRole.HOLDER


def _has_moved_since(before: Line, line: Line) -> bool:
    """Whether a line has a newer SIM or forwarding than the one that it continues."""
    moments = ((getattr(before, name) or before.activated_at, getattr(line, name)) for name in MOVES)
    return any(now is not None and now > known for known, now in moments)


def _reaches(own: Line, line: Line) -> bool:
    return own.pk != line.pk and delegations.reaches_line(own=own, line=line)
