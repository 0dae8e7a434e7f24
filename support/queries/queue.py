"""The queue of the desk, narrowed and page by page. No read here costs more because there are more tickets.

Nothing in it says who a person is: a code, a kind, what it is about, a clock, a company.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.policies.permissions import StaffAction, roles_that_may, staff_may
from audit.models import AuditEvent
from partners.models import Party
from support.models import CODE_LETTERS, Entry, Ticket
from support.policies.lifecycle import UNDER_WAY, late
from support.queries.companies import about_companies
from support.queries.counts import count_slices
from support.queries.due import TIME_USED, Due, due, filter_time_used
from support.queries.exports import csv_lines, list_rows
from support.queries.mentions import list_mentioning_cases
from support.queries.names import get_staff_name
from support.queries.team_metrics import FROM_PEOPLE
from support.queries.titles import title_cases
from support.queries.visible import HiddenCases, find_hidden_cases, visible_tickets

# Nobody needs to know more exactly, and to count on would cost more with every ticket.
COUNTED_TO = 1_000
PAGE = 50
MOST_COMPANIES = 50
MOST_DUPLICATES = 5
ANY, MINE, NOBODY, GONE, OFFICE, GIVEN, MENTIONED = "all", "mine", "nobody", "gone", "office", "given", "mentioned"
DUE, DUE_LAST, PRIORITY, PRIORITY_LAST, NEWEST, OLDEST = "due", "-due", "priority", "-priority", "newest", "oldest"
ORDERS: Mapping[str, tuple[str, ...]] = {
    DUE: ("due_at", "id"), DUE_LAST: ("-due_at", "-id"), PRIORITY: ("priority", "due_at", "id"),
    PRIORITY_LAST: ("-priority", "-due_at", "-id"), NEWEST: ("-id",), OLDEST: ("id",),
}  # fmt: skip
# Acts that give a case to somebody.
GIVING = ("ticket.assigned", "ticket.handed_over")
# Of the file.
COLUMNS = (
    "case", "about", "company", "kind", "priority", "state", "language", "opened", "due", "assigned_to",
)  # fmt: skip
# Cases that people wrote, and those that our own records or partners opened: two queues.
PEOPLE, OURS = "people", "ours"
QUEUES = {
    PEOPLE: [kind.value for kind in FROM_PEOPLE],
    OURS: [kind.value for kind in Ticket.Kind if kind not in FROM_PEOPLE],
}


@dataclass(frozen=True)
class Counts:
    """How many tickets there are of each sort, up to COUNTED_TO. `nearly`, `half`: one's own, by TIME_USED."""

    open: int
    overdue: int
    mine: int
    unclaimed: int
    nearly: int
    half: int


@dataclass(frozen=True)
class QueueFilter:
    """What the queue is narrowed to, and its order.

    `state` "": under way; ANY: whatever it is. `whose`: MINE, NOBODY, GONE (of somebody who works on cases no more),
    OFFICE (handed up), GIVEN (theirs by a colleague, not opened since), MENTIONED (with a note that mentions them), or
    the number of one of staff. `company`: part of its name. `used`: a name in TIME_USED. `sort`: of ORDERS; what is
    done already has no date, and stands by when it was opened. `after`: where the page before ended.
    """

    state: str = ""
    kind: str = ""
    priority: int | None = None
    company: str = ""
    whose: str = ""
    overdue: bool = False
    used: str = ""
    language: str = ""
    sort: str = DUE
    after: str = ""

    @property
    def order(self) -> str:
        """The order that the page stands in."""
        return self.sort if self.state in {"", *UNDER_WAY} or self.sort == OLDEST else NEWEST

    @property
    def to_take(self) -> "QueueFilter":
        """What the next case is taken of: the same, but for a state or somebody whose cases are none to take."""
        whose = self.whose if self.whose in {NOBODY, OFFICE} else ""
        state = self.state if self.state in {"", ANY, Ticket.State.OPEN} else ""
        return replace(self, whose=whose, state=state)


@dataclass(frozen=True)
class Row:
    """One ticket as lists show it.

    `about`: its subject in words; `title`: with its company. `free`: nobody who works on cases has it. `due` None:
    nobody waits for it. `ending`: of the number, where that was asked for.
    """

    ticket: Ticket
    title: str
    about: str
    company: str
    whose: str
    mine: bool
    free: bool
    due: Due | None
    ending: str = ""


@dataclass(frozen=True)
class Page:
    """Some rows, and where the next page begins ("" for the last)."""

    rows: tuple[Row, ...]
    next: str


def counts(*, user_id: int, at: datetime) -> Counts:
    """Return how many tickets are under way: all, those past their date, this person's, nobody's.

    And how many of this person's have used most or half of the time to their date. One statement, and what is hidden.
    """
    seen = visible_tickets(at=at)
    under_way = seen.filter(state__in=UNDER_WAY)
    used = {
        name: seen.filter(filter_time_used(least=least, most=most, at=at), assignee_id=user_id)
        for name, (least, most) in TIME_USED.items()
    }
    return Counts(
        **_count_up_to(
            open=under_way,
            overdue=seen.filter(late(at=at)),
            mine=under_way.filter(assignee_id=user_id),
            unclaimed=under_way.filter(assignee__isnull=True),
            **used,
        )
    )


def count_queues(*, at: datetime) -> dict[str, int]:
    """Return how many tickets are under way in each of the two queues."""
    under_way = visible_tickets(at=at).filter(state__in=UNDER_WAY)
    return _count_up_to(**{queue: under_way.filter(kind__in=kinds) for queue, kinds in QUEUES.items()})


def page(*, asked: QueueFilter, user_id: int, at: datetime) -> Page:
    """Return one page of the queue as this person asked for it."""
    found = list(sort_tickets(asked=asked, user_id=user_id, at=at).filter(_after(asked))[: PAGE + 1])
    following = _place(asked, found[PAGE - 1]) if len(found) > PAGE else ""
    return Page(tuple(rows(tickets=found[:PAGE], user_id=user_id, at=at)), following)


def sort_tickets(*, asked: QueueFilter, user_id: int, at: datetime) -> QuerySet[Ticket]:
    """Return the tickets that were asked for, in their order."""
    return filter_tickets(asked=asked, user_id=user_id, at=at).select_related("assignee").order_by(*ORDERS[asked.order])


def as_csv(*, asked: QueueFilter, user_id: int, at: datetime) -> Iterator[str]:
    """Yield the tickets that were asked for as CSV, in the language that is active: what lists show, and no more."""
    language = translation.get_language()

    def list_cells(tickets: Sequence[Ticket]) -> list[tuple[object, ...]]:
        with translation.override(language):
            return [_list_cells(one) for one in rows(tickets=tickets, user_id=user_id, at=at)]

    tickets = sort_tickets(asked=asked, user_id=user_id, at=at)
    return csv_lines(columns=COLUMNS, rows=list_rows(rows=tickets, cells=list_cells))


def _list_cells(row: Row) -> tuple[object, ...]:
    one = row.ticket
    return (
        one.code, row.about, row.company, one.get_kind_display(), one.get_priority_display(), one.get_state_display(),
        one.language, one.opened_at, row.due.at if row.due else None, row.whose,
    )  # fmt: skip


def filter_tickets(
    *, asked: QueueFilter, user_id: int, at: datetime, hidden: HiddenCases | None = None
) -> QuerySet[Ticket]:
    """Return the tickets that were asked for, in no order yet. `hidden`: where it has been read already."""
    wanted = Q()
    if asked.state not in {"", ANY}:
        wanted &= Q(state=asked.state)
    # Said once: said twice, the planner takes it for rarer than it is.
    if asked.overdue:
        wanted &= late(at=at)
    elif not asked.state:
        wanted &= Q(state__in=UNDER_WAY)
    if asked.used:
        least, most = TIME_USED[asked.used]
        wanted &= filter_time_used(least=least, most=most, at=at)
    if asked.whose:
        wanted &= _whose_or_mentioned(asked.whose, user_id, hidden, at)
    if asked.company:
        wanted &= about_companies(party_ids=companies(part=asked.company), at=at)
    if asked.kind in QUEUES:
        wanted &= Q(kind__in=QUEUES[asked.kind])
    return visible_tickets(at=at, hidden=hidden).filter(wanted, **_same(asked))


def filter_urgent(*, user_id: int, at: datetime, hidden: HiddenCases | None = None) -> QuerySet[Ticket]:
    """Return what somebody of the privacy office looks at first, each once: handed up; or late, and theirs or nobody's.

    `hidden`: where it has been read already.
    """
    handed_up = Q(state__in=UNDER_WAY) & _whose(OFFICE, user_id)
    overdue = late(at=at) & (_whose(MINE, user_id) | _whose(NOBODY, user_id))
    return visible_tickets(at=at, hidden=hidden).filter(handed_up | overdue)


def _same(asked: QueueFilter) -> dict[str, str | int]:
    """Return what must be just as it was asked for."""
    kind = "" if asked.kind in QUEUES else asked.kind
    same = {"kind": kind, "priority": asked.priority, "language": asked.language}
    return {name: value for name, value in same.items() if value}


def companies(*, part: str) -> list[int]:
    """Return the companies with this in their name, at most MOST_COMPANIES of them."""
    named = Party.objects.filter(Q(name__icontains=part) | Q(uri__icontains=part))
    return list(named.order_by("pk").values_list("pk", flat=True)[:MOST_COMPANIES])


def rows(*, tickets: Sequence[Ticket], user_id: int, at: datetime, ending: bool = False) -> list[Row]:
    """These tickets as a list shows them. `ending`: with the last digits of the number, which is a look at a person."""
    titled = title_cases(tickets=tickets, hidden=find_hidden_cases(at=at), at=at)
    return [
        Row(
            ticket=one,
            title=own.title,
            about=own.about,
            company=own.company,
            whose=get_staff_name(user=one.assignee) if one.assignee else "",
            mine=one.assignee_id == user_id,
            free=is_free(ticket=one),
            due=_due(one, at),
            ending=one.number_ending if ending else "",
        )
        for own in titled
        for one in [own.ticket]
    ]


def _due(ticket: Ticket, at: datetime) -> Due | None:
    if ticket.state == Ticket.State.WAITING:
        return Due(ticket.due_at, late=False, words=_("Waiting for the person until"))
    return due(due_at=ticket.due_at, at=at) if ticket.state in UNDER_WAY else None


def row_of(*, code: str, user_id: int, at: datetime) -> Row | None:
    """Return one ticket as a list shows it; None where there is none of that code."""
    found = visible_tickets(at=at).filter(code=code).select_related("assignee")
    return next(iter(rows(tickets=list(found), user_id=user_id, at=at)), None)


def colleagues() -> list[User]:
    """Everybody who works on tickets, by name."""
    working = User.objects.filter(role__in=roles_that_may(StaffAction.WORK_TICKETS), is_active=True)
    return sorted(working, key=lambda user: get_staff_name(user=user).casefold())


def list_duplicates(*, ticket: Ticket) -> Sequence[Ticket]:
    """Return this person's other cases under way that may be the same: of its kind, its subject or its company."""
    if ticket.line_id is None:
        return []
    same = Q(kind=ticket.kind)
    if ticket.about_ref:
        same |= Q(about_kind=ticket.about_kind, about_ref=ticket.about_ref)
    if ticket.party_id is not None:
        same |= Q(party_id=ticket.party_id)
    others = Ticket.objects.filter(same, line_id=ticket.line_id, state__in=UNDER_WAY).exclude(pk=ticket.pk)
    return list(others.order_by("opened_at", "id")[:MOST_DUPLICATES])


def is_free(*, ticket: Ticket) -> bool:
    """Return whether nobody has it who works on cases now, and it is not done."""
    return ticket.state in UNDER_WAY and (ticket.assignee is None or not works_cases(user=ticket.assignee))


def works_cases(*, user: User) -> bool:
    """Return whether somebody works on cases now."""
    return user.is_active and staff_may(user.role, StaffAction.WORK_TICKETS)


def _whose_or_mentioned(whose: str, user_id: int, hidden: HiddenCases | None, at: datetime) -> Q:
    if whose != MENTIONED:
        return _whose(whose, user_id)
    noted = list_mentioning_cases(user_id=user_id, at=at, hidden=hidden or find_hidden_cases(at=at))
    return Q(code__in=list(noted))


def _whose(whose: str, user_id: int) -> Q:
    if whose == NOBODY:
        return Q(assignee__isnull=True)
    if whose == OFFICE:
        return Q(escalated_at__isnull=False)
    if whose == GIVEN:
        return _given_and_unopened(user_id)
    if whose == GONE:
        return Q(assignee__in=User.objects.exclude(role__in=roles_that_may(StaffAction.WORK_TICKETS), is_active=True))
    return Q(assignee_id=user_id if whose == MINE else int(whose))


def _given_and_unopened(user_id: int) -> Q:
    acts = AuditEvent.objects.filter(target=Concat(Value("ticket:"), OuterRef("code")))
    by_them = Q(actor__endswith=f":{user_id}")
    given = acts.filter(~by_them, action__in=GIVING, at=OuterRef("claimed_at"))
    opened = acts.filter(by_them, action="case.seen", at__gte=OuterRef("claimed_at"))
    return Q(Exists(given), ~Exists(opened), assignee_id=user_id)


def _place(asked: QueueFilter, last: Ticket) -> str:
    """Return where a page ended, for the address of the next."""
    values = {"id": str(last.pk), "due_at": last.due_at.isoformat(), "priority": str(last.priority)}
    return "~".join(values[name.removeprefix("-")] for name in ORDERS[asked.order])


def _after(asked: QueueFilter) -> Q:
    """Return what comes after that place; everything, where it makes no sense."""
    order, parts = [name.removeprefix("-") for name in ORDERS[asked.order]], asked.after.split("~")
    values = [_read_place(name, part) for name, part in zip(order, parts, strict=False)]
    if len(parts) != len(order) or None in values:
        return Q()
    beyond = "lt" if ORDERS[asked.order][0].startswith("-") else "gt"
    further = Q((f"id__{beyond}", values.pop()))
    for name, value in reversed([*zip(order, values, strict=False)]):
        further = _beyond(name, value, beyond, further)
    return further


def _read_place(name: str, text: str) -> datetime | int | None:
    if name == "due_at":
        return _moment(text)
    return min(int(text), 2**63 - 1) if text.isdecimal() else None


def _beyond(name: str, value: object, beyond: str, further: Q) -> Q:
    """Beyond a value, or at it and `further`. The first condition is what the index begins at."""
    return Q((f"{name}__{beyond}e", value)) & (Q((f"{name}__{beyond}", value)) | further)


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def _count_up_to(**tickets: QuerySet[Ticket]) -> dict[str, int]:
    counted = count_slices(rows=[one.order_by("due_at")[:COUNTED_TO] for one in tickets.values()])
    return dict(zip(tickets, counted, strict=True))


CODE = re.compile(rf"(?:T-?)?([{CODE_LETTERS}]{{6}})", re.IGNORECASE)
# A number as people write it, masked or whole: only its last four digits are looked for.
# As much of a number as tells somebody apart.
DIGITS = re.compile(r"\d(\D?\d){2}")
NUMBER = re.compile(r"[\d\s()+.\-•*…xX]*?(\d{4})")
# Fewer letters find everything.
SHORTEST = 3
# So many of the newest tickets are looked through for a word before the index of words is asked: a common word is found
# among them, and whatever is not is rare enough for that.
NEAR = 10_000


@dataclass(frozen=True)
class TicketPage:
    """The tickets found, and where the next page begins (0 for the last). `by_number`: they were found by its end."""

    tickets: tuple[Ticket, ...]
    next: int
    by_number: bool


def find(*, asked: str, at: datetime, before: int = 0, sees_numbers: bool = True) -> TicketPage:
    """Return the tickets that fit these words, older than the ticket `before`, if one is given.

    `sees_numbers`: without it digits find nothing but the case whose code they are: a hit would tell a hidden number.
    """
    said = asked.strip()
    hidden = find_hidden_cases(at=at)
    tickets = Ticket.objects.exclude(pk__in=hidden.cases)
    by_number = None if _is_a_case(said, tickets) else NUMBER.fullmatch(said)
    if _tells_a_number(said, tickets, sees_numbers=sees_numbers):
        return TicketPage((), 0, by_number=False)
    ids = _list_ids(said, by_number, tickets, before, hidden, at)
    found = list(tickets.filter(pk__in=ids).select_related("assignee").order_by("-id")[: PAGE + 1])
    return TicketPage(tuple(found[:PAGE]), found[PAGE - 1].pk if len(found) > PAGE else 0, bool(by_number))


def _list_ids(
    said: str,
    by_number: "re.Match[str] | None",
    tickets: QuerySet[Ticket],
    before: int,
    hidden: HiddenCases,
    at: datetime,
) -> set[int]:
    older = tickets.filter(id__lt=before) if before else tickets
    ids: set[int] = set()
    for way in _by_number(by_number[1]) if by_number else _by_words(said, hidden, at):
        ids.update(older.filter(way).order_by("-id").values_list("id", flat=True)[: PAGE + 1])
    if not by_number and len(said) >= SHORTEST:
        ids.update(_in_threads(said, before, hidden))
    return ids


def _tells_a_number(said: str, tickets: QuerySet[Ticket], *, sees_numbers: bool) -> bool:
    return not sees_numbers and bool(DIGITS.search(said)) and not _is_a_case(said, tickets)


def _is_a_case(said: str, tickets: QuerySet[Ticket]) -> bool:
    """Return whether it is a case's code: quoted without its T-, some are nothing but digits."""
    code = code_in(said)
    return bool(code) and tickets.filter(code=code).exists()


def case_of(*, code: str, at: datetime) -> Ticket | None:
    """Return the case with this code; None where there is none."""
    return visible_tickets(at=at).filter(code=code).first() if code else None


def code_in(said: str) -> str:
    """Return a case's code as we write it, of one that was typed with or without its T-; "" where it is none."""
    found = CODE.fullmatch(said)
    return f"T-{found[1].upper()}" if found else ""


def _by_number(ending: str) -> Iterator[Q]:
    yield Q(number_ending=ending)


def _by_words(said: str, hidden: HiddenCases, at: datetime) -> Iterator[Q]:
    """Yield each way there is, but for the words of threads."""
    if code := code_in(said):
        yield Q(code=code)
    if len(said) < SHORTEST:
        return
    named = ~Q(pk__in=list(hidden.shared))
    yield named & Q(about__icontains=said)
    if parties := companies(part=said):
        yield named & about_companies(party_ids=parties, at=at)


def _in_threads(said: str, before: int, hidden: HiddenCases) -> list[int]:
    """Return the newest tickets with these words in their threads, as those show them."""
    words = SearchQuery(said, config="simple", search_type="websearch")
    until = before or (Ticket.objects.aggregate(newest=Max("id"))["newest"] or 0) + 1
    entries = Entry.objects.filter(words=words, ticket_id__lt=until).exclude(hidden.find_entries())
    near = entries.filter(ticket_id__gte=until - NEAR).order_by("-ticket_id").values_list("ticket_id", flat=True)
    found = list(near.distinct()[: PAGE + 1])
    if len(found) > PAGE:
        return found
    # Plus nothing: in the order of its own index every thread would be read.
    rare = entries.annotate(of=F("ticket_id") + 0).order_by("-of").values_list("of", flat=True)
    return list(rare.distinct()[: PAGE + 1])
