"""The verbs of disclosures: record what was released, hide a row or show it again, judge again, hand out an export."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import connection, transaction

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import check_optional_reason, check_reason
from accounts.queries import acting_staff
from audit.queries import not_ahead
from disclosures.domain.ingest import projections, rejudging, store
from disclosures.domain.ingest.projections import enqueue_path_rejudging, mark_doubtful
from disclosures.domain.ingest.rows import NoticeFate, Outcome, Row, append, id_of, list_unknown, lock_notices
from disclosures.domain.ingest.store import write_nothing_else
from disclosures.models import AnomalyRule, Archive
from disclosures.queries.delayed import (
    DelayedOrder,
    DelayedRow,
    OrderReach,
    count_hidden,
    delayed_orders,
    find_hiding_notice,
    get_logged_name,
    is_hidden_until,
)
from disclosures.queries.downloads import tells_too_much
from disclosures.queries.rules import LONGEST_GRACE, MOST, TERMS, is_looser, newest_rule, values_of
from disclosures.workers import archiving, reassignment
from disclosures.workers.anomalies.detection import lock_anomalies, recheck_watches
from partners.actions import proposals
from partners.labels import sanitise_text
from partners.models import Proposal
from partners.policies import loosening
from partners.policies.lifecycle import NotNow
from partners.policies.loosening import LoosenAnomalies

LONGEST_REF = 1000
ENDED = "A delay ends in the future. To end one now, lift it."
NEW = NoticeFate(is_new=True, has_arrived=True)
# Of ids that are none, in what an officer is told.
MOST_NAMED = 5


class NothingHidden(Exception):
    """There is nothing that this would hide or show; the message says why."""


@dataclass(frozen=True)
class DelayedNoticeResult:
    """How many disclosures an order now says something new of, and how many it waits for.

    `still_hidden`: of those that it lifted, how many another order hides.
    """

    changed: int
    waiting: int
    still_hidden: int = 0


def record(
    *,
    rows: Sequence[Row],
    at: datetime,
    gateway: str = "",
    turn: AbstractContextManager[object] | None = None,
    besides: Callable[[Sequence[Outcome]], None] = write_nothing_else,
) -> list[Outcome]:
    """Keep reported releases, each judged against the ledger as of its moment; what became of each, in order.

    `gateway`: the client by which the gateway reported them as it goes, so that each must carry the gate's own yes.
    `turn`: held while the ids are claimed. `besides`: called with the outcomes before the commit. Call outside a
    transaction.
    """
    return store.store(rows=rows, at=at, gateway=gateway, turn=turn, besides=besides)


@transaction.atomic
def record_notice(
    *, source_id: str, suppressed_until: datetime | None, order_ref: str, at: datetime, awaited: bool = False
) -> NoticeFate | None:
    """Put a delayed-notice order on a disclosure (None: until further order), or lift it with a moment that has passed.

    The same as one that it had before is not new and changes nothing; an order that is renewed after it was lifted has
    another reference or moment. `awaited`: it is said that the disclosure is still to come, and the order is kept until
    it is stored. None: we know of no such disclosure, and nothing was kept.
    """
    lock_anomalies()
    lock_notices()
    if not awaited and list_unknown(source_ids=[source_id]):
        return None
    disclosure_id = id_of(source_id)
    shown = archiving.find_visible_rows(disclosure_ids=[disclosure_id], at=at)
    done = append(
        disclosure_id=disclosure_id, suppressed_until=suppressed_until, order_ref=order_ref, at=at, renews=False
    )
    if done != NEW:
        return done
    if suppressed_until is not None and suppressed_until <= at:
        projections.reveal(at=at, disclosure_id=disclosure_id)
    else:
        archiving.take_away(line_ids=set(shown.values()))
        recheck_watches(disclosure_ids=[disclosure_id], at=at)
    return done


@transaction.atomic
def view_delayed_orders(*, actor: str, reason: str, at: datetime, order_ref: str | None = None) -> list[DelayedOrder]:
    """Every delayed-notice order, or one, for the role that handles them; that they were looked at is written down.

    Nothing of it is in any subscriber's log, which stays the same whether or not a row is hidden. Raises StaffOnly,
    NoReason.
    """
    name = _legal(actor, reason, StaffAction.SEE_DELAYED)
    audit.actions.record(
        action="legal.delayed_seen",
        actor=name,
        target=get_logged_name(order_ref=order_ref or "all"),
        at=at,
        reason=reason,
    )
    return delayed_orders(at=at, order_ref=order_ref)


@transaction.atomic
def view_order_reach(*, order_ref: str, actor: str, reason: str, at: datetime) -> OrderReach:
    """Count what an order hides now, for whoever is about to lift it: that is a look, and written down.

    Raises StaffOnly, NoReason.
    """
    name = _legal(actor, reason, StaffAction.CHANGE_DELAYED)
    target = get_logged_name(order_ref=order_ref)
    audit.actions.record(action="legal.delayed_seen", actor=name, target=target, at=at, reason=reason)
    return count_hidden(order_ref=order_ref, at=at)


@transaction.atomic
def delay_notice(
    *,
    order_ref: str,
    suppressed_until: datetime | None,
    source_ids: Sequence[str] = (),
    actor: str,
    reason: str,
    at: datetime,
    awaited: bool = False,
) -> DelayedNoticeResult:
    """Hide disclosures under an order until a moment (None: until further order). Not undone but by `lift_notice`.

    `source_ids`: the carrier's ids of the disclosures; none: all that the order hides already are hidden to the new
    moment. An id of which we know nothing hides nothing, and nothing beside it either: it may be mistyped. `awaited`:
    it is said that they are still to come, and each is hidden as it arrives. Raises StaffOnly, NoReason, NothingHidden.
    """
    name = _legal(actor, reason, StaffAction.CHANGE_DELAYED)
    if suppressed_until is not None and suppressed_until <= at:
        raise NothingHidden(ENDED)
    if not awaited and (missing := list_unknown(source_ids=source_ids)):
        raise NothingHidden(_refuse_unknown(missing, others={*source_ids} - {*missing}))
    done = _write(order_ref, source_ids, suppressed_until, at)
    _record_event("legal.delayed", name, order_ref, reason, at, done)
    return done


@transaction.atomic
def lift_notice(
    *, order_ref: str, source_ids: Sequence[str] = (), actor: str, reason: str, at: datetime
) -> DelayedNoticeResult:
    """Show what an order hid, all of it or these disclosures. Each leaves now what other rows leave at once.

    What another order hides as well stays hidden, by that one. Raises StaffOnly, NoReason, NothingHidden.
    """
    name, at = _legal(actor, reason, StaffAction.CHANGE_DELAYED), not_ahead(at=at)
    lock_anomalies()
    wanted = _choose_hidden(order_ref, source_ids, at)
    # What has ended by itself since the clock was read was shown meanwhile; another order may hide it again below.
    archiving.take_away(line_ids=set(archiving.find_visible_rows(disclosure_ids=wanted, at=at).values()))
    done, still_hidden = _store_order(order_ref, wanted, at, at), 0
    for disclosure_id in sorted(wanted):
        other = find_hiding_notice(disclosure_id=disclosure_id, besides=order_ref, at=at)
        if other:
            still_hidden += 1
            _store_order(other.order_ref, [disclosure_id], other.suppressed_until, at, is_hidden=True)
        else:
            projections.reveal(at=at, disclosure_id=disclosure_id)
    _record_event("legal.lifted", name, order_ref, reason, at, done)
    return replace(done, still_hidden=still_hidden)


@transaction.atomic
def change_anomaly_rule(
    *,
    kind: str,
    threshold: int,
    window: int,
    suspend_after_days: int | None,
    enabled: bool,
    reason: str,
    actor: str,
    at: datetime,
) -> AnomalyRule | Proposal:
    """Write the next version of the rule of one kind; where it is looser in any way, propose it to another officer.

    It counts for whatever is looked at from then on. Raises ValidationError by field for values that make no sense,
    NotNow where nothing would change or that is proposed already, StaffOnly, NoReason.
    """
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_TERMS)
    reason = check_reason(reason)
    newest = _lock_newest(kind)
    _refuse_bad_values(kind, threshold, window, suspend_after_days)
    wanted, was = LoosenAnomalies(threshold, window, suspend_after_days, enabled), values_of(rule=newest)
    if wanted == was:
        raise NotNow("The rule already says that.")
    if is_looser(kind=kind, now=wanted, was=was):
        return proposals.propose(
            act=Proposal.Act.LOOSEN_ANOMALIES, of=Proposal.Of.ANOMALY, target_id=newest.pk,
            payload=loosening.as_json(wanted), reason=reason, actor=actor, at=at,
        )  # fmt: skip
    return _next_version(newest, wanted, reason, name, at)


@transaction.atomic
def loosen_anomaly_rule(*, proposal: Proposal, at: datetime) -> AnomalyRule:
    """Write the looser version on which two officers agreed. Raises NotNow where the rule has changed since."""
    wanted = loosening.read(act=proposal.act, of=proposal.of, payload=proposal.payload)
    if not isinstance(wanted, LoosenAnomalies):
        raise NotNow(f"{proposal.act} is not done here.")
    newest = _lock_newest(AnomalyRule.objects.get(pk=proposal.target_id).kind)
    if newest.pk != proposal.target_id:
        raise NotNow("The rule has changed since it was proposed. Propose it again.")
    by = {"proposal": str(proposal.id), "proposed_by": proposal.proposed_by}
    return _next_version(newest, wanted, proposal.reason, proposal.decided_by, at, **by)


def _lock_newest(kind: str) -> AnomalyRule:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('disclosures.anomalyrule'))")
    newest = newest_rule(kind=kind)
    if newest is None:
        raise ValidationError({"kind": f"There is no rule of this kind: {kind[:40]}."})
    return newest


def _next_version(
    newest: AnomalyRule, wanted: LoosenAnomalies, reason: str, actor: str, at: datetime, **by: str
) -> AnomalyRule:
    now, before = loosening.as_json(wanted), loosening.as_json(values_of(rule=newest))
    rule = AnomalyRule.objects.create(
        kind=newest.kind, version=newest.version + 1, reason=reason[:500], actor=actor, made_at=at, **now
    )
    audit.actions.record(
        action="anomaly_rule.changed", actor=actor, target=f"anomaly_rule:{rule.kind}", at=at, reason=reason,
        detail={"version": rule.version, "now": now, "before": before, **by},
    )  # fmt: skip
    return rule


def _refuse_bad_values(kind: str, threshold: int, window: int, suspend_after_days: int | None) -> None:
    terms = TERMS[kind]
    wrong: dict[str, str] = {}
    if not 1 <= threshold <= MOST:
        wrong["threshold"] = f"At least 1, at most {MOST:,}."
    if not terms.least <= window <= terms.most:
        wrong["window"] = f"At least {terms.least}, at most {terms.most} {terms.unit}."
    if suspend_after_days is not None and not terms.suspends:
        wrong["suspend_after_days"] = "Nobody is suspended for this kind: leave it empty."
    elif suspend_after_days is not None and not 0 <= suspend_after_days <= LONGEST_GRACE:
        wrong["suspend_after_days"] = f"At most {LONGEST_GRACE} days; empty: never."
    if wrong:
        raise ValidationError(wrong)


def _choose_hidden(order_ref: str, source_ids: Sequence[str], at: datetime) -> set[UUID]:
    """Return what this order hides now: these disclosures, or all. Raises NothingHidden for others."""
    hidden = {row.disclosure_id for row in _list_hidden_rows(order_ref, at)}
    named = {id_of(one): one for one in source_ids}
    if hidden.isdisjoint(named or hidden):
        raise NothingHidden(_describe_nothing_hidden(named))
    _refuse_others([one for disclosure_id, one in named.items() if disclosure_id not in hidden])
    return {*named} or hidden


def _describe_nothing_hidden(named: Collection[UUID]) -> str:
    if named:
        return "This order hides none of these releases now. Check each id."
    return "This order hides nothing now. Check the court's reference."


def _refuse_others(ids: Sequence[str]) -> None:
    if ids:
        raise NothingHidden(f"This order doesn't hide {_name_ids(ids)}. Nothing was lifted. Check each id.")


def _name_ids(ids: Sequence[str]) -> str:
    named = ", ".join(sanitise_text(one, at_most=80) for one in ids[:MOST_NAMED])
    return f"{named} and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else named


def _refuse_unknown(ids: Sequence[str], *, others: Collection[str]) -> str:
    included = ", the others that you named included" if others else ""
    check = "Check each id." if others or len(ids) > 1 else "Check the id."
    return (
        f"No such release: {_name_ids(ids)}. Nothing is hidden{included}. {check} If a release is still to arrive, say"
        " so by “Hide a future release”."
    )


def _write(order_ref: str, source_ids: Sequence[str], until: datetime | None, at: datetime) -> DelayedNoticeResult:
    if not 0 < len(order_ref) <= LONGEST_REF or "\x00" in order_ref:
        raise NothingHidden(f"Name the order, in at most {LONGEST_REF} characters.")
    ids = {id_of(one) for one in source_ids} or {row.disclosure_id for row in _list_hidden_rows(order_ref, at)}
    if not ids:
        raise NothingHidden("This order hides nothing yet: name the disclosures.")
    return _store_order(order_ref, ids, until, at)


@transaction.atomic
def restore_order(*, disclosure_id: UUID, suppressed_until: datetime | None, order_ref: str, at: datetime) -> bool:
    """Put an order on a disclosure once more that was lost with a restored database; one that has lifted is let be.

    So is what is hidden as long already: legal may have said so since. Where the disclosure is not here either it waits
    for it. Returns whether it hides.
    """
    if suppressed_until is not None and suppressed_until <= at:
        return False
    lock_anomalies()
    lock_notices()
    if not is_hidden_until(disclosure_id=disclosure_id, until=suppressed_until):
        _store_order(order_ref, [disclosure_id], suppressed_until, at)
    return True


def _store_order(
    order_ref: str, ids: Collection[UUID], until: datetime | None, at: datetime, *, is_hidden: bool = False
) -> DelayedNoticeResult:
    """`is_hidden`: another order has hidden them up to this very transaction."""
    lock_anomalies()
    lock_notices()
    visible = {} if is_hidden else archiving.find_visible_rows(disclosure_ids=ids, at=at)
    changed, waiting = _append_all(order_ref, ids, until, at)
    if until is None or until > at:
        archiving.take_away(line_ids=_lines_of(changed, visible))
        recheck_watches(disclosure_ids=ids, at=at)
    return DelayedNoticeResult(changed=len(changed), waiting=waiting)


def _append_all(order_ref: str, ids: Collection[UUID], until: datetime | None, at: datetime) -> tuple[list[UUID], int]:
    """The disclosures of which the order now says something new, and how many it waits for."""
    fates = {
        one: append(disclosure_id=one, suppressed_until=until, order_ref=order_ref, at=at, renews=True)
        for one in sorted(ids)
    }
    return [one for one, fate in fates.items() if fate == NEW], sum(not fate.has_arrived for fate in fates.values())


def _lines_of(ids: Collection[UUID], visible: Mapping[UUID, int]) -> set[int]:
    return {visible[one] for one in ids if one in visible}


def _list_hidden_rows(order_ref: str, at: datetime) -> list[DelayedRow]:
    return [row for order in delayed_orders(at=at, order_ref=order_ref) for row in order.rows if row.hidden]


def _legal(actor: str, reason: str, action: StaffAction) -> str:
    name = acting_staff(actor=actor, action=action)
    check_reason(reason)
    return name


def _record_event(
    action: str, actor: str, order_ref: str, reason: str, at: datetime, done: DelayedNoticeResult
) -> None:
    detail = {"changed": done.changed, "waiting": done.waiting}
    target = get_logged_name(order_ref=order_ref)
    audit.actions.record(action=action, actor=actor, target=target, at=at, reason=reason, detail=detail)


def catch_up(*, cause: str, at: datetime, actor: str = "") -> None:
    """After a feed or an act: give back what a line has by a number that was not its own, take in what was held for
    what is known now, and judge again what that touches. `actor`: a machine that brought it, as the trail names it."""
    reassignment.attribute(at=at, actor=actor or f"import:{cause}")
    rejudging.rejudge(cause=f"import:{cause}")


def rejudge_for_parties(*, uris: Collection[str], at: datetime) -> None:
    """It became known what these companies are.

    Releases by emergency or network to one that sells look-ups are doubtful, which is an incident of its day. Lines are
    marked whose releases were reported with a path that begins with one that turns out to be another aggregator.
    """
    mark_doubtful(parties=uris, at=at)
    enqueue_path_rejudging(parties=uris)


@transaction.atomic
def record_export(*, line_id: int, actor: str, reason: str, at: datetime) -> None:
    """Write into the line's own log that everything about it was handed out. Raises NoReason for one that says nothing.

    `reason`: "" where the operator gave none.
    """
    why = check_optional_reason(reason)
    audit.actions.record(
        action="line.exported", actor=actor, target=f"line:{line_id}", at=at, line_id=line_id, reason=why
    )


@transaction.atomic
def request_archive(*, line_id: int, user_id: int, language: str, at: datetime) -> UUID:
    """Have everything about a line made into one file for this person; the one there is, where there is one.

    One that failed, is over, or tells what its person may no longer read makes room for a new one. Returns its id.
    """
    known = Archive.objects.select_for_update().filter(line_id=line_id, user_id=user_id).first()
    if known is not None:
        if known.state != Archive.State.FAILED and known.expires_at > at and not tells_too_much(archive=known, at=at):
            return known.pk
        known.delete()
    made, is_new = Archive.objects.get_or_create(
        line_id=line_id,
        user_id=user_id,
        defaults={"id": uuid4(), "language": language, "asked_at": at, "expires_at": at + archiving.LASTS},
    )
    if is_new:
        audit.actions.record(
            action="line.archive_asked", actor=f"subscriber:{user_id}", target=f"line:{line_id}", at=at, line_id=line_id
        )
    return made.pk
