"""Pauses end by themselves; the partners that were told of them are told what counts then."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

import audit.queries
from consent import changes, telling
from consent.models import Choice, EndedPause
from revocations.actions import tell
from revocations.models import Standing

ACTOR = "system:expiry"
BATCH = 500


def end_pauses(*, now: datetime) -> int:
    """Queue the then-current snapshot for each line whose pause has ended and whose partners were not told of that yet.

    However late it runs, no ended pause is passed over. Returns how many pauses were seen to. Safe to run twice.
    """
    seen = 0
    while ended := _ended(now):
        for pause in ended:
            _end(pause, now)
        seen += len(ended)
    return seen


def _ended(now: datetime) -> list[Choice]:
    told = EndedPause.objects.filter(line_id=OuterRef("line_id"), choice_id=OuterRef("id"))
    pauses = Choice.objects.filter(~Exists(told), kind=Choice.Kind.PAUSE, until__lte=now)
    return list(pauses.order_by("until")[:BATCH])


@transaction.atomic
def _end(pause: Choice, now: datetime) -> None:
    retell(line_id=pause.line_id)
    if EndedPause.objects.filter(line_id=pause.line_id, choice_id=pause.id).exists():
        return
    EndedPause.objects.create(line_id=pause.line_id, choice_id=pause.id, told_at=now)
    # One that was over when it was taken over from elsewhere changes nothing for anybody now.
    if pause.until is not None and pause.recorded_at < pause.until:
        changes.tell(line_id=pause.line_id, change=changes.Change.PAUSE_OVER, actor=ACTOR, at=now)


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
