"""Search the cases. Whoever is found in a list was looked at, and finds it in their own log.

That somebody of staff searched is in the trail, whatever was found, and for what where no one's own words may be in it.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import without_numbers
from accounts.queries import acting_staff
from support.queries.queue import Page, find, rows

WHY, DESK = "A search at our desk", "Cases"


@transaction.atomic
def search(*, asked: str, before: int, user: User, at: datetime) -> Page:
    """Find one page of what fits these words, older than the ticket `before` (0: the newest). Raises NotForThem.

    The end of a number is shown only where that was asked for.
    """
    name = acting_staff(actor=actor_of(user), action=StaffAction.SEE_TICKETS)
    found = find(asked=asked, before=before)
    codes: dict[int, list[str]] = {}
    for ticket in found.tickets:
        if ticket.line_id is not None:
            codes.setdefault(ticket.line_id, []).append(ticket.code)
    audit.actions.record_for_lines(
        action="ticket.found", actor=name, at=at, reason=WHY,
        details={line_id: {"tickets": here} for line_id, here in codes.items()},
    )  # fmt: skip
    note_search(where=DESK, said={}, actor=name, at=at, found=len(found.tickets))
    listed = rows(tickets=found.tickets, user_id=user.pk, at=at, ending=found.by_number)
    return Page(tuple(listed), str(found.next) if found.next else "")


def note_search(*, where: str, said: Mapping[str, str], actor: str, at: datetime, found: int | None = None) -> None:
    """Write down that somebody of staff searched. `where`: the list, as its page calls it; `said`: what for, by field.

    What was typed at the desk may be a person's name or words: it is not kept.
    """
    detail: dict[str, object] = {"in": where, "for": {name: without_numbers(words) for name, words in said.items()}}
    if found is not None:
        detail["found"] = found
    audit.actions.record(action="search.made", actor=actor, target=f"list:{where.lower()}", at=at, detail=detail)
