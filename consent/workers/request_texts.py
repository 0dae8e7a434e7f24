"""Questions that wait for their text are sent: by day, to whom they are put, each at most once."""

import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import batched, takewhile
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import pgettext

import accounts.queries
from accounts.clients import texts
from accounts.clients.texts import Outcome
from accounts.domain.message_templates import language_of
from accounts.models import AlertChoice, Line
from accounts.policies import alerts
from accounts.primitives.slots import lock_job
from accounts.primitives.zones import is_day, zone_of
from accounts.workers import sms_delivery
from accounts.workers.one_by_one import run_each
from consent.domain import consent_requests
from consent.domain.consent_requests import AT_MOST, MONTH, Case, token_of
from consent.domain.snapshots import lock_line
from consent.models import Approval, ConsentRequest
from consent.queries.approvals import STANDS

TURN = "consent.request_texts"
BATCH = 500
# So many refused one after the other: the gateway is away.
AWAY = 3


@dataclass(frozen=True)
class _Due:
    """A question whose turn it is, reserved: its text counts as sent unless it is given back."""

    msisdn: str
    text: str


def text_waiting(*, now: datetime, clock: Callable[[], float] = monotonic) -> int:
    """Send the text of each question that waits and may be asked now. Returns how many went out.

    What may not be asked now (night, a stop since, twice this month already) waits, until it ends unasked. What the
    gateway did not take waits for the next run; what it took is never given to it again, nor what it may have taken.
    One worker at a time, for a few seconds by `clock`: a slow gateway must not keep all from orders to partners.
    """
    with lock_job(name=TURN) as mine:
        return _run(now, clock) if mine and not sms_delivery.is_gateway_paused(now=now) else 0


def _run(now: datetime, clock: Callable[[], float]) -> int:
    over, last = clock() + sms_delivery.RUN_S, deque[Outcome](maxlen=AWAY)

    def goes_on(_row: tuple[int, uuid.UUID]) -> bool:
        return clock() < over and Outcome.SILENT not in last and last.count(Outcome.AWAY) < AWAY

    rows = takewhile(goes_on, _waiting_by_day(now))
    return run_each(job=TURN, rows=rows, do=partial(_send, last=last, now=now), at=now)


def _send(row: tuple[int, uuid.UUID], last: deque[Outcome], now: datetime) -> bool:
    line_id, ask_id = row
    due = _reserve(line_id=line_id, ask_id=ask_id, now=now)
    if due is None:
        return False
    last.append(texts.send_and_wait(msisdn=due.msisdn, text=due.text))
    if is_left := last[-1] in {Outcome.UNFIT, Outcome.AWAY}:
        ConsentRequest.objects.filter(line_id=line_id, id=ask_id).update(texted_at=None)
    return not is_left


def _waiting_by_day(now: datetime) -> Iterator[tuple[int, uuid.UUID]]:
    waiting = ConsentRequest.objects.filter(
        answer="", approval_id__isnull=False, texted_at__isnull=True, expires_at__gt=now
    )
    # In any order: a number that the gateway never takes must not stand in front of the others for ever.
    for some in batched(waiting.order_by("?").values_list("line_id", "id"), BATCH, strict=False):
        lines = Line.objects.in_bulk({line_id for line_id, _ask in some})
        for line_id, ask_id in some:
            answering = accounts.queries.answering_line(line=lines[line_id], at=now)
            if answering is None or alerts.has_alerts_off(line_id=answering.pk):
                continue
            if not alerts.find_alert_choices(line_id=answering.pk)[AlertChoice.Topic.ASKED]:
                continue
            if is_day(zone_of(answering.state), now):
                yield line_id, ask_id


@transaction.atomic
def _reserve(*, line_id: int, ask_id: uuid.UUID, now: datetime) -> _Due | None:
    lock_line(line_id=line_id)
    ask = ConsentRequest.objects.get(line_id=line_id, id=ask_id)
    if ask.answer or ask.texted_at or not _may_be_texted(ask, now):
        return None
    line = Line.objects.get(pk=line_id)
    answering = accounts.queries.answering_line(line=line, at=now)
    if answering is None:
        return None  # the line ended, or its account lost its holder, since it was listed
    ConsentRequest.objects.filter(line_id=line_id, id=ask_id).update(texted_at=now)
    with translation.override(language_of(answering)):
        return _Due(
            accounts.queries.msisdn_of(line_id=answering.pk, at=now), _words(ask, for_a_child=answering.pk != line.pk)
        )


def _may_be_texted(ask: ConsentRequest, now: datetime) -> bool:
    if ask.until is not None and ask.until <= now:
        return False
    claim = Approval.objects.filter(STANDS, pk=(ask.line_id, ask.approval_id)).first()
    if claim is None:
        return False  # set aside: it was about somebody else
    changed_at = Line.objects.values_list("number_changed_at", flat=True).get(pk=ask.line_id)
    if changed_at is not None and claim.captured_at <= changed_at:
        return False
    this_month = ConsentRequest.objects.filter(line_id=ask.line_id, texted_at__gt=now - MONTH).count()
    return this_month < AT_MOST and consent_requests.list_askable(cases=[Case(ask.line_id, ask.campaign)], at=now)[0]


def _words(ask: ConsentRequest, *, for_a_child: bool) -> str:
    url = f"{settings.BASE_URL}/ask/{token_of(ask_id=ask.id)}/"
    if for_a_child:
        return pgettext(
            "text message",
            "a company says it may find a child's phone on your account. We won't let it unless you "
            "say yes. See who asks, and answer: %(url)s Your phone service stays the same either way.",
        ) % {"url": url}
    return pgettext(
        "text message",
        "a company says you agreed that it may find this phone. We won't let it unless you say yes. "
        "See who asks, and answer: %(url)s Your phone service stays the same either way.",
    ) % {"url": url}
