"""What officers do: suspend and, by two, lift; add rules; shorten, renew, terminate; write down who succeeds whom."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from consent.actions.lines import terminate
from consent.queries import termination
from console.actions.proposals import agree_to_proposal
from partners.actions import proposals, suspensions
from partners.actions import terms as terms_actions
from partners.actions.terms import RuleTerms, add_rule, shorten_term
from partners.models import Campaign, Contract, JurisdictionRule, Party, Proposal
from partners.policies.lifecycle import NotNow
from tests.consent import oracle
from tests.machine.carrier import AGREEMENTS, COMPANIES, DAY, MOMENT, STATES, USES
from tests.machine.story import AHEAD, ENDS, WHICH, Story, name_of, ref_of, told, when

type Term = tuple[Literal["contract", "campaign"], str]

TERMS: tuple[Term, ...] = (*(("contract", one) for one in AGREEMENTS), *(("campaign", one) for one in USES))
TERM = st.sampled_from(TERMS)
TARGET = st.sampled_from([*(("party", one) for one in COMPANIES.values()), *TERMS])
WHY = "It sold them on."


def id_of(of: str, ref: str) -> int:
    if of == "party":
        return Party.objects.get(uri=ref).pk
    return Contract.objects.get(ref=ref).pk if of == "contract" else Campaign.objects.get(ref=ref).pk


class Officers(Story):
    """Steps of officers."""

    @rule(whom=TARGET)
    @told
    def suspend(self, whom: tuple[str, str]) -> None:
        of, ref = whom
        self.say(f"An officer suspends {name_of(ref)}.")
        suspensions.suspend(of=of, target_id=id_of(of, ref), actor=self.carrier.officers[0], reason=WHY, at=self.now)
        if not any(one[:2] == whom and one[3] is None for one in self.facts.suspensions):
            self.facts.suspensions.append((of, ref, self.now, None))

    @precondition(lambda self: any(one[3] is None for one in self.facts.suspensions))
    @rule(which=WHICH)
    @told
    def lift(self, which: int) -> None:
        running = [one for one in self.facts.suspensions if one[3] is None]
        of, ref, since, _ = lifted = running[which % len(running)]
        self.say(f"Two officers lift the suspension of {name_of(ref)}.")
        self._agreed_by_two(Proposal.Act.LIFT_SUSPENSION, of, id_of(of, ref))
        self.facts.suspensions.remove(lifted)
        self.facts.suspensions.append((of, ref, since, self.now))

    @precondition(lambda self: any(one[3] is None for one in self.facts.suspensions))
    @rule(which=WHICH)
    @told
    def one_officer_alone_lifts_nothing(self, which: int) -> None:
        running = [one for one in self.facts.suspensions if one[3] is None]
        of, ref, *_ = running[which % len(running)]
        self.say(f"An officer proposes to lift the suspension of {name_of(ref)}, and agrees to it.")
        alone: dict[str, Any] = {"reason": WHY, "actor": self.carrier.officers[0], "at": self.now}
        proposal = proposals.propose(
            act=Proposal.Act.LIFT_SUSPENSION, of=of, target_id=id_of(of, ref), payload={}, **alone
        )
        with pytest.raises(NotNow, match="another officer must approve it"):
            agree_to_proposal(proposal_id=proposal.pk, **alone)
        proposals.withdraw(proposal_id=proposal.pk, **alone)

    @rule(
        state=st.sampled_from(sorted(STATES)), ahead=AHEAD, within_m=st.sampled_from([None, 100, 534, 1000]),
        money_alone=st.booleans(),
    )  # fmt: skip
    @told
    def add_a_rule(self, state: str, ahead: timedelta, within_m: int | None, money_alone: bool) -> None:
        starts = self.now + ahead
        if any((one.state, one.since) == (state, starts) for one in self.facts.rules):
            return
        what = f"advertising and {'sales for money' if money_alone else 'sales'}"
        within = "" if within_m is None else f" within {within_m} m"
        self.say(f"From {when(starts)} on {STATES[state]} prohibits {what}{within}.")
        terms = RuleTerms(
            state, starts, tuple(sorted(oracle.PROHIBITED)), sale_test=True, source="a law", max_radius_m=within_m,
            consideration="monetary" if money_alone else "",
        )  # fmt: skip
        add_rule(terms=terms, reason=WHY, actor=self.carrier.officers[0], at=self.now)
        self.facts.rules = [*self.facts.rules, oracle.Rule(state, starts, None, within_m, money_alone)]

    @precondition(lambda self: any(one.until is None and one.state in STATES for one in self.facts.rules))
    @rule(which=WHICH, ahead=AHEAD)
    @told
    def relax_a_rule(self, which: int, ahead: timedelta) -> None:
        running = [one for one in self.facts.rules if one.until is None and one.state in STATES]
        relaxed = running[-1 - which % len(running)]
        until = max(self.now + ahead, relaxed.since + MOMENT)
        self.say(f"Two officers let the rule of {STATES[relaxed.state]} of {when(relaxed.since)} end at {when(until)}.")
        row = JurisdictionRule.objects.get(state=relaxed.state, starts_at=relaxed.since)
        self._agreed_by_two(Proposal.Act.RELAX_RULE, "rule", row.pk, ends_at=until.isoformat())
        ended = replace(relaxed, until=until)
        self.facts.rules = [ended if one is relaxed else one for one in self.facts.rules]

    @rule(term=TERM, lasts=ENDS)
    @told
    def shorten(self, term: Term, lasts: timedelta) -> None:
        of, ref = term
        starts, ends = self.facts.term(of, ref)
        wanted = max(self.now + lasts, starts + MOMENT)
        if wanted >= ends:
            return
        self.say(f"An officer lets {ref} end at {when(wanted)}.")
        shorten_term(
            of=of, target_id=id_of(of, ref), ends_at=wanted, reason=WHY, actor=self.carrier.officers[0], at=self.now
        )
        self.facts.end_at(of, ref, wanted)

    @rule(term=TERM, lasts=ENDS)
    @told
    def renew(self, term: Term, lasts: timedelta) -> None:
        of, ref = term
        _, ends = self.facts.term(of, ref)
        if not self.now < ends < self.now + 1000 * DAY:
            return
        if of == "campaign" and ends + lasts > self.facts.term("contract", self.facts.contract_of[ref])[1]:
            return  # a campaign goes on no longer than its contract
        self.say(f"Two officers renew {ref} until {when(ends + lasts)}.")
        self._agreed_by_two(Proposal.Act.EXTEND_TERM, of, id_of(of, ref), ends_at=(ends + lasts).isoformat())
        self.facts.end_at(of, ref, ends + lasts)

    @rule(term=TERM)
    @told
    def terminate(self, term: Term) -> None:
        of, ref = term
        starts, ends = self.facts.term(of, ref)
        if not starts < self.now < ends:
            return
        self.say(f"An officer terminates {ref}.")
        plan = termination.plan(of=of, target_id=id_of(of, ref), at=self.now)
        terminate(
            of=of, target_id=id_of(of, ref), actor=self.carrier.officers[0], reason=WHY, plan_digest=plan.digest,
            at=self.now,
        )  # fmt: skip
        self.facts.end_at(of, ref, self.now)

    @rule(of=st.sampled_from(["party", "purpose", "campaign"]), one=WHICH, other=WHICH, same=st.booleans())
    @told
    def link(self, of: str, one: int, other: int, same: bool) -> None:
        refs = ref_of(of, one), ref_of(of, other)
        if refs[0] == refs[1] or not all(self.is_known(of, ref) for ref in refs) or (of, *refs) in self.facts.links:
            return
        words = "same_as" if same and of == "party" else "succeeds"
        self.say(f"An officer writes down: {name_of(refs[0])} {words} {name_of(refs[1])}.")
        try:
            terms_actions.link(
                of=of, ref=refs[0], kin_ref=refs[1], link=words, reason=WHY, actor=self.carrier.officers[0], at=self.now
            )
        except (NotNow, ValidationError) as error:
            self.add(f"That is not possible: {error}.")
            return
        self.facts.links.append((of, *refs))

    def _agreed_by_two(self, act: str, of: str, target_id: int, **payload: object) -> None:
        first, second = self.carrier.officers
        proposal = proposals.propose(
            act=act, of=of, target_id=target_id, payload=payload, reason=WHY, actor=first, at=self.now
        )
        agree_to_proposal(proposal_id=proposal.pk, reason=WHY, actor=second, at=self.now)
