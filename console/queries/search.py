"""One search over what an officer works with: by name, id or word. People are in none of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.primitives.reasons import holds_number
from audit.models import AuditEvent, Incident
from console.queries import staff
from partners.labels import party_name, sanitise_text
from partners.models import AuthorizedAgent, Campaign, Client, Contract, NoticeText, Party
from revocations.models import Order
from revocations.queries.coverage import get_order_standings
from support.queries import names
from support.queries.history import describe_action, find_actions, list_people, more_of
from support.queries.incidents import subjects
from support.queries.queue import companies
from support.queries.visible import visible_incidents

MOST = 25
# An order's id, or the beginning of it, as a page shows that.
ORDER_ID = re.compile(r"([0-9a-f-]+)…?")
SHORT, FULL = 8, 32
# Of the audit log so many of the newest entries are looked through: its own page finds the older ones.
NEAR = 20_000


@dataclass(frozen=True)
class Hit:
    """One thing found. `kind`: what it is; `about` says a little more; `page` and `args`: where it stands."""

    kind: str
    name: str
    about: str
    page: str
    args: tuple[object, ...] = ()
    query: str = ""


def search_everything(*, asked: str, at: datetime) -> list[Hit]:
    """What has these words in its name, id or text, 25 of a kind at most. None for fewer than 2 letters."""
    if len(asked) < 2:
        return []
    return [*_find_agreements(asked), *_find_clients(asked), *_find_orders(asked), *_find_incidents(asked, at),
            *_find_notices(asked), *_find_entries(asked, at)]  # fmt: skip


def _find_agreements(asked: str) -> list[Hit]:
    parties = Party.objects.filter(Q(name__icontains=asked) | Q(uri__icontains=asked)).order_by("name", "id")
    contracts = Contract.objects.filter(ref__icontains=asked).select_related("aggregator").order_by("ref")
    campaigns = Campaign.objects.filter(ref__icontains=asked).select_related("lbs_provider").order_by("ref")
    return [
        *(Hit("company", party_name(one.name, one.uri), sanitise_text(one.uri), "party", (one.pk,))
          for one in parties[:MOST]),
        *(Hit("contract", one.ref, sanitise_text(one.aggregator.name), "contract", (one.pk,))
          for one in contracts[:MOST]),
        *(Hit("campaign", one.ref, sanitise_text(one.lbs_provider.name), "campaign", (one.pk,))
          for one in campaigns[:MOST]),
    ]  # fmt: skip


def _find_clients(asked: str) -> list[Hit]:
    clients = Client.objects.filter(client_id__icontains=asked).order_by("client_id")
    agents = AuthorizedAgent.objects.filter(Q(id__icontains=asked) | Q(name__icontains=asked)).order_by("name")
    return [
        *(Hit("API client", one.client_id, str(one.get_kind_display()), "machine", (one.number,))
          for one in clients[:MOST]),
        *(Hit("authorized agent", one.name, one.pk, "authorized-agent", (one.number,)) for one in agents[:MOST]),
    ]  # fmt: skip


def _find_orders(asked: str) -> list[Hit]:
    """By an order's id, its first eight digits as on pages, or its message's id: whose it is takes a reason to see."""
    begins = ORDER_ID.fullmatch(asked.lower())
    digits = begins[1].replace("-", "") if begins else ""
    wanted = Q(jti=asked)
    if SHORT <= len(digits) <= FULL:
        wanted |= Q(id__range=[UUID(digits.ljust(FULL, end)) for end in "0f"])
    found = list(Order.objects.filter(wanted).order_by("id")[:MOST])
    named = names.targets(wanted={("party", one.party_id) for one in found})
    standings = get_order_standings(orders=found)
    return [
        Hit("order", str(one.id), f"{named['party', one.party_id].name}, {standings[one.id].state.label}", "order",
            (one.party_id, one.id))
        for one in found
    ]  # fmt: skip


def _find_incidents(asked: str, at: datetime) -> list[Hit]:
    """Incidents of a kind with these words, or about a company with them in its name; the newest first."""
    kinds = [value for value, label in Incident.Kind.choices if asked.lower() in str(label).lower()]
    found = Party.objects.filter(pk__in=companies(part=asked)).values_list("pk", "uri")
    about = [said for pk, uri in found for said in (uri, f"partner:{pk}")]
    rows = list(visible_incidents(at=at).filter(Q(kind__in=kinds) | Q(subject__in=about)).order_by("-id")[:MOST])
    known = subjects(rows=rows)
    return [
        Hit("incident", str(one.get_kind_display()),
            f"{known[one.subject].name if one.subject in known else 'no company'},"
            f" {'closed' if one.closed_at else 'open'}", "incident", (one.pk,))
        for one in rows
    ]  # fmt: skip


def _find_notices(asked: str) -> list[Hit]:
    rows = NoticeText.objects.filter(body__icontains=asked).order_by("-id")[:MOST]
    return [
        Hit("notice", f"{one.get_use_display()} ({one.language})", sanitise_text(one.body, at_most=120), "notices")
        for one in rows
    ]


def _find_entries(asked: str, at: datetime) -> list[Hit]:
    """Acts of staff called by these words, or with them in their reason or their subject's name; each leads to what was
    done to its subject.

    None on a person, and no reason by a number, which an old one may hold: so nobody is found by whoever types it.
    """
    wanted = find_actions(words=asked) | staff.with_subject(words=asked)
    if not holds_number(asked):
        wanted |= staff.with_reason(words=asked)
    acts = staff.acts(at=at)
    # By its moment, as the index has it: the whole log is not looked through.
    if (oldest := acts.values_list("at", flat=True)[NEAR - 1 : NEAR].first()) is not None:
        acts = acts.filter(at__gte=oldest)
    rows = list(acts.filter(wanted, line_id__isnull=True).exclude(target__startswith="protection:")[:MOST])
    who = names.actors(wanted=list_people(events=rows))
    return [
        Hit("audit log", describe_action(action=one.action),
            sanitise_text(
                f"{who[one.actor]}, {one.at:%-d %b %Y, %H:%M}. {more_of(event=one, who=who)} {staff.get_reason(one)}"
            ),
            "trail", query=_history_of(one))
        for one in rows
    ]  # fmt: skip


def _history_of(event: AuditEvent) -> str:
    """Return what narrows the audit log to its subject, or to its day where that has no history of its own."""
    kind = event.target.partition(":")[0]
    if kind in staff.HISTORIES:
        return f"on={event.target}"
    return f"from={event.at:%Y-%m-%d}&to={event.at:%Y-%m-%d}"


def sort_of(*, hits: Sequence[Hit]) -> dict[str, list[Hit]]:
    """Return what was found by kind, in the order of the search."""
    found: dict[str, list[Hit]] = {}
    for one in hits:
        found.setdefault(one.kind, []).append(one)
    return found
