"""The end of a contract or campaign, for all its lines at once: an officer's act, or the day on which a term is over.

A term that is over has denied everything since, whoever looks. What its end brings about, the epoch, the list of its
lines, the partner's duty to delete and its receipt, is written here, once, by whoever comes first.

What came before the end is on the list: it begins when every transaction that was open at the end is over. The list
goes by line id, each shard's names are written in short transactions of their own, and the shard with the cursor in
one: a worker killed anywhere leaves whole shards, and the next goes on after them.
"""

import uuid
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

import audit.actions
import audit.queries
from accounts.primitives.slots import lock_job
from accounts.workers.one_by_one import run_each
from consent.domain import order_planning
from consent.domain.snapshots import lock_line
from consent.queries import termination
from consent.queries.termination import Plan, Selection
from partners.actions import guards
from partners.actions.guards import Of
from partners.domain import pairwise
from partners.models import Campaign, Contract
from partners.policies.lifecycle import NotNow
from revocations.actions.cohorts import add_shard, publish_manifest
from revocations.actions.orders import enqueue_order
from revocations.models import BY_TERM, TO_PUSH, Cohort, Order, Standing, State

ITS_TERM = "Its term expired."
BATCH = 5_000
SHARD = 100_000
# A transaction that stays open longer than this holds nobody's list up.
PATIENCE = timedelta(minutes=1)
NOBODY = -1

# xmin is the transaction that wrote the row; ids are compared on their circle of 2^32.
STILL_OPEN = """
SELECT mod(mod(pg_snapshot_xmin(pg_current_snapshot())::text::bigint - xmin::text::bigint, 4294967296) + 4294967296,
    4294967296) NOT BETWEEN 1 AND 2147483647
FROM revocations_cohort WHERE id = %s
"""

# An order in flight is written down within this time of the signature.
LOOKED_FOR = timedelta(days=2)

# The older epoch's orders are part of what the end asks: everything stopped, deleted, passed on. Contradicted ones are
# about something else, and stay.
SETTLE = """
WITH settled AS (
    UPDATE revocations_order SET state = 'completed', note = '', next_attempt_at = NULL, leased_until = NULL,
        again_at = NULL, parked_with = '', sent_at = coalesce(sent_at, %(at)s),
        acknowledged_at = coalesce(acknowledged_at, %(at)s), completed_at = %(at)s
    WHERE (line_id, id) IN (
        SELECT line_id, id FROM revocations_order
        WHERE party_id = %(party)s AND contract_id = %(contract)s AND epoch < %(epoch)s
            AND state IN ('queued', 'sent', 'parked', 'acknowledged', 'rejected', 'partial')
        LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
    RETURNING line_id
), discharged AS (
    UPDATE revocations_duty d SET discharged_at = %(at)s, discharged_by = %(jti)s
    FROM settled
    WHERE d.line_id = settled.line_id AND d.contract_id = %(contract)s AND d.since <= %(at)s
        AND d.discharged_at IS NULL
)
SELECT count(*) FROM settled
"""
JTI = """
SELECT jti FROM revocations_cohortreceipt r JOIN partners_party p ON p.uri = r.signer_uri
WHERE r.cohort_id = %s AND p.id = %s AND r.status = 'completed' ORDER BY r.received_at DESC LIMIT 1
"""


class PlanChanged(Exception):
    """What would end is no longer what was seen: look at the plan again."""


@transaction.atomic
def end(*, of: Of, target_id: int, actor: str, second_actor: str = "", reason: str, seen: Plan, at: datetime) -> Cohort:
    """End a contract or campaign as it stood in this plan: the gate says no from here on, and the epoch rises.

    By its term (`BY_TERM`) only what is over already. Ended already: the Cohort that ended it. Raises NotNow,
    PlanChanged.
    """
    row = guards.lock_target(of=of, target_id=target_id)
    before = Cohort.objects.filter(of=of, target_id=target_id).first()
    if before is not None:
        return before
    if not seen.digest.startswith(termination.facts_digest(row=row)):
        raise PlanChanged(f"{row.ref} was changed a moment ago: see the plan again before you end it.")
    contract = row.contract if isinstance(row, Campaign) else row
    _end_term(row, actor, at)
    contract.epoch += 1
    contract.save(update_fields=["epoch"])
    cohort = Cohort.objects.create(
        id=uuid.uuid4(),
        of=of,
        target_id=target_id,
        contract_id=contract.pk,
        party_id=contract.aggregator_id,
        epoch=contract.epoch,
        # From then on nothing was in force; what a partner must do counts from when it is told.
        terminated_at=row.ends_at if actor == BY_TERM else at,
        recorded_at=at,
        actor=actor,
        second_actor=second_actor,
        reason=reason[:500],
        plan=seen.as_json(),
        complete_by=at + timedelta(days=contract.complete_within_days),
    )
    audit.actions.record(
        action=f"{of}.ended" if actor == BY_TERM else f"{of}.terminated",
        actor=actor,
        target=guards.target_of(row=row),
        at=at,
        reason=reason,
        detail={"cohort": str(cohort.pk), "epoch": contract.epoch, "lines": seen.lines, "second_actor": second_actor},
    )
    return cohort


def _end_term(row: Contract | Campaign, actor: str, at: datetime) -> None:
    """From now on nothing is in force, by the clock that the gate goes by. A term that ran out stays as it is."""
    now = min(at, audit.queries.database_clock())
    if row.is_draft or now <= row.starts_at:
        raise NotNow(f"{row.ref} is not in force yet: there is nothing to end. Suspend it, and it will not begin.")
    if now < row.ends_at:
        if actor == BY_TERM:
            raise NotNow(f"The term of {row.ref} is not over.")
        row.ends_at = now
        row.save(update_fields=["ends_at"])


def end_terms(*, now: datetime) -> int:
    """End what is over by its term and was ended by nobody yet, however long ago. Returns how many it was.

    Safe to run twice, and twice at once: each is ended in a transaction of its own, once.
    """
    with lock_job(name="consent.terms") as mine:
        ended = list(_list_ended_terms(now)) if mine else ()
        return run_each(job="consent.terms", rows=ended, do=lambda one: _end_by_term(*one, now), at=now)


def _list_ended_terms(now: datetime) -> Iterator[tuple[Of, int]]:
    """Contracts first: their end is that of each campaign under them that was not over before."""
    moment = min(now, audit.queries.database_clock())
    over = Contract.objects.filter(~Exists(_ends("contract", "pk")), is_draft=False, ends_at__lte=moment)
    yield from (("contract", pk) for pk in over.order_by("ends_at", "pk").values_list("pk", flat=True))
    alone = Campaign.objects.filter(
        ~Exists(_ends("campaign", "pk")),
        ~Exists(_ends("contract", "contract_id")),
        is_draft=False,
        ends_at__lte=moment,
        contract__is_draft=False,
        contract__starts_at__lt=F("ends_at"),
        contract__ends_at__gt=moment,
    )
    yield from (("campaign", pk) for pk in alone.order_by("ends_at", "pk").values_list("pk", flat=True))


def _ends(of: Of, field: str) -> QuerySet[Cohort]:
    return Cohort.objects.filter(of=of, target_id=OuterRef(field))


def _end_by_term(of: Of, target_id: int, now: datetime) -> int:
    try:
        seen = termination.plan(of=of, target_id=target_id, at=now)
        ended = end(of=of, target_id=target_id, actor=BY_TERM, reason=ITS_TERM, seen=seen, at=now)
    except (NotNow, PlanChanged):
        # An officer was at it in this moment; if it still is over, the next beat ends it.
        return 0
    return int(ended.by_term)


def build_manifests(*, now: datetime, batch: int = BATCH, shard: int = SHARD) -> int:
    """List the lines of every agreement that ended and whose partner has not been told. Returns how many were told."""
    untold = Cohort.objects.filter(manifest_at__isnull=True).order_by("terminated_at").values_list("pk", flat=True)

    def build(cohort_id: uuid.UUID) -> int:
        with lock_job(name=f"cohort {cohort_id}") as mine:
            return mine and _build(cohort_id, now, batch, shard)

    return run_each(job="consent.manifests", rows=list(untold), do=build, at=now)


def _build(cohort_id: uuid.UUID, now: datetime, batch: int, shard: int) -> bool:
    cohort = Cohort.objects.get(pk=cohort_id)
    if not cohort.listed_to_line and now - cohort.recorded_at < PATIENCE and _still_open(cohort_id):
        return False
    selection = Selection.of(termination.target(of=cohort.of, target_id=cohort.target_id))
    after = cohort.listed_to_line
    while True:
        names, up_to = _names(cohort.party_id, selection, after, batch, shard)
        if not names:
            break
        if not add_shard(cohort_id=cohort_id, after=after, up_to=up_to, subs=names):
            return False
        after = up_to
    if cohort.of == Cohort.Of.CAMPAIGN:
        requeue_in_new_epoch(contract_id=cohort.contract_id, epoch=cohort.epoch)
        reissue_remaining_uses(cohort=cohort)
    return publish_manifest(cohort_id=cohort_id, after=after, at=audit.queries.database_clock()) is not None


def _still_open(cohort_id: uuid.UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(STILL_OPEN, [cohort_id])
        ((still,),) = cursor.fetchall()
    return bool(still)


def _names(party_id: int, selection: Selection, after: int, batch: int, shard: int) -> tuple[list[str], int]:
    """The partner's names for the next lines, as many as one shard holds, and the last of those lines."""
    names: list[str] = []
    while len(names) < shard:
        lines = termination.list_lines_after(selection=selection, after=after, limit=min(batch, shard - len(names)))
        if not lines:
            break
        names += pairwise.subjects(line_ids=lines, party_id=party_id).values()
        after = lines[-1]
    return names, after


def requeue_in_new_epoch(*, contract_id: int, epoch: int) -> int:
    """Queue anew, in the new epoch, what is on its way of an older one: the partner passes over that once it knows.

    Where a campaign ended and its agreement goes on, an order in flight may be about something else, a stop even.
    Returns how many.
    """
    done = 0
    while lines := list(
        Order.objects.filter(contract_id=contract_id, epoch__lt=epoch, state__in=TO_PUSH)
        .order_by("line_id")
        .values_list("line_id", flat=True)
        .distinct()[:BATCH]
    ):
        for line_id in lines:
            _renew(line_id, contract_id)
        done += len(lines)
    return done


def reissue_remaining_uses(*, cohort: Cohort) -> int:
    """Tell anew, in the new epoch, whom another campaign goes on serving for the company and purpose that ended.

    A campaign that follows it, say, or one of another data scope, to which the person agreed: by the end alone, which
    names company and purpose, the partner would deny that too. Not while something else denies it: when that is over,
    `reissue_ended_campaigns`. Returns how many lines were told. Goes on where it was.
    """
    ended = Campaign.objects.get(pk=cohort.target_id)
    place = {"lbs_provider": ended.lbs_provider_id, "purpose": ended.purpose}
    others = Campaign.objects.filter(contract=cohort.contract_id, is_draft=False, ends_at__gt=ended.ends_at, **place)
    refs = list(others.exclude(pk=ended.pk).order_by("ref").values_list("ref", flat=True))
    done, after = 0, 0
    selection = Selection(refs, NOBODY, NOBODY, None)
    while refs and (lines := termination.list_lines_after(selection=selection, after=after, limit=BATCH)):
        told = Standing.objects.filter(contract_id=cohort.contract_id, line_id__in=lines, epoch__gte=cohort.epoch)
        known = set(told.values_list("line_id", flat=True))
        done += sum(_keep(line_id, cohort.contract_id, ended) for line_id in lines if line_id not in known)
        after = lines[-1]
    return done


def reissue_ended_campaigns(*, contract_ids: Collection[int], since: datetime) -> int:
    """Do so for the campaigns under these contracts that ended while something, over now, denied what follows them.

    `since`: from when on it did. Returns how many lines were told.
    """
    meanwhile = Q(manifest_at__isnull=True) | Q(manifest_at__gte=since)
    ended = Cohort.objects.filter(meanwhile, of=Cohort.Of.CAMPAIGN, contract_id__in=contract_ids)
    return sum(reissue_remaining_uses(cohort=cohort) for cohort in ended.order_by("recorded_at"))


@transaction.atomic
def _keep(line_id: int, contract_id: int, ended: Campaign) -> bool:
    lock_line(line_id=line_id)
    (agreement,) = order_planning.agreements(line_id=line_id, contract_ids=[contract_id])
    place = (ended.lbs_provider.uri, ended.purpose)
    if all((entry["recipient"], entry["purpose"]) != place for entry in agreement.state):
        return False
    # Nothing changes by it: what is allowed was before.
    unchanged = replace(agreement, before=agreement.state)
    enqueue_order(line_id=line_id, agreements=[unchanged], by="system", at=audit.queries.database_clock())
    return True


@transaction.atomic
def _renew(line_id: int, contract_id: int) -> None:
    lock_line(line_id=line_id)
    agreements = order_planning.agreements(line_id=line_id, contract_ids=[contract_id])
    told = enqueue_order(line_id=line_id, agreements=agreements, by="admin", at=audit.queries.database_clock())
    older = Order.objects.filter(line_id=line_id, contract_id=contract_id, state__in=TO_PUSH)
    older.exclude(id=told[contract_id]).update(
        state=State.SUPERSEDED, superseded_by=told[contract_id], next_attempt_at=None
    )


def settle_orders(*, now: datetime, batch: int = BATCH) -> int:
    """Mark the open orders of an agreement that ended, and whose end was signed for, as signed. Returns how many."""
    done = 0
    for cohort in Cohort.objects.filter(of=Cohort.Of.CONTRACT, completed_at__gt=now - LOOKED_FOR):
        with lock_job(name=f"settling {cohort.pk}") as mine:
            while mine and (settled := _settle(cohort, batch)):
                done += settled
    return done


@transaction.atomic
def _settle(cohort: Cohort, batch: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(JTI, [cohort.pk, cohort.party_id])
        ((jti,),) = cursor.fetchall()
        cursor.execute(
            SETTLE,
            {
                "at": cohort.completed_at,
                "party": cohort.party_id,
                "contract": cohort.contract_id,
                "epoch": cohort.epoch,
                "batch": batch,
                "jti": jti,
            },
        )
        ((settled,),) = cursor.fetchall()
    return int(settled)
