"""What people do: stop, pause, allow, answer, dispute, with and without an account; and what we stop for them."""

import re
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from accounts.models import Line
from consent.actions import choices, system_stops
from consent.actions.choices import NotAllowable
from consent.actions.system_stops import Outcome
from consent.models import Choice
from consent.queries.choices import NEVER_AGREED
from tests.consent import oracle
from tests.machine import pages
from tests.machine.carrier import CAMPAIGNS, COMPANIES, DAY, NAME_OF
from tests.machine.story import AGO, ENDS, LASTS, SCOPES, WHICH, WHO, Story, name_of, ref_of, told, when
from tests.people import Browser, newest_text

CAMPAIGN = st.sampled_from([*CAMPAIGNS[:2], *CAMPAIGNS])
LINK_LASTS = 30 * DAY


class People(Story):
    """Steps of people."""

    @rule(who=WHO, scope=SCOPES, which=WHICH, never_agreed=st.sampled_from([False, False, True]))
    @told
    def stop(self, who: int, scope: str, which: int, never_agreed: bool) -> None:
        tenure, ref = self.somebody(who), ref_of(scope, which)
        if tenure is None or not self.is_known(scope, ref):
            return
        self.say(f"{tenure.name} {'says they never agreed to' if never_agreed else 'stops'} {name_of(ref)}.")
        at = self.said_at(tenure)
        made = choices.stop(
            line_id=tenure.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web",
            reason=NEVER_AGREED if never_agreed else "",
        )  # fmt: skip
        assert made.made_at == at
        self.choices.append((tenure, made.choice_id))
        self.denied(tenure, oracle.Denial(scope, ref, at, None, person=True))

    @rule(who=WHO)
    @told
    def stop_without_an_account(self, who: int) -> None:
        tenure = self.somebody(who)
        if tenure is None:
            return
        number, browser = tenure.number_at(self.now), Browser()
        self.say(f"{tenure.name} stops everything at /stop/ with the code texted to {number}.")
        at = self.said_at(tenure)
        browser.post("/stop/", {"number": number})
        browser.post("/stop/code/", {"code": newest_text(number).code})
        link = browser.post("/stop/all/", {"stop-all": ""}).url
        assert re.fullmatch(r"/stop/progress/[\w-]+/", link)
        made = Choice.objects.filter(line_id=tenure.pk).latest("made_at")
        assert made.made_at == at
        self.choices.append((tenure, made.id))
        self.links.append((tenure, made.id, link))
        self.denied(tenure, oracle.Denial("all", "", at, None, person=True))

    @rule(who=WHO, scope=SCOPES, which=WHICH, lasts=ENDS)
    @told
    def pause(self, who: int, scope: str, which: int, lasts: timedelta) -> None:
        tenure, ref, until = self.somebody(who), ref_of(scope, which), self.now + lasts
        if tenure is None or not self.is_known(scope, ref):
            return
        self.say(f"{tenure.name} pauses {name_of(ref)} until {when(until)}.")
        at = self.said_at(tenure)
        made = choices.pause(
            line_id=tenure.pk, scope=scope, ref=ref, until=until, actor="subscriber:1", channel="web"
        )  # fmt: skip
        assert made.made_at == at
        self.choices.append((tenure, made.choice_id))
        self.denied(tenure, oracle.Denial(scope, ref, at, until, person=True))

    @rule(who=WHO, campaign=CAMPAIGN, lasts=LASTS)
    @told
    def allow(self, who: int, campaign: str, lasts: timedelta | None) -> None:
        tenure, until = self.somebody(who), self.now + lasts if lasts else None
        if tenure is None or campaign not in self.facts.campaigns:
            return
        self.say(f"{tenure.name} allows {campaign}{f' until {when(until)}' if until else ''}.")
        at = self.said_at(tenure)
        tenure.yeses.append(oracle.Yes(campaign, at, until, person=True))
        expected = oracle.answer(self.facts.world_of(tenure), self.facts.as_agreed(campaign), at)
        try:
            made = choices.allow(line_id=tenure.pk, campaign=campaign, until=until, actor="subscriber:1", channel="web")
        except NotAllowable as error:
            came: tuple[datetime | None, str] = None, error.reason
            tenure.yeses.pop()
            self.add(f"That is not possible: {error.reason}.")
        else:
            came = made.made_at, "permitted"
            self.choices.append((tenure, made.choice_id))
        assert came == (at if expected == "permitted" else None, expected)

    @rule(who=WHO, campaign=CAMPAIGN)
    @told
    def refuse(self, who: int, campaign: str) -> None:
        tenure = self.somebody(who)
        if tenure is None or campaign not in self.facts.campaigns:
            return
        self.say(f"{tenure.name} answers no to {campaign}.")
        at = self.said_at(tenure)
        made = choices.refuse(line_id=tenure.pk, campaign=campaign, actor="subscriber:1", channel="ask")
        assert made.made_at == at
        self.choices.append((tenure, made.choice_id))
        self.denied(tenure, oracle.Denial("campaign", campaign, at, None, person=True))

    @rule(who=WHO, company=st.sampled_from(sorted(COMPANIES.values())), ago=AGO)
    @told
    def we_stop_a_company(self, who: int, company: str, ago: timedelta) -> None:
        tenure = self.somebody(who)
        if tenure is None:
            return
        self.say(f"We stop {NAME_OF[company]} for {tenure.name} because of what it did at {when(self.now - ago)}.")
        at = self.said_at(tenure)
        came = system_stops.stop_company(
            line_id=tenure.pk, party=company, after=self.now - ago, actor="system:anomalies", at=self.now
        )
        self.add(f"Outcome: {came}.")
        if came == Outcome.SUSPENDED:
            tenure.stopped_by_us = True
            self.denied(tenure, oracle.Denial("party", company, at, None, person=True))

    # What they read

    @precondition(lambda self: self.links)
    @rule(which=WHICH)
    @told
    def open_the_link_of_a_stop(self, which: int) -> None:
        tenure, choice_id, link = self.links[which % len(self.links)]
        if self.now >= Choice.objects.get(id=choice_id).made_at + LINK_LASTS:
            return
        self.say(f"{tenure.name} opens the link of their stop.")
        self.add(f"It says: {pages.read_link(self.carrier, tenure, choice_id, link)}.")

    @precondition(lambda self: self.choices)
    @rule(which=WHICH)
    @told
    def look_at_a_choice(self, which: int) -> None:
        tenure, choice_id = self.choices[which % len(self.choices)]
        if not tenure.number_at(self.now) or self.now < tenure.held_until:
            return
        self.say(f"{tenure.name} signs in and looks at a choice.")
        line = Line.objects.get(pk=tenure.pk)
        self.add(f"It says: {pages.read_choice(self.carrier, tenure, choice_id, line)}.")
