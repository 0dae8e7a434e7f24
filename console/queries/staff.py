"""Who of staff did what: every look and every act, with its reason, narrowed and as a file.

Acts of the legal-process role, and whatever else is about delayed-notice orders, are that role's own: for everybody
else they are in no list, count or file, and nothing shows that they were left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from itertools import chain
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.primitives.reasons import remove_numbers
from audit.models import AuditEvent
from console.queries.company_targets import find_acts, find_named_targets
from partners.labels import sanitise_text
from partners.models import Party
from support.models import Ticket
from support.queries import names
from support.queries.exports import csv_lines, in_parts
from support.queries.history import describe_action, list_people, more_of
from support.queries.queue import code_in, companies
from support.queries.subjects import list_hidden_ids
from support.queries.visible import HiddenCases, acts_on_hidden, find_hidden_cases

# By one of staff, or by whoever runs a command (index `audit_event_staff`).
ACTORS = ("officer:", "agent:", "auditor:", "legal:", "command:")
LEGAL = Q(actor__startswith="legal:") | Q(action__startswith="legal.")
LOOKS = r"\.(seen|looked|previewed|file_seen|revealed|reveal_asked|reveal_agreed|delayed_seen)$"
SEARCHES = r"^(search\.made|ticket\.found)$"
EXPORTS = r"(^export\.|\.(exported|taken)$)"
# So many digits without a letter between them, but for references as "CT-2026-0412".
MAY_HOLD_NUMBER = r"(^|[^-0-9A-Za-z])\d([^0-9A-Za-z]*[0-9]){6}"
KINDS = (("look", "Views"), ("search", "Searches"), ("export", "Exports"), ("act", "Changes"))
COLUMNS = ("when", "who", "role", "did", "more", "to", "case", "why")
_OPEN = ("party", "contract", "campaign", "rule", "machine", "authorized", "anomaly", "import", "notice")
# The protection of a line is a person's: it has a name, and no history that anybody follows.
TARGETS = (*_OPEN, "protection")
# What has a history of its own that staff may follow from its page.
HISTORIES = (*_OPEN, "proposal", "incident", "purpose", "order", "document")
# Whose acts keep a name.
KEPT = ("party", "contract", "campaign", "document")

type Acts = QuerySet[AuditEvent]


def acts(*, at: datetime, of_legal: bool = False, hidden: HiddenCases | None = None) -> Acts:
    """Every look and act of staff, the newest first; but no trace of an incident, case or document that an order hides.

    `of_legal`: those of the legal-process role, and no others. `hidden`: where it has been read already.
    """
    by_staff = Q()
    for kind in ACTORS:
        by_staff |= Q(actor__startswith=kind)
    whole = AuditEvent.objects.filter(by_staff).order_by("-at", "-id")
    if of_legal:
        return whole.filter(LEGAL)
    return leave_out_hidden(whole, at=at, hidden=hidden)


def leave_out_hidden(rows: Acts, *, at: datetime, hidden: HiddenCases | None = None) -> Acts:
    """Leave out what is legal process's own, and what was done about what an order hides now."""
    hidden = hidden or find_hidden_cases(at=at)
    shown = rows.exclude(LEGAL | acts_on_hidden(hidden=hidden))
    if not (documents := list_hidden_ids(hidden=hidden, at=at)):
        return shown
    about_none = Q(detail__document__isnull=True) | ~Q(detail__document__in=documents)
    return shown.exclude(target__in=[f"document:{one}" for one in documents]).filter(about_none)


def list_members(*, of_legal: bool = False) -> list[tuple[str, str]]:
    """Return staff by the name that the trail gives them ("officer:7") and by e-mail. `of_legal`: that role alone."""
    people = User.objects.exclude(role=User.Role.SUBSCRIBER).order_by("email", "pk")
    people = people.filter(role=User.Role.LEGAL) if of_legal else people.exclude(role=User.Role.LEGAL)
    return [(f"{role}:{pk}", mail) for role, pk, mail in people.values_list("role", "pk", "email")]


def about_company(rows: Acts, part: str) -> Acts:
    """To companies with this in their name, and to whatever is theirs or about them.

    Of cases those that are the company's own; one that a person asked about is nobody else's to know.
    """
    return find_acts(rows=rows, parties=find_companies(part=part))


def find_companies(*, part: str) -> list[int]:
    """Return the companies with this in their name or address, by id; of a whole address, the company it is of."""
    whole = Party.objects.filter(uri=part).values_list("pk", flat=True).first()
    return [whole] if whole is not None else companies(part=part)


def about_target(rows: Acts, target: str) -> Acts:
    """To one thing, as the trail names it ("contract:3"), and files about it. Nothing of lines and persons."""
    kind, _, own = target.partition(":")
    of_it = Q(target=target)
    if kind == "incident" and own.isdecimal():
        of_it |= Q(action__startswith="export.", detail__incident=int(own))
    return rows.filter(of_it, line_id__isnull=True) if kind in HISTORIES else rows.none()


def about_case(rows: Acts, typed: str) -> Acts:
    """On one case, by its code: also where a search found it."""
    code = code_in(typed)
    line_ids = Ticket.objects.filter(code=code, line_id__isnull=False).values_list("line_id", flat=True)
    found = Q(line_id__in=list(line_ids), action="ticket.found", detail__tickets__contains=[code])
    return rows.filter(Q(target=f"ticket:{code}") | found) if code else rows.none()


def since(rows: QuerySet[Any], typed: str, *, by: str = "at") -> QuerySet[Any]:
    """From this day on, in UTC. `by`: the field that has the moment."""
    day = parse_day(typed=typed)
    return rows.filter(**{f"{by}__gte": datetime.combine(day, time(), UTC)}) if day else rows


def until(rows: QuerySet[Any], typed: str, *, by: str = "at") -> QuerySet[Any]:
    """Up to the end of this day, in UTC."""
    day = parse_day(typed=typed)
    return rows.filter(**{f"{by}__lte": datetime.combine(day, time.max, UTC)}) if day else rows


def of_kind(rows: Acts, kind: str) -> Acts:
    """Looks, searches, exports, or whatever is none of these."""
    patterns = {"look": LOOKS, "search": SEARCHES, "export": EXPORTS}
    if kind in patterns:
        return rows.filter(action__regex=patterns[kind])
    return rows.exclude(action__regex="|".join(f"({one})" for one in patterns.values()))


def with_reason(*, words: str) -> Q:
    """Return which acts have these words in their reason. Digits find nothing in one that may hold somebody's number,
    as only an old one may: whoever types them would learn it, part by part.
    """
    found = Q(reason__icontains=words)
    return found & ~Q(reason__regex=MAY_HOLD_NUMBER) if re.search(r"\d", words) else found


def with_subject(*, words: str) -> Q:
    """Return which acts were done to what has these words in its name or reference, or had when an act kept it.

    A draft that was discarded is nowhere else. Of companies, agreements, machines and documents: nobody is found by it.
    """
    found = Q(target__in=find_named_targets(words=words))
    for kind in KEPT:
        found |= Q(target__startswith=f"{kind}:") & Q((f"detail__{_get_name_key(kind)}__icontains", words))
    return found


def get_reason(event: AuditEvent) -> str:
    """Return the reason that was given; a number, which none may hold any more, is not shown again."""
    return remove_numbers(event.reason)


def case_of(event: AuditEvent) -> str:
    """Return the code of the case in which it was done; "" where it was in none."""
    kind, _, own = event.target.partition(":")
    return own if kind == "ticket" else ""


def role_of(event: AuditEvent) -> str:
    """Return the role of whoever did it, then."""
    kind = event.actor.partition(":")[0]
    return str(User.Role(kind).label) if kind in User.Role.values else ""


def target_of(event: AuditEvent) -> tuple[str, int] | None:
    """Return what it was done to, where that has a name; None for people and all else."""
    kind, _, own = event.target.partition(":")
    return (kind, int(own)) if kind in TARGETS and own.isdecimal() else None


def describe_subjects(rows: Sequence[AuditEvent]) -> list[str]:
    """Return what each act was done to, of those that `target_of` has no name for; one about a line is not named."""
    called = names.subjects(wanted={one.target for one in rows if not _is_personal(one)})
    return ["a subscriber" if _is_personal(one) else _get_own_name(one) or called[one.target] for one in rows]


def _is_personal(event: AuditEvent) -> bool:
    return event.line_id is not None or event.target.startswith("line:")


def _get_own_name(event: AuditEvent) -> str:
    """Return the name that an act kept of what may be gone since, or is nowhere else: a draft, a document."""
    kind, _, _own = event.target.partition(":")
    kept = event.detail.get(_get_name_key(kind)) if kind in KEPT else None
    return sanitise_text(f"{names.KINDS.get(kind, kind)}: {kept}", at_most=160) if kept else ""


def _get_name_key(kind: str) -> str:
    return "title" if kind == "document" else "ref"


def as_csv(*, rows: Acts, mark: str) -> Iterator[str]:
    """Yield these acts, the oldest first. `mark`: who took them, and when, in the last line."""
    return csv_lines(columns=COLUMNS, rows=chain(_rows(rows), [(mark,)]))


def _rows(rows: Acts) -> Iterator[tuple[object, ...]]:
    for part in in_parts(rows=rows, by="id"):
        yield from _part(part)


def _part(part: Sequence[AuditEvent]) -> Iterator[tuple[object, ...]]:
    who = names.actors(wanted=list_people(events=part), kept=True)
    named = names.targets(wanted={key for one in part if (key := target_of(one))})
    for one, called in zip(part, describe_subjects(part), strict=True):
        to = _subject_with_mark(one, called, named)
        yield (
            one.at, who[one.actor], role_of(one), describe_action(action=one.action), more_of(event=one, who=who), to,
            case_of(one), get_reason(one),
        )  # fmt: skip


def _subject_with_mark(event: AuditEvent, called: str, named: Mapping[tuple[str, int], names.NamedTarget]) -> str:
    """A file is kept and compared: there the mark tells two alike apart."""
    key = target_of(event)
    if key is not None and named[key].known and event.line_id is None:
        return f"{named[key].kind_name}: {named[key].name}"
    return called if _is_personal(event) else f"{called} ({sanitise_text(event.target, at_most=80)})"


def parse_day(*, typed: str) -> date | None:
    """Read a day as a form's field has it; None where it is none."""
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None
