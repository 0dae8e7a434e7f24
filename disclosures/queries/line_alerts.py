"""What the ledger shows of one line that does not look right, told to its person, and where the company stands now."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from disclosures.models import Anomaly, AnomalyRule
from disclosures.queries.history import LOOKED, NO_RECORD
from disclosures.queries.release_counts import RECENT, Facts, count_claimed_afterwards, facts_of
from disclosures.queries.rules import JUDGED_AS, MAY_BE_LATE, SUSPENDS_FOR, rules_in_force
from disclosures.queries.trails import NamedParty, Parties

Kind = AnomalyRule.Kind
TOLD = (Kind.AFTER_STOP, Kind.NO_APPROVAL, Kind.SUSPENDED, Kind.BURST, Kind.NIGHT, Kind.DORMANT)
JUDGED = tuple(JUDGED_AS)
# For these a company is suspended (`disclosures.workers.anomalies.detection`).
ACTED_ON = (Kind.AFTER_STOP, Kind.NO_APPROVAL)
# After a year it is in the history, and no longer at its head.
LOOK_BACK = timedelta(days=365)


class Now(StrEnum):
    """What the gate says to the company now."""

    UNSAID = ""  # not read here
    SUSPENDED = "suspended"  # no, by a stop of ours
    STOPPED = "stopped"  # no, by the person's own
    DENIED = "denied"  # no, by a file or for want of a yes
    ALLOWED = "allowed"  # yes: something newer was agreed
    PARTLY = "partly"  # yes to what was agreed before it looked, no to all else


class Card(Protocol):
    """What is known of a company beside what it did."""

    @property
    def is_allowed(self) -> bool: ...
    @property
    def stopped_at(self) -> datetime | None: ...
    @property
    def block_start(self) -> datetime | None: ...
    @property
    def by_us(self) -> bool: ...
    @property
    def by_record(self) -> bool: ...
    @property
    def no_authors(self) -> tuple[str, ...]: ...
    @property
    def lifeline(self) -> bool: ...
    def has_newer_approval(self, *, since: datetime) -> bool: ...
    def allowed_by_person(self, *, since: datetime) -> bool: ...


@dataclass(frozen=True)
class LineAlert:
    """One thing about one company. `n`: how often, of JUDGED in all; else in the `window` of the fullest time.

    `claimed`: of how many of them the company said only afterwards that the person had agreed.
    `since` and `until`: the days of the line's zone on which it was. `suspended_on`: when we are going to suspend the
    company for the line, where nothing came by then that explains it; None, too, where no such day could come.
    `no_authors`: of the company's card. `blocked_since`: where that is known. `is_old`: the last of it is more than 30
    days ago.
    """

    kind: str
    company: NamedParty
    n: int
    claimed: int
    window: int
    first_at: datetime
    last_at: datetime
    since: date
    until: date
    now: Now
    no_authors: tuple[str, ...]
    blocked_since: datetime | None
    suspended_on: datetime | None
    is_old: bool

    @property
    def not_allowed(self) -> bool:
        """Whether its look-ups are among those that the person did not allow."""
        return self.kind in JUDGED

    @property
    def only(self) -> str:
        """What of the history it counts (`Filters.only`), of the company's own acts."""
        return NO_RECORD if self.claimed else JUDGED_AS.get(self.kind, LOOKED)


def list_line_anomalies(*, line_id: int, at: datetime) -> Sequence[Anomaly]:
    """Return what stands about a line itself, the newest first. One query."""
    rows = Anomaly.objects.filter(line_id=line_id, cleared_at=None, kind__in=TOLD, newest_at__gt=at - LOOK_BACK)
    return list(rows.select_related("rule").order_by("-newest_at", "id"))


def list_line_alerts(*, line_id: int, zone: ZoneInfo, company: str, at: datetime) -> tuple[LineAlert, ...]:
    """Return what the history says at its head, of one company (URI) or of all ("").

    One query; three where there is any, and those of `told`.
    """
    found = [one for one in list_line_anomalies(line_id=line_id, at=at) if not company or one.party == company]
    if not found:
        return ()
    facts = facts_of(line_id=line_id, zone=zone, at=at)
    parties = Parties.read({one.party for one in found})
    return merge_alerts(found=found, facts=facts, parties=parties, zone=zone, card=lambda _: None, at=at)


def merge_alerts(
    *,
    found: Sequence[Anomaly],
    facts: Sequence[Facts],
    parties: Parties,
    zone: ZoneInfo,
    card: Callable[[str], Card | None],
    at: datetime,
) -> tuple[LineAlert, ...]:
    """Of each company and kind one notice, old ones last: what was not allowed first, then by time, the newest first.

    `card`: of a company (URI), None where none was read. One query where somebody is going to be suspended, and one
    where there was no record of a yes; else none.
    """
    counted, claimed = _count_by_judgement(facts), _count_later_claims(found, zone, at)
    ends = _ends(found, parties, card)
    newest: dict[tuple[str, str], Anomaly] = {}
    for one in sorted(found, key=lambda one: one.kind not in JUDGED):
        newest.setdefault((one.party, one.kind), one)
    alerts = [
        _notice(
            one,
            counted.get((key[0], JUDGED_AS.get(key[1], "")), 0),
            claimed.get(key[0], 0) if key[1] == Kind.NO_APPROVAL else 0,
            parties[key[0]],
            card(key[0]),
            zone,
            ends.get(key[0]),
            at,
        )
        for key, one in newest.items()
    ]
    return tuple(sorted(alerts, key=lambda one: one.is_old))


def _notice(
    newest: Anomaly,
    counted: int,
    claimed: int,
    company: NamedParty,
    card: Card | None,
    zone: ZoneInfo,
    suspended_on: datetime | None,
    at: datetime,
) -> LineAlert:
    judged = newest.kind in JUDGED
    last = newest.newest_at if judged else newest.last_at
    return LineAlert(
        kind=newest.kind,
        company=company,
        n=(counted + claimed or newest.n) if judged else newest.n,
        claimed=claimed,
        window=newest.rule.window,
        first_at=newest.first_at,
        last_at=last,
        since=newest.first_at.astimezone(zone).date(),
        until=last.astimezone(zone).date(),
        now=_now(card, newest),
        no_authors=card.no_authors if card else (),
        blocked_since=card.block_start if card else None,
        suspended_on=suspended_on if newest.kind in ACTED_ON else None,
        is_old=last < at - RECENT,
    )


def _now(card: Card | None, one: Anomaly) -> Now:
    if card is None:
        return Now.UNSAID
    if card.is_allowed:
        return Now.ALLOWED if card.has_newer_approval(since=one.newest_at) else Now.PARTLY
    if card.stopped_at is None:
        return Now.DENIED
    if card.by_us:
        return Now.SUSPENDED
    return Now.DENIED if card.by_record else Now.STOPPED


def _grace(found: Iterable[Anomaly]) -> Mapping[str, int | None]:
    """Days after which companies are suspended now, by kind. One query where anything waits for it, else none."""
    if not any(one.kind in JUDGED and not one.consequence for one in found):
        return {}
    return {rule.kind: rule.suspend_after_days for rule in rules_in_force()}


def _suspends(card: Card, one: Anomaly) -> bool:
    """Whether we would stop it as things stand: what `consent.actions.system_stops` leaves alone is not announced."""
    if card.is_allowed:
        return not card.lifeline and not card.allowed_by_person(since=one.newest_at)
    return _now(card, one) == Now.DENIED


def _ends(found: Iterable[Anomaly], parties: Parties, card: Callable[[str], Card | None]) -> Mapping[str, datetime]:
    """When each company is going to be suspended: on the first day that anything of it is due."""
    grace, ends = _grace(found), dict[str, datetime]()
    for one in found:
        known = card(one.party)
        on = _get_suspension_date(one, grace) if parties[one.party].id and known and _suspends(known, one) else None
        if on is not None:
            ends[one.party] = min(on, ends.get(one.party, on))
    return ends


def _get_suspension_date(one: Anomaly, grace: Mapping[str, int | None]) -> datetime | None:
    days = grace.get(one.kind)
    if one.consequence or days is None:
        return None
    on = one.found_at + timedelta(days=days)
    return on if on + MAY_BE_LATE < one.newest_at + SUSPENDS_FOR else None


def _count_later_claims(found: Sequence[Anomaly], zone: ZoneInfo, at: datetime) -> Mapping[str, int]:
    """Of how many look-ups a company said only afterwards that the person had agreed, by company."""
    of = next((one.line_id for one in found if one.kind == Kind.NO_APPROVAL), None)
    return {} if of is None else count_claimed_afterwards(line_id=of, zone=zone, at=at)


def _count_by_judgement(facts: Sequence[Facts]) -> Mapping[tuple[str, str], int]:
    """Return how often in all, by company and judgement."""
    found: dict[tuple[str, str], int] = {}
    for one in facts:
        key = (one.company, one.judgement)
        found[key] = found.get(key, 0) + one.n
    return found
