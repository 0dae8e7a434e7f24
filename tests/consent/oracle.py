"""The rules of permission once more, as plainly as they can be written: over Python lists, with no thought of speed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

PROHIBITED = {"dpv:SellDataToThirdParties", "dpv:DirectMarketing", "dpv:TargetedAdvertising"}
NARROWNESS = ["campaign", "purpose", "party", "all"]


@dataclass(frozen=True)
class Denial:
    """A stop (`until` None) or a pause."""

    scope: str
    ref: str
    at: datetime
    until: datetime | None
    person: bool


@dataclass(frozen=True)
class Yes:
    campaign: str
    at: datetime
    ends: datetime | None
    person: bool


@dataclass(frozen=True)
class Campaign:
    ref: str
    aggregator: str
    provider: str
    purpose: str
    scope: str
    precision_m: int
    starts: datetime
    ends: datetime
    contract_starts: datetime
    contract_ends: datetime
    paid: str = ""
    # Who is known behind it, for whom of them it can be asked alone, and whether its requests say which is meant.
    reach: tuple[str, ...] = ()
    told_apart: tuple[str, ...] = ()
    names_recipient: bool = False


@dataclass(frozen=True)
class Suspension:
    """Of a party (URI) or of a campaign; that of a contract is one of each of its campaigns. `until` None: it runs."""

    ref: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Rule:
    """A state prohibits what `PROHIBITED` names, and any sale. `until` None: with no end.

    `within_m`: only what is asked for within this radius. `money_alone`: a sale is one for money.
    """

    state: str
    since: datetime
    until: datetime | None = None
    within_m: int | None = None
    money_alone: bool = False


@dataclass
class World:
    """One line. `states`: where it is from a moment on, the oldest first."""

    active_from: datetime
    active_until: datetime | None
    campaigns: dict[str, Campaign]
    states: list[tuple[datetime, str]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    denials: list[Denial] = field(default_factory=list)
    yeses: list[Yes] = field(default_factory=list)
    claims: list[tuple[str, datetime]] = field(default_factory=list)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    number_changes: list[datetime] = field(default_factory=list)
    suspensions: list[Suspension] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    campaign: str
    aggregator: str
    provider: str
    purpose: str
    scope: str
    precision_m: int | None
    recipient: str = ""


def parties(world: World, request: Request) -> tuple[str, ...]:
    """Who may receive it: only the one named, where that is one of the campaign's own; else all behind it too."""
    campaign = own_campaign(world, request)
    meant = (request.aggregator, request.provider, *([request.recipient] if request.recipient else []))
    if campaign is None:
        return meant
    if campaign.names_recipient and request.recipient in (campaign.provider, *campaign.told_apart):
        return meant
    return (*meant, *campaign.reach)


def kin(world: World, of: str, refs: Iterable[str]) -> set[str]:
    known = set(refs)
    while True:
        more = {b for what, a, b in world.links if what == of and a in known}
        more |= {a for what, a, b in world.links if what == of and b in known}
        if more <= known:
            return known
        known |= more


def covers(world: World, denial: Denial, request: Request, campaign: Campaign | None) -> bool:
    if denial.scope == "all":
        return True
    if denial.scope == "party":
        return denial.ref in kin(world, "party", parties(world, request))
    if denial.scope == "purpose":
        return denial.ref in kin(world, "purpose", [request.purpose])
    return campaign is not None and denial.ref in kin(world, "campaign", [campaign.ref])


def outweighs(yes: Yes, denial: Denial) -> bool:
    return yes.at > denial.at and (yes.person or not denial.person)


def own_campaign(world: World, request: Request) -> Campaign | None:
    campaign = world.campaigns.get(request.campaign)
    if campaign is None:
        return None
    own = (campaign.aggregator, campaign.provider, campaign.purpose, campaign.scope)
    return campaign if own == (request.aggregator, request.provider, request.purpose, request.scope) else None


def answer(world: World, request: Request, t: datetime) -> str:
    if not (world.active_from <= t and (world.active_until is None or t < world.active_until)):
        return "line_unknown"
    campaign = own_campaign(world, request)
    suspended = {one.ref for one in world.suspensions if one.since <= t and (one.until is None or t < one.until)}
    if suspended & ({request.campaign} if campaign else set()) or suspended & set(parties(world, request)):
        return "partner_suspended"

    yeses = [y for y in world.yeses if campaign and y.campaign == campaign.ref and y.at <= t]
    covering = [d for d in world.denials if d.at <= t and covers(world, d, request, campaign)]
    stops = [d for d in covering if d.until is None]
    pauses = [d for d in covering if d.until is not None and t < d.until]
    standing = [s for s in stops if not any(outweighs(y, s) for y in yeses)]
    if standing:
        newest = max(s.at for s in standing)
        return "stopped_" + min((s.scope for s in standing if s.at == newest), key=NARROWNESS.index)
    if any(not any(outweighs(y, p) for y in yeses) for p in pauses):
        return "paused"
    if campaign is None:
        return "no_approval"
    return _of_campaign(world, request, campaign, yeses, stops + pauses, t)


def _of_campaign(
    world: World, request: Request, campaign: Campaign, yeses: list[Yes], denials: list[Denial], t: datetime
) -> str:
    if not campaign.contract_starts <= t < campaign.contract_ends:
        return "contract_not_in_force"
    if not campaign.starts <= t < campaign.ends:
        return "campaign_not_in_force"
    if _prohibited(world, request, campaign, t):
        return "jurisdiction_prohibits"
    if not yeses:
        claimed = any(ref == campaign.ref and at <= t for ref, at in world.claims)
        return "approval_unverified" if claimed else "no_approval"

    def ended(yes: Yes) -> bool:
        return (
            (yes.ends is not None and yes.ends <= t)
            or any(yes.at < change <= t for change in world.number_changes)
            or any(not (yes.at > d.at and (yes.person or not d.person)) for d in denials)
        )

    if all(ended(yes) for yes in yeses):
        return "approval_expired"
    if (request.precision_m or 0) < campaign.precision_m:
        return "precision_exceeded"
    return "permitted"


def _prohibited(world: World, request: Request, campaign: Campaign, t: datetime) -> bool:
    here = [state for since, state in world.states if since <= t]
    rules = [rule for rule in world.rules if rule.since <= t and (rule.until is None or t < rule.until)]
    for rule in rules:
        near = rule.within_m is None or (request.precision_m or 0) <= rule.within_m
        sale = campaign.paid == "monetary" if rule.money_alone else campaign.paid in {"monetary", "other"}
        if here and rule.state == here[-1] and near and (campaign.purpose in PROHIBITED or sale):
            return True
    return False
