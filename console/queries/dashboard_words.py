"""The dashboard's verdict, lights and panels in words: what stands now, and where each line leads."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.dateformat import format as formatted
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.timezone import localtime

from accounts.primitives.reasons import remove_numbers
from consent.models import DigestRun
from console.queries.dashboard import (
    ENDING,
    SHOWN,
    Dashboard,
    IncidentGroup,
    KeyDue,
    RunningSuspension,
    RunningTermination,
    UnhealthyPartner,
    Waiting,
)
from console.queries.lights import Light
from console.queries.proposals import Request
from console.queries.standing import LateSigner
from partners.models import Campaign, Contract
from support.queries.counts import Count
from support.queries.names import NamedTarget

NOTHING = SafeString()
DIFFER = " with differences"
BREACHES = "Missed deadlines, unresolved"
# Of those who have not signed so many are named.
NAMED = 3
DAY, DAY_AND_YEAR = "j M", "j M Y"
LEADS_TO = {"Delivery": ("streams", ""), "Texts": ("texts", ""), "Gate": ("incidents", "kind=stops_failing&state=open")}
CANARY = ("incidents", "kind=canary_failed&state=open")


@dataclass(frozen=True)
class Verdict:
    """The first sentence of the page, and what it rests on."""

    tone: str
    icon: str
    title: str
    about: SafeString


@dataclass(frozen=True)
class Panel:
    """One panel. `every`: the words of the link to all of its rows.

    `tone`: "bad", "warn" or "" for nothing to do. `note`: what stands below the rows. `stays`: also where there are no
    rows; of the others the page says on one line that nothing waits in them.
    """

    title: str
    rows: Sequence[SafeString]
    every: str = ""
    href: str = ""
    tone: str = ""
    wide: bool = False
    note: SafeString = NOTHING
    stays: bool = False

    @property
    def is_quiet(self) -> bool:
        """Whether it has nothing to show."""
        return not (self.rows or self.stays)


def verdict_of(now: Dashboard, *, at: datetime) -> Verdict:
    """Say whether anything needs an officer, and what: the title is the sum of what the sentences count."""
    problems = [(n, say(now)) for n, say in _list_problems(now) if n]
    if not problems:
        about = format_html("{} Checked at {} UTC.", _describe_partners(now), _moment(at, "H:i"))
        return Verdict("", "check_circle", "Nothing needs attention", about)
    urgent = sum(n for n, _ in problems)
    title = f"{urgent} {_plural(urgent, 'item needs', 'items need')} attention"
    sentences = [*(words for _, words in problems), "Our gate enforces every stop, whatever partners do."]
    return Verdict("bad", "priority_high", title, format_html_join(" ", "{}", ((one,) for one in sentences)))


def light_href(light: Light) -> str:
    """Return the list of what a light counts."""
    name, query = LEADS_TO.get(light.name, CANARY)
    return _list(name, query)


def list_panels(now: Dashboard, *, breaches: Count, breaches_href: str, may_act: bool, at: datetime) -> Sequence[Panel]:
    """Return the panels in their order. `may_act`: whether the reader may decide what waits."""
    return [
        *_to_follow(now, at),
        *_to_decide(now, may_act=may_act),
        *_ends(now, at),
        _books(now, breaches, breaches_href, at),
    ]


def _to_follow(now: Dashboard, at: datetime) -> Sequence[Panel]:
    incidents = _each(_incidents, now.incidents)
    signers = [_late_signer(one, at) for one in now.unconfirmed[:SHOWN]]
    more = _say_more(len(now.unconfirmed) - SHOWN, "none later", _list("orders"), "see all unsigned orders")
    return (
        Panel(
            "To do today", incidents, "All open incidents", _list("incidents", "state=open"), _bad(incidents),
            stays=True,
        ),
        Panel(
            "Not confirming stops", signers, "All unsigned orders", _list("orders"), _bad(signers), note=more,
        ),
        _delivery(now, at),
    )  # fmt: skip


def _to_decide(now: Dashboard, *, may_act: bool) -> Sequence[Panel]:
    """Return what waits for a second officer, and what the desk asks for."""
    waiting = [_proposal(one, may_act=may_act) for one in now.proposals[:SHOWN]]
    asked = [_suspension_request(one, may_act=may_act) for one in now.requests[:SHOWN]]
    proposals = Panel(
        "Waiting for a second officer", waiting, "All open proposals", _list("proposals", "state=open"),
        _warn(waiting),
    )  # fmt: skip
    requests = Panel(
        "Suspension requests from the desk", asked, every="All requests", href=_list("suspend-requests"), tone="warn"
    )
    return (proposals, requests)


def _ends(now: Dashboard, at: datetime) -> Sequence[Panel]:
    held = [_suspension(one, at) for one in now.held]
    terminations = _each(_termination, now.terminations[:SHOWN])
    return (
        Panel(
            "Active suspensions", held, "All active suspensions", _list("suspensions", "running=yes"), _warn(held),
        ),
        Panel(
            "Terminations in progress", terminations, "All terminations", _list("terminations"),
            _warn(terminations), wide=True,
        ),
        Panel(
            "Contracts that end soon", _each(_ending, now.ending_contracts), "Within 60 days",
            _list("contracts", f"ends={ENDING.days}"),
        ),
        Panel(
            "Campaigns that end before their contract", _each(_ending, now.ending_campaigns), "Within 60 days",
            _list("campaigns", "ends=first"),
        ),
    )  # fmt: skip


def _describe_partners(now: Dashboard) -> str:
    if not now.partners:
        return "No partner has a contract yet."
    if now.unwell:
        n = len(now.unwell)
        return f"No partner has delivery problems; {n} of {now.partners} {_plural(n, 'is', 'are')} not verified yet."
    return f"{now.partners} {_plural(now.partners, 'partner receives', 'partners receive')} our orders."


def _list_problems(now: Dashboard) -> Sequence[tuple[int, Callable[[Dashboard], SafeString]]]:
    """Return how many there are of each kind of problem, and what says so; the gravest kind first."""
    return (
        (now.failing, _say_failing),
        (len(now.unconfirmed), _say_unconfirmed),
        (now.incident_count.n, _say_incidents),
        (now.urgent_cases.n, lambda _: _say(now.urgent_cases, "case", "cases", " escalated or overdue")),
        (now.late_terminations, lambda _: _say(now.late_terminations, "termination", "terminations", " overdue")),
        (now.to_agree, _say_proposals),
        (len(now.requests), _say_requests),
        (len(now.differences), lambda _: _say(len(now.differences), "reconciliation", "reconciliations", DIFFER)),
    )


def _say(n: object, one: str, many: str, more: str = "") -> SafeString:
    return format_html("{} {}{}.", n, one if str(n) == "1" else many, more)


def _say_failing(now: Dashboard) -> SafeString:
    of = f"{now.partners} {_plural(now.partners, 'partner', 'partners')}"
    return format_html("{} of {} {} delivery problems.", now.failing, of, _plural(now.failing, "has", "have"))


def _say_unconfirmed(now: Dashboard) -> SafeString:
    n = len(now.unconfirmed)
    words = f"{n} {_plural(n, 'partner', 'partners')} not confirming stops"
    others = " and others" if n > NAMED else ""
    named = _names([one.name for one in now.unconfirmed[:NAMED]])
    return format_html("{}: {}{}.", _link(_list("orders", "due=overdue"), words), named, others)


def _say_incidents(now: Dashboard) -> SafeString:
    n, late, past = now.incident_count, now.overdue_incidents, NOTHING
    if late:
        words = f"{late} past {_plural(late.n, 'its', 'their')} notification deadline"
        past = format_html(", {}", _link(_list("incidents", "due=overdue"), words))
    return format_html("{} open {}{}.", n, _plural(n.n, "incident", "incidents"), past)


def _say_requests(now: Dashboard) -> SafeString:
    return _say(len(now.requests), "suspension request", "suspension requests", " from the desk")


def _say_proposals(now: Dashboard) -> SafeString:
    words = f"{now.to_agree} {_plural(now.to_agree, 'proposal', 'proposals')}"
    href = _list("proposals", "state=open&by=others")
    return format_html("{} waiting for a second officer.", _link(href, words))


def _incidents(one: IncidentGroup) -> SafeString:
    about = _link(_list("incidents", f"kind={one.kind}&state=open"), f"{one.label}: {one.n}")
    due = NOTHING
    if one.overdue:
        due = format_html("{} ", _tag("bad", f"{one.overdue} overdue"))
    elif one.due_at:
        due = format_html("notify by {}, ", _moment(one.due_at, DAY))
    whose = [f"{n} {word}" for n, word in ((one.mine, "yours"), (one.free, "unassigned")) if n]
    return _row(about, _names(one.about), _soft(format_html("{}{}", due, ", ".join(whose))))


def _late_signer(one: LateSigner, at: datetime) -> SafeString:
    words = format_html("{}: {} {}", _bdi(one.name), one.orders, _plural(one.orders.n, "order", "orders"))
    about = _link(_list("orders", f"company={one.party_id}&due=overdue"), words)
    others = " and others" if len(one.missing) > NAMED else ""
    small = format_html("Not signed: {}{}", _names(one.missing[:NAMED]), others)
    return _row(about, small, _tag("bad", f"{timesince(one.due_at, at)} late"))


def _delivery(now: Dashboard, at: datetime) -> Panel:
    note = _say_more(now.not_shown, "none more serious", _list("streams"), "see all streams")
    return Panel(
        "Delivery to partners", [_unhealthy(one, at) for one in now.worst], "All streams", _list("streams"),
        _bad(now.failing) or _warn(now.unwell), note=note,
    )  # fmt: skip


def _say_more(n: int, rank: str, href: str, words: str) -> SafeString:
    """Say how many rows a panel has no room for; nothing where it has room for all."""
    if n <= 0:
        return NOTHING
    return format_html('<p class="o-soft">And {} more, {}: {}.</p>', n, rank, _link(href, words))


def _unhealthy(one: UnhealthyPartner, at: datetime) -> SafeString:
    oldest = f" Oldest unacknowledged: {timesince(one.health.oldest, at)}." if one.health.oldest else ""
    about = _link(reverse("admin:timeline", args=[one.party.pk]), _bdi(one.party.name))
    return _row(about, format_html("{}{}", one.health.why, oldest), _tag(one.health.tone, one.health.word))


def _proposal(one: Waiting, *, may_act: bool) -> SafeString:
    href = reverse("admin:proposal", args=[one.proposal.pk])
    about = format_html("{}: {}", one.proposal.get_act_display(), _bdi(one.target.name, None))
    if one.mine:
        side = _row(_link(href, "You proposed this"), SafeString("another officer must agree"))
    elif may_act:
        side = _button(href, "Review")
    else:
        side = _link(href, f"by {one.who}")
    return _row(about, _bdi(remove_numbers(one.proposal.reason), 140), side)


def _suspension_request(one: Request, *, may_act: bool) -> SafeString:
    small = format_html("{}: {}", one.row.ticket.code, _bdi(remove_numbers(one.row.reason), 140))
    decide = _button(reverse("admin:suspend-request", args=[one.row.pk]), "Decide") if may_act else NOTHING
    return _row(_bdi(one.name, None), small, decide)


def _suspension(one: RunningSuspension, at: datetime) -> SafeString:
    by = "automatically, by the stream rules" if one.suspension.automatic else f"by {one.who}"
    small = format_html("{}: {}", by, _bdi(remove_numbers(one.suspension.reason), 120))
    return _row(_target(one.target), small, _soft(timesince(one.suspension.starts_at, at)))


def _termination(one: RunningTermination) -> SafeString:
    contradicted = one.cohort.is_contradicted
    if contradicted:
        signed = "The partner continued after signing, so we sent the order again."
    elif one.signed:
        signed = "The partner has signed."
    else:
        signed = "The partner hasn't signed that it deleted the data."
    if one.late:
        state = "overdue"
    else:
        state = "continued after signing" if contradicted else f"due {_moment(one.cohort.complete_by, DAY_AND_YEAR)}"
    return format_html(
        '<div>{} of {}, {}<progress class="o-progress" max="100" value="{share}" aria-label="List of lines completed">'
        "{share} %</progress><small>List of lines: {share} %. {}</small></div>{}",
        _link(reverse("admin:termination", args=[one.cohort.pk]), _bdi(one.target.name, None)),
        _bdi(one.partner.name, None),
        "term expired" if one.cohort.by_term else "terminated",
        signed,
        _tag("bad" if one.late or contradicted else "warn", state),
        share=one.share,
    )


def _ending(one: Contract | Campaign) -> SafeString:
    page, of, company = (
        ("contract", "Contract", one.aggregator)
        if isinstance(one, Contract)
        else ("campaign", "Campaign", one.lbs_provider)
    )
    ends = localtime(one.ends_at)
    side = format_html('<time datetime="{}">{}</time>', formatted(ends, "c"), formatted(ends, DAY_AND_YEAR))
    about = _link(reverse(f"admin:{page}", args=[one.pk]), _bdi(one.ref))
    return _row(about, format_html("{} of {}", of, _bdi(company.name)), side)


def _books(now: Dashboard, breaches: Count, breaches_href: str, at: datetime) -> Panel:
    """Return the panel of deadlines, comparisons, keys and releases without a line: also where all is well."""
    late = _tag("bad", breaches) if breaches.n else SafeString("none")
    differences = [_difference(run, partner) for run, partner in now.differences[:SHOWN]]
    rows = [
        _row(BREACHES, side=_link(breaches_href, late)),
        *(differences or [_well("Reconciliation with partners", "reconciliation", "no differences")]),
        *(_each(_key, now.keys) or [_well("Our signing keys", "keys", "no new key due")]),
        _without_line(now, at),
    ]
    tone = _warn(any((breaches.n, differences, now.keys, now.lineless.ungated)))
    return Panel("Reconciliation, deadlines and keys", rows, tone=tone)


def _difference(run: DigestRun, partner: NamedTarget) -> SafeString:
    about = format_html("{}: allowed there, denied here", _bdi(partner.name, None))
    return _row(about, side=_link(reverse("admin:run", args=[run.pk]), _tag("bad", run.findings["partner_has"])))


def _key(one: KeyDue) -> SafeString:
    since = f"in use since {_moment(one.since, DAY_AND_YEAR)}"
    return _row(f"{one.use}: a new key is due", side=_link(_list("keys"), since))


def _well(about: str, name: str, words: str) -> SafeString:
    return _row(about, side=_link(_list(name), words))


def _without_line(now: Dashboard, at: datetime) -> SafeString:
    found, small = now.lineless, ""
    if found.oldest:
        ago = timesince(found.oldest, at)
        small = f"{found.from_gateway} by the gateway, {found.from_files} from files; oldest {ago} ago"
    side = _soft(found.n or "none")
    if found.ungated:
        words = f"{found.ungated} released without the gate's permission"
        side = _link(_list("incidents", "kind=ungated"), _tag("bad", words))
    return _row("Releases for numbers with no line", small, side)


def _row(about: object, small: object = "", side: object = "") -> SafeString:
    return format_html("<span>{}{}</span>{}", about, format_html("<small>{}</small>", small) if small else "", side)


def _names(names: Sequence[str]) -> SafeString:
    return format_html_join(", ", "{}", ((_bdi(name),) for name in names))


def _bdi(name: str, most: int | None = 60) -> SafeString:
    return format_html("<bdi>{}</bdi>", Truncator(name).chars(most) if most else name)


def _link(href: str, words: object) -> SafeString:
    return format_html('<a href="{}">{}</a>', href, words)


def _button(href: str, words: str) -> SafeString:
    return format_html('<a class="o-button" href="{}">{}</a>', href, words)


def _tag(tone: str, words: object) -> SafeString:
    return format_html('<span class="o-tag {}">{}</span>', tone, words)


def _soft(words: object) -> SafeString:
    return format_html('<span class="o-soft">{}</span>', words)


def _target(target: NamedTarget) -> SafeString:
    name = _bdi(target.name, None)
    return _link(reverse(target.page, args=[target.id]), name) if target.page else name


def _list(name: str, query: str = "") -> str:
    return f"{reverse(f'admin:{name}')}{query and '?'}{query}"


def _moment(at: datetime, pattern: str) -> str:
    return formatted(localtime(at), pattern)


def _plural(n: int, one: str, many: str) -> str:
    return one if n == 1 else many


def _each[Found](say: Callable[[Found], SafeString], found: Iterable[Found]) -> list[SafeString]:
    return [say(one) for one in found]


def _warn(found: object) -> str:
    return "warn" if found else ""


def _bad(found: object) -> str:
    return "bad" if found else ""
