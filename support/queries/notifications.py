"""What waits for somebody of staff: a page lists it; e-mail and webhook say of each kind how many there are.

Here are the kinds of the desk. The console has more of them, for its own roles.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.functional import Promise

from accounts.models import User
from accounts.policies.permissions import StaffAction
from support.models import NotificationChannel, Ticket
from support.queries import names
from support.queries.counts import CAP, cap_count
from support.queries.due import TIME_USED, reached_at
from support.queries.mentions import list_mentioning_cases
from support.queries.notification_words import NOTIFICATIONS
from support.queries.queue import ANY, GIVEN, MENTIONED, MINE, QueueFilter, filter_tickets
from support.queries.titles import title_cases
from support.queries.visible import find_hidden_cases

SHOWN = 8
# Who may have e-mails, and by what right.
NEEDED: Mapping[str, StaffAction] = {
    User.Role.OFFICER: StaffAction.CHANGE_TERMS, User.Role.LEGAL: StaffAction.SEE_DELAYED,
    User.Role.AGENT: StaffAction.WORK_TICKETS,
}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One thing that waits: the page where it is done (`page`: its route, `pk`), and since when it waits."""

    what: str
    about: str
    page: str
    pk: object
    at: datetime


@dataclass(frozen=True)
class WaitingItems:
    """What waits of one kind: `n` in all, when each came to wait (`came`), and the first few."""

    n: int
    came: Sequence[datetime]
    items: Sequence[Item]


NOTHING = WaitingItems(0, (), ())


@dataclass(frozen=True)
class Notification:
    """A kind of thing that waits. `page`: the route of a list, which `query` narrows to exactly these.

    `in_confidence`: it stands in the console alone, and goes out by no channel.
    """

    name: str
    label: str
    page: str
    query: str
    found: WaitingItems
    in_confidence: bool

    def count_new(self, *, since: datetime, until: datetime) -> int:
        """Return how many came to wait in this time."""
        return sum(1 for one in self.found.came if since < one <= until)


@dataclass(frozen=True)
class Kind:
    """How a kind is called, where its list is, and how it is found: by the reader's actor name ("" for the webhook)."""

    one: str | Promise
    many: str | Promise
    page: str
    query: str
    find: Callable[[str, datetime], WaitingItems]
    in_confidence: bool = False


type Kinds = Mapping[str, Kind]


def list_notifications(*, kinds: Kinds, reader: str, at: datetime) -> list[Notification]:
    """Return what waits of these kinds for a reader ("officer:7"; "" for officers at large), in their order."""
    found = [(name, kind, kind.find(reader, at)) for name, kind in kinds.items()]
    return [
        Notification(
            name, f"{cap_count(one.n)} {kind.one if one.n == 1 else kind.many}", kind.page, kind.query, one,
            kind.in_confidence,
        )
        for name, kind, one in found
        if one.n
    ]  # fmt: skip


def get_choice(*, user: User) -> dict[str, object]:
    """Return what somebody chose about e-mails, by the names of `NotificationChannel`'s fields; off at first."""
    names = ("is_on", "quiet_from", "quiet_until", "zone", "left_out")
    chosen = NotificationChannel.objects.filter(user=user).values(*names).first()
    return dict(
        chosen or {"is_on": False, "quiet_from": 20, "quiet_until": 7, "zone": "America/New_York", "left_out": []}
    )


def find_cases(
    *, asked: QueueFilter, user_id: int, at: datetime, came: Callable[[Ticket], datetime | None]
) -> WaitingItems:
    """Return what waits of the queue as it is narrowed. `came`: since when a case waits; now where that is None."""
    hidden = find_hidden_cases(at=at)
    rows = filter_tickets(asked=asked, user_id=user_id, at=at, hidden=hidden).order_by("due_at", "id")
    waiting = list(rows[: CAP + 1])
    since = [came(one) or at for one in waiting]
    titled = title_cases(tickets=waiting[:SHOWN], hidden=hidden, at=at)
    items = [
        Item(one.ticket.code, one.title, "desk-case", one.ticket.code, moment)
        for one, moment in zip(titled, since, strict=False)
    ]
    return WaitingItems(len(waiting), since, items)


def _find_own(asked: QueueFilter, came: Callable[[Ticket], datetime | None]) -> Callable[[str, datetime], WaitingItems]:
    """Cases of the reader's own; the webhook has none."""

    def find(reader: str, at: datetime) -> WaitingItems:
        user_id = names.staff_id(actor=reader)
        return find_cases(asked=asked, user_id=user_id, at=at, came=came) if user_id else NOTHING

    return find


def _find_mentioned(reader: str, at: datetime) -> WaitingItems:
    user_id, hidden = names.staff_id(actor=reader), find_hidden_cases(at=at)
    if not user_id:
        return NOTHING
    noted = list_mentioning_cases(user_id=user_id, at=at, hidden=hidden)
    return find_cases(
        asked=QueueFilter(state=ANY, whose=MENTIONED), user_id=user_id, at=at, came=lambda one: noted[one.code]
    )


def _find_used(used: str) -> Callable[[str, datetime], WaitingItems]:
    """Cases of the reader's own, by how much of the time to their date is used."""
    share = TIME_USED[used][0]
    return _find_own(replace(OWN, used=used), lambda one: reached_at(ticket=one, share=share))


OWN = QueueFilter(whose=MINE)
# What waits at the desk for whoever works cases.
OF_DESK: Kinds = {
    "own_cases": Kind(
        *NOTIFICATIONS["own_cases"], "desk", f"whose={MINE}&overdue=on",
        _find_own(replace(OWN, overdue=True), lambda one: one.due_at),
    ),
    "own_nearly": Kind(
        *NOTIFICATIONS["own_nearly"], "desk", f"whose={MINE}&used=nearly", _find_used("nearly"),
    ),
    "own_half": Kind(
        *NOTIFICATIONS["own_half"], "desk", f"whose={MINE}&used=half", _find_used("half"),
    ),
    "given": Kind(
        *NOTIFICATIONS["given"], "desk", f"whose={GIVEN}",
        _find_own(replace(OWN, whose=GIVEN), lambda one: one.claimed_at),
    ),
    "mentioned": Kind(
        *NOTIFICATIONS["mentioned"], "desk",
        f"whose={MENTIONED}&state={ANY}", _find_mentioned,
    ),
}  # fmt: skip
