"""Global Privacy Control: a browser's signal is a person's no to all that they have not said yes to themselves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

import accounts.queries
import audit.actions
from accounts.models import Line, User
from accounts.policies.permissions import Action
from consent.actions.choices import SIGNAL, RecordedChoice, stop
from consent.domain import change_notices
from consent.domain.conflicts import retry_on_conflict
from consent.domain.snapshots import lock_line
from consent.models import Choice, PrivacySignal
from consent.queries.current_consent import sharing
from consent.queries.current_consent_uses import Sharing, Use

ASKS_AGAIN_AFTER = timedelta(days=365)


@dataclass(frozen=True)
class SignalTaken:
    """What a signal stopped: so many uses, or `everything`."""

    stopped: int
    everything: bool


class NoOpenSignal(Exception):
    """Nobody is asked anything about a signal, or they have answered."""


@retry_on_conflict
@transaction.atomic
def honour_signal(*, line_id: int, actor: str, at: datetime) -> SignalTaken:
    """Honour the signal for a line that was proved just now: what has no yes of the person's own is stopped.

    Where such a yes stands it is kept, and the person is asked which counts, once in 12 months. Safe to repeat: what is
    stopped already is not stopped again.
    """
    now = lock_line(line_id=line_id)
    signal, first = PrivacySignal.objects.get_or_create(line_id=line_id, defaults={"first_at": now, "newest_at": now})
    standing = sharing(line=Line.objects.get(pk=line_id), at=now)
    stopped = _stop_the_rest(line_id, actor, standing)
    asks = bool(standing.own_yeses) and _may_ask(signal, now)
    if asks:
        signal.asked_at, signal.answer, signal.answered_at = now, "", None
    signal.newest_at = now
    signal.save()
    if first or asks or stopped:
        audit.actions.record(
            action="consent.signal_taken", actor=actor, target=f"line:{line_id}", at=now, line_id=line_id,
            detail={"stopped": stopped, "asked": asks},
        )  # fmt: skip
    if stopped:
        change_notices.notify_of_change(line_id=line_id, change=change_notices.Change.SIGNAL, actor=actor, at=at)
    return SignalTaken(stopped, everything=bool(stopped) and not standing.own_yeses)


@retry_on_conflict
@transaction.atomic
def follow_signal(*, line_id: int, actor: str, channel: str, person: User | None = None) -> RecordedChoice:
    """Say that the signal counts: stop everything, own yeses too.

    It is taken whether or not anything is asked: who presses "stop" on a page that lay open means it, whatever was
    answered on another. `channel`: by which they stop where no signal ever came. `person`: as for `stop`, and as that
    raises NotPermitted.
    """
    _answer(line_id, PrivacySignal.Answer.STOP, actor)
    came = PrivacySignal.objects.filter(pk=line_id).exists()
    by = SIGNAL if came else channel
    made = stop(line_id=line_id, scope=Choice.Scope.ALL, actor=actor, channel=by, person=person)
    if came and not made.repeated:
        change_notices.notify_of_change(
            line_id=line_id, change=change_notices.Change.STOP, actor=actor, at=made.made_at
        )
    return made


@transaction.atomic
def override_signal(*, line_id: int, actor: str, person: User) -> None:
    """Say that their own yes counts: nothing changes. Twice is once.

    Raises NoOpenSignal, also where they may say it no more.
    """
    now = lock_line(line_id=line_id)
    may_answer = accounts.queries.may_still(user=person, line_id=line_id, action=Action.SIGNAL, at=now)
    kept = PrivacySignal.objects.filter(pk=line_id, answer=PrivacySignal.Answer.KEEP)
    if not may_answer or not (_answer(line_id, PrivacySignal.Answer.KEEP, actor) or kept.exists()):
        raise NoOpenSignal


def _answer(line_id: int, answer: PrivacySignal.Answer, actor: str) -> bool:
    """Note the answer to what is asked, in its turn. Returns whether anything was."""
    now = lock_line(line_id=line_id)
    asked = PrivacySignal.objects.filter(pk=line_id, asked_at__isnull=False, answer="")
    if not asked.update(answer=answer, answered_at=now):
        return False
    audit.actions.record(
        action="consent.signal_answered", actor=actor, target=f"line:{line_id}", at=now, line_id=line_id,
        detail={"answer": answer},
    )  # fmt: skip
    return True


def _stop_the_rest(line_id: int, actor: str, standing: Sharing) -> int:
    """Stop what has no yes of the person's own. Returns how many stops that took."""
    kept = {use.campaign for use in standing.own_yeses}
    if not kept:
        return _stop_everything(line_id, actor, standing)
    rest = [use for ref, use in sorted(standing.uses.items()) if ref not in kept and not _is_stopped(use)]
    for use in rest:
        stop(line_id=line_id, scope=Choice.Scope.CAMPAIGN, ref=use.campaign, actor=actor, channel=SIGNAL)
    return len(rest)


def _stop_everything(line_id: int, actor: str, standing: Sharing) -> int:
    if standing.stopped_at is not None and not standing.by_record:
        return 0
    stop(line_id=line_id, scope=Choice.Scope.ALL, actor=actor, channel=SIGNAL)
    return 1


def _is_stopped(use: Use) -> bool:
    """By a stop that no file outweighs, and that does not end by itself."""
    return use.beneath.startswith("stopped_") and not use.by_record


def _may_ask(signal: PrivacySignal, now: datetime) -> bool:
    if signal.asked_at is None:
        return True
    return signal.answered_at is not None and signal.answered_at + ASKS_AGAIN_AFTER <= now
