"""Find the companies that cases are about, of many at once: for the case's page, packs, queues, counts and files.

A company that came into a case only by what an order hides now is not there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accounts.models import Line
from audit.queries import not_ahead
from consent.models import Choice
from consent.queries.approvals import STANDS
from disclosures.models import DelayedNotice, Disclosure, DisclosureRegister
from disclosures.queries.trails import company_of
from disclosures.queries.visible import SHOWN
from partners.models import Campaign, Party
from support.models import Ticket
from support.queries.subjects import CHOICE, COMPANY, LOOK_UP, get_disputed_choice, parse_uuid, subject_of

# Of look-ups that ask for a yes: nobody else acts on a person's agreement.
PATHS = """
SELECT d.line_id, d.id, d.path
FROM unnest(%(ids)s::uuid[], %(lines)s::bigint[], %(moments)s::timestamptz[]) wanted(id, line_id, occurred_at)
JOIN disclosures_disclosure d
    ON d.line_id = wanted.line_id AND d.occurred_at = wanted.occurred_at AND d.id = wanted.id
WHERE d.basis = 'approval' AND <shown>
""".replace("<shown>", SHOWN)


def party_of(*, ticket: Ticket, at: datetime) -> Party | None:
    """Return the company that a case is about itself, not by a look-up or a choice; None where there is none."""
    if ticket.party_id is None and ticket.about_kind != COMPANY:
        return None
    return Party.objects.filter(pk__in=find_companies(tickets=[ticket], at=at).values()).first()


def find_companies(*, tickets: Sequence[Ticket], at: datetime) -> dict[int, int]:
    """Return the company that each of these cases is about, by the case's id; what is about none is not in it.

    Ten statements at most, and more for each line and company of which an order hides something.
    """
    others = [one for one in tickets if one.party_id is None and one.line_id is not None]
    found = {one.pk: one.party_id for one in tickets if one.party_id is not None}
    return found | _of_companies(others, at) | _of_look_ups(others, at) | _of_choices(others)


def find_disputed_parties(*, choices: Sequence[Choice]) -> dict[tuple[str, str], int]:
    """Return the company that a choice speaks of, by its scope and ref."""
    refs = {scope: {one.ref for one in choices if one.scope == scope} for scope in Choice.Scope}
    campaigns = Campaign.objects.filter(ref__in=refs[Choice.Scope.CAMPAIGN]).values_list("ref", "lbs_provider_id")
    parties = Party.objects.filter(uri__in=refs[Choice.Scope.PARTY]).values_list("uri", "pk")
    return {
        **{(Choice.Scope.CAMPAIGN, ref): pk for ref, pk in campaigns},
        **{(Choice.Scope.PARTY, uri): pk for uri, pk in parties},
    }


def about_companies(*, party_ids: Sequence[int], at: datetime) -> Q:
    """Return which cases are about one of these companies, but by a look-up or a choice of one."""
    asked = Q(about_kind=COMPANY, about_ref__in=[str(pk) for pk in party_ids], party_id__isnull=True)
    under_order = Ticket.objects.filter(asked, line_id__in=DelayedNotice.objects.values("line_id"))
    return Q(party_id__in=party_ids) | (asked & ~Q(pk__in=_find_hidden(under_order, at)))


def _of_companies(tickets: Iterable[Ticket], at: datetime) -> dict[int, int]:
    """Of cases that people opened about a company, as far as they still see that it has to do with them."""
    asked = [one for one in tickets if one.about_kind == COMPANY and one.about_ref.isdecimal()]
    lines = _list_under_order(asked)
    hidden = _find_hidden([one for one in asked if one.line_id in lines], at)
    return {one.pk: int(one.about_ref) for one in asked if one.pk not in hidden}


def _list_under_order(tickets: Sequence[Ticket]) -> set[int]:
    if not tickets:
        return set()
    lines = [one.line_id or 0 for one in tickets]
    return set(DelayedNotice.objects.filter(line_id__in=lines).values_list("line_id", flat=True))


def _find_hidden(tickets: Iterable[Ticket], at: datetime) -> set[int]:
    """Of cases about a company, those whose line has nothing to do with it that may be seen; each pair is read once."""
    asked = {one.pk: (one.line_id or 0, one.about_ref) for one in tickets}
    there = _list_visible({*asked.values()}, at)
    return {pk for pk, about in asked.items() if about not in there}


def _list_visible(asked: Collection[tuple[int, str]], at: datetime) -> list[tuple[int, str]]:
    lines = Line.objects.filter(pk__in=[line_id for line_id, _ in asked]) if asked else ()
    by_id = {line.pk: line for line in lines}
    return [about for about in asked if about[0] in by_id and _is_there(by_id[about[0]], about[1], at)]


def _is_there(line: Line, ref: str, at: datetime) -> bool:
    return subject_of(line=line, kind=COMPANY, ref=ref, at=at) is not None


# What a case is about: its line, and the id that is given there.
type _Key = tuple[int, UUID]


def _of_look_ups(tickets: Iterable[Ticket], at: datetime) -> dict[int, int]:
    asked = _read_keys((one, one.about_ref) for one in tickets if one.about_kind == LOOK_UP)
    moments = _find_moments(asked.values())
    uris = _find_uris(moments, at) if moments else {}
    parties = dict(Party.objects.filter(uri__in=set(uris.values())).values_list("uri", "pk")) if uris else {}
    return _keep_found((pk, parties.get(uris.get(key, ""))) for pk, key in asked.items())


def _find_moments(keys: Collection[_Key]) -> dict[_Key, datetime]:
    """Return when look-ups took place: with its moment one index entry answers."""
    if not keys:
        return {}
    known = DisclosureRegister.objects.filter(id__in=_list_ids(keys))
    moments = {(one.line_id, one.id): one.occurred_at for one in known}
    if others := set(keys) - moments.keys():
        rows = Disclosure.objects.filter(line_id__in=_list_lines(others), id__in=_list_ids(others))
        moments |= {(one.line_id, one.id): one.occurred_at for one in rows.only("line_id", "id", "occurred_at")}
    return {key: moments[key] for key in keys if key in moments}


def _find_uris(moments: Mapping[_Key, datetime], at: datetime) -> dict[_Key, str]:
    wanted: dict[str, Any] = {
        "lines": _list_lines(moments), "ids": _list_ids(moments), "moments": [*moments.values()],
        "at": not_ahead(at=at),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PATHS, wanted)
        return {(line_id, row_id): company_of(path=path) for line_id, row_id, path in cursor.fetchall()}


def _of_choices(tickets: Iterable[Ticket]) -> dict[int, int]:
    asked = _read_keys((one, get_disputed_choice(ticket=one) or _get_choice(one)) for one in tickets)
    if not asked:
        return {}
    keys = asked.values()
    made = Choice.objects.filter(STANDS, line_id__in=_list_lines(keys), id__in=_list_ids(keys))
    choices = {(one.line_id, one.id): one for one in made}
    parties = find_disputed_parties(choices=list(choices.values()))
    spoken_of = {key: (one.scope, one.ref) for key, one in choices.items()}
    return _keep_found((pk, parties.get(spoken_of.get(key, ("", "")))) for pk, key in asked.items())


def _get_choice(ticket: Ticket) -> str:
    return ticket.about_ref if ticket.about_kind == CHOICE else ""


def _read_keys(asked: Iterable[tuple[Ticket, str]]) -> dict[int, _Key]:
    """Return by the cases' ids what they are about; what has no id is left out."""
    read = ((one.pk, one.line_id, parse_uuid(text=ref)) for one, ref in asked)
    return {pk: (line_id, found) for pk, line_id, found in read if line_id is not None and found is not None}


def _list_lines(keys: Iterable[_Key]) -> list[int]:
    return [line_id for line_id, _ in keys]


def _list_ids(keys: Iterable[_Key]) -> list[UUID]:
    return [own_id for _, own_id in keys]


def _keep_found(found: Iterable[tuple[int, int | None]]) -> dict[int, int]:
    return {pk: party_id for pk, party_id in found if party_id is not None}
