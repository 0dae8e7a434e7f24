"""How a company, contract or campaign is set up: what of it works now, what subscribers read, whom it concerns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q
from django.utils import translation

from consent.domain.notices import build_approval_notice
from console.queries.pages import describe_impact, list_campaigns_under
from console.queries.purposes import PAID
from partners.actions.drafts import find_lack, under_contract
from partners.clients import http
from partners.domain.keysets import fetch_published_keys, jwks_uri_of
from partners.models import Campaign, Contract, JurisdictionRule, Party
from partners.policies.lifecycle import not_ended

SECONDS = 5.0
REDIRECT, CLIENT_ERROR, SERVER_ERROR = 300, 400, 500


EVENTS, KEYS = "Event address", "Keys"
OUTSIDE = (EVENTS, KEYS)
# What the door out says in its own words.
UNREACHABLE = {
    "ConnectionError": "No server answers there: its name or port may be wrong, or it may be down.",
    "no answer in time": f"It didn't answer within {SECONDS:.0f} seconds.",
    "SSLError": "Its certificate can't be trusted, or isn't for this name.",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at now. `tone`: good, warn, or bad for what doesn't work."""

    what: str
    says: str
    tone: str = "good"


@dataclass(frozen=True)
class ShownText:
    """What subscribers read in one language."""

    language: str
    name: str
    body: str


@dataclass(frozen=True)
class SetUp:
    """The checks, what subscribers read, and whom it concerns now."""

    name: str
    checks: Sequence[Check]
    texts: Sequence[ShownText]
    people: str

    @property
    def failing(self) -> Mapping[str, str]:
        """What doesn't work at the other side, by name: an officer may still say yes to each."""
        return {one.what: one.says for one in self.checks if one.tone == "bad" and one.what in OUTSIDE}


def get_set_up(*, of: str, target_id: int, at: datetime) -> SetUp | None:
    """Check how one is set up; None where there is none. Speaks HTTP: never inside a transaction."""
    row = _find(of, target_id)
    if row is None:
        return None
    people = describe_impact(facts=list_campaigns_under(of=of, target_id=target_id, at=at), at=at)
    if isinstance(row, Party):
        return SetUp(row.name, [_check_keys(jwks_uri_of(party=row))], [], people)
    if isinstance(row, Contract):
        return SetUp(row.ref, list(_check_contract(row, at)), [], people)
    return SetUp(row.ref, list(_check_campaign(row, at)), _list_texts(row), people)


def _find(of: str, target_id: int) -> Party | Contract | Campaign | None:
    if of == "party":
        return Party.objects.filter(pk=target_id).first()
    if of == "contract":
        return Contract.objects.select_related("aggregator").filter(pk=target_id).first()
    if of != "campaign":
        return None
    return Campaign.objects.select_related("contract__aggregator", "lbs_provider").filter(pk=target_id).first()


def _check_contract(row: Contract, at: datetime) -> Iterator[Check]:
    yield from _check_draft(row)
    yield _check_end(row.ends_at, at)
    yield _check_events(row.endpoint_url)
    yield _check_keys(row.jwks_uri or jwks_uri_of(party=row.aggregator))


def _check_campaign(row: Campaign, at: datetime) -> Iterator[Check]:
    contract = row.contract
    yield from _check_draft(row)
    yield _check_end(row.ends_at, at)
    beyond = under_contract(contract=contract, purpose=row.purpose, ends_at=row.ends_at)
    if row.starts_at < contract.starts_at and contract.starts_at > at:
        beyond["starts_at"] = f"Its contract starts on {contract.starts_at:%-d %b %Y}. Until then nothing is allowed."
    says = " ".join(beyond.values()) or f"Its purpose and term are within {contract.ref}."
    yield Check("Contract", says, "warn" if beyond else "good")
    if keys := jwks_uri_of(party=row.lbs_provider):
        yield _check_keys(keys)
    yield _check_states(row, at)


def _check_draft(row: Contract | Campaign) -> Iterator[Check]:
    if row.is_draft:
        with transaction.atomic():
            lack = find_lack(row=row)
        yield Check("Draft", lack or "It can be put in force.", "bad" if lack else "good")


def _check_end(ends_at: datetime, at: datetime) -> Check:
    over = ends_at <= at
    return Check("Term", f"{'Ended' if over else 'Ends'} on {ends_at:%-d %b %Y}.", "bad" if over else "good")


def _check_events(url: str) -> Check:
    """Whatever it refuses of a question without an event, it is there. Delivery follows no redirect."""
    if not url:
        return Check(EVENTS, "None: the partner polls us.")
    reply = http.get(url=url, seconds=SECONDS)
    if reply.status is None:
        why = UNREACHABLE.get(reply.detail) or f"{http.readable(reply.detail).capitalize() or 'No answer'}."
        return Check(EVENTS, f"Can't be reached. {why}", "bad")
    if reply.status >= SERVER_ERROR:
        return Check(EVENTS, f"Answers with a server error (HTTP {reply.status}).", "warn")
    if reply.status >= REDIRECT and reply.status < CLIENT_ERROR:
        return Check(EVENTS, f"Redirects (HTTP {reply.status}). Orders don't follow redirects.", "warn")
    return Check(EVENTS, f"Reachable: HTTP {reply.status} to a request without an event.")


def _check_keys(url: str) -> Check:
    keys = fetch_published_keys(url=url) if url else []
    if not url:
        return Check(KEYS, "No key address, so nothing it signs can be checked.", "warn")
    if not keys:
        refused = http.find_resolved_url_refusals(urls=[url], seconds=SECONDS).get(url)
        why = f" {refused[0].upper()}{refused[1:]}." if refused else ""
        return Check(KEYS, f"No usable keys can be read at {url}.{why}", "bad")
    return Check(KEYS, f"{len(keys)} usable {'key' if len(keys) == 1 else 'keys'} at {url}.")


def _check_states(row: Campaign, at: datetime) -> Check:
    about = Q(purposes__contains=[row.purpose])
    if row.consideration in PAID:
        about |= Q(sale_test=True, consideration__in=["", row.consideration])
    found = JurisdictionRule.objects.filter(not_ended(at=at)).filter(
        about,
        Q(max_radius_m__isnull=True) | Q(max_radius_m__gte=row.precision_m),
        starts_at__lt=min(row.ends_at, row.contract.ends_at),
    )
    rules = found.values_list("state", "max_radius_m").annotate(since=Min("starts_at")).order_by("since", "state")
    begun, to_come = list[str](), list[str]()
    for *place, since in rules:
        if since <= at:
            begun.append(_where(*place))
        else:
            to_come.append(f"{_where(*place)} from {since:%-d %b %Y}")
    says = [f"Prohibited in {', '.join(states)}, even with consent." for states in (begun, to_come) if states]
    return Check("State rules", " ".join(says) or "Prohibited in no state.", "warn" if says else "good")


def _where(state: str, radius_m: int | None) -> str:
    return state if radius_m is None else f"{state} (up to {radius_m:,} m)"


def _list_texts(row: Campaign) -> Sequence[ShownText]:
    texts = []
    for language, name in settings.LANGUAGES:
        with translation.override(language):
            body = build_approval_notice(campaign=row.ref).body
        texts.append(ShownText(language, str(name), body))
    return texts
