"""Find tickets by what somebody quotes or remembers: a code, the end of a number, a company, words of the thread.

Newest first, page by page. Each way looks in an index of its own and stops at a page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import QuerySet

from support.models import CODE_LETTERS, Entry, Ticket
from support.oversight.queue import PAGE, companies

CODE = re.compile(rf"(?:T-?)?([{CODE_LETTERS}]{{6}})", re.IGNORECASE)
# A number as people write it, masked or whole: only its last four digits are looked for.
NUMBER = re.compile(r"[\d\s()+.\-•*…xX]*?(\d{4})")
# Fewer letters find everything.
SHORTEST = 3


@dataclass(frozen=True)
class Found:
    """The tickets found, and where the next page begins (0 for the last). `by_number`: they were found by its end."""

    tickets: tuple[Ticket, ...]
    next: int
    by_number: bool


def find(*, asked: str, before: int = 0) -> Found:
    """The tickets that fit these words, older than the ticket `before`, if one is given."""
    said = asked.strip()
    by_number = NUMBER.fullmatch(said)
    ways = _by_number(by_number[1]) if by_number else _by_words(said)
    ids: set[int] = set()
    for way, name in ways:
        older = way.filter(**{f"{name}__lt": before}) if before else way
        ids.update(older.order_by(f"-{name}").values_list(name, flat=True)[: PAGE + 1])
    newest = sorted(ids, reverse=True)[: PAGE + 1]
    tickets = Ticket.objects.filter(pk__in=newest[:PAGE]).select_related("assignee").order_by("-id")
    return Found(tuple(tickets), newest[PAGE - 1] if len(newest) > PAGE else 0, bool(by_number))


def _by_number(ending: str) -> Iterator[tuple[QuerySet[Any], str]]:
    yield Ticket.objects.filter(number_ending=ending), "id"


def _by_words(said: str) -> Iterator[tuple[QuerySet[Any], str]]:
    """Each way with the name under which it gives the ticket's id."""
    if code := CODE.fullmatch(said):
        yield Ticket.objects.filter(code=f"T-{code[1].upper()}"), "id"
    if len(said) < SHORTEST:
        return
    yield Ticket.objects.filter(about__icontains=said), "id"
    if parties := companies(part=said):
        yield Ticket.objects.filter(party_id__in=parties), "id"
    words = SearchQuery(said, config="simple", search_type="websearch")
    yield Entry.objects.filter(words=words).distinct(), "ticket_id"
