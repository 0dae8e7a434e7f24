"""Every 90 days a line is told that something is still on: where to see it, and where to stop it.

What is on is what the gate says yes to, so that nobody is told of what they have stopped. It rests on choices and
agreements alone, never on what was released: a hidden release makes no difference to anybody's texts.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import Q
from django.utils import translation
from django.utils.translation import pgettext

from accounts.actions import sms_outbox
from accounts.domain.message_templates import language_of
from accounts.models import AlertChoice, Line
from accounts.primitives.slots import lock_job
from accounts.workers.one_by_one import run_together
from consent.gate import deciding
from consent.gate.shapes import WIDEST_M, Question, as_agreed
from consent.models import LineGate
from partners.models import Campaign

TURN = "consent.reminders"
EVERY = timedelta(days=90)
BATCH = 500


def remind(*, now: datetime) -> int:
    """Remind the lines whose time has come. Returns how many texts wait now. Goes on where it was cut off.

    A few statements for each 500 lines. Does nothing while another worker is at it.
    """
    with lock_job(name=TURN) as mine:
        return _remind(now) if mine else 0


def _remind(now: datetime) -> int:
    posted, after = 0, 0
    while batch := _due(after=after, now=now):
        posted += run_together(job=TURN, rows=batch, do=partial(_remind_lines, now=now), at=now)
        after = batch[-1].pk
    return posted


def _remind_lines(lines: Sequence[Line], now: datetime) -> int:
    still_on = _filter_allowed_lines(lines)
    return sms_outbox.enqueue_reminders(line_ids=still_on, words=_words, at=now, every=EVERY) if still_on else 0


def _due(*, after: int, now: datetime) -> Sequence[Line]:
    """Lines that we have known for so long, whose person was not reminded and chose nothing for as long."""
    before = now - EVERY
    known = Line.objects.filter(Q(deactivated_at__isnull=True) | Q(deactivated_at__gt=now), pk__gt=after)
    known = known.filter(recorded_at__lte=before, activated_at__lte=before, texts__isnull=True)
    silent = known.exclude(reminder__told_at__gt=before).exclude(reminder__off_since__isnull=False)
    agreed = LineGate.objects.exclude(approvals={}).exclude(newest_at__gt=before).values("line_id")
    return list(silent.filter(pk__in=agreed).order_by("pk")[:BATCH])


def _filter_allowed_lines(lines: Sequence[Line]) -> list[int]:
    """Those of them for which the gate says yes to anything."""
    asked = _questions_about(lines)
    allowed: dict[int, bool] = defaultdict(bool)
    answers = deciding.evaluate(questions=[question for _line, question in asked])
    for (line_id, _question), answer in zip(asked, answers, strict=True):
        allowed[line_id] |= answer.allowed
    return [line_id for line_id, yes in allowed.items() if yes]


def _questions_about(lines: Sequence[Line]) -> list[tuple[int, Question]]:
    """Each line with a question about each campaign that was agreed to."""
    agreed = dict(LineGate.objects.filter(pk__in=[line.pk for line in lines]).values_list("line_id", "approvals"))
    refs = {ref for approvals in agreed.values() for ref in approvals}
    campaigns = Campaign.objects.filter(ref__in=refs).select_related("contract__aggregator", "lbs_provider", "cover")
    known = {campaign.ref: campaign for campaign in campaigns}
    return [
        (line.pk, as_agreed(campaign=known[ref], line=line.carrier_id, precision_m=WIDEST_M))
        for line in lines
        for ref in sorted(agreed[line.pk])
        if ref in known
    ]


def _words(line: Line) -> str:
    with translation.override(language_of(line)):
        return pgettext(
            "text message",
            "sharing of this phone's location is still on for at least one use. To see or stop it, or to end these "
            "reminders, sign in: %(url)s",
        ) % {"url": f"{settings.BASE_URL}/home/"}


def send_yearly(*, now: datetime) -> None:
    """Send whoever asked for it, once a year, a link to the history of the year before."""
    wanted = AlertChoice.objects.filter(topic=AlertChoice.Topic.YEARLY, wanted=True).order_by("line_id")
    enqueue = partial(_enqueue_yearly, words=_yearly_words(now.year - 1), now=now)
    after = 0
    while batch := list(wanted.filter(line_id__gt=after).values_list("line_id", flat=True)[:BATCH]):
        run_together(job="consent.yearly", rows=batch, do=enqueue, at=now)
        after = batch[-1]


def _enqueue_yearly(line_ids: Collection[int], words: Callable[[Line], str], now: datetime) -> int:
    return sms_outbox.enqueue_yearly_reminder(line_ids=line_ids, words=words, at=now)


def _yearly_words(year: int) -> Callable[[Line], str]:
    url = f"{settings.BASE_URL}/history/?since={year}-01-01&until={year}-12-31"

    def in_words(line: Line) -> str:
        with translation.override(language_of(line)):
            return pgettext("text message", "to see who got this phone's location last year, sign in: %(url)s") % {
                "url": url
            }

    return in_words
