"""Whoever lost a service that finds them in an emergency is texted, once, with no company and no choice named.

The cursor moves in the transaction in which the text is put where it waits for the gateway, and stays where one could
not be: whoever goes on from there passes over those that were texted. None is lost, and none comes twice. The
agreement's subscribers count as told once every text was taken. Everybody else reads it on their pages.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Min, Q
from django.utils import translation
from django.utils.translation import pgettext

from accounts.actions import sms_outbox
from accounts.domain.message_templates import language_of
from accounts.models import Line, Message
from accounts.primitives.slots import lock_job
from accounts.workers.one_by_one import run_each
from consent.models import Choice
from consent.queries import termination
from consent.queries.permission import PermissionQuestion, answers_at
from consent.queries.termination import Selection
from partners.models import Campaign, Contract, Suspension
from revocations.models import Cohort

BATCH = 1_000
MICROSECOND = timedelta(microseconds=1)
# An agreement whose term had run out before an officer ended it took nothing away by that.
BY_THE_END = timedelta(minutes=10)
# Of a term that is over people are told although workers were away for days, but not of what was over long ago.
BY_ITS_TERM = timedelta(days=7)
NOBODY = -1
# Every line was looked at; only texts may still wait.
THROUGH = 2**63 - 1


def tell_subscribers(*, now: datetime, batch: int = BATCH) -> int:
    """Have the lines texted that lost such a service and were not yet. Returns how many were. Goes on where it was."""
    waiting = Cohort.objects.filter(subscribers_told_at__isnull=True).order_by("terminated_at")

    def tell(cohort_id: UUID) -> int:
        with lock_job(name=f"telling {cohort_id}") as mine:
            return _text_lines(Cohort.objects.get(pk=cohort_id), now, batch) if mine else 0

    return run_each(job="consent.cohort_texts", rows=list(waiting.values_list("pk", flat=True)), do=tell, at=now)


def _text_lines(cohort: Cohort, now: datetime, batch: int) -> int:
    if cohort.subscribers_told_at is not None:
        return 0
    told, broken = 0, list[int]()
    for line_id in _list_lines_that_lost(cohort, now, batch):
        try:
            told += _text(cohort, line_id, now, moves=not broken)
        except Exception as error:  # whatever it is, it must not keep the lines behind it waiting
            if isinstance(error, OperationalError | InterfaceError):
                raise  # all is done again, from where the cursor is
            broken.append(line_id)
    # Once more, at the end: of those that can't be texted officers are told.
    again = partial(_text, cohort, at=now, moves=False)
    told += run_each(job="consent.lifeline_texts", rows=broken, do=again, at=now)
    _settle(cohort, now)
    return told


def _settle(cohort: Cohort, now: datetime) -> None:
    Cohort.objects.filter(pk=cohort.pk).update(told_to_line=THROUGH)
    if not Message.objects.filter(about=_about(cohort), taken_at__isnull=True).exists():
        Cohort.objects.filter(pk=cohort.pk).update(subscribers_told_at=now)


def _list_lines_that_lost(cohort: Cohort, now: datetime, batch: int) -> Iterator[int]:
    """The active lines, by their ids, that had a living yes to medical or roadside help when it ended."""
    row = termination.target(of=cohort.of, target_id=cohort.target_id)
    lifelines = _lifelines_of(row)
    over = row.ends_at < (now - BY_ITS_TERM if cohort.by_term else cohort.terminated_at - BY_THE_END)
    if not lifelines or over:
        return
    selection = Selection([one.ref for one in lifelines], cohort.party_id, NOBODY, None)
    last = _last_moment(row, lifelines)
    others = _list_other_campaigns(lifelines, now)
    after = cohort.told_to_line
    while lines := termination.list_lines_after(selection=selection, after=after, limit=batch):
        alive = _alive(lines, lifelines, last, row.ends_at, now)
        alive -= _list_permitted_lines(alive, others, now, now) if others and alive else set()
        active = Line.objects.filter(pk__in=alive).exclude(deactivated_at__lte=now)
        yield from active.order_by("pk").values_list("pk", flat=True)
        after = lines[-1]


def _lifelines_of(row: Contract | Campaign) -> list[Campaign]:
    under = Campaign.objects.filter(pk=row.pk) if isinstance(row, Campaign) else Campaign.objects.filter(contract=row)
    return list(under.filter(lifeline=True).select_related("contract__aggregator", "lbs_provider", "cover"))


def _list_other_campaigns(lifelines: Sequence[Campaign], now: datetime) -> list[Campaign]:
    """Whom the same company may still find, by another campaign, lost nothing."""
    same = {one.lbs_provider_id for one in lifelines}
    return list(
        Campaign.objects.filter(lifeline=True, is_draft=False, lbs_provider__in=same, ends_at__gt=now)
        .exclude(pk__in=[one.pk for one in lifelines])
        .select_related("contract__aggregator", "lbs_provider", "cover")
    )


def _last_moment(row: Contract | Campaign, lifelines: Sequence[Campaign]) -> datetime:
    """The last moment at which the agreement counted: before its end, or before the suspension that led to it."""
    contract = row.contract if isinstance(row, Campaign) else row
    parties = {contract.aggregator_id, *(one.lbs_provider_id for one in lifelines)}
    of = Q(of="contract", target_id=contract.pk) | Q(of="party", target_id__in=parties)
    of |= Q(of="campaign", target_id__in=[one.pk for one in lifelines])
    running = Suspension.objects.filter(of, Q(ends_at__isnull=True) | Q(ends_at__gte=row.ends_at))
    since = running.aggregate(first=Min("starts_at"))["first"]
    return min(since or row.ends_at, row.ends_at) - MICROSECOND


def _alive(
    lines: Sequence[int], lifelines: Sequence[Campaign], last: datetime, ended_at: datetime, now: datetime
) -> set[int]:
    """Of these lines those that were a yes at the last moment, and said no to nothing between it and the end."""
    alive = _list_permitted_lines(lines, lifelines, last, now)
    no = Choice.objects.filter(line_id__in=alive, made_at__gt=last, made_at__lte=ended_at)
    return alive - set(no.exclude(kind=Choice.Kind.ALLOW).values_list("line_id", flat=True))


def _list_permitted_lines(
    lines: Collection[int], campaigns: Sequence[Campaign], at: datetime, now: datetime
) -> set[int]:
    """Of these lines those for which any of these campaigns was a yes at a moment."""
    asked = [
        PermissionQuestion(
            line_id=line_id,
            campaign=one.ref,
            parties=[
                one.contract.aggregator.uri,
                one.lbs_provider.uri,
                *(one.cover.named_parties if one.names_recipient else one.cover.parties),
            ],
            purpose=one.purpose,
            scope=one.scope,
            precision_m=one.precision_m,
            at=at,
            known_at=now,
        )
        for line_id in lines
        for one in campaigns
    ]
    answers = zip(asked, answers_at(asked=asked), strict=True)
    return {one.line_id for one, answer in answers if answer == "permitted"}


@transaction.atomic
def _text(cohort: Cohort, line_id: int, at: datetime, *, moves: bool) -> int:
    if Message.objects.filter(line_id=line_id, about=_about(cohort)).exists():
        return 0
    with translation.override(language_of(Line.objects.get(pk=line_id))):
        text = pgettext(
            "text message",
            "a service that could find this phone in an emergency can no longer do so. "
            "911 still can. See what changed: %(url)s",
        ) % {"url": f"{settings.BASE_URL}/home/"}
    if moves:
        Cohort.objects.filter(pk=cohort.pk).update(told_to_line=line_id)
    sms_outbox.enqueue_text(line_id=line_id, kind=Message.Kind.LIFELINE, words=text, at=at, about=_about(cohort))
    return 1


def _about(cohort: Cohort) -> str:
    return f"cohort:{cohort.pk}"
