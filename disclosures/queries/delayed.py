"""Read delayed-notice orders for those who handle them, hidden releases included; and count rows without a line.

Only acts of the legal-process role read an order: to look is an act, and written down. The count of rows that are held
because no line has their number leaves out what an order hides.
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from accounts.primitives.sealing import derived_secret
from disclosures.models import DelayedNotice, Disclosure, DisclosureRegister, HeldNotice


@dataclass(frozen=True)
class DelayedRow:
    """One disclosure under an order. `source_id`: the carrier's own id of it, "" while it has not arrived.

    `until` None: until further order. It names no person and no line.
    """

    disclosure_id: UUID
    source_id: str
    until: datetime | None
    recorded_at: datetime
    hidden: bool
    arrived: bool


@dataclass(frozen=True)
class DelayedOrder:
    """One order and the disclosures that it speaks of: its own newest word on each, or the newest of all orders."""

    order_ref: str
    rows: tuple[DelayedRow, ...] = field(default=())

    @property
    def hidden_count(self) -> int:
        """How many are hidden by it now, those that are still to arrive included."""
        return sum(row.hidden for row in self.rows)

    @property
    def until(self) -> datetime | None:
        """The end of its last one; None: there is one until further order."""
        ends = [row.until for row in self.rows if row.hidden]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


def delayed_orders(*, at: datetime, order_ref: str | None = None) -> list[DelayedOrder]:
    """Return every order, or the one of this reference, those that still hide something first, then by reference.

    Of a disclosure that several hide, all together have the newest; the one has its own, whatever others say since.
    """
    found: dict[str, list[DelayedRow]] = defaultdict(list)
    notices = _newest(DelayedNotice, order_ref)
    sources = dict(_find_releases(notices).values_list("id", "source_id"))
    for notice in notices:
        found[notice.order_ref].append(_row(notice, sources.get(notice.disclosure_id, ""), at, arrived=True))
    for held in _newest(HeldNotice, order_ref):
        found[held.order_ref].append(_row(held, "", at, arrived=False))
    orders = [DelayedOrder(ref, tuple(sorted(rows, key=_by_time))) for ref, rows in found.items()]
    return sorted(orders, key=lambda order: (not order.hidden_count, order.order_ref))


@dataclass(frozen=True)
class OrderReach:
    """What an order hides now, alone or as others do too.

    `releases`: those that have arrived, of so many `lines`. `waiting`: those that have not.
    """

    releases: int
    lines: int
    waiting: int


def count_hidden(*, order_ref: str, at: datetime) -> OrderReach:
    """Count what this order hides now."""
    arrived = [one.line_id for one in _newest(DelayedNotice, order_ref) if hides(notice=one, at=at)]
    return OrderReach(
        len(arrived), len({*arrived}), sum(hides(notice=one, at=at) for one in _newest(HeldNotice, order_ref))
    )


@dataclass(frozen=True)
class OrderRecord:
    """All that was recorded under one order: its notices, the oldest first, and the releases that have arrived."""

    notices: Sequence[DelayedNotice | HeldNotice]
    releases: Mapping[UUID, Disclosure]


def get_order_record(*, order_ref: str) -> OrderRecord | None:
    """Return what was recorded under this order, what it hides included, and nothing of other orders; None for none."""
    arrived = list(DelayedNotice.objects.filter(order_ref=order_ref))
    notices: list[DelayedNotice | HeldNotice] = [*arrived, *HeldNotice.objects.filter(order_ref=order_ref)]
    if not notices:
        return None
    return OrderRecord(
        sorted(notices, key=lambda one: (one.recorded_at, one.disclosure_id, one.number)),
        {one.id: one for one in _find_releases(arrived)},
    )


def get_logged_name(*, order_ref: str) -> str:
    """Name an order in the audit log by a keyed hash: its reference is as secret as what it hides."""
    return f"delay:{hmac.digest(derived_secret('delayed-orders'), order_ref.encode(), hashlib.sha256).hex()[:32]}"


def find_hiding_notice(*, disclosure_id: UUID, besides: str, at: datetime) -> DelayedNotice | HeldNotice | None:
    """Return the newest word of another order that still hides this disclosure, if there is one."""
    for table in (DelayedNotice, HeldNotice):
        said: dict[str, DelayedNotice | HeldNotice] = {}
        for notice in table.objects.filter(disclosure_id=disclosure_id).exclude(order_ref=besides).order_by("number"):
            said[notice.order_ref] = notice
        for notice in said.values():
            if hides(notice=notice, at=at):
                return notice
    return None


def is_hidden_until(*, disclosure_id: UUID, until: datetime | None) -> bool:
    """Return whether the newest word on a disclosure, arrived or not, hides it at least until then (None: for good)."""
    known = DisclosureRegister.objects.filter(id=disclosure_id).first()
    notices = (
        DelayedNotice.objects.filter(line_id=known.line_id, disclosure_id=known.id)
        if known
        else HeldNotice.objects.filter(disclosure_id=disclosure_id)
    )
    newest = notices.order_by("-number").first()
    if newest is None:
        return False
    return newest.suppressed_until is None or (until is not None and newest.suppressed_until >= until)


def _newest[Notice: (DelayedNotice, HeldNotice)](table: type[Notice], order_ref: str | None) -> Sequence[Notice]:
    newer = table.objects.filter(disclosure_id=OuterRef("disclosure_id"), number__gt=OuterRef("number"))
    if table is DelayedNotice:
        newer = newer.filter(line_id=OuterRef("line_id"))
    if order_ref is None:
        return list(table.objects.filter(~Exists(newer)))
    return list(table.objects.filter(~Exists(newer.filter(order_ref=order_ref)), order_ref=order_ref))


def _find_releases(notices: Collection[DelayedNotice]) -> QuerySet[Disclosure]:
    return Disclosure.objects.filter(
        line_id__in={one.line_id for one in notices}, id__in={one.disclosure_id for one in notices}
    )


def _row(notice: DelayedNotice | HeldNotice, source_id: str, at: datetime, *, arrived: bool) -> DelayedRow:
    until = notice.suppressed_until
    return DelayedRow(notice.disclosure_id, source_id, until, notice.recorded_at, hides(notice=notice, at=at), arrived)


def hides(*, notice: DelayedNotice | HeldNotice, at: datetime) -> bool:
    """Return whether this notice, if none is newer, hides its disclosure at a moment."""
    return notice.suppressed_until is None or notice.suppressed_until > at


def _by_time(row: DelayedRow) -> tuple[datetime, UUID]:
    return row.recorded_at, row.disclosure_id


# Of a held row. The newest order says what holds: one that waits for the row, or the row's own.
NOT_HIDDEN = """
coalesce((
    SELECT coalesce(n.suppressed_until <= (SELECT audit_now()), false) FROM disclosures_heldnotice n
    WHERE n.disclosure_id = held.id ORDER BY n.number DESC LIMIT 1
), held.suppressed_until <= (SELECT audit_now()), true)
"""
HELD = """
SELECT count(*) FILTER (WHERE held.gateway = ''), count(*) FILTER (WHERE held.gateway <> ''), count(held.ungated_at),
    min(held.held_at)
FROM (SELECT * FROM disclosures_helddisclosure ORDER BY id LIMIT %s) held
WHERE <not hidden>
""".replace("<not hidden>", NOT_HIDDEN)
# A file for the wrong carrier is held whole, and this is asked every few seconds: so many are looked at.
MOST = 10_000


@dataclass(frozen=True)
class PendingRowCounts:
    """Rows that wait for their line: from files, and from the gateway; of the latter, releases without the gate's yes.

    `oldest`: since when the oldest waits; None where none does.
    """

    from_files: int
    from_gateway: int
    ungated: int
    oldest: datetime | None

    @property
    def n(self) -> int:
        """How many there are."""
        return self.from_files + self.from_gateway


def count_pending_rows() -> PendingRowCounts:
    """Return what is held now; of more than `MOST`, that of some. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(HELD, [MOST])
        return PendingRowCounts(*cursor.fetchone())
