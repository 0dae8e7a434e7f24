"""Who of the companies behind a partner has signed for an order, or the end of an agreement: what everything reads."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched

from django.db import connection
from django.db.models import Count, F

from partners.labels import UNKNOWN, party_name, sanitise_text
from partners.models import Dealing, Party
from revocations.models import Cohort, CohortReceipt, DownstreamReport, Duty, Order, State

END_OF_TIME = datetime.max.replace(tzinfo=UTC)
AT_ONCE = 1000
# Asked of hundreds of lines at once, most of which have none.
SIGNED = """
SELECT o.id FROM revocations_standing s JOIN revocations_order o ON o.line_id = s.line_id AND o.id = s.order_id
WHERE s.line_id = ANY (%s) AND o.state = %s
"""
# Of a partner's orders signed as done: those for which somebody behind it may still have to sign.
SIGNED_BY_SOME = """
SELECT o.line_id, o.id FROM revocations_order o WHERE o.party_id = %s AND o.state = %s AND (
    EXISTS (SELECT FROM partners_dealing d JOIN partners_party p ON p.id = d.party_id
        WHERE d.line_id = o.line_id AND d.aggregator_id = o.party_id AND d.party_id <> o.party_id
            AND NOT EXISTS (SELECT FROM revocations_downstreamreport r
                WHERE r.line_id = o.line_id AND r.order_id = o.id AND r.party_uri = p.uri
                    AND r.signed AND r.status = o.state))
    OR EXISTS (SELECT FROM revocations_downstreamreport r
        WHERE r.line_id = o.line_id AND r.order_id = o.id AND NOT (r.signed AND r.status = o.state)))
"""
# Of each end: who received through its partner until all had been signed for; of a campaign only its provider, and
# whoever is known behind that.
RECEIVED_BEFORE_END_WAS_SIGNED = """
SELECT c.id, p.uri, p.name
FROM revocations_cohort c JOIN partners_party p ON p.id <> c.party_id
WHERE c.id = ANY (%(ends)s)
    AND (c.of = 'contract'
        OR EXISTS (SELECT FROM partners_campaign one WHERE one.id = c.target_id AND one.lbs_provider_id = p.id)
        OR EXISTS (SELECT FROM partners_reach r WHERE r.campaign_id = c.target_id AND r.party_id = p.id))
    AND EXISTS (SELECT FROM partners_dealing d
        WHERE d.aggregator_id = c.party_id AND d.party_id = p.id
            AND coalesce(d.first_at, d.last_at) <= coalesce(c.completed_at, 'infinity') {of_line})
"""
# From here on, what a company receives is for another order to ask about.
_SIGNED_AS_DONE = (State.COMPLETED, State.CONTRADICTED)


@dataclass(frozen=True)
class Company:
    """A company behind a partner. `status` and `at` are of the newest word about it, where there is one."""

    uri: str
    name: str
    status: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Coverage:
    """Who behind a partner has done what an order asks.

    `signed`: by their own key. `reported`: by the partner's word alone. `missing`: who must sign and has not, which
    the partner's word does not change; `unnamed`: one of those is a company that nobody can name. `known` companies
    with a name must sign.
    """

    signed: tuple[Company, ...] = ()
    reported: tuple[Company, ...] = ()
    missing: tuple[Company, ...] = ()
    unnamed: bool = False
    known: int = 0

    @property
    def whole(self) -> bool:
        """Whether everyone who must sign has."""
        return not self.missing and not self.unnamed

    @property
    def signed_names(self) -> tuple[str, ...]:
        """Who signed, by name."""
        return tuple(one.name for one in self.signed)

    @property
    def reported_names(self) -> tuple[str, ...]:
        """Who is only said to have done it, by name."""
        return tuple(one.name for one in self.reported)

    @property
    def others_reported(self) -> tuple[Company, ...]:
        """Who is only said to have done it, and need not sign."""
        return tuple(one for one in self.reported if one not in self.missing)

    @property
    def missing_names(self) -> tuple[str, ...]:
        """Who has not signed, by name."""
        return tuple(one.name for one in self.missing)

    @property
    def missing_for_staff(self) -> tuple[str, ...]:
        """Who has not signed, as staff read it: by name, and the one without a name."""
        return (*self.missing_names, *(["a company we can't name"] if self.unnamed else []))

    @property
    def note(self) -> str:
        """What an order keeps of it: counts alone."""
        return self._describe()

    @property
    def named_note(self) -> str:
        """The same as staff read it, with the names of those that have not signed."""
        return self._describe(f": {', '.join(self.missing_names)}")

    def _describe(self, more: str = "") -> str:
        said = [describe_missing(len(self.missing), of=self.known) + more] if self.missing else []
        return "; ".join([*said, *(["one company we can't name"] if self.unnamed else [])])


NOBODY = Coverage()


def describe_missing(missing: int, *, of: int) -> str:
    """Say how many of the companies behind a partner have not signed: "1 of 2 companies behind it has not signed"."""
    behind = "company" if of == 1 else "companies"
    return f"{missing} of {of} {behind} behind it {'has' if missing == 1 else 'have'} not signed"


def count_companies(*, coverages: Collection[Coverage]) -> tuple[int, int]:
    """Count the companies behind some partners that have signed, and those that have not: each once.

    Who is behind two partners has signed once it signed for both. Those that nobody can name count as one company.
    """
    missing = {one.uri for coverage in coverages for one in coverage.missing}
    signed = {one.uri for coverage in coverages for one in coverage.signed} - missing
    return len(signed), len(missing) + any(coverage.unnamed for coverage in coverages)


def restrict_state(*, state: State, coverage: Coverage) -> State:
    """Return a state as far as it may be said: "partial" also where a company was found after the signature."""
    return State.PARTIAL if state == State.COMPLETED and not coverage.whole else state


def coverage_of(*, orders: Collection[Order]) -> dict[uuid.UUID, Coverage]:
    """Return who behind the partner has signed for each of these orders, by its id. At most five queries.

    An order that is to be passed on must be signed for by every company that our own ledger shows behind the partner
    for this line (by the time of the partner's signature, once it has signed that all is done), and by every one of
    which the partner itself says that it is not done there. Who is only said to have done it has not signed.
    """
    if not orders:
        return {}
    received, reports = _dealings_of(orders), _reports_on(orders)
    by_cohort = _signed_by_cohort([order for order in orders if order.state == State.COMPLETED])
    reported = {one.party_uri for said in reports.values() for one in said}.union(*by_cohort.values())
    names = _names_of(received, reported)
    return {
        order.id: _coverage(
            order, received[order.line_id, order.party_id], reports[order.id], by_cohort.get(order.id, set()), names
        )
        for order in orders
    }


@dataclass(frozen=True)
class OrderStanding:
    """How far an order has come, as staff read it: its state as far as it may be said, why, and who has signed."""

    state: State
    note: str
    coverage: Coverage


def get_order_standings(*, orders: Collection[Order]) -> dict[uuid.UUID, OrderStanding]:
    """Return how far each of these orders has come, by its id. At most five queries."""
    covered = coverage_of(orders=[one for one in orders if one.completed_at])
    return {one.id: _standing(one, covered.get(one.id, NOBODY)) for one in orders}


def count_orders_by_state(*, party_id: int) -> dict[State, int]:
    """Count the orders to a partner by how far they have come, each state that has some."""
    stored = Order.objects.filter(party_id=party_id).values_list("state").annotate(n=Count("pk"))
    counted = Counter({State(state): n for state, n in stored})
    with connection.cursor() as cursor:
        cursor.execute(SIGNED_BY_SOME, [party_id, State.COMPLETED])
        signed_by_some = cursor.fetchall()
    for rows in batched(signed_by_some, AT_ONCE, strict=False):
        line_ids, ids = zip(*rows, strict=True)
        standings = get_order_standings(orders=list(Order.objects.filter(line_id__in=line_ids, id__in=ids)))
        counted.update(one.state for one in standings.values())
        counted[State.COMPLETED] -= len(standings)
    return {state: counted[state] for state in State if counted[state]}


def _standing(order: Order, coverage: Coverage) -> OrderStanding:
    # Who had not signed when its partner did, it keeps as its note; more may have been found since.
    is_signed = order.completed_at is not None and order.state != State.CONTRADICTED
    state = restrict_state(state=State(order.state), coverage=coverage)
    return OrderStanding(state, coverage.named_note if is_signed else order.note, coverage)


def coverage_of_ends(*, cohorts: Collection[Cohort], line_id: int | None = None) -> dict[uuid.UUID, Coverage]:
    """Return who behind the partner has signed for the end of each of these agreements, by its id. Three queries.

    The newest event of an end must be signed for by every company that our own ledger shows behind the partner (by the
    time when everyone had signed, once they have). `line_id`: as far as they received this line's location.
    """
    if not cohorts:
        return {}
    of_line = "AND d.line_id = %(line)s" if line_id is not None else ""
    with connection.cursor() as cursor:
        statement = RECEIVED_BEFORE_END_WAS_SIGNED.format(of_line=of_line)
        cursor.execute(statement, {"ends": [one.pk for one in cohorts], "line": line_id})
        received = cursor.fetchall()
    due: dict[uuid.UUID, set[str]] = defaultdict(set)
    for cohort_id, uri, _ in received:
        due[cohort_id].add(uri)
    names = {uri: party_name(name, uri) for _, uri, name in received}
    receipts = _receipts_for(cohorts)
    return {one.pk: _coverage_of_end(one, due[one.pk], receipts[one.pk], names) for one in cohorts}


def _coverage_of_end(
    cohort: Cohort, due: set[str], receipts: Iterable[CohortReceipt], names: Mapping[str, str]
) -> Coverage:
    signed = due & {one.signer_uri for one in receipts if one.event_id == cohort.event_id}
    return Coverage(
        signed=_companies(signed, names, {}),
        missing=_companies(due - signed, names, {}),
        unnamed=UNKNOWN in due,
        known=len(due - {UNKNOWN}),
    )


def _dealings_of(orders: Collection[Order]) -> Mapping[tuple[int, int], list[Dealing]]:
    """By line and partner: the companies behind it that our ledger shows."""
    received: dict[tuple[int, int], list[Dealing]] = defaultdict(list)
    lines, partners = {order.line_id for order in orders}, {order.party_id for order in orders}
    dealings = Dealing.objects.filter(line_id__in=lines, aggregator_id__in=partners)
    for dealing in dealings.exclude(party_id=F("aggregator_id")).select_related("party"):
        received[dealing.line_id, dealing.aggregator_id].append(dealing)
    return received


def _reports_on(orders: Collection[Order]) -> Mapping[uuid.UUID, list[DownstreamReport]]:
    """By order: what its partner says of companies behind it."""
    reports: dict[uuid.UUID, list[DownstreamReport]] = defaultdict(list)
    lines, ids = {order.line_id for order in orders}, {order.id for order in orders}
    for report in DownstreamReport.objects.filter(line_id__in=lines, order_id__in=ids):
        reports[report.order_id].append(report)
    return reports


def _names_of(received: Mapping[tuple[int, int], list[Dealing]], reported: Collection[str]) -> dict[str, str]:
    """By URI: the names of the companies that received, and of those reported that we know."""
    names = {one.party.uri: _get_party_name(one.party) for known in received.values() for one in known}
    unnamed = set(reported) - names.keys()
    if unnamed:
        names |= {party.uri: _get_party_name(party) for party in Party.objects.filter(uri__in=unnamed)}
    return names


def find_uncovered_orders(*, line_ids: Collection[int]) -> set[tuple[int, int]]:
    """(line, contract) of standing orders signed as done, behind which our ledger shows a company that did not sign.

    It received before the signature, and we heard of it after.
    """
    with connection.cursor() as cursor:
        cursor.execute(SIGNED, [list(line_ids), State.COMPLETED])
        ids = [order_id for (order_id,) in cursor.fetchall()]
    done = list(Order.objects.filter(line_id__in=line_ids, id__in=ids)) if ids else []
    covered = coverage_of(orders=done)
    return {(order.line_id, order.contract_id) for order in done if not covered[order.id].whole}


def _signed_by_cohort(orders: Sequence[Order]) -> dict[uuid.UUID, set[str]]:
    """By order: who signed for the end of its whole agreement, where that is what settled it."""
    if not orders:
        return {}
    cohorts = Cohort.objects.filter(of=Cohort.Of.CONTRACT, contract_id__in={one.contract_id for one in orders})
    ended = {one.contract_id: one for one in cohorts}
    if not ended:
        return {}
    receipts = _receipts_for(ended.values())
    of_orders = [(order, ended[order.contract_id]) for order in orders if order.contract_id in ended]
    return {order.id: _signers_for(order, cohort, receipts[cohort.pk]) for order, cohort in of_orders}


def _receipts_for(cohorts: Iterable[Cohort]) -> Mapping[uuid.UUID, list[CohortReceipt]]:
    """By cohort: the receipts that say all is done."""
    receipts: dict[uuid.UUID, list[CohortReceipt]] = defaultdict(list)
    of_them = CohortReceipt.objects.filter(cohort_id__in=[one.pk for one in cohorts], status=State.COMPLETED)
    for receipt in of_them.defer("token"):
        receipts[receipt.cohort_id].append(receipt)
    return receipts


def _signers_for(order: Order, cohort: Cohort, receipts: Sequence[CohortReceipt]) -> set[str]:
    """Return who had signed for the end of the agreement when that settled the order; nobody if something else did."""
    if order.completed_at is None or cohort.epoch <= order.epoch:
        return set()
    by_then = [one for one in receipts if one.received_at <= order.completed_at]
    if not any(one.received_at == order.completed_at for one in by_then):
        return set()
    return {one.signer_uri for one in by_then}


def _coverage(
    order: Order,
    received: Iterable[Dealing],
    reports: Collection[DownstreamReport],
    by_cohort: Collection[str],
    names: Mapping[str, str],
) -> Coverage:
    done = {one.party_uri for one in reports if one.status == State.COMPLETED}
    due = _received_by_signature(order, received) | ({one.party_uri for one in reports} - done)
    signed = _signed_themselves(reports) | due.intersection(by_cohort)
    if Duty.Action.NOTIFY_DOWNSTREAM not in order.snapshot["required_actions"]:
        due = set()
    said = {one.party_uri: one for one in reports}
    return Coverage(
        signed=_companies(signed, names, said),
        reported=_companies(done - signed, names, said),
        missing=_companies(due - signed, names, said),
        unnamed=UNKNOWN in due,
        known=len(due - {UNKNOWN}),
    )


def _signed_themselves(reports: Iterable[DownstreamReport]) -> set[str]:
    return {one.party_uri for one in reports if one.status == State.COMPLETED and one.signed}


def _received_by_signature(order: Order, received: Iterable[Dealing]) -> set[str]:
    """The companies that had received the line's location when the partner signed that all is done, if it has."""
    until = order.completed_at if order.completed_at and order.state in _SIGNED_AS_DONE else END_OF_TIME
    return {one.party.uri for one in received if (one.first_at or one.last_at) <= until}


def _companies(
    uris: Collection[str], names: Mapping[str, str], said: Mapping[str, DownstreamReport]
) -> tuple[Company, ...]:
    found = [_company(uri, names, said.get(uri)) for uri in uris if uri != UNKNOWN]
    return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.uri)))


def _company(uri: str, names: Mapping[str, str], word: DownstreamReport | None) -> Company:
    name = names.get(uri, sanitise_text(uri, at_most=80))
    return Company(uri, name, word.status, word.at) if word else Company(uri, name)


def _get_party_name(party: Party) -> str:
    return party_name(party.name, party.uri)
