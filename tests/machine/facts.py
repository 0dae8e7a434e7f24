"""What has happened, as plain lists. The oracle's world of a line is made from them anew whenever somebody asks.

Nothing here reads the database. A record of a file belongs to whoever had its number at its moment, as far as that is
known now: a yes moves when more becomes known, a stop stays where it first came.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tests.consent import oracle

NO = ("stop", "pause")
YES = ("approval", "allow")
LONG_PAST = datetime(1970, 1, 1, tzinfo=UTC)

type Link = tuple[str, str, str]


@dataclass(eq=False)
class Tenure:
    """One person's subscription, from its activation to its end. `numbers` and `states`: since when, and which.

    `held_until`: what its person may see waits until then, after we heard of a new SIM or number. `stopped_by_us`: we
    have stopped a company for it, or for the one that it continues.
    """

    name: str
    carrier_id: str
    account: str
    holder: str
    since: datetime
    numbers: list[tuple[datetime, str]]
    states: list[tuple[datetime, str]]
    until: datetime | None = None
    continues: "Tenure | None" = None
    pk: int = 0
    held_until: datetime = LONG_PAST
    stopped_by_us: bool = False
    newest_row: datetime = LONG_PAST
    denials: list[oracle.Denial] = field(default_factory=list)
    yeses: list[oracle.Yes] = field(default_factory=list)

    def number_at(self, moment: datetime) -> str:
        """ "" where the line is not active."""
        if moment < self.since or (self.until is not None and self.until <= moment):
            return ""
        return [number for since, number in self.numbers if since <= moment][-1]

    @property
    def newest_word(self) -> datetime:
        """The moment of what the person, or we for them, said last."""
        own = [one.at for one in self.denials if one.person] + [one.at for one in self.yeses]
        return max(own, default=self.since)

    @property
    def newest_record(self) -> datetime:
        """The moment of the newest record of any kind, one that was given to somebody else since included."""
        return max(self.newest_word, self.newest_row, *(one.at for one in self.denials))

    def periods_of(self, number: str) -> Iterator[tuple[datetime, datetime | None]]:
        """When the line had a number."""
        ends = [*(since for since, _ in self.numbers[1:]), self.until]
        for (since, held), until in zip(self.numbers, ends, strict=True):
            if held == number:
                yield since, until


@dataclass(eq=False)
class FileRow:
    """A record of a file. `tenure`: whose it is; None while nobody had its number then, or its campaign is not known.

    `left`: those to whom it belonged before more became known.
    """

    id: str
    kind: str
    number: str
    at: datetime
    scope: str
    ref: str
    until: datetime | None
    tenure: Tenure | None = None
    left: list[Tenure] = field(default_factory=list)


@dataclass(eq=False)
class Release:
    """A release as it was reported. `path`: everybody in it, the aggregator first."""

    id: str
    number: str
    at: datetime
    campaign: str
    path: tuple[str, ...]
    purpose: str
    scope: str
    precision_m: int
    hidden_until: datetime | None = None

    @property
    def aggregator(self) -> str:
        return self.path[0]


@dataclass
class Facts:
    """Everything that happened, and every term as it is now. `contract_of`: of a campaign.

    `links_told`: those of which partners have heard; what an officer writes down they hear a little later, by a job.
    `suspensions`: of what (party, contract, campaign), which, from when to when.
    """

    campaigns: dict[str, oracle.Campaign]
    contract_of: dict[str, str]
    rules: list[oracle.Rule]
    tenures: list[Tenure] = field(default_factory=list)
    rows: list[FileRow] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    links_told: list[Link] = field(default_factory=list)
    suspensions: list[tuple[str, str, datetime, datetime | None]] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)

    # Whose a record is

    def holder(self, number: str, moment: datetime) -> Tenure | None:
        return next((one for one in self.tenures if one.number_at(moment) == number), None)

    def is_free(self, number: str, since: datetime, until: datetime | None, *, besides: Tenure | None = None) -> bool:
        """Whether nobody else has the number in that time."""
        return not any(
            (until is None or starts < until) and (ends is None or since < ends)
            for one in self.tenures
            if one is not besides
            for starts, ends in one.periods_of(number)
        )

    def settle(self) -> None:
        """Give each record to whoever had its number, as far as that is known now."""
        for row in self.rows:
            holder = self.holder(row.number, row.at)
            if row.kind in ("approval", "claim") and row.ref not in self.campaigns:
                holder = None
            if row.kind in NO:
                if row.tenure is None and holder is not None:
                    row.tenure = holder
                    self.deny(holder, oracle.Denial(row.scope, row.ref, row.at, row.until, person=False))
            elif row.tenure is not holder:
                if row.tenure is not None:
                    row.left.append(row.tenure)
                # What was set aside on a line stays so, also where its number comes back to it.
                row.tenure = None if holder in row.left else holder
                if row.tenure is not None:
                    row.tenure.newest_row = max(row.tenure.newest_row, row.at)

    def deny(self, tenure: Tenure, denial: oracle.Denial) -> None:
        """A line says no; what a file knows of before, whoever continues it says as well."""
        tenure.denials.append(denial)
        for one in self.tenures:
            if one.continues is tenure and not denial.person and denial.at <= one.since:
                self.deny(one, denial)

    def begin(self, tenure: Tenure) -> None:
        """A line that continues another takes over what was stopped on it; never what was allowed."""
        before = tenure.continues
        if before is not None:
            tenure.denials += [one for one in before.denials if one.person or one.at <= tenure.since]
            tenure.stopped_by_us = before.stopped_by_us
        self.tenures.append(tenure)
        self.settle()

    # Who received something

    def release(self, release: Release) -> None:
        """Somebody received data: from now on they are known behind the use, unless that is hidden."""
        self.releases.append(release)
        if release.hidden_until is None:
            self._reach(release)

    def reveal(self, now: datetime) -> None:
        """What was hidden until now, or until before, counts like all else."""
        for one in self.releases:
            if one.hidden_until is not None and one.hidden_until <= now:
                one.hidden_until = None
                self._reach(one)

    def _reach(self, release: Release) -> None:
        known = self.campaigns[release.campaign]
        if release.aggregator != known.aggregator or known.provider not in release.path:
            return
        more = [uri for uri in release.path if uri not in (known.aggregator, known.provider, "unknown")]
        self.campaigns[release.campaign] = replace(
            known,
            reach=tuple(dict.fromkeys((*known.reach, *more))),
            told_apart=tuple(dict.fromkeys((*known.told_apart, *more))),
        )

    def received(self, tenure: Tenure, aggregator: str) -> set[str]:
        """Who is known to have received something of a line through an aggregator, besides itself."""
        return {
            uri
            for one in self.releases
            if one.aggregator == aggregator and one.hidden_until is None and self.holder(one.number, one.at) is tenure
            for uri in one.path
        } - {aggregator}

    # Terms

    def term(self, of: str, ref: str) -> tuple[datetime, datetime]:
        """From when to when a contract or campaign is in force."""
        if of == "campaign":
            return self.campaigns[ref].starts, self.campaigns[ref].ends
        some = next(one for name, one in self.campaigns.items() if self.contract_of[name] == ref)
        return some.contract_starts, some.contract_ends

    def end_at(self, of: str, ref: str, ends: datetime) -> None:
        """Another end of a contract or campaign."""
        for name, one in self.campaigns.items():
            if of == "campaign" and name == ref:
                self.campaigns[name] = replace(one, ends=ends)
            elif of == "contract" and self.contract_of[name] == ref:
                self.campaigns[name] = replace(one, contract_ends=ends)

    # What follows from it

    def world_of(self, tenure: Tenure) -> oracle.World:
        own = [row for row in self.rows if row.tenure is tenure]
        by_files = [oracle.Yes(row.ref, row.at, row.until, person=False) for row in own if row.kind in YES]
        return oracle.World(
            active_from=tenure.since, active_until=tenure.until, campaigns=self.campaigns, states=tenure.states,
            rules=list(self.rules), denials=tenure.denials, yeses=[*tenure.yeses, *by_files],
            claims=[(row.ref, row.at) for row in own if row.kind == "claim"], links=self.links,
            number_changes=[since for since, _ in tenure.numbers[1:]], suspensions=list(self._suspensions()),
        )  # fmt: skip

    def _suspensions(self) -> Iterator[oracle.Suspension]:
        for of, ref, since, until in self.suspensions:
            refs = [one for one, contract in self.contract_of.items() if contract == ref] if of == "contract" else [ref]
            yield from (oracle.Suspension(one, since, until) for one in refs)

    def is_suspended(self, now: datetime) -> bool:
        """Whether anybody is."""
        return any(since <= now and (until is None or now < until) for _, _, since, until in self.suspensions)

    def as_agreed(self, campaign: str) -> oracle.Request:
        """What the campaign's own request would ask."""
        one = self.campaigns[campaign]
        recipient = one.provider if one.names_recipient else ""
        return oracle.Request(
            campaign, one.aggregator, one.provider, one.purpose, one.scope, one.precision_m, recipient
        )

    def concerned(self, tenure: Tenure, denial: oracle.Denial) -> set[str]:
        """The contracts under which this line ever agreed, or is said to have, to something that a no covers.

        Without those with a yes that outweighs it: their partners owe only what they had before that yes.
        """
        world = self.world_of(tenure)
        refs = {one.campaign for one in world.yeses} | {ref for ref, _ in world.claims}
        covered = {
            ref
            for ref in refs
            if ref in self.campaigns
            # Whoever the request may be for: a no to one of them concerns the partner too.
            and oracle.covers(world, denial, replace(self.as_agreed(ref), recipient=""), self.campaigns[ref])
        }
        outweighed = {one.campaign for one in world.yeses if oracle.outweighs(one, denial)}
        return {self.contract_of[ref] for ref in covered} - {self.contract_of[ref] for ref in covered & outweighed}

    def moments(self) -> list[datetime]:
        """When something ends or begins by itself."""
        found: list[datetime | None] = [moment for one in self.rules for moment in (one.since, one.until)]
        for one in self.campaigns.values():
            found += [one.starts, one.ends, one.contract_starts, one.contract_ends]
        for tenure in self.tenures:
            found += [one.until for one in tenure.denials]
            found += [one.ends for one in tenure.yeses]
        found += [row.until for row in self.rows]
        found += [one.hidden_until for one in self.releases]
        return sorted({one for one in found if one is not None})
