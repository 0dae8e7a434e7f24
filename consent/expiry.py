"""Pauses end by themselves; the partners that were told of them are told what counts then."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

import audit.queries
from consent import telling
from consent.models import Choice, EndedPause
from revocations.actions import tell
from revocations.models import Standing

BATCH = 500


def end_pauses(*, now: datetime) -> int:
    """Queue the then-current snapshot for each line whose pause has ended and whose partners were not told of that yet.

    However late it runs, no ended pause is passed over. Returns how many pauses were seen to. Safe to run twice.
    """
    seen = 0
    while ended := _ended(now):
        for line_id, choice_id in ended:
            _end(line_id, choice_id, now)
        seen += len(ended)
    return seen


def _ended(now: datetime) -> list[tuple[int, UUID]]:
    told = EndedPause.objects.filter(line_id=OuterRef("line_id"), choice_id=OuterRef("id"))
    pauses = Choice.objects.filter(~Exists(told), kind=Choice.Kind.PAUSE, until__lte=now)
    return list(pauses.order_by("until").values_list("line_id", "id")[:BATCH])


@transaction.atomic
def _end(line_id: int, choice_id: UUID, now: datetime) -> None:
    retell(line_id=line_id)
    EndedPause.objects.bulk_create(
        [EndedPause(line_id=line_id, choice_id=choice_id, told_at=now)], ignore_conflicts=True
    )


@transaction.atomic
def retell(*, line_id: int, also: Collection[int] = ()) -> None:
    """Tell the partners that were told before where the line stands now; nobody hears of it where nothing changed.

    `also`: contracts whose partners are told even if they never were.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_lock_line(%s)", [line_id])
    told = Standing.objects.filter(line_id=line_id).values_list("contract_id", flat=True)
    contract_ids = sorted({*told, *also})
    if not contract_ids:
        return
    agreements = telling.agreements(line_id=line_id, contract_ids=contract_ids)
    tell(line_id=line_id, agreements=agreements, by="system", at=audit.queries.database_clock())
