"""What must hold after every step, whatever happened."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any
from uuid import UUID

from django.db import connection

from consent.gate import deciding
from consent.gate.shapes import Question
from consent.queries import permission
from disclosures.models import Disclosure
from revocations.models import Order, Standing, State
from tests.consent import oracle
from tests.machine.carrier import CUSTOMERS, MINUTE, MOMENT, NOBODY, NUMBERS, Carrier
from tests.machine.facts import Release, Tenure

# From each state of an order to those that may follow, however many steps lie between two looks.
TO_PUSH = {State.QUEUED, State.SENT, State.PARKED}
SIGNED = {State.PARTIAL, State.COMPLETED, State.CONTRADICTED, State.SUPERSEDED}
FOLLOWS: Mapping[str, set[State]] = {
    State.QUEUED: set(State), State.SENT: set(State) - {State.QUEUED}, State.PARKED: set(State) - {State.QUEUED},
    State.ACKNOWLEDGED: {State.ACKNOWLEDGED, State.REJECTED, *SIGNED}, State.REJECTED: {State.REJECTED, *SIGNED},
    State.PARTIAL: SIGNED, State.COMPLETED: SIGNED - {State.PARTIAL},
    State.CONTRADICTED: {State.CONTRADICTED, State.SUPERSEDED}, State.SUPERSEDED: {State.SUPERSEDED},
}  # fmt: skip
# The ledger is read at every third look; so many of what changed are asked alone, by the shorter statements.
LEDGER_AT, ALONE, A_PRIME = 3, 3, 7
# What denies without an order of its own: a partner is told of it as a whole, or once it is over, or not at all.
NOT_BY_ORDER = {
    "permitted", "partner_suspended", "contract_not_in_force", "campaign_not_in_force", "jurisdiction_prohibits",
}  # fmt: skip

type Asked = tuple[Tenure, oracle.Request]


def all_requests(carrier: Carrier) -> list[Asked]:
    """Each use as agreed, for each recipient that may be named, and as it was not agreed, of each line."""
    asked: list[oracle.Request] = []
    for ref, campaign in carrier.facts.campaigns.items():
        agreed = carrier.facts.as_agreed(ref)
        asked.append(agreed)
        if campaign.names_recipient:
            recipients = ("", *CUSTOMERS.values(), NOBODY, "unknown")
            asked += [replace(agreed, recipient=one) for one in recipients]
    some = carrier.facts.as_agreed("CMP-A")
    asked += [
        replace(some, precision_m=499), replace(some, precision_m=None), replace(some, purpose="dpv:Older"),
        replace(some, campaign="CMP-none"),
    ]  # fmt: skip
    return [(tenure, one) for tenure in carrier.facts.tenures for one in asked]


def question(request: oracle.Request, **line: str) -> Question:
    return Question(
        aggregator=request.aggregator, provider=request.provider, campaign=request.campaign, purpose=request.purpose,
        scope=request.scope, precision_m=request.precision_m, recipient=request.recipient, **line,
    )  # fmt: skip


class Checks:
    """Looks at everything after a step; remembers what it saw before."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.facts = carrier.facts
        self.looks = 0
        self.states: dict[str, str] = {}
        self.found: dict[Asked, str] = {}
        self.worlds: dict[Tenure, oracle.World] = {}
        self.orders: list[Order] = []

    def look(self, *, closely: bool = False) -> None:
        """See that everything holds. The ledger is read by a costly statement: at every third look, or `closely`."""
        self.looks += 1
        self.worlds = {one: self.facts.world_of(one) for one in self.facts.tenures}
        asked = all_requests(self.carrier)
        expected = [self.answer(*one) for one in asked]
        self.gate_agrees(asked, expected)
        if closely or self.looks % LEDGER_AT == 0:
            self.ledger_agrees(asked, expected)
        self.gate_rows_are_what_the_ledger_says()
        self.orders = list(Order.objects.order_by("line_id", "contract_id", "epoch", "version"))
        self.no_state_goes_back()
        self.what_is_owed_stays_owed()
        self.newest_orders_say_no_more_than_the_gate()
        self.partners_hold_what_they_were_told()

    def moment_of(self, tenure: Tenure) -> datetime:
        return max(self.carrier.now, tenure.newest_word)

    def answer(self, tenure: Tenure, request: oracle.Request) -> str:
        return oracle.answer(self.worlds[tenure], request, self.moment_of(tenure))

    def gate_agrees(self, asked: Sequence[Asked], expected: Sequence[str]) -> None:
        """With the oracle: for all at once, by line and by number, and for some alone, by other statements."""
        by_line = [question(one, line=tenure.carrier_id) for tenure, one in asked]
        some = self.facts.as_agreed("CMP-A")
        holders = [self.facts.holder(number, self.carrier.now) for number in NUMBERS]
        by_number = [question(some, msisdn=number) for number in NUMBERS]
        answers = [one.reason or "permitted" for one in deciding.evaluate(questions=by_line + by_number)]
        found, found_by_number = answers[: len(asked)], answers[len(asked) :]
        assert found == expected, ("the gate (many)", differ(asked, found, expected))
        assert found_by_number == [self.answer(one, some) if one else "line_unknown" for one in holders]
        for place in self._places_to_ask_alone(asked, found):
            tenure, request = asked[place]
            number = tenure.number_at(self.carrier.now) if self.looks % 2 else ""
            alone = question(request, msisdn=number) if number else by_line[place]
            (one,) = deciding.evaluate(questions=[alone])
            assert (one.reason or "permitted") == expected[place], ("the gate (one)", asked[place], one.reason)
        for (tenure, request), answer in zip(asked, found, strict=True):
            if answer == "permitted":
                self.nobody_said_no_since(tenure, request)

    def _places_to_ask_alone(self, asked: Sequence[Asked], found: Sequence[str]) -> list[int]:
        """Some whose answer is another than before, and one that is always another."""
        before, self.found = self.found, dict(zip(asked, found, strict=True))
        changed = [place for place, one in enumerate(asked) if before.get(one) != found[place]]
        some = changed[:: len(changed) // ALONE + 1]
        return [*some, self.looks * A_PRIME % len(asked)]

    def ledger_agrees(self, asked: Sequence[Asked], expected: Sequence[str]) -> None:
        """With the oracle."""
        by_ledger = permission.answers_at(
            asked=[
                permission.PermissionQuestion(
                    tenure.pk, one.campaign, oracle.parties(self.worlds[tenure], one), one.purpose, one.scope,
                    one.precision_m, self.moment_of(tenure), self.moment_of(tenure) + MOMENT,
                )
                for tenure, one in asked
            ]
        )  # fmt: skip
        assert by_ledger == expected, ("the ledger", differ(asked, by_ledger, expected))

    def nobody_said_no_since(self, tenure: Tenure, request: oracle.Request) -> None:
        """Whatever else the rules are: after a person's stop only their own later yes to this very use counts."""
        campaign = self.facts.campaigns[request.campaign]
        yes = max((one.at for one in tenure.yeses if one.campaign == campaign.ref), default=None)
        for stop in tenure.denials:
            if stop.person and stop.until is None and (yes is None or yes <= stop.at):
                covered = {
                    "all": True,
                    "party": stop.ref in (campaign.aggregator, campaign.provider),
                    "purpose": stop.ref == campaign.purpose,
                    "campaign": stop.ref == campaign.ref,
                }
                assert not covered[stop.scope], (tenure.name, stop, request)

    def gate_rows_are_what_the_ledger_says(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT l.carrier_id FROM consent_linegate g JOIN accounts_line l ON l.id = g.line_id"
                " WHERE to_jsonb(g) <> to_jsonb(consent_replayed_gate(g.line_id))"
            )
            assert cursor.fetchall() == []

    # Orders

    def no_state_goes_back(self) -> None:
        for order in self.orders:
            before = self.states.get(order.jti, State.QUEUED)
            assert State(order.state) in FOLLOWS[before], (before, order.state)
            self.states[order.jti] = order.state

    def what_is_owed_stays_owed(self) -> None:
        """Whatever an order asked, each newer one asks as well, until its partner signed it as done."""
        signed = [one for each in self.carrier.aggregators.values() for one in each.signed if one.status == "completed"]
        for _, group in groupby(self.orders, key=lambda one: (one.line_id, one.contract_id)):
            told = list(group)
            for older, newer in pairwise(told):
                done = {one.order for one in signed if one.at <= newer.queued_at}
                if not any(one.jti in done for one in told if one.queued_at >= older.queued_at):
                    less = set(older.snapshot["required_actions"]) - set(newer.snapshot["required_actions"])
                    assert not less, (older.version, newer.version, less)

    def newest_orders_say_no_more_than_the_gate(self) -> None:
        """An order's state is all that is allowed: what a person denies is in none."""
        tenures, newest = {one.pk: one for one in self.facts.tenures}, {order.id: order for order in self.orders}
        for (line_id, _), order_id in standing().items():
            self._says_no_more(tenures[line_id], newest[order_id])

    def whom_it_concerns_is_told(self, tenure: Tenure, denial: oracle.Denial) -> None:
        """Every partner under whose agreement the line ever agreed to what a no covers was asked to act on it.

        It owes that now, or signed it before.
        """
        wanted = {"stop_use", "notify_downstream"} | (set() if denial.until else {"delete_held"})
        asked: dict[str, set[str]] = {}
        for order in Order.objects.filter(line_id=tenure.pk):
            asked.setdefault(self.carrier.contract_refs[order.contract_id], set()).update(
                order.snapshot["required_actions"]
            )
        for contract in self.facts.concerned(tenure, denial):
            assert wanted <= asked.get(contract, set()), (tenure.name, denial, contract, asked.get(contract))

    def _says_no_more(self, tenure: Tenure, order: Order) -> None:
        contract = self.carrier.contract_refs[order.contract_id]
        for entry in order.snapshot["state"]:
            if not self.counts(entry):
                continue
            reasons = self.reasons_for(tenure, contract, entry)
            assert reasons & NOT_BY_ORDER, (tenure.name, contract, entry, reasons)
            for recipient in CUSTOMERS.values():
                self._recipient_is_left_out(tenure, contract, entry, recipient)

    def _recipient_is_left_out(self, tenure: Tenure, contract: str, entry: Mapping[str, Any], recipient: str) -> None:
        named = [one for one in self.uses_at(contract, entry) if self.facts.campaigns[one].names_recipient]
        for ref in named:
            request = replace(self.facts.as_agreed(ref), recipient=recipient)
            answer = oracle.answer(self.known_to_partners(tenure), request, self.moment_of(tenure))
            if recipient in self.facts.campaigns[ref].reach and answer not in NOT_BY_ORDER:
                assert recipient in entry.get("except", ()), (tenure.name, ref, recipient, entry)

    def uses_at(self, contract: str, entry: Mapping[str, Any]) -> list[str]:
        """The campaigns of an agreement that an entry of an order's state may be about."""
        return [
            ref
            for ref, one in self.facts.campaigns.items()
            if self.facts.contract_of[ref] == contract
            and (one.provider, one.purpose) == (entry["recipient"], entry["purpose"])
            and one.scope in entry["scopes"]
        ]

    def known_to_partners(self, tenure: Tenure) -> oracle.World:
        """A line without the links that no partner could be told of by now."""
        return replace(self.worlds[tenure], links=self.facts.links_told)

    def reasons_for(self, tenure: Tenure, contract: str, entry: Mapping[str, Any]) -> set[str]:
        """What the gate says to the uses that an entry may be about, as far as partners could be told."""
        known = self.known_to_partners(tenure)
        asked = [self.facts.as_agreed(ref) for ref in self.uses_at(contract, entry)]
        return {oracle.answer(known, one, self.moment_of(tenure)) for one in asked}

    def partners_hold_what_they_were_told(self) -> None:
        """Whatever came in which order, a partner's copy is that of the newest it ever had."""
        by_jti = {order.jti: order for order in self.orders}
        for aggregator in self.carrier.aggregators.values():
            for held in aggregator.copy.values():
                order = by_jti[held.jti]
                assert held.newness == (order.epoch, order.version)
                assert held.event["state"] == order.snapshot["state"]

    # Once all jobs have run

    def everybody_was_told(self) -> None:
        """The newest order of a line and an agreement allows just what the gate allows."""
        for tenure in self.facts.tenures:
            for denial in tenure.denials:
                if denial.until is None or self.carrier.now < denial.until:
                    self.whom_it_concerns_is_told(tenure, denial)
        if self.facts.is_suspended(self.carrier.now):
            return  # what somebody was told before stays as it is until that is over
        tenures, newest = {one.pk: one for one in self.facts.tenures}, {order.id: order for order in self.orders}
        for (line_id, contract_id), order_id in standing().items():
            tenure, contract = tenures[line_id], self.carrier.contract_refs[contract_id]
            told = {place_of(entry) for entry in newest[order_id].snapshot["state"] if self.counts(entry)}
            told = {place for place in told if not self._ended(contract, place)}
            own = {ref: one for ref, one in self.facts.campaigns.items() if self.facts.contract_of[ref] == contract}
            allowed = {
                (one.provider, one.purpose)
                for ref, one in own.items()
                if self.answer(tenure, self.facts.as_agreed(ref)) == "permitted"
            }
            # An order names the minute in which a yes ends by itself, and no more.
            soon = {(one.provider, one.purpose) for ref, one in own.items() if self._ends_within_a_minute(tenure, ref)}
            told, allowed = told - soon, allowed - soon
            assert told == allowed, (tenure.name, contract, told, allowed)

    def _ended(self, contract: str, place: tuple[str, str]) -> bool:
        """Whether it term expired, or has not begun: of an end a partner hears as a whole."""
        own = [one for ref, one in self.facts.campaigns.items() if self.facts.contract_of[ref] == contract]
        there = [one for one in own if (one.provider, one.purpose) == place]
        now = self.carrier.now
        return not any(one.starts <= now < one.ends and one.contract_starts <= now < one.contract_ends for one in there)

    def _ends_within_a_minute(self, tenure: Tenure, ref: str) -> bool:
        ends = [one.ends for one in self.worlds[tenure].yeses if one.campaign == ref and one.ends is not None]
        return any(self.carrier.now < one <= self.carrier.now + MINUTE for one in ends)

    def counts(self, entry: Mapping[str, Any]) -> bool:
        """Whether what an order allows has not ended by itself."""
        return "expires_at" not in entry or self.carrier.now < datetime.fromisoformat(entry["expires_at"])

    def releases_are_judged(self) -> None:
        """Each release is judged as the oracle judges it: by its own path, as of its moment, by all that is known."""
        judged = dict(Disclosure.objects.values_list("source_id", "judgement"))
        for release in self.facts.releases:
            tenure = self.facts.holder(release.number, release.at)
            if tenure is not None:
                expected = self._judgements(self.worlds[tenure], release, tenure)
                assert judged[release.id] in expected, (release.id, judged[release.id], expected)

    def _judgements(self, world: oracle.World, release: Release, tenure: Tenure) -> set[str]:
        own = world.campaigns[release.campaign]
        as_it_went = replace(own, reach=release.path[1:], names_recipient=False)
        then = replace(world, campaigns={**world.campaigns, own.ref: as_it_went})
        request = replace(self.facts.as_agreed(own.ref), precision_m=release.precision_m, recipient="")
        answer = oracle.answer(then, request, release.at)
        if answer.startswith("stopped") or answer == "paused":
            # What we alone have stopped is not the person's word.
            return {"after_stop", "partner_suspended"} if tenure.stopped_by_us else {"after_stop"}
        return {answer}


def place_of(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["recipient"], entry["purpose"]


def standing() -> dict[tuple[int, int], UUID]:
    """By line and contract: the newest order."""
    return {(one.line_id, one.contract_id): one.order_id for one in Standing.objects.all()}


def differ(asked: Sequence[Asked], found: Sequence[str], expected: Sequence[str]) -> dict[str, tuple[str, str]]:
    """By line and request: what was said, and what should have been, where that is not the same."""
    return {
        f"{tenure.name} {one.campaign} {one.recipient} {one.purpose} {one.precision_m}": (said, wanted)
        for (tenure, one), said, wanted in zip(asked, found, expected, strict=True)
        if said != wanted
    }
