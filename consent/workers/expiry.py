"""Tell partners again where a line stands: when a pause ends by itself, and when a new link carries a stop across."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import partial

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

import audit.queries
from accounts.workers.one_by_one import run_each
from consent.domain import change_notices, order_planning
from consent.domain.snapshots import lock_line
from consent.models import Choice, EndedPause
from revocations.actions.orders import enqueue_orders
from revocations.models import Standing

ACTOR = "system:expiry"
BATCH = 500
TOLD = "SELECT line_id, contract_id FROM revocations_standing WHERE line_id = ANY (%s)"
CONCERNED = """
SELECT DISTINCT c.line_id FROM consent_choice c
    JOIN revocations_standing s ON s.line_id = c.line_id
WHERE c.kind IN ('stop', 'pause', 'refuse') AND c.scope = %s AND c.ref = ANY (partners_kin_of(%s::text, %s))
ORDER BY c.line_id
"""


def end_pauses(*, now: datetime) -> int:
    """Queue the then-current snapshot for each line whose pause has ended and whose partners were not told of that yet.

    However late it runs, no ended pause is passed over. Returns how many pauses were seen to. Safe to run twice.
    """
    return run_each(job="consent.pauses", rows=_iterate_ended_pauses(now), do=partial(_end, now=now), at=now)


def _iterate_ended_pauses(now: datetime) -> Iterator[Choice]:
    """Yield each once, batch by batch: one that breaks is passed over until the next run."""
    told = EndedPause.objects.filter(line_id=OuterRef("line_id"), choice_id=OuterRef("id"))
    left = Choice.objects.filter(~Exists(told), kind=Choice.Kind.PAUSE, until__lte=now).order_by("until", "id")
    batch = list(left[:BATCH])
    while batch:
        yield from batch
        last = batch[-1]
        batch = list(left.filter(Q(until=last.until, id__gt=last.id) | Q(until__gt=last.until))[:BATCH])


@transaction.atomic
def _end(pause: Choice, now: datetime) -> int:
    enqueue_current_state(line_id=pause.line_id)
    if EndedPause.objects.filter(line_id=pause.line_id, choice_id=pause.id).exists():
        return 1
    EndedPause.objects.create(line_id=pause.line_id, choice_id=pause.id, told_at=now)
    # One that was over when it was taken over from elsewhere changes nothing for anybody now.
    if pause.until is not None and pause.recorded_at < pause.until:
        change_notices.notify_of_change(
            line_id=pause.line_id, change=change_notices.Change.PAUSE_OVER, actor=ACTOR, at=now
        )
    return 1


@transaction.atomic
def enqueue_current_state(*, line_id: int, also: Collection[int] = ()) -> None:
    """Tell the partners that were told before where the line stands now; nobody hears of it where nothing changed.

    `also`: contracts whose partners are told even if they never were.
    """
    lock_line(line_id=line_id)
    told = Standing.objects.filter(line_id=line_id).values_list("contract_id", flat=True)
    _enqueue_contract_states({line_id: {*told, *also}})


def enqueue_current_states(*, line_ids: Collection[int], but: Collection[tuple[int, int]]) -> None:
    """Tell partners again about many lines whose gate rows are locked, under all agreements but those told of just now.

    `but`: lines and contracts.
    """
    contract_ids: dict[int, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(TOLD, [list(line_ids)])
        for line_id, contract_id in cursor.fetchall():
            if (line_id, contract_id) not in but:
                contract_ids[line_id].add(contract_id)
    _enqueue_contract_states(contract_ids)


def _enqueue_contract_states(contract_ids: Mapping[int, Collection[int]]) -> None:
    told = {line_id: sorted(theirs) for line_id, theirs in contract_ids.items() if theirs}
    if told:
        now = audit.queries.database_clock()
        agreements = order_planning.agreements_of_each(contract_ids=told)
        enqueue_orders(agreements=agreements, by="system", at=dict.fromkeys(told, now))


def notify_partners_of_links(*, links: Collection[tuple[str, str]]) -> int:
    """Tell the partners of every line that has denied one of these ids or its kin. Returns how many lines it was."""
    told = 0
    for of in sorted({of for of, _ in links}):
        refs = sorted(ref for what, ref in links if what == of)
        with connection.cursor() as cursor:
            cursor.execute(CONCERNED, [of, of, refs])
            lines = [line_id for (line_id,) in cursor.fetchall()]
        for line_id in lines:
            enqueue_current_state(line_id=line_id)
        told += len(lines)
    return told
