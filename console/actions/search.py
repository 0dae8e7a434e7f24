"""Search the console, and write down that somebody did."""

from collections.abc import Sequence
from datetime import datetime

from accounts.models import User
from accounts.policies.permissions import actor_of
from console.queries.search import Hit, search_everything, sort_of
from support.actions.queue import find_case, record_search


def search(*, asked: str, user: User, at: datetime) -> Sequence[Hit]:
    """Return what has these words. A case is found by its whole code alone, and the person whose it is finds that in
    their own log. Kept of the search is how many of each kind were found, not what was typed. Raises StaffOnly.
    """
    if not asked:
        return []
    case = find_case(asked=asked, user=user, at=at)
    cases = [Hit("case", case.code, str(case.get_kind_display()), "desk-case", (case.code,))] if case else []
    hits = [*cases, *search_everything(asked=asked, at=at)]
    found = {kind.capitalize(): str(len(of_kind)) for kind, of_kind in sort_of(hits=hits).items()}
    record_search(where="Search", criteria=found, actor=actor_of(user), at=at, found=len(hits))
    return hits
