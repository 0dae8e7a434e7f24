"""The list of choices, and what each choice's page says first: whatever was said, by whomever, and how it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.actions import delegations
from accounts.models import Line
from consent.actions import choices as choices_actions
from consent.actions import suspend
from consent.models import Choice, ChoiceReceipt
from tests.factories import FRAUD, ROADSIDE, a_line
from tests.feeds import approval_row, choice_row, take_approvals, take_choices
from tests.people import Browser, newest_text, number_of, sign_in, user_of
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import Part, assert_reads, main, opened, press, read
from tests.words.partners import Market, Partner
from tests.words.worlds import DAY, MINUTE, a_line_dealing_with, choice_path, newest_choice, stop_by_phone

pytestmark = pytest.mark.usefixtures("db")
# What the tab says of each, by the title on the page.
TABS = {
    "we_suspended": "tab_suspended", "you_allowed": "tab_allowed", "you_stopped_all": "you_stopped_all",
    "you_disputed_all": "you_stopped_all",
}  # fmt: skip
ASH, BEECH = "https://ashmaps.example", "https://beechmaps.example"


@dataclass(frozen=True)
class Row:
    """One choice as it should be read: names of the table, and what is filled in.

    `told`: how many companies have the message, of how many; `signed` the same of those that signed.
    `still_open`: who has not. `since`: the earlier no with which it began.
    """

    choice: Choice
    title: str
    by: str
    lead: str
    filled: Mapping[str, str] = field(default_factory=dict)
    told: tuple[int, int] | None = None
    signed: tuple[int, int] | None = None
    still_open: str = ""
    more: Sequence[str] = ()
    changed_by: Choice | None = None
    since: Choice | None = None

    def heading(self, say: Words) -> str:
        why = {"why": say(self.filled["why"])} if "why" in self.filled else {}
        return say(self.title, **{**self.filled, **why})

    def entry(self, say: Words) -> list[str]:
        """As the list has it."""
        receipt = ChoiceReceipt.objects.filter(choice_id=self.choice.id).first()
        said = [say(self.by, **self.filled), *([say("receipt", number=receipt.number)] if receipt else [])]
        if self.signed:
            said.append(say.counted("have_signed", self.signed[1], k=self.signed[0]))
        elif self.told:
            said.append(say.counted("have_message", self.told[1], k=self.told[0]))
        still_open = [say("still_open", names=self.still_open)] if self.still_open else []
        return [f"{self.heading(say)} {say.moment(self.choice.made_at)}", " · ".join(said), *still_open]

    def first_words(self, say: Words) -> list[str]:
        """As its own page begins."""
        until = {"moment": say.moment(self.choice.until)} if self.choice.until else {}
        since = self.choice.recorded_at if self.choice.origin == "file" else (self.since or self.choice).made_at
        changed = {"changed": say.exact(self.changed_by.made_at)} if self.changed_by else {}
        lead = say(self.lead, exact=say.exact(since), **until, **changed)
        if self.lead == "all_is_off":
            return [lead, say("done_and_now")]
        return [self.heading(say), lead, *(_more(say, one) for one in self.more)]

    def tab(self, say: Words) -> str:
        """As the browser's tab has it."""
        if self.title.startswith("was_"):
            name = "tab_another"
        elif self.title.startswith("you_paused"):
            name = "tab_paused"
        else:
            name = TABS.get(self.title, "tab_stop")
        return say("tab", title=say(name))


def _more(say: Words, name: str) -> str:
    base, _, n = name.rpartition("_")
    return say.counted(base, int(n)) if n.isdecimal() else say(name)


def assert_list_and_pages(browser: Browser, rows: Sequence[Row], *, query: str = "", tabs: bool = False) -> None:
    """The whole list, the newest first, and the first words of each page, in both languages, as this browser reads."""
    for language in LANGUAGES:
        say = Words(language)
        page = main(browser, f"/choices/{query}", language)
        links = [one.attributes["href"] for one in page.all("a", of_class="title")]
        assert links == [choice_path(row.choice) for row in reversed(rows)]
        listed = [line for row in reversed(rows) for line in row.entry(say)]
        expected = [say("every_choice"), say("kept_for_ever"), *listed, say("zone", zone=say("pacific"))]
        # Which line it is about stands above, where there are several.
        above = len(page.one("nav").lines) if tabs else 0
        assert_reads(Part("main", children=[f"{line}\n" for line in page.lines[above:]]), expected, language)
        for row in rows:
            whole = read(opened(browser, choice_path(row.choice), language))
            words, first = whole.one("main").lines[1:], row.first_words(say)
            assert words[: len(first)] == first, language
            assert whole.one("title").words == row.tab(say), language


def say_by_form(browser: Browser, line: Line, path: str, **said: str) -> Choice:
    """What a form of ours sends."""
    answer = browser.post(f"/choices/{path}/", {"line": str(line.public_id), "scope": "all", "ref": "", **said})
    assert answer.status_code == 302, answer.text
    return newest_choice(line)


def say_everything(browser: Browser, line: Line, ash: Partner) -> list[Choice]:
    """A choice of each kind and scope, one after another."""
    return [
        say_by_form(browser, line, "pause", scope="purpose", ref=ROADSIDE, length="7"),
        say_by_form(browser, line, "pause", scope="party", ref=ASH, length="7"),
        say_by_form(browser, line, "pause", length="7"),
        say_by_form(browser, line, "stop", scope="campaign", ref=ash.campaign.ref),
        say_by_form(browser, line, "stop", scope="purpose", ref=FRAUD),
        say_by_form(browser, line, "stop", scope="party", ref=BEECH),
        say_by_form(browser, line, "dispute", scope="party", ref=ASH),
        say_by_form(browser, line, "dispute"),
        say_by_form(browser, line, "stop"),
    ]


def test_whatever_one_says_is_listed_and_its_page_says_how_it_stands(market: Market) -> None:
    market.a_partner("Beech Link", service="Beech Maps", purpose=FRAUD)
    line, (ash, _beech) = a_line_dealing_with(market, "Ash Link", "Beech Link")
    browser = sign_in(line)
    made = say_everything(browser, line, ash)
    made.append(_by_phone(line))
    ash.is_told()
    ash_maps, beech_maps = {"name": "Ash Maps"}, {"name": "Beech Maps"}
    me = "by_signed_in"
    rows = [
        Row(made[0], "you_paused_kind", me, "paused_until", {"why": "roadside"}, told=(1, 1)),
        Row(made[1], "you_paused", me, "paused_until", ash_maps, told=(1, 1)),
        Row(made[2], "you_paused_all", me, "paused_until", told=(1, 2)),
        Row(made[3], "you_stopped_use", me, "no_since", {**ash_maps, "why": "roadside"}, told=(1, 1), since=made[2]),
        Row(made[4], "you_stopped_kind", me, "no_since", {"why": "fraud"}, told=(0, 1), since=made[2]),
        Row(made[5], "you_stopped", me, "no_since", beech_maps, told=(0, 1), since=made[2]),
        Row(made[6], "you_disputed", me, "no_since", ash_maps, told=(1, 1), more=["case_opened"], since=made[1]),
        Row(made[7], "you_disputed_all", me, "all_is_off", told=(1, 2), since=made[2]),
        Row(made[8], "you_stopped_all", me, "all_is_off", told=(1, 2), since=made[2]),
        Row(made[9], "you_stopped_all", "by_phone", "all_is_off", told=(1, 2), since=made[2]),
    ]
    assert_list_and_pages(browser, rows)


def _by_phone(line: Line) -> Choice:
    stop_by_phone(line, Browser())
    return newest_choice(line)


def test_a_yes_changes_what_was_said_before_it(market: Market) -> None:
    market.a_partner("Beech Link", service="Beech Maps", purpose=FRAUD)
    line, (ash, beech) = a_line_dealing_with(market, "Ash Link", "Beech Link")
    browser = sign_in(line)
    choices_actions.refuse(line_id=line.pk, campaign=beech.campaign.ref, actor=_me(line), channel="ask")
    said_no = newest_choice(line)
    stopped = say_by_form(browser, line, "stop", scope="party", ref=ASH)
    paused = say_by_form(browser, line, "pause", length="30")
    allowed = [_allow(browser, line, partner) for partner in (ash, beech)]
    ash.is_told()
    beech.is_told()
    ash.signs(below=[ash.signed_below(market.a_company("Ash Maps"))])
    ash_maps, beech_maps, me = {"name": "Ash Maps"}, {"name": "Beech Maps"}, "by_signed_in"
    after = ["see_now"]
    rows = [
        Row(said_no, "you_said_no", me, "no_changed", beech_maps, told=(1, 1), more=after, changed_by=allowed[1]),
        Row(stopped, "you_stopped", me, "no_changed", ash_maps, signed=(1, 1), more=after, changed_by=allowed[0]),
        Row(paused, "you_paused_all", me, "paused_but", signed=(1, 2), still_open="Beech Link", more=["again_2"]),
        Row(allowed[0], "you_allowed", me, "yes", {**ash_maps, "why": "roadside"}, told=(1, 1)),
        Row(allowed[1], "you_allowed", me, "yes", {**beech_maps, "why": "fraud"}, told=(1, 1)),
    ]
    assert_list_and_pages(browser, rows)


def test_what_was_taken_over_from_files_says_from_when_it_counts_here(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    number, now = number_of(line), timezone.now()
    at = {"msisdn": number, "scope": "campaign", "ref": ash.campaign.ref, "channel": "phone"}
    fates = take_choices(
        choice_row(**at, kind="allow", made_at=_text(now - 9 * DAY)),
        choice_row(**at, kind="pause", made_at=_text(now - 8 * DAY), until=_text(now - DAY)),
        choice_row(**at, kind="pause", made_at=_text(now - 7 * DAY), until=_text(now + 2 * DAY)),
        choice_row(**at, kind="stop", made_at=_text(now - 6 * DAY), program="CPNI <b>1998</b>"),
    )
    assert [fate.status for fate in fates] == ["accepted"] * 4
    allowed, over, paused, stopped = Choice.objects.filter(line_id=line.pk).order_by("made_at")
    ash_maps, program = {"name": "Ash Maps", "why": "roadside"}, {"program": "CPNI <b>1998</b>"}
    browser = sign_in(line)

    def rows(*leads: str) -> list[Row]:
        gone, before, running, standing = leads
        return [
            Row(allowed, "you_allowed", "by_file", gone, ash_maps),
            Row(over, "you_paused", "by_file", before, ash_maps, told=(0, 1)),
            Row(paused, "you_paused", "by_file", running, ash_maps, told=(0, 1)),
            Row(stopped, "you_stopped_use", "by_program", standing, {**ash_maps, **program}, told=(0, 1)),
        ]

    assert_list_and_pages(browser, rows("file_gone", "file_over_before", "file_since_until", "file_since"))
    for language in LANGUAGES:
        say = Words(language)
        ended = say("over_nothing_to_block", at=say.near(over.recorded_at, now=timezone.now()))
        assert ended in main(browser, choice_path(over), language).one("section", id="progress").lines
    with time_machine.travel(now + 3 * DAY, tick=False):
        later = rows("file_gone", "file_over_before", "file_was_until", "file_since")
        assert_list_and_pages(sign_in(line), later)
    # A record of a newer yes changes what a file said, and nothing that the person says.
    take_approvals(
        approval_row(msisdn=number, campaign=ash.campaign.ref, captured_by=ASH, captured_at=_text(timezone.now()))
    )
    with time_machine.travel(timezone.now() + MINUTE, tick=False):
        assert_list_and_pages(browser, rows("file_gone", "file_over_before", "file_until_changed", "file_changed"))


def test_a_yes_that_was_taken_over_counts_from_when_it_came(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    take_choices(
        choice_row(
            msisdn=number_of(line), scope="campaign", ref=ash.campaign.ref, kind="allow",
            made_at=_text(timezone.now() - 9 * DAY),
        )
    )  # fmt: skip
    allowed, filled = newest_choice(line), {"name": "Ash Maps", "why": "roadside"}
    assert_list_and_pages(sign_in(line), [Row(allowed, "you_allowed", "by_file", "file_since", filled)])


def test_what_we_did_ourselves_says_that_it_was_us(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    now = timezone.now()
    suspend.suspend(line_id=line.pk, party=ASH, after=now, actor="system:anomalies", at=now)
    suspended, browser, ash_maps = newest_choice(line), sign_in(line), {"name": "Ash Maps"}
    row = Row(suspended, "we_suspended", "by_us", "suspended_since", ash_maps, told=(0, 1))
    assert_list_and_pages(browser, [row])
    allowed = _allow(browser, line, ash)
    rows = [
        Row(
            suspended,
            "we_suspended",
            "by_us",
            "no_changed",
            ash_maps,
            told=(0, 1),
            more=["see_now"],
            changed_by=allowed,
        ),
        Row(allowed, "you_allowed", "by_signed_in", "yes", {**ash_maps, "why": "roadside"}, told=(0, 1)),
    ]
    assert_list_and_pages(browser, rows)


def test_a_child_and_the_account_holder_read_who_of_them_said_it(market: Market) -> None:
    market.a_partner("Beech Link", service="Beech Maps", purpose=FRAUD)
    child, (ash, beech) = a_line_dealing_with(market, "Ash Link", "Beech Link")
    Line.objects.filter(pk=child.pk).update(user_role="minor")
    child.refresh_from_db()
    holder = a_line(account=child.account.carrier_id)
    young, old = sign_in(child), sign_in(holder)
    query = f"?line={child.public_id}"
    choices_actions.refuse(line_id=child.pk, campaign=beech.campaign.ref, actor=_me(child), channel="ask")
    made = [newest_choice(child), *say_everything(young, child, ash)]
    allowed = _allow(old, child, ash, query)
    ash_maps, beech_maps, both = {"name": "Ash Maps"}, {"name": "Beech Maps"}, "by_user"
    why = {**ash_maps, "why": "roadside"}
    after = ["see_now"]
    kinds = [
        (made[0], "said_no", "no_since", beech_maps, (0, 1), []),
        (made[1], "paused_kind", "paused_but", {"why": "roadside"}, (0, 1), after),
        (made[2], "paused", "paused_but", ash_maps, (0, 1), after),
        (made[3], "paused_all", "paused_but", {}, (0, 2), ["again_1"]),
        (made[4], "stopped_use", "no_changed", why, (0, 1), after),
        (made[5], "stopped_kind", "no_since", {"why": "fraud"}, (0, 1), []),
        (made[6], "stopped", "no_since", beech_maps, (0, 1), []),
        (made[7], "disputed", "no_changed", ash_maps, (0, 1), ["case_opened", *after]),
        (made[8], "disputed_all", "no_changed", {}, (0, 2), ["case_opened", "again_1"]),
        (made[9], "stopped_all", "no_changed", {}, (0, 2), ["again_1"]),
    ]

    def read_as(prefix: str, by: str) -> list[Row]:
        return [
            Row(
                one,
                f"{prefix}_{kind}",
                by,
                lead,
                filled,
                told,
                more=more,
                changed_by=allowed,
                since=made[3] if lead == "no_since" and one != made[0] else None,
            )
            for one, kind, lead, filled, told, more in kinds
        ]

    assert_list_and_pages(
        old,
        [*read_as("was", both), Row(allowed, "you_allowed", "by_signed_in", "yes", why, (0, 1))],
        query=query,
        tabs=True,
    )
    assert_list_and_pages(
        young, [*read_as("you", "by_signed_in"), Row(allowed, "was_allowed", "by_holder", "yes", why, (0, 1))]
    )


def test_a_delegate_an_agent_and_a_browser_s_signal_are_named_as_such(market: Market) -> None:
    line, (_ash,) = a_line_dealing_with(market, "Ash Link")
    friend, now = a_line(), timezone.now()
    browser, helper = sign_in(line), sign_in(friend)
    asked = delegations.delegate(
        line_id=line.pk, user=user_of(line), msisdn=number_of(friend), may="both", ends_at=now + 9 * DAY, at=now
    )
    press(helper, main(helper, f"/lines/asked/{asked}/"), "Yes, I look after it")
    with_signal = Browser()
    stops = [say_by_form(helper, line, "stop", scope="party", ref=ASH)]
    choices_actions.stop(line_id=line.pk, scope="purpose", ref=ROADSIDE, actor="agent:7", channel="desk")
    stops.append(newest_choice(line))
    _come_in_with_signal(with_signal, line)
    stops.append(newest_choice(line))
    ash_maps, why = {"name": "Ash Maps"}, {"why": "roadside"}
    rows = [
        Row(stops[0], "was_stopped", "by_delegate", "no_since", ash_maps, told=(0, 1)),
        Row(stops[1], "you_stopped_kind", "by_agent", "no_since", why, told=(0, 1)),
        Row(stops[2], "you_stopped_all", "by_signal", "all_is_off", told=(0, 1)),
    ]
    assert_list_and_pages(browser, rows)


def test_an_empty_list_says_what_will_stand_in_it() -> None:
    browser = sign_in(a_line())
    for language in LANGUAGES:
        say = Words(language)
        top, zone = [say("every_choice"), say("kept_for_ever")], say("zone", zone=say("pacific"))
        assert_reads(main(browser, "/choices/", language), [*top, say("no_choices"), say("will_be_listed"), zone])
        older = main(browser, "/choices/?before=2001-01-01T00:00:00Z_6b0bb6a0-0000-4000-8000-000000000000", language)
        assert_reads(older, [*top, say("nothing_older"), say("newest"), zone])


def test_a_long_list_goes_on_where_its_first_page_ends(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    browser, say = sign_in(line), Words("en")
    for n in range(51):  # none of them is another one sent twice
        said: dict[str, Any] = {"scope": "campaign", "ref": ash.campaign.ref, "actor": _me(line)}
        choices_actions.stop(line_id=line.pk, channel=f"web {n}", **said)
    made = list(Choice.objects.filter(line_id=line.pk).order_by("-made_at"))

    def entries(choices: Sequence[Choice]) -> list[str]:
        filled = {"name": "Ash Maps", "why": "roadside"}
        rows = (Row(one, "you_stopped_use", "by_signed_in", "no_since", filled, told=(0, 1)) for one in choices)
        return [line for row in rows for line in row.entry(say)]

    top, zone = [say("every_choice"), say("kept_for_ever")], say("zone", zone=say("pacific"))
    page = main(browser, "/choices/")
    assert_reads(page, [*top, *entries(made[:50]), say("older"), zone])
    (older,) = (one for one in page.all("a") if one.words == say("older"))
    assert_reads(main(browser, older.attributes["href"]), [*top, *entries(made[50:]), say("newest"), zone])


def _allow(browser: Browser, line: Line, partner: Partner, query: str = "") -> Choice:
    page = main(browser, f"/choices/allow/?campaign={partner.campaign.ref}{query.replace('?', '&')}")
    assert press(browser, page, f"Yes, allow {partner.campaign.lbs_provider.name}").status_code == 302
    return newest_choice(line)


def _me(line: Line) -> str:
    return f"subscriber:{user_of(line).pk}"


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _come_in_with_signal(browser: Browser, line: Line) -> None:
    """Prove the number in a browser that sends Global Privacy Control."""
    signal, number = {"Sec-GPC": "1"}, number_of(line)
    browser.client.post("/accounts/login/", {"number": number}, headers=signal)
    browser.client.post("/accounts/login/code/", {"code": newest_text(number).code}, headers=signal)
