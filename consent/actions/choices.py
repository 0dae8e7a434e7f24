"""What a person says: stop, pause, allow. In force at the gate when the transaction ends."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

import accounts.queries
import audit.actions
from accounts.actions.sms_outbox import drop_reminders
from accounts.models import User
from accounts.policies.alerts import LineToText
from accounts.policies.permissions import Action
from consent.domain import change_notices, notices, order_planning, receipts, snapshots
from consent.domain.conflicts import retry_on_conflict
from consent.domain.disputes import list_standing_disputes
from consent.domain.notices import DisplayedNotice
from consent.domain.snapshots import lock_line
from consent.gate import deciding
from consent.gate.deciding import RESTORING
from consent.models import Approval, Choice, ChoiceOrder, Origin
from consent.queries.choices import NEVER_AGREED
from partners.labels import UNKNOWN
from partners.models import Campaign, Party
from revocations.actions.orders import enqueue_order
from revocations.actions.receipts import request_evidence
from revocations.domain.wire import Agreement
from revocations.models import Duty

# Each choice writes this: Django would take several times as long to make the statement as PostgreSQL to follow it.
APPEND = """
INSERT INTO consent_choice (line_id, id, kind, scope, ref, made_at, until, origin, channel, program, reason, actor,
    recorded_at, source_id, content_hash, notice)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
FIRST_LOOK = timedelta(minutes=10)
# The channel of a browser's privacy signal.
SIGNAL = "gpc"
# A form that lay open in another tab is sent again within this time.
PRESSED_AGAIN = timedelta(minutes=15)


class UnknownRef(Exception):
    """The company, purpose or campaign named is not one we know."""


class NotPermitted(Exception):
    """Whoever says it may not do so on this line any more, now that it is their turn."""


class PauseOver(ValueError):
    """The pause would end before it begins: the day that was chosen ended on the way here, say."""


class NotAllowable(Exception):
    """The gate would say no all the same; `reason` is its word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class RecordedChoice:
    """A choice as it was written down: its id, its moment, and the orders that tell of it.

    `repeated`: it stood already, and the same button was only pressed once more. `line`: as it was read for texts.
    """

    choice_id: uuid.UUID
    made_at: datetime
    order_ids: tuple[uuid.UUID, ...]
    repeated: bool = False
    line: LineToText | None = None


@retry_on_conflict
@transaction.atomic
def stop(
    *,
    line_id: int,
    scope: str,
    ref: str = "",
    actor: str,
    channel: str,
    reason: str = "",
    by: str = "user",
    notice: DisplayedNotice | None = None,
    person: User | None = None,
) -> RecordedChoice:
    """Say no from now on: to everything, a party (URI), a purpose (DPV term) or a campaign (id), future ones included.

    `reason` "never_agreed" marks a dispute: each partner concerned is asked for its proof. `notice`: what was read
    before. `person`: who says it on a line that isn't their own. Raises UnknownRef where `ref` names nothing known, and
    NotPermitted.
    """
    _refuse_unknown(scope, ref)
    _refuse_others(line_id, person, Action.DISPUTE if reason == NEVER_AGREED else Action.STOP)
    choice = Choice(
        kind=Choice.Kind.STOP, line_id=line_id, scope=scope, ref=ref, actor=actor, channel=channel, reason=reason
    )
    recorded = deny(choice=choice, duties=order_planning.STOP_DUTIES, by=by, notice=notice)
    if reason == NEVER_AGREED and not recorded.repeated:
        request_evidence(
            line_id=line_id,
            choice_id=recorded.choice_id,
            disputed=order_planning.list_disputed_uses(line_id=line_id, scope=scope, ref=ref),
            at=choice.made_at,
        )
    return recorded


@retry_on_conflict
@transaction.atomic
def stop_each(
    *, line_id: int, parties: Sequence[str], actor: str, channel: str, person: User | None = None
) -> list[RecordedChoice]:
    """Stop several companies (URIs) at once, or none of them: each by a choice of its own, with its orders and receipt.

    Whoever is texted of a stop is texted once. `person`: as for `stop`. Raises UnknownRef, NotPermitted.
    """
    for uri in parties:
        _refuse_unknown(Choice.Scope.PARTY, uri)
    _refuse_others(line_id, person, Action.STOP)
    earlier = _find_pressed_together(line_id, parties, actor, channel)
    if earlier:
        return [_build_repeated_choice(one) for one in earlier]
    return [
        deny(
            choice=Choice(
                kind=Choice.Kind.STOP, line_id=line_id, scope=Choice.Scope.PARTY, ref=uri, actor=actor, channel=channel
            ),
            duties=order_planning.STOP_DUTIES,
            by="user",
            is_texted=number == 0,
        )
        for number, uri in enumerate(parties)
    ]


@retry_on_conflict
@transaction.atomic
def refuse(
    *, line_id: int, campaign: str, actor: str, channel: str, notice: DisplayedNotice | None = None
) -> RecordedChoice:
    """Answer no to one campaign's question: a stop of that campaign, told apart because it was asked.

    `notice`: what was read before. Raises UnknownRef.
    """
    _refuse_unknown(Choice.Scope.CAMPAIGN, campaign)
    choice = Choice(
        kind=Choice.Kind.REFUSE,
        line_id=line_id,
        scope=Choice.Scope.CAMPAIGN,
        ref=campaign,
        actor=actor,
        channel=channel,
    )
    return deny(choice=choice, duties=order_planning.STOP_DUTIES, by="user", notice=notice)


@retry_on_conflict
@transaction.atomic
def pause(
    *, line_id: int, scope: str, ref: str = "", until: datetime, actor: str, channel: str, person: User | None = None
) -> RecordedChoice:
    """Say no until a moment; what stood before counts again then. `person`: as for `stop`.

    Raises UnknownRef, NotPermitted, PauseOver for a past end.
    """
    _refuse_unknown(scope, ref)
    _refuse_others(line_id, person, Action.PAUSE)
    choice = Choice(
        kind=Choice.Kind.PAUSE, line_id=line_id, scope=scope, ref=ref, until=until, actor=actor, channel=channel
    )
    return deny(choice=choice, duties=order_planning.PAUSE_DUTIES, by="user")


@retry_on_conflict
@transaction.atomic
def allow(
    *,
    line_id: int,
    campaign: str,
    until: datetime | None = None,
    actor: str,
    channel: str,
    notice: DisplayedNotice | None = None,
    person: User | None = None,
) -> RecordedChoice:
    """Say yes to one campaign, by name, from now on (to `until`): the only thing that outlasts a stop.

    `actor` must be the subscriber. `notice`: what was read before; the yes ends at the latest when that says, whatever
    becomes of the agreements. `person`: who says it, if whether they still may is looked at once it is their turn.
    Raises UnknownRef, NotAllowable where no yes could count, and notices.NoticeChanged where a company has joined since
    it was read.
    """
    # Before the line's turn: no stop of this line waits for whoever changes the campaign.
    snapshots.lock_terms(campaigns=[campaign])
    known = Campaign.objects.select_related("contract__aggregator", "lbs_provider").filter(ref=campaign).first()
    if known is None:
        raise UnknownRef(campaign)
    choice = Choice(
        kind=Choice.Kind.ALLOW,
        line_id=line_id,
        scope=Choice.Scope.CAMPAIGN,
        ref=campaign,
        until=_limit_to_notice(until, notice),
        actor=actor,
        channel=channel,
    )
    made_at = _lock_to_allow(line_id, known, notice, person)
    earlier = _find_repeated(choice, made_at)
    before = snapshots.list_states(line_id=line_id, contract_ids=[known.contract_id])
    if earlier is None:
        _append(choice, made_at, notice)
    # What is brought back after a restore must not be older than a yes that came meanwhile.
    reason = snapshots.reason_against(line_id=line_id, campaign=known) if deciding.read_opening().is_open else RESTORING
    if reason:
        raise NotAllowable(reason)
    if earlier is not None:
        return _build_repeated_choice(earlier)
    agreements = order_planning.agreements(line_id=line_id, contract_ids=[known.contract_id], before=before)
    return _notify_partners_and_line(choice, agreements, actor, by="user")


def _lock_to_allow(line_id: int, campaign: Campaign, notice: DisplayedNotice | None, person: User | None) -> datetime:
    """Lock the line, and look once more at what may have changed while others had their turn. Returns the moment."""
    made_at = lock_line(line_id=line_id)
    if person and not accounts.queries.may_still(user=person, line_id=line_id, action=Action.ALLOW, at=made_at):
        raise NotAllowable("not_permitted")
    if notice is not None:
        notices.refuse_outdated(notice=notice, campaign=campaign)
    return made_at


def _refuse_others(line_id: int, person: User | None, action: Action) -> None:
    """Look in the line's turn whether somebody may still say no for another. Nobody's no on their own line is refused.

    Raises NotPermitted.
    """
    if person is None:
        return
    at = lock_line(line_id=line_id)
    if not accounts.queries.may_still(user=person, line_id=line_id, action=action, at=at):
        raise NotPermitted


def _limit_to_notice(until: datetime | None, notice: DisplayedNotice | None) -> datetime | None:
    """The end of a yes: the one that was chosen, or the one that was read, whichever comes first."""
    ends = (until, notice.last_until if notice else None)
    return min((one for one in ends if one is not None), default=None)


def deny(
    *,
    choice: Choice,
    duties: Sequence[Duty.Action],
    by: str,
    notice: DisplayedNotice | None = None,
    is_texted: bool = True,
) -> RecordedChoice:
    """Write a no down and tell everybody whom it concerns; within the transaction of the verb that says it.

    Without an origin it is the person's own. `is_texted`: whether the line is texted of it, where it would be.
    """
    line_id, scope, ref = choice.line_id, choice.scope, choice.ref
    made_at = lock_line(line_id=line_id)
    if choice.until is not None and choice.until <= made_at:
        raise PauseOver("a pause must end in the future")
    line = snapshots.read_line(line_id=line_id, scope=scope, ref=ref, notice=notice.digest if notice else "")
    if line.has_chosen and (earlier := _find_repeated(choice, made_at)) is not None:
        return _build_repeated_choice(earlier)
    contract_ids = line.contract_ids
    uses = snapshots.get_uses(line=line)
    before = snapshots.states_of(uses=uses)
    _append(choice, made_at, notice, keeps_notice=line.keeps_notice)
    scopes = snapshots.covered_scopes(contract_ids=contract_ids, scope=scope, ref=ref)
    agreements = order_planning.agreements_after_no(
        line_id=line_id, uses=uses, before=before, duties=duties, scopes=scopes, is_of_all=scope == Choice.Scope.ALL
    )
    recorded = _notify_partners_and_line(choice, agreements, choice.actor, by=by, is_texted=is_texted)
    # What we stop is stopped for what was done on this line; on the next its person may have allowed it since.
    for next_id in line.continued_by if by == "user" else ():
        _deny_on_next(choice, next_id, duties)
    return recorded


def _deny_on_next(choice: Choice, line_id: int, duties: Sequence[Duty.Action]) -> None:
    """A person's no holds on the line that continues this one: that took over only what was said before it began."""
    copy = Choice(
        kind=choice.kind, line_id=line_id, scope=choice.scope, ref=choice.ref, until=choice.until, actor=choice.actor,
        channel=choice.channel, origin=choice.origin, reason="continued",
    )  # fmt: skip
    deny(choice=copy, duties=duties, by="user", is_texted=False)
    changed = change_notices.Change.RECORDS
    change_notices.notify_of_imported_changes(line_ids=[line_id], change=changed, at=choice.made_at)


def _find_repeated(choice: Choice, at: datetime) -> Choice | None:
    """The same choice, where it stands already: one button pressed twice is one choice, with one receipt and one text.

    It is the newest of its line, made by the same person on the same kind of page a few minutes ago. "I never agreed"
    has a case of its own, however long ago it was said (`list_standing_disputes`).
    """
    if choice.origin not in {"", Origin.PERSON}:
        return None
    alike = Choice.objects.filter(
        line_id=choice.line_id, kind=choice.kind, scope=choice.scope, ref=choice.ref, reason=choice.reason,
        origin=Origin.PERSON,
    ).order_by("-made_at")  # fmt: skip
    if choice.reason == NEVER_AGREED:
        return list_standing_disputes(line_id=choice.line_id).get((choice.scope, choice.ref))
    return _find_just_pressed(choice, alike, at)


def find_repeated_choice(
    *, line_id: int, scope: str, ref: str, until: datetime | None, actor: str, channel: str, at: datetime
) -> RecordedChoice | None:
    """Find the stop (with an end: the pause) that stands already, for who proved it by what the first press used up."""
    kind = Choice.Kind.STOP if until is None else Choice.Kind.PAUSE
    said = Choice(kind=kind, line_id=line_id, scope=scope, ref=ref, until=until, actor=actor, channel=channel)
    earlier = _find_repeated(said, at)
    return None if earlier is None else _build_repeated_choice(earlier)


def _find_just_pressed(choice: Choice, alike: QuerySet[Choice], at: datetime) -> Choice | None:
    earlier = alike.filter(actor=choice.actor, channel=choice.channel, made_at__gt=at - PRESSED_AGAIN).first()
    if earlier is None or Choice.objects.filter(line_id=choice.line_id, made_at__gt=earlier.made_at).exists():
        return None
    if Approval.objects.filter(line_id=choice.line_id, recorded_at__gt=earlier.made_at).exists():
        return None
    return earlier if _has_same_end(earlier, choice, at) else None


def _find_pressed_together(line_id: int, parties: Sequence[str], actor: str, channel: str) -> list[Choice]:
    """The same stops, where they are the newest of the line and the same person pressed the button a moment ago."""
    after = lock_line(line_id=line_id) - PRESSED_AGAIN
    newest = list(Choice.objects.filter(line_id=line_id).order_by("-made_at")[: len(parties)])
    alike = {("stop", "party", uri, "", actor, channel) for uri in parties}
    said = {(one.kind, one.scope, one.ref, one.reason, one.actor, one.channel) for one in newest}
    if said != alike or any(one.made_at <= after for one in newest):
        return []
    came = Approval.objects.filter(line_id=line_id, recorded_at__gt=min(one.made_at for one in newest))
    return [] if came.exists() else newest


def _has_same_end(earlier: Choice, choice: Choice, at: datetime) -> bool:
    """Whether both have no end, or one that is to come and nearly the same."""
    if (earlier.until is None) != (choice.until is None) or (earlier.until is not None and earlier.until <= at):
        return False
    return earlier.until is None or choice.until is None or abs(earlier.until - choice.until) <= PRESSED_AGAIN


def _build_repeated_choice(earlier: Choice) -> RecordedChoice:
    told = ChoiceOrder.objects.filter(line_id=earlier.line_id, choice_id=earlier.id).values_list("order_id", flat=True)
    return RecordedChoice(earlier.id, earlier.made_at, tuple(told), repeated=True)


def _append(choice: Choice, made_at: datetime, notice: DisplayedNotice | None, *, keeps_notice: bool = False) -> None:
    choice.id = uuid.uuid4()
    choice.notice = notice.digest if notice else ""
    if notice and not keeps_notice:
        notices.store_notice(notice=notice, at=made_at)
    choice.origin = choice.origin or Origin.PERSON
    choice.made_at = choice.recorded_at = made_at
    row: tuple[Any, ...] = (
        choice.line_id, choice.id, choice.kind, choice.scope, choice.ref, choice.made_at, choice.until, choice.origin,
        choice.channel, choice.program, choice.reason, choice.actor, choice.recorded_at, choice.source_id,
        choice.content_hash, choice.notice,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(APPEND, row)


def _notify_partners_and_line(
    choice: Choice, agreements: Sequence[Agreement], actor: str, *, by: str, is_texted: bool = True
) -> RecordedChoice:
    told = enqueue_order(line_id=choice.line_id, agreements=agreements, by=by, at=choice.made_at)
    line = change_notices.read_line_to_text(line_id=choice.line_id, actor=actor, at=choice.made_at)
    receipts.store_with_orders(choice=choice, line=line, order_ids=told, look_at=_find_first_look(choice, told))
    if line.has_reminder:
        _drop_reminders(choice)
    # What came by a texted code or a signal is confirmed where it came in, and what we did by ourselves is told there.
    is_told = is_texted and choice.origin == Origin.PERSON and choice.channel != SIGNAL
    if is_told and not actor.startswith("line:"):
        change_notices.notify_of_change(
            line_id=choice.line_id, change=_change(choice), actor=actor, at=choice.made_at, known=line
        )
    audit.actions.record(
        action=f"consent.{choice.kind}",
        actor=actor,
        target=f"choice:{choice.id}",
        at=choice.made_at,
        line_id=choice.line_id,
        detail={"scope": choice.scope, "channel": choice.channel},
    )
    return RecordedChoice(choice.id, choice.made_at, tuple(told.values()), line=line)


def _find_first_look(choice: Choice, told: Collection[int]) -> datetime | None:
    is_followed = bool(told) and choice.kind != Choice.Kind.ALLOW and choice.origin == Origin.PERSON
    return choice.made_at + FIRST_LOOK if is_followed else None


def _drop_reminders(choice: Choice) -> None:
    if choice.kind != Choice.Kind.ALLOW and choice.scope == Choice.Scope.ALL:
        drop_reminders(line_ids=[choice.line_id])


def _change(choice: Choice) -> change_notices.Change:
    return change_notices.Change.DISPUTE if choice.reason == NEVER_AGREED else change_notices.Change(choice.kind)


def _refuse_unknown(scope: str, ref: str) -> None:
    known = {
        "all": lambda: not ref,
        # Nobody is called "unknown": it stands in a path where no name is known, and a stop of it would cover nothing.
        "party": lambda: ref != UNKNOWN and Party.objects.filter(uri=ref).exists(),
        "purpose": lambda: Campaign.objects.filter(purpose=ref).exists(),
        "campaign": lambda: Campaign.objects.filter(ref=ref).exists(),
    }
    if not known[scope]():
        raise UnknownRef(ref)
