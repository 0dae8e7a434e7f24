"""Find tickets by what somebody quotes or remembers: a code, the end of a number, a company, words of the thread.

Newest first, page by page. Each way looks in an index of its own and stops at a page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery
from django.db.models import F, Max, Q

from support.models import CODE_LETTERS, Entry, Ticket
from support.queries.queue import PAGE, companies

CODE = re.compile(rf"(?:T-?)?([{CODE_LETTERS}]{{6}})", re.IGNORECASE)
# A number as people write it, masked or whole: only its last four digits are looked for.
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


def find(*, asked: str, before: int = 0) -> TicketPage:
    """The tickets that fit these words, older than the ticket `before`, if one is given."""
    said = asked.strip()
    by_number = None if _is_a_case(said) else NUMBER.fullmatch(said)
    older = Ticket.objects.filter(id__lt=before) if before else Ticket.objects.all()
    ids: set[int] = set()
    for way in _by_number(by_number[1]) if by_number else _by_words(said):
        ids.update(older.filter(way).order_by("-id").values_list("id", flat=True)[: PAGE + 1])
    if not by_number and len(said) >= SHORTEST:
        ids.update(_in_threads(said, before))
    newest = sorted(ids, reverse=True)[: PAGE + 1]
    tickets = Ticket.objects.filter(pk__in=newest[:PAGE]).select_related("assignee").order_by("-id")
    return TicketPage(tuple(tickets), newest[PAGE - 1] if len(newest) > PAGE else 0, bool(by_number))


def _is_a_case(said: str) -> bool:
    """Whether it is a case's code: quoted without its T-, some are nothing but digits."""
    code = code_in(said)
    return bool(code) and Ticket.objects.filter(code=code).exists()


def code_in(said: str) -> str:
    """A case's code as we write it, of one that was typed with or without its T-; "" where it is none."""
    found = CODE.fullmatch(said)
    return f"T-{found[1].upper()}" if found else ""


def _by_number(ending: str) -> Iterator[Q]:
    yield Q(number_ending=ending)


def _by_words(said: str) -> Iterator[Q]:
    """Each way there is, but for the words of threads."""
    if code := code_in(said):
        yield Q(code=code)
    if len(said) < SHORTEST:
        return
    yield Q(about__icontains=said)
    if parties := companies(part=said):
        yield Q(party_id__in=parties)


def _in_threads(said: str, before: int) -> list[int]:
    """The newest tickets with these words in their threads."""
    words = SearchQuery(said, config="simple", search_type="websearch")
    until = before or (Ticket.objects.aggregate(newest=Max("id"))["newest"] or 0) + 1
    entries = Entry.objects.filter(words=words, ticket_id__lt=until)
    near = entries.filter(ticket_id__gte=until - NEAR).order_by("-ticket_id").values_list("ticket_id", flat=True)
    found = list(near.distinct()[: PAGE + 1])
    if len(found) > PAGE:
        return found
    # Plus nothing: in the order of its own index every thread would be read.
    rare = entries.annotate(of=F("ticket_id") + 0).order_by("-of").values_list("of", flat=True)
    return list(rare.distinct()[: PAGE + 1])
