"""What the carrier's files and systems bring: approvals, claims and choices, lines that begin, change and end."""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.machine import carrier as world
from tests.machine.carrier import DAY, LATER_USES, NUMBERS, STATES
from tests.machine.facts import NO, FileRow, Tenure
from tests.machine.story import AGO, LASTS, SCOPES, WHICH, WHO, Story, name_of, ref_of, told, when

MOST_LINES = 5
NAMES = ("Ana", "Ben", "Cy", "Dee", "Eve")
NUMBER = st.sampled_from(NUMBERS)
# A number that somebody has now, or any.
WHOSE = st.one_of(WHO, WHO, NUMBER)
SAID = {
    "approval": "agreed to", "claim": "agreed, says its partner, to", "allow": "allowed", "stop": "stopped",
    "pause": "paused",
}  # fmt: skip
MOMENTS = st.one_of(AGO, st.integers(0, 3))
KINDS = st.sampled_from(["approval", "approval", "claim", "allow", "stop", "stop", "pause"])


class Files(Story):
    """Steps of files."""

    @rule(kind=KINDS, whose=WHOSE, at=MOMENTS, scope=SCOPES, which=WHICH, lasts=LASTS)
    @told
    def a_file_brings(
        self, kind: str, whose: int | str, at: timedelta | int, scope: str, which: int, lasts: timedelta | None
    ) -> None:
        """A record that never came before: of so long ago, or of the very moment of something else."""
        number = self._number_of(whose)
        moment = self.now - at if isinstance(at, timedelta) else self._same_moment(number, at)
        self._brings(kind, number, moment, scope, which, lasts)

    @rule(first=KINDS, then=KINDS, whose=WHOSE, ago=AGO, scope=SCOPES, other=SCOPES, which=WHICH, lasts=LASTS)
    @told
    def a_file_brings_two_of_one_moment(
        self, first: str, then: str, whose: int | str, ago: timedelta, scope: str, other: str, which: int,
        lasts: timedelta | None,
    ) -> None:  # fmt: skip
        """Neither is newer than the other, whichever comes first. The second lasts for ever."""
        number, moment = self._number_of(whose), self.now - ago
        self._brings(first, number, moment, scope, which, lasts)
        self._brings(then, number, moment, other, which, None)

    def _number_of(self, whose: int | str) -> str:
        """A number, or that of somebody."""
        holder = self.somebody(whose) if isinstance(whose, int) else None
        return holder.number_at(self.now) if holder else str(whose) if isinstance(whose, str) else NUMBERS[0]

    def _brings(
        self, kind: str, number: str, moment: datetime, scope: str, which: int, lasts: timedelta | None
    ) -> None:
        if kind not in NO:
            scope = "campaign"
        lasts = DAY if kind == "pause" and lasts is None else lasts
        until = moment + lasts if lasts and kind != "stop" else None
        row = FileRow(f"row-{len(self.facts.rows)}", kind, number, moment, scope, ref_of(scope, which), until)
        holder = self.facts.holder(number, moment)
        self.say(f"A file says that {number} ({holder.name if holder else 'nobody'}) {SAID[kind]} {name_of(row.ref)}")
        self.add(f"at {when(moment)}{f', until {when(until)}' if until else ''}.")
        world.add_row(self.carrier, row)

    def _same_moment(self, number: str, which: int) -> datetime:
        """When something was said by the line that has this number, or when the number came or went."""
        holder = self.facts.holder(number, self.now)
        there = [row.at for row in self.facts.rows if row.number == number]
        there += [one for tenure in self.facts.tenures for one in self._ends_of(tenure, number)]
        if holder is not None:
            there += [one.at for one in holder.denials] + [one.at for one in holder.yeses]
        past = sorted({one for one in there if one <= self.now})
        return past[-1 - which % len(past)] if past else self.now

    def _ends_of(self, tenure: Tenure, number: str) -> list[datetime]:
        return [one for period in tenure.periods_of(number) for one in period if one is not None]

    @precondition(lambda self: self.facts.rows)
    @rule(which=st.integers(0, 50), changed=st.booleans())
    @told
    def a_file_repeats(self, which: int, changed: bool) -> None:
        row = self.facts.rows[which % len(self.facts.rows)]
        is_there = row.tenure is not None
        self.say(f"A file says again that {row.number} {SAID[row.kind]} {name_of(row.ref)} at {when(row.at)}.")
        if changed and is_there:
            self.add("It differs from the first.")
        came = world.send_row(row, method_or_channel="ivr" if changed and is_there else "")
        if is_there:
            assert came == ("id_conflict" if changed else "repeated")

    @precondition(lambda self: "CMP-F" not in self.facts.campaigns)
    @rule()
    @told
    def a_use_arrives(self) -> None:
        self.say("A parties file brings the campaign CMP-F, which succeeds CMP-C.")
        world.bring_uses(self.carrier, LATER_USES)

    # Lines

    @rule(who=WHO, number=NUMBER, ago=AGO)
    @told
    def a_number_changes(self, who: int, number: str, ago: timedelta) -> None:
        tenure, since = self.somebody(who), self.now - ago
        if tenure is None or not self._may_have(tenure, number, since):
            return
        self.say(f"We hear that {tenure.name} has had the number {number} since {when(since)}.")
        row = {**world.line_row(tenure), "msisdn": number, "number_changed_at": since.isoformat()}
        tenure.numbers = sorted([*tenure.numbers, (since, number)])
        tenure.held_until = self.now + DAY
        assert world.send_line(self.carrier, row) == "accepted"

    def _may_have(self, tenure: Tenure, number: str, since: datetime) -> bool:
        """Whether it can have got this number then: it is free until the next that is known, and another than both."""
        starts = [moment for moment, _ in tenure.numbers]
        if since <= tenure.since or since in starts:
            return False
        after = [held for moment, held in tenure.numbers if moment > since]
        until = min((moment for moment in starts if moment > since), default=None)
        is_new = number not in (tenure.number_at(since), *after[:1])
        return is_new and self.facts.is_free(number, since, until, besides=tenure)

    @rule(who=WHO, ago=AGO)
    @told
    def a_line_ends(self, who: int, ago: timedelta) -> None:
        tenure, until = self.somebody(who), self.now - ago
        if tenure is None or until <= tenure.numbers[-1][0]:
            return
        self.say(f"We hear that the line of {tenure.name} ended at {when(until)}.")
        tenure.until = until
        assert world.send_line(self.carrier, world.line_row(tenure)) == "accepted"

    @precondition(lambda self: len(self.facts.tenures) < MOST_LINES)
    @rule(number=NUMBER, ago=AGO, continues=st.integers(-3, 3))
    @told
    def a_line_begins(self, number: str, ago: timedelta, continues: int) -> None:
        """Often on a number that was somebody else's."""
        since, there = self.now - ago, self.facts.tenures
        if not self.facts.is_free(number, since, None):
            return
        before = there[continues] if 0 <= continues < len(there) else None
        tenure = world.a_tenure(NAMES[len(there)], number, since=since, continues=before)
        self.say(f"The line of {tenure.name} began at {when(since)} with the number {number}.")
        if before is not None:
            self.add(f"It continues that of {before.name}.")
        world.add_line(self.carrier, tenure)

    @rule(who=WHO, to=st.sampled_from(sorted(STATES)))
    @told
    def move(self, who: int, to: str) -> None:
        tenure = self.somebody(who)
        if tenure is None or tenure.states[-1][1] == to:
            return
        self.say(f"{tenure.name} moves to {STATES[to]}.")
        tenure.states = [*tenure.states, (self.now, to)]
        assert world.send_line(self.carrier, world.line_row(tenure)) == "accepted"

    @rule(who=WHO)
    @told
    def a_sim_changes(self, who: int) -> None:
        tenure = self.somebody(who)
        if tenure is None:
            return
        self.say(f"{tenure.name} has a new SIM.")
        tenure.held_until = self.now + DAY
        world.send_line(self.carrier, {**world.line_row(tenure), "sim_changed_at": self.now.isoformat()})

    @rule(which=st.integers(0, 50))
    @told
    def an_old_row_of_a_line_comes_again(self, which: int) -> None:
        row = self.carrier.sent_rows[which % len(self.carrier.sent_rows)]
        tenure = next(one for one in self.facts.tenures if one.carrier_id == row["line_id"])
        if row["state"] != tenure.states[-1][1]:
            return
        self.say(f"An old row of the line of {tenure.name} comes again.")
        world.send_line(self.carrier, row)
