"""After a restore: what else had tightened is so again. Nothing here makes anything looser."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet

import audit.actions
from accounts.actions.sign_ins import end_sessions
from accounts.models import Delegation, User
from consent.actions.restore import ACTOR, REASON, RestoreOutcome
from consent.models import Tightening
from consent.workers.archive_entries import ArchivedTightening, Entry
from partners.actions.clients import restore_key
from partners.actions.parties import add_link
from partners.models import AuthorizedAgent, Campaign, Client, Contract, JurisdictionRule
from partners.policies.loosening import PAID

Kind = Tightening.Kind
# By which of its columns one is known. Of two about the same the newer counts.
NAMED_BY: Mapping[str, tuple[str, ...]] = {
    Kind.RULE: ("state", "starts_at"),
    Kind.KIN: ("of", "ref", "kin_ref"),
    Kind.MACHINE: ("client_id",),
    Kind.KEY: ("client_id",),
    Kind.CONTRACT: ("ref",),
    Kind.CAMPAIGN: ("ref",),
    Kind.PAYMENT: ("ref",),
    Kind.AGENT: ("id",),
    Kind.DELEGATION: ("id",),
    Kind.USER: ("id", "date_joined"),
    Kind.NOTICE: ("disclosure_id",),
}

type TighteningAct = Mapping[str, Any]
type Named = tuple[object, ...]
type Again = Callable[[TighteningAct, datetime], RestoreOutcome]


def newest_of_each(*, entries: Sequence[Entry]) -> dict[UUID, ArchivedTightening]:
    """Return the tightenings among these entries, oldest first, that count: of several about the same thing the newest.

    A key that was replaced on the restored database is newer than any of them.
    """
    found: dict[Named, tuple[UUID, ArchivedTightening]] = {}
    for one in entries:
        if one.tightening is not None:
            named = _build_key(one.tightening.kind, one.tightening.facts)
            found.pop(named, None)
            found[named] = UUID(one.id), one.tightening
    for named in _keys_since(entries):
        found.pop(named, None)
    return dict(found.values())


@transaction.atomic
def restore_tightening(
    *, tightening_id: UUID, archived: ArchivedTightening, at: datetime, again: Again | None = None
) -> RestoreOutcome:
    """Do once more what was lost with the database, once. `again`: how, where an app above this one does it.

    UNKNOWN where it is about an agreement or a use that is not here (yet); a machine, a person or a delegation that is
    not here has no access either.
    """
    if Tightening.objects.filter(id=tightening_id).exists():
        return RestoreOutcome.KNOWN
    came = (again or AGAIN[archived.kind])(archived.facts, at)
    if came == RestoreOutcome.UNKNOWN:
        return came
    Tightening.objects.create(id=tightening_id, kind=archived.kind, facts=archived.facts, at=at, archived_at=at)
    if came == RestoreOutcome.REPLAYED:
        audit.actions.record(
            action=f"restore.{archived.kind}", actor=ACTOR, target=f"tightening:{tightening_id}", at=at, reason=REASON
        )
    return came


def _keys_since(entries: Sequence[Entry]) -> list[Named]:
    """Nothing goes out while the gate is closed: what waits, and did not wait in the backup, came after the archive.

    Keys alone: one takes the place of another. All else only tightens what is here, so that a file of the carrier's
    that shortened a term since does not keep the archive from shortening it further.
    """
    written = {one.id for one in entries}
    waiting = Tightening.objects.filter(kind=Kind.KEY, archived_at__isnull=True)
    return [_build_key(row.kind, row.facts) for row in waiting if str(row.id) not in written]


def _build_key(kind: str, facts: TighteningAct) -> Named:
    return kind, *(facts[name] for name in NAMED_BY[kind])


def _rule(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    starts_at = datetime.fromisoformat(facts["starts_at"])
    if JurisdictionRule.objects.filter(state=facts["state"], starts_at=starts_at).exists():
        return RestoreOutcome.KNOWN
    rule = JurisdictionRule.objects.create(
        state=facts["state"], starts_at=starts_at, purposes=facts["purposes"], sale_test=facts["sale_test"],
        consideration=facts.get("consideration", ""), max_radius_m=facts.get("max_radius_m"), source=facts["source"],
    )  # fmt: skip
    # By this event what was released meanwhile is judged by the rule.
    audit.actions.record(
        action="rule.added", actor=ACTOR, target=f"rule:{rule.pk}", at=at, reason=REASON, detail={"state": rule.state}
    )
    return RestoreOutcome.REPLAYED


def _restore_link(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    new = add_link(of=facts["of"], ref=facts["ref"], kin_ref=facts["kin_ref"], link=facts["link"], at=at)
    return RestoreOutcome.REPLAYED if new else RestoreOutcome.KNOWN


def _machine(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    running = Client.objects.filter(client_id=facts["client_id"], disabled_at__isnull=True)
    return _get_outcome(running.update(disabled_at=at))


def _key(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    key = {"client_id": facts["client_id"], "public_jwk": facts["public_jwk"]}
    return _get_outcome(restore_key(**key, actor=ACTOR, reason=REASON, at=at))


def _contract(facts: TighteningAct, _at: datetime) -> RestoreOutcome:
    return _term(Contract.objects.filter(ref=facts["ref"]), facts)


def _campaign(facts: TighteningAct, _at: datetime) -> RestoreOutcome:
    return _term(Campaign.objects.filter(ref=facts["ref"]), facts)


def _term[Row: Model](rows: QuerySet[Row], facts: TighteningAct) -> RestoreOutcome:
    ends_at = datetime.fromisoformat(facts["ends_at"])
    if not rows.exists():
        return RestoreOutcome.UNKNOWN
    return _get_outcome(rows.filter(ends_at__gt=ends_at).update(ends_at=ends_at))


def _payment(facts: TighteningAct, _at: datetime) -> RestoreOutcome:
    rows, paid = Campaign.objects.filter(ref=facts["ref"]), facts["consideration"]
    if not rows.exists():
        return RestoreOutcome.UNKNOWN
    less = [one for one in PAID if PAID[one] < PAID[paid]]
    return _get_outcome(rows.filter(consideration__in=less).update(consideration=paid))


def _agent(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    asking = AuthorizedAgent.objects.filter(pk=facts["id"], ended_at__isnull=True)
    return _get_outcome(asking.update(ended_at=at, changed_at=at, token_hash=None))


def _delegation(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    return _get_outcome(Delegation.objects.filter(pk=facts["id"], ended_at__isnull=True).update(ended_at=at))


def _user(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    """Whoever came after the backup may have had an id that is somebody else's now."""
    joined = datetime.fromisoformat(facts["date_joined"])
    ended = User.objects.filter(pk=facts["id"], date_joined=joined, is_active=True).update(is_active=False)
    if ended:
        end_sessions(user_id=facts["id"], at=at)
    return _get_outcome(ended)


def _get_outcome(rows: int) -> RestoreOutcome:
    return RestoreOutcome.REPLAYED if rows else RestoreOutcome.KNOWN


AGAIN: Mapping[str, Again] = {
    Kind.RULE: _rule,
    Kind.KIN: _restore_link,
    Kind.MACHINE: _machine,
    Kind.KEY: _key,
    Kind.CONTRACT: _contract,
    Kind.CAMPAIGN: _campaign,
    Kind.PAYMENT: _payment,
    Kind.AGENT: _agent,
    Kind.DELEGATION: _delegation,
    Kind.USER: _user,
}
