"""An agreement ended among real processes: the list made by a worker that is killed, fetched, obeyed and signed for."""

from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.actions.lines import terminate
from consent.queries import termination
from consent.workers import cohorts
from consent.workers.cohorts import settle_orders
from partners.domain import pairwise
from revocations.models import Cohort, Order, State, StreamEvent
from revocations.queries.cohorts import CohortProgress, cohort_progress
from tests.faults.fixtures import World
from tests.faults.programs import get, until
from tests.staff import an_actor

LINES = 30


def test_an_agreement_ends_to_the_last_signature(world: World) -> None:
    geo = world.partners["GeoBridge"]
    lines = [world.a_line() for _ in range(LINES)]
    # One order of the old epoch waits while its partner is away, and comes when the end is known to it, or before.
    geo.program.kill()
    stop(line_id=lines[0].pk, scope="all", actor="subscriber:1", channel="web")
    seen = termination.plan(of="contract", target_id=geo.contract.pk, at=database_clock())
    assert seen.lines == LINES
    cohort = terminate(
        of="contract", target_id=geo.contract.pk, actor=an_actor(), reason="Enough.", plan_digest=seen.digest,
        at=database_clock(),
    )  # fmt: skip
    # A list waits a minute at most for transactions that were open at the end: here those of other tests.
    Cohort.objects.using("owner").filter(pk=cohort.pk).update(recorded_at=cohort.recorded_at - cohorts.PATIENCE)
    worker = world.programs.worker()
    until(
        lambda: StreamEvent.objects.filter(kind="cohort-revoked").exists(), 90, lambda: worker.log.read_text()[-2000:]
    )
    worker.kill()
    geo.program.start()
    geo.program.wait()
    worker.start()
    until(
        lambda: Cohort.objects.filter(pk=cohort.pk, completed_at__isnull=False).exists(),
        120,
        lambda: "\n".join([str(progress(cohort)), worker.log.read_text()[-1500:], geo.program.log.read_text()[-1500:]]),
    )
    done = progress(cohort)
    assert (done.state, done.missing, done.differing) == (State.COMPLETED, (), ())
    assert [(one.name, one.is_completed) for one in done.below] == [("RoadAid", True)]
    assert done.partner.acted_on == LINES
    (told,) = get(f"{geo.url}/cohorts")
    assert (told["state"], told["acted_on"]) == ("done", LINES)
    fetched = AuditEvent.objects.filter(action="manifest.fetched", target=f"cohort:{cohort.pk}")
    assert {event.detail["number"] for event in fetched} == {0, 1}
    subs = pairwise.list_subjects(line_ids=[line.pk for line in lines], party_id=geo.party.pk)
    assert len(set(subs.values())) == LINES
    # The order of the old epoch was taken, and what was signed for the whole settles it.
    old = Order.objects.filter(contract_id=geo.contract.pk)
    until(lambda: not old.filter(acknowledged_at=None).exists(), 60)

    def settled() -> bool:
        # The worker may be at it just now, and only one at a time is.
        settle_orders(now=database_clock())
        return list(old.values_list("epoch", "state")) == [(1, State.COMPLETED)]

    until(settled, 60)


def progress(cohort: Cohort) -> CohortProgress:
    return cohort_progress(cohort_id=cohort.pk, at=database_clock())
