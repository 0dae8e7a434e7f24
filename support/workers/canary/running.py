"""When the trial runs, how it goes on from step to step, and what becomes of it.

It never waits: what partners' doors take their time for is looked at again at the next tick. A run that broke off, with
its worker or without, is found by its age, and no turn is needed to say so.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

import audit.actions
from accounts.primitives.slots import lock_job
from audit.models import Incident
from audit.queries import database_clock
from revocations.models import Order
from support.models import CanaryRun
from support.queries.pending_tickets import CANARY_EVERY, CANARY_LATE
from support.workers.canary import steps
from support.workers.canary.steps import StepFailed, Visitor, World, ensure_world

Step = CanaryRun.Step
TURN = "support.canary"
# A failure has its incident within five minutes: what is left is for the tick that finds it.
PUSHED_WITHIN = timedelta(minutes=3)
FINISHED_WITHIN = timedelta(minutes=4)
KEPT = timedelta(days=90)


class _Over(Exception):
    """The run has failed, and that is written down."""


def start(*, now: datetime) -> None:
    """Begin a trial, where none runs."""
    if not settings.CANARY:
        return
    end_stale(now=now)
    with lock_job(name=TURN) as mine, suppress(_Over):
        if mine and _running() is None:
            _begin(now)


def tend(*, now: datetime) -> None:
    """Bring a trial that runs one step on, end one that broke off, and begin one that is an hour late."""
    if not settings.CANARY:
        return
    end_stale(now=now)
    run = _running()
    if run is not None and run.step == Step.PUSH:
        with lock_job(name=TURN) as mine, suppress(_Over):
            if mine:
                _go_on(run, now)
    elif run is None and not CanaryRun.objects.filter(began_at__gt=now - CANARY_EVERY - CANARY_LATE).exists():
        start(now=now)


def end_stale(*, now: datetime) -> None:
    """Fail each trial that has not ended in its time, at the step it is at."""
    for run in CanaryRun.objects.filter(finished_at__isnull=True, began_at__lte=now - FINISHED_WITHIN):
        _fail(run, "it did not come to its end")


def _running() -> CanaryRun | None:
    return CanaryRun.objects.filter(finished_at__isnull=True).first()


def _begin(now: datetime) -> None:
    """Do all that needs no waiting: yes, the page, the gate, the receipt."""
    CanaryRun.objects.filter(began_at__lt=now - KEPT).delete()
    try:
        run = CanaryRun.objects.create(began_at=now)
    except IntegrityError as error:
        raise _Over from error
    visitor = Visitor()
    with _step(run, Step.ALLOW):
        world = ensure_world(at=now)
        steps.allow(world=world, at=now)
    with _step(run, Step.PAGE):
        progress = steps.stop_by_page(world=world, visitor=visitor)
    with _step(run, Step.GATE):
        steps.gate_denies(world=world, at=now)
    with _step(run, Step.RECEIPT):
        run.order_id = steps.receipt_holds(world=world, visitor=visitor, progress=progress).id
    run.step = Step.PUSH
    run.save(update_fields=["step", "order_id"])


def _go_on(run: CanaryRun, now: datetime) -> None:
    """Once the company has heard of it: it signs, and the line's person says yes again."""
    world = ensure_world(at=now)
    run.refresh_from_db()
    order = Order.objects.get(line_id=world.line.pk, id__in=[run.order_id])
    if order.acknowledged_at is None or run.heard_order_id != order.id:
        if now - run.began_at >= PUSHED_WITHIN:
            _fail(run, f"not heard of after {PUSHED_WITHIN.seconds // 60} minutes: the order is {order.state}")
        return
    run.seconds[Step.PUSH] = round((order.acknowledged_at - order.queued_at).total_seconds(), 3)
    _finish(run, world, order)


def _finish(run: CanaryRun, world: World, order: Order) -> None:
    with _step(run, Step.SIGNED):
        steps.sign_for(world=world, order=order, at=database_clock())
    with _step(run, Step.AGAIN):
        steps.allow(world=world, at=database_clock())
    CanaryRun.objects.filter(pk=run.pk, finished_at__isnull=True).update(finished_at=database_clock())


@contextmanager
def _step(run: CanaryRun, step: CanaryRun.Step) -> Iterator[None]:
    """Run a step and note the time it takes. One that breaks ends the run."""
    run.step = step
    run.save(update_fields=["step"])
    began = time.monotonic()
    try:
        yield
    except StepFailed as error:
        _fail(run, str(error))
        raise _Over from error
    run.seconds[step] = round(time.monotonic() - began, 3)
    run.save(update_fields=["seconds"])


@transaction.atomic
def _fail(run: CanaryRun, why: str) -> None:
    """Write down that it failed, at which step and why, and open the incident: one a step, counted while it goes on."""
    at = database_clock()
    ended = CanaryRun.objects.filter(pk=run.pk, finished_at__isnull=True).update(finished_at=at, failed=why[:200])
    if ended:
        label = CanaryRun.Step(run.step).label
        audit.actions.open_incident(
            kind=Incident.Kind.CANARY_FAILED, key=run.step, subject=f"{label}: {why}"[:200], at=at
        )
