"""What the gateway and the partners do: releases, pushes and their answers, polls, receipts in any order."""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from accounts.models import Line
from audit.models import Incident
from consent.gate import deciding
from consent.gate.shapes import Answer
from partners.models import PairwiseSubject
from revocations.models import Duty, Order, State
from revocations.workers.delivery.delivery_rounds import deliver_due
from tests.factories import READ
from tests.machine import carrier as world
from tests.machine import pages
from tests.machine.aggregators import HOW, TAKES, Aggregator, Held, Signed
from tests.machine.carrier import AGGREGATORS, COMPANIES, DAY, HOUR, NAME_OF, NOBODY
from tests.machine.checks import question
from tests.machine.facts import Release, Tenure
from tests.machine.people import CAMPAIGN
from tests.machine.story import AGO, WHICH, WHO, Story, told, when

PARTNER = st.sampled_from(sorted(AGGREGATORS))
BELOW = st.sampled_from(["", "", "BailNow", "Jail", "Late", NOBODY, "unknown"])
PROOFS = {
    "own": "the gate's answer", "none": "no answer of the gate", "another's": "the gate's answer for another line",
    "old": "the gate's answer of now", "made up": "an answer that the gate never gave",
}  # fmt: skip
PROOF = st.sampled_from(["own", *PROOFS])
STATUSES = st.sampled_from(["completed", "completed", "completed", "rejected", "in_progress"])
WHO_SIGNS_BELOW = st.sampled_from(["all", "all", "nobody", "one", "nobody, it says they did"])
FAULTS = st.sampled_from(
    ["", "", "", "", "older version", "action missing", "done before", "for another", "another key"]
)
MOVABLE = {State.QUEUED, State.SENT, State.PARKED, State.ACKNOWLEDGED, State.REJECTED, State.PARTIAL}


class Trade(Story):
    """Steps of the gateway and the partners."""

    # Releases

    @rule(who=WHO, campaign=CAMPAIGN, below=BELOW, proof=PROOF, ago=st.one_of(AGO, st.integers(0, 5)))
    @told
    def release(self, who: int, campaign: str, below: str, proof: str, ago: timedelta | int) -> None:
        """The gateway reports one, with the gate's own yes or without; what is without is an incident.

        It is of so long ago, or of the very moment at which something began or ended.
        """
        tenure, at = self.somebody(who), self.now
        if proof in ("none", "old"):
            at = self.now - ago if isinstance(ago, timedelta) else self.very_moment(ago)
        if tenure is None or campaign not in self.facts.campaigns or not tenure.number_at(at):
            return
        release = self._a_release(tenure, campaign, below, at)
        answer = self._ask(tenure, campaign)
        ids = {"own": answer.decision_id, "old": answer.decision_id, "none": "", "made up": "d1.AAAA"}
        others = [one for one in self.facts.tenures if one is not tenure]
        ids["another's"] = self._ask(others[0], campaign).decision_id if others else ""
        self.say(f"{self._path(release)} received {tenure.name}'s location of {when(at)} for {campaign}.")
        self.add(f"The gate says {answer.reason or 'yes'}; the report carries {PROOFS[proof]}.")
        before = self._ungated()
        told = world.add_release(self.carrier, release, decision_id=ids[proof])
        assert told["status"] == "accepted"
        is_gated = answer.allowed and (proof == "own" or (proof == "old" and at == self.now))
        assert self._ungated() - before == int(not is_gated)

    @rule(who=WHO, campaign=CAMPAIGN, below=BELOW)
    @told
    def refused_request(self, who: int, campaign: str, below: str) -> None:
        tenure = self.somebody(who)
        if tenure is None or campaign not in self.facts.campaigns:
            return
        release = self._a_release(tenure, campaign, below, self.now)
        self.say(f"{self._path(release)} asked for {tenure.name}'s location for {campaign} and got nothing.")
        assert world.send_release(self.carrier, release, outcome="refused")["status"] == "accepted"

    @rule(who=WHO, campaign=CAMPAIGN, below=BELOW, ago=AGO, hidden=st.sampled_from([HOUR, DAY]), look=st.booleans())
    @told
    def hidden_release(
        self, who: int, campaign: str, below: str, ago: timedelta, hidden: timedelta, look: bool
    ) -> None:
        """One under a delayed-notice order leaves no trace for its person."""
        tenure, at = self.somebody(who), self.now - ago
        if tenure is None or campaign not in self.facts.campaigns or not tenure.number_at(at):
            return
        release = self._a_release(tenure, campaign, below, at)
        release.hidden_until = self.now + hidden
        self.say(f"{self._path(release)} received {tenure.name}'s location of {when(at)} for {campaign}.")
        self.add(f"A court hides that until {when(release.hidden_until)}.")
        if look and self.now >= tenure.held_until:
            self.add(f"{tenure.name} looks at their pages before and after.")
            with pages.that_stay_the_same(Line.objects.get(pk=tenure.pk)):
                world.add_release(self.carrier, release)
        else:
            world.add_release(self.carrier, release)

    def _a_release(self, tenure: Tenure, campaign: str, below: str, at: datetime) -> Release:
        own = self.facts.campaigns[campaign]
        further = (COMPANIES.get(below, below),) if below else ()
        number = f"release-{len(self.facts.releases)}-{len(self.lines)}"
        return Release(
            number, tenure.number_at(at), at, campaign, (own.aggregator, own.provider, *further), own.purpose, READ,
            own.precision_m,
        )  # fmt: skip

    def _path(self, release: Release) -> str:
        return ", ".join(NAME_OF.get(one, one) for one in release.path)

    def _ask(self, tenure: Tenure, campaign: str) -> Answer:
        (answer,) = deciding.evaluate(questions=[question(self.facts.as_agreed(campaign), line=tenure.carrier_id)])
        return answer

    def _ungated(self) -> int:
        found = Incident.objects.filter(kind=Incident.Kind.UNGATED)
        return sum(one.count for one in found)

    # Orders

    @rule(name=PARTNER, mood=st.sampled_from([TAKES, TAKES, TAKES, *HOW]))
    @told
    def push(self, name: str, mood: str) -> None:
        aggregator = self.carrier.aggregators[name]
        aggregator.mood = mood
        done = deliver_due(party_id=aggregator.party.pk, now=self.now)
        aggregator.mood = TAKES
        self.say(f"{name} is sent {sum(done.values())} messages. It {mood}.")

    @rule(name=PARTNER, limit=st.sampled_from([1, 10]), ack=st.booleans())
    @told
    def poll(self, name: str, limit: int, ack: bool) -> None:
        aggregator = self.carrier.aggregators[name]
        got = aggregator.poll(ack=[], limit=limit)
        self.say(f"{name} polls and gets {len(got)} messages.")
        if ack and got:
            self.add("It acknowledges them.")
            aggregator.poll(ack=got, limit=0)

    # Receipts

    @precondition(lambda self: any(one.orders for one in self.carrier.aggregators.values()))
    @rule(which=st.integers(0, 20), status=STATUSES, below=WHO_SIGNS_BELOW, wrong=FAULTS)
    @told
    def sign(self, which: int, status: str, below: str, wrong: str) -> None:
        """A receipt for any order that a partner ever had."""
        aggregator, held = self._orders()[which % len(self._orders())]
        tenure = self._line_of(held)
        received = sorted(self.facts.received(tenure, aggregator.party.uri))
        signers = [uri for uri in received if uri in self.carrier.companies and below in ("all", "one")]
        nested = {uri: self.carrier.companies[uri] for uri in (signers[:1] if below == "one" else signers)}
        word = tuple(received) if below == "nobody, it says they did" else ()
        self.say(f"{aggregator.name} signs {status!r} for order {held.newness} about {tenure.name}.")
        self.add(f"Of {len(received)} companies below it {below} signed.")
        if wrong:
            self.add(f"Its receipt is wrong: {wrong}.")
        token = aggregator.receipt(held, status, at=self.now, nested=nested, word=word, wrong=wrong)
        before = Order.objects.get(jti=held.jti)
        is_good = self._is_good(held, status, wrong)
        assert aggregator.hand_in(token) == (202 if is_good else 400)
        aggregator.handed_in.append((token, is_good))
        if is_good:
            aggregator.signed.append(Signed(held.jti, status, self.now, frozenset(nested)))
        self._moved_as_far_as_it_was_signed(aggregator, before, status if is_good else "", set(received))

    def _is_good(self, held: Held, status: str, wrong: str) -> bool:
        """Whether it counts: what does not is refused as a whole."""
        about_actions = status == "completed" and bool(held.event["required_actions"])
        return not (
            wrong in ("for another", "another key")
            or (wrong == "older version" and status != "rejected")
            or (wrong in ("action missing", "done before") and about_actions)
        )

    def _moved_as_far_as_it_was_signed(
        self, aggregator: Aggregator, before: Order, status: str, received: set[str]
    ) -> None:
        """Done is done only when every company below has signed too, as far as anybody knows of it."""
        after, was = State(Order.objects.get(pk=before.pk).state), State(before.state)
        signed = {uri for one in aggregator.signed if one.order == before.jti for uri in one.companies}
        passes_on = Duty.Action.NOTIFY_DOWNSTREAM in before.snapshot["required_actions"]
        expected = was
        if status == "completed" and was in MOVABLE:
            expected = State.PARTIAL if passes_on and received - signed else State.COMPLETED
        elif status == "rejected" and was in MOVABLE - {State.PARTIAL}:
            expected = State.REJECTED
        elif status == "in_progress" and was in (State.QUEUED, State.SENT, State.PARKED):
            expected = State.ACKNOWLEDGED
        assert after == expected, (was, after, expected, received - signed)

    @precondition(lambda self: any(one.handed_in for one in self.carrier.aggregators.values()))
    @rule(which=WHICH)
    @told
    def a_receipt_comes_again(self, which: int) -> None:
        there = [(one, *both) for one in self.carrier.aggregators.values() for both in one.handed_in]
        aggregator, token, was_good = there[which % len(there)]
        self.say(f"{aggregator.name} hands in a receipt once more, which was {'taken' if was_good else 'refused'}.")
        states = {order.jti: order.state for order in Order.objects.all()}
        came = aggregator.hand_in(token)
        if was_good:
            assert came == 202
            assert {order.jti: order.state for order in Order.objects.all()} == states

    @precondition(lambda self: any(good for one in self.carrier.aggregators.values() for _, good in one.handed_in))
    @rule(which=WHICH)
    @told
    def other_bytes_under_a_known_name(self, which: int) -> None:
        there = [(one, token) for one in self.carrier.aggregators.values() for token, good in one.handed_in if good]
        aggregator, token = there[which % len(there)]
        self.say(f"{aggregator.name} hands in other bytes under the name of a receipt that was taken.")
        assert aggregator.hand_in(aggregator.signed_anew(token)) == 400

    def _orders(self) -> list[tuple[Aggregator, Held]]:
        return [(one, held) for one in self.carrier.aggregators.values() for held in one.orders.values()]

    def _line_of(self, held: Held) -> Tenure:
        line_id = PairwiseSubject.objects.values_list("line_id", flat=True).get(sub=held.about[0])
        return next(one for one in self.facts.tenures if one.pk == line_id)
