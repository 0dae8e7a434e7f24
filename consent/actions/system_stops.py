"""Stop one company for a person after what it did on their line, and tell partners whom an earlier stop missed.

Only the person's own newer approval outlasts such a stop. A release reported late can show a partner that a stop never
told, or a company that never signed.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import batched
from uuid import UUID

from django.db import connection, transaction

from accounts.models import Line
from consent.actions.choices import deny
from consent.domain import change_notices, order_planning, snapshots
from consent.domain.conflicts import retry_on_conflict
from consent.domain.snapshots import lock_line, lock_lines
from consent.gate import deciding
from consent.gate.shapes import WIDEST_M, as_agreed
from consent.models import Choice, LineGate, Origin
from consent.queries.approvals import LateDenial, list_overrides
from consent.queries.current_consent import get_linked_parties
from consent.queries.current_consent_ledger import microseconds
from partners.labels import UNKNOWN
from partners.models import Campaign, Party
from revocations.actions.orders import enqueue_orders
from revocations.domain.wire import EVERYTHING, Agreement
from revocations.models import Duty
from revocations.queries.coverage import find_uncovered_orders

CHANNEL = "system"
REASON = "anomaly"
# Their gate rows are locked meanwhile: so long a person's own stop may have to wait.
LINES_AT_ONCE = 250
STANDING = """
SELECT said.line_id, said.id, said.kind, said.scope, said.ref, said.made_at, said.origin,
    ARRAY(SELECT * FROM consent_affected(said.line_id, said.scope, said.ref) AS one ORDER BY one),
    ARRAY(SELECT t.contract_id FROM consent_choiceorder t WHERE t.line_id = said.line_id AND t.choice_id = said.id)
FROM unnest(%s::bigint[], %s::timestamptz[]) AS turn (line_id, at)
CROSS JOIN LATERAL (
    SELECT * FROM consent_choice c
    WHERE c.line_id = turn.line_id AND (c.kind IN ('stop', 'refuse') OR c.kind = 'pause' AND c.until > turn.at)
) said
ORDER BY said.line_id, said.made_at, said.id
"""


class Outcome(StrEnum):
    """What became of it. Everything but `SUSPENDED` wrote nothing."""

    SUSPENDED = "suspended"  # a stop of ours stands from now on, and the company's partners are told
    STOPPED = "stopped"  # a stop of the person's, or an earlier one of ours, stands already
    ALLOWED = "allowed"  # the person has allowed it after what it did: their own newer word
    SPARED = "spared"  # it finds them when they call for help: an officer decides
    ENDED = "ended"  # the line is over
    NOBODY = "nobody"  # nobody can name the company


@retry_on_conflict
@transaction.atomic
def stop_company(*, line_id: int, party: str, after: datetime, actor: str, at: datetime) -> Outcome:
    """Stop one company (URI) for one line, if nothing of the person's says so already. Their phone is texted.

    `after`: when it last did what this is for; a yes of the person that is newer stands. A file outweighs this stop as
    little as one of the person's. Never undone but by them.
    """
    if party == UNKNOWN or not Party.objects.filter(uri=party).exists():
        return Outcome.NOBODY
    made_at = lock_line(line_id=line_id)
    row = LineGate.objects.get(pk=line_id)
    if row.active_until is not None and row.active_until <= made_at:
        return Outcome.ENDED
    standing = _standing(row, party, after)
    if standing is not None:
        return standing
    choice = Choice(
        kind=Choice.Kind.STOP, line_id=line_id, scope=Choice.Scope.PARTY, ref=party, origin=Origin.SYSTEM, actor=actor,
        channel=CHANNEL, reason=REASON,
    )  # fmt: skip
    deny(choice=choice, duties=order_planning.STOP_DUTIES, by="system")
    change_notices.notify_of_change(line_id=line_id, change=change_notices.Change.STOP, actor=actor, at=at)
    return Outcome.SUSPENDED


def _standing(row: LineGate, party: str, after: datetime) -> Outcome | None:
    """Why nothing is to be written, if so."""
    campaigns = list(
        Campaign.objects.filter(cover__parties__contains=[party], ref__in=row.approvals)
        .select_related("contract__aggregator", "lbs_provider", "cover")
        .order_by("ref")
    )
    newest_yes = _newest_yes(row, campaigns)
    if newest_yes > microseconds(after):
        return Outcome.ALLOWED
    keys = {"all", *(f"party:{uri}" for uri in get_linked_parties(uris={party})[party])}
    stops = [
        stopped
        for key in keys & row.stops.keys()
        for origin, stopped in row.stops[key].items()
        if origin != Origin.FILE.value
    ]
    if max(stops, default=0) > newest_yes:
        return Outcome.STOPPED
    return Outcome.SPARED if _is_allowed_lifeline(row.line_id, campaigns, party) else None


def _newest_yes(row: LineGate, campaigns: Collection[Campaign]) -> int:
    """When the person themself agreed last to one of these, in microseconds; 0 if never."""
    yeses = [since for one in campaigns for since, _, origin in row.approvals[one.ref] if origin == Origin.PERSON.value]
    return max(yeses, default=0)


def _is_allowed_lifeline(line_id: int, campaigns: list[Campaign], party: str) -> bool:
    """Whether the gate allows it, now, a use by which a person is found when they call for help."""
    carrier_id = Line.objects.values_list("carrier_id", flat=True).get(pk=line_id)
    questions = [
        as_agreed(campaign=one, line=carrier_id, recipient=recipient, precision_m=WIDEST_M)
        for one in campaigns
        if one.lifeline
        for recipient in ("" if party in one.cover.named_parties else party,)
    ]
    return any(answer.allowed for answer in deciding.evaluate(questions=questions))


def enqueue_orders_for_newly_affected(*, line_ids: Collection[int]) -> int:
    """Queue orders to partners that a stop or running pause of these lines affects now and did not before.

    A partner that signed as done is told again if a company below it, known only since, has not signed. A partner that
    is affected only through a later approval owes nothing: the choice is linked to its existing order.
    Returns how many orders the choices were linked to. Safe to repeat: nobody is told of a choice twice. In as many
    statements for many lines as for one.
    """
    return sum(_enqueue_orders(some) for some in batched(sorted(set(line_ids)), LINES_AT_ONCE, strict=False))


@retry_on_conflict
@transaction.atomic
def _enqueue_orders(line_ids: Sequence[int]) -> int:
    turns = lock_lines(line_ids=line_ids)
    untold = _list_untold(_read_standing(turns))
    if not untold:
        return 0
    told = [*zip(untold, order_planning.agreements_after_each(late=untold, before={}), strict=True)]
    # All is asked at once: an order for the sake of one choice would hide from the next that anybody is left to tell.
    asked: dict[int, list[Agreement]] = defaultdict(list)
    for one, agreements in told:
        asked[one.line_id] += agreements
    orders = enqueue_orders(agreements=asked, by="system", at=turns)
    named = [
        (one.line_id, one.no.id, agreement.contract.pk, orders[one.line_id][agreement.contract.pk])
        for one, agreements in told
        for agreement in agreements
    ]
    order_planning.name_orders_of_each(named=named)
    return len(named)


@dataclass(frozen=True)
class _StandingNo:
    """A stop or running pause of a line: the agreements it affects now, and those whose partner was told of it."""

    line_id: int
    id: UUID
    kind: str
    scope: str
    ref: str
    made_at: datetime
    origin: str
    affects: Sequence[int]
    told: Collection[int]

    def late_under(self, contract_ids: Sequence[int], signed_for: Collection[int] = ()) -> LateDenial:
        return LateDenial(self.line_id, self, self.origin, contract_ids, signed_for=signed_for)

    def list_informed(self) -> list[int]:
        return [pk for pk in self.affects if pk in self.told]

    def list_missing(self, besides: Collection[int]) -> list[int]:
        """The agreements whose partner is to be told: it never was, or is told once more."""
        return [pk for pk in self.affects if pk not in self.told or pk in besides]


def _read_standing(turns: Mapping[int, datetime]) -> list[_StandingNo]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(STANDING, [list(turns), list(turns.values())])
        return [_StandingNo(*row) for row in cursor.fetchall()]


def _list_untold(standing: Sequence[_StandingNo]) -> list[LateDenial]:
    """What partners must be told, and of which no."""
    signed: dict[int, set[int]] = defaultdict(set)
    for line_id, contract_id in find_uncovered_orders(line_ids={one.line_id for one in standing}):
        signed[line_id].add(contract_id)
    shown = _list_late_contracts(standing)
    late = [
        one.late_under(one.list_missing(signed[one.line_id] | shown[one.line_id, one.id]), signed[one.line_id])
        for one in standing
    ]
    return [one for one in late if one.contract_ids]


def _list_late_contracts(standing: Sequence[_StandingNo]) -> Mapping[tuple[int, UUID], set[int]]:
    """By line and choice: contracts named for it whose partner, as is known only now, had something before the yes."""
    had = _list_earlier_holdings(standing)
    named: dict[tuple[str, str], set[int]] = defaultdict(set)
    for one, contract_id, _ in had:
        named[one.scope, one.ref].add(contract_id)
    scopes = snapshots.covered_scopes_of_each(named=named)
    laid = _read_duties({one.line_id for one, *_ in had})
    late: dict[tuple[int, UUID], set[int]] = defaultdict(set)
    for one, contract_id, since in had:
        if not _is_covered(one, since, laid[one.line_id, contract_id], scopes[one.scope, one.ref][contract_id]):
            late[one.line_id, one.id].add(contract_id)
    return late


def _list_earlier_holdings(standing: Sequence[_StandingNo]) -> list[tuple[_StandingNo, int, datetime]]:
    """List contracts named for each whose partner had something before the yes that outlasts it, and since when."""
    passed = list_overrides(denied=[one.late_under(one.list_informed()) for one in standing])
    return [
        (one, contract_id, override.had_from)
        for one, theirs in zip(standing, passed, strict=True)
        for contract_id, override in theirs.items()
        if override.had_from is not None
    ]


def _read_duties(line_ids: Collection[int]) -> Mapping[tuple[int, int], list[Duty]]:
    """By line and contract: all duties ever laid."""
    laid: dict[tuple[int, int], list[Duty]] = defaultdict(list)
    for duty in Duty.objects.filter(line_id__in=line_ids) if line_ids else ():
        laid[duty.line_id, duty.contract_id].append(duty)
    return laid


def _is_covered(no: _StandingNo, had_from: datetime, laid: Sequence[Duty], scopes: Collection[str]) -> bool:
    """Return whether a duty asks for all that this no does of what a partner had; what a pause asked for is less."""
    return any(
        duty.since > had_from
        and (no.kind == Choice.Kind.PAUSE or duty.action == Duty.Action.DELETE_HELD)
        and (duty.scope == EVERYTHING or duty.scope in scopes)
        for duty in laid
    )
