"""Search the console, and write down that somebody did."""

from collections.abc import Sequence
from datetime import datetime

import support.actions.queue
from accounts.models import User
from accounts.policies.permissions import actor_of
from console.queries.search import Hit, search_everything
from support.actions.queue import record_search
from support.queries.queue import code_in


def search(*, asked: str, user: User, at: datetime) -> Sequence[Hit]:
    """Return what has these words. A case is found by its whole code alone, and the person whose it is finds that in
    their own log. Raises StaffOnly.
    """
    if not asked:
        return []
    record_search(where="Search", criteria={"Words": asked}, actor=actor_of(user), at=at)
    cases: list[Hit] = []
    if code := code_in(asked):
        page = support.actions.queue.search(asked=code, before=0, user=user, at=at)
        cases = [Hit("case", one.ticket.code, one.ticket.get_kind_display(), "desk-case", (one.ticket.code,))
                 for one in page.rows if one.ticket.code == code]  # fmt: skip
    return [*cases, *search_everything(asked=asked)]
