"""Promise 6. The page never says more than is known: four words for four things, and a partner's word is its word."""

import re
import uuid
from datetime import datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line
from accounts.texts import MemoryBackend
from consent import actions, queries
from partners.models import Contract, Dealing
from revocations.actions import Agreement, tell
from revocations.models import DownstreamReport, Order, State
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.orders import bring_to
from tests.people import Browser, sign_in

pytestmark = pytest.mark.usefixtures("db", "no_broker")

# What may be read only once a partner has signed.
CLAIMS = ("GeoBridge signed that it deleted your data", "Signed as deleted", "has been deleted", "has stopped")


@pytest.fixture(autouse=True)
def _texts_in_memory(settings: Settings) -> None:
    settings.SMS_BACKEND = "accounts.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()


def a_stop_at_geobridge(*, below: tuple[str, ...] = ()) -> tuple[Line, uuid.UUID, Order]:
    """A stop of everything on a line whose data went through GeoBridge to RoadAid and those `below`."""
    at, line = timezone.now(), a_line()
    contract: Contract = a_contract(a_party("GeoBridge"))
    campaign = a_campaign(contract, a_party("RoadAid", "lbs_provider"))
    an_approval(line, campaign, at=at - timedelta(days=90))
    for name in ("RoadAid", *below):
        party = a_party(name, "lbs_provider") if name != "unknown" else None
        Dealing.objects.create(
            line_id=line.pk, aggregator=contract.aggregator, last_at=at - timedelta(days=1),
            party=party or type(contract.aggregator).objects.get(uri="unknown"),
        )  # fmt: skip
    made = actions.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    return line, made.choice_id, Order.objects.get(line_id=line.pk)


def move(order: Order, state: str, **fields: object) -> None:
    """Put an order into a state, with the times that the state needs."""
    at = order.queued_at
    times: dict[str, datetime] = {}
    if state != State.QUEUED:
        times["sent_at"] = at + timedelta(seconds=1)
    if state in {State.ACKNOWLEDGED, State.COMPLETED, State.PARTIAL, State.CONTRADICTED}:
        times["acknowledged_at"] = at + timedelta(seconds=2)
    if state in {State.COMPLETED, State.PARTIAL, State.CONTRADICTED}:
        times["completed_at"] = at + timedelta(minutes=4)
    bring_to(state, Order.objects.filter(line_id=order.line_id, id=order.id), attempts=1, **times, **fields)


def report(order: Order, name: str, *, signed: bool) -> None:
    DownstreamReport.objects.create(
        line_id=order.line_id, order_id=order.id, party_uri=a_party(name, "lbs_provider").uri, status="completed",
        at=order.queued_at + timedelta(minutes=3), signed=signed, receipt_jti=str(uuid.uuid4()),
    )  # fmt: skip


def words(page: str) -> str:
    """What a person reads: no markup, one space between words."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).replace(" ,", ",").split())


def said(browser: Browser, choice_id: uuid.UUID) -> str:
    page = browser.get(f"/choices/{choice_id}/").text
    return words(page[page.index("<main") : page.index("</main>")])


def steps(browser: Browser, choice_id: uuid.UUID) -> list[str]:
    return re.findall(
        r'<li class="(done|now|todo|bad)"><span class="rail">', browser.get(f"/choices/{choice_id}/").text
    )


@pytest.mark.parametrize(
    ("state", "tag", "marks"),
    [
        (State.QUEUED, "On its way", ["done", "now", "todo", "todo"]),
        (State.SENT, "Told, no answer yet", ["done", "done", "now", "todo"]),
        (State.ACKNOWLEDGED, "Received, deletion not yet signed", ["done", "done", "done", "now"]),
        (State.COMPLETED, "Signed as deleted", ["done", "done", "done", "done"]),
        (State.PARTIAL, "Signed in part", ["done", "done", "done", "now"]),
        (State.PARKED, "Held back", ["done", "done", "now", "todo"]),
        (State.REJECTED, "Refused", ["done", "done", "bad", "bad"]),
        (State.CONTRADICTED, "Went on after signing", ["done", "done", "done", "bad"]),
    ],
)
def test_each_state_has_its_own_words_on_every_page(state: str, tag: str, marks: list[str]) -> None:
    line, choice_id, order = a_stop_at_geobridge()
    move(order, state)
    browser = sign_in(line)
    page = browser.get(f"/choices/{choice_id}/").text
    assert re.findall(r'data-order-state="(\w+)"', page) == [state]
    assert tag in words(page)
    assert steps(browser, choice_id) == marks
    signed = state in {State.COMPLETED, State.PARTIAL, State.CONTRADICTED}
    for path in (f"/choices/{choice_id}/", f"/choices/{choice_id}/progress/", "/home/", "/choices/", company(line)):
        read = words(browser.get(path).text)
        if not signed:
            assert [claim for claim in CLAIMS if claim in read] == [], path


def company(line: Line) -> str:
    return f"/companies/{a_party('RoadAid', 'lbs_provider').pk}/"


def test_acknowledged_is_never_shown_as_stopped() -> None:
    line, choice_id, order = a_stop_at_geobridge()
    move(order, State.ACKNOWLEDGED)
    browser = sign_in(line)
    read = said(browser, choice_id)
    assert "Received" in read
    assert "Signed that it deleted your data, and that those below it did: not yet" in read
    assert "GeoBridge has our message. It has not signed yet that it deleted your data." in words(
        browser.get("/home/").text
    )


def test_completed_is_the_partners_word() -> None:
    line, choice_id, order = a_stop_at_geobridge(below=("MedAlert",))
    report(order, "RoadAid", signed=True)
    report(order, "MedAlert", signed=True)
    move(order, State.COMPLETED)
    read = said(sign_in(line), choice_id)
    assert "GeoBridge signed that it deleted your data, and so did 2 companies below it" in read
    assert "( MedAlert, RoadAid )" in read
    assert "was deleted" not in read


def test_what_a_partner_only_reports_is_not_called_signed() -> None:
    line, choice_id, order = a_stop_at_geobridge()
    report(order, "RoadAid", signed=False)
    move(order, State.COMPLETED)
    read = said(sign_in(line), choice_id)
    assert "so did" not in read
    assert "GeoBridge also says so of RoadAid, which has not signed itself." in read


def test_a_completion_that_leaves_out_a_known_company_is_partial_and_names_it() -> None:
    line, choice_id, order = a_stop_at_geobridge(below=("MedAlert", "unknown"))
    report(order, "RoadAid", signed=True)
    move(order, State.PARTIAL)
    read = said(sign_in(line), choice_id)
    assert "and so did 1 company below it" in read
    assert "1 company below it has not: MedAlert ." in read
    assert "There is one company we can't name." in read


def test_a_company_that_our_records_do_not_know_below_the_partner_is_not_counted() -> None:
    line, choice_id, order = a_stop_at_geobridge()
    report(order, "RoadAid", signed=True)
    report(order, "Stranger", signed=True)
    move(order, State.COMPLETED)
    read = said(sign_in(line), choice_id)
    assert "and so did 1 company below it" in read
    assert "Stranger" not in read


def test_a_company_found_below_after_the_signature_is_named_as_not_having_signed() -> None:
    line, choice_id, order = a_stop_at_geobridge(below=("MedAlert",))
    report(order, "RoadAid", signed=True)
    move(order, State.COMPLETED)
    read = said(sign_in(line), choice_id)
    assert "and so did 1 company below it" in read
    assert "1 company below it has not: MedAlert ." in read
    assert "It did not sign for everything we asked." not in read


def test_after_a_quarter_of_an_hour_without_an_answer_it_says_not_yet_confirmed() -> None:
    line, choice_id, order = a_stop_at_geobridge()
    browser = sign_in(line)
    assert "Not yet confirmed" not in said(browser, choice_id)
    Order.objects.filter(line_id=line.pk).update(attempts=7)
    late = order.queued_at + timedelta(minutes=15)
    assert progress(line, choice_id, late) == (State.QUEUED, True)
    assert progress(line, choice_id, late - timedelta(seconds=1)) == (State.QUEUED, False)
    move(order, State.ACKNOWLEDGED)
    assert progress(line, choice_id, late) == (State.ACKNOWLEDGED, False)


def test_the_words_come_on_every_page_after_a_quarter_of_an_hour_and_go_with_the_confirmation() -> None:
    line, choice_id, order = a_stop_at_geobridge()
    for minutes, shown in ((14, False), (16, True)):
        with time_machine.travel(order.queued_at + timedelta(minutes=minutes)):
            browser = sign_in(line)
            assert ("Not yet confirmed" in said(browser, choice_id)) is shown
            assert ("GeoBridge has not yet confirmed our message. We keep trying." in home(browser)) is shown
    move(order, State.ACKNOWLEDGED)
    with time_machine.travel(order.queued_at + timedelta(minutes=17)):
        browser = sign_in(line)
        assert "Not yet confirmed" not in said(browser, choice_id)
        assert "not yet confirmed" not in home(browser)


def home(browser: Browser) -> str:
    return words(browser.get("/home/").text)


def test_a_newer_message_does_not_hide_that_the_partner_has_confirmed_nothing() -> None:
    line, choice_id, order = a_stop_at_geobridge()
    later = order.queued_at + timedelta(minutes=14)
    contract = Contract.objects.get(pk=order.contract_id)
    use = {"scopes": ["s"], "purpose": "dpv:X", "recipient": "https://roadaid.example", "status": "granted"}
    agreement = Agreement(contract, [use], ())
    (newer,) = tell(line_id=line.pk, agreements=[agreement], by="user", at=later).values()
    Order.objects.filter(pk=order.pk).update(state=State.SUPERSEDED, superseded_by=newer, next_attempt_at=None)
    assert progress(line, choice_id, later) == (State.QUEUED, False)
    assert progress(line, choice_id, later + timedelta(minutes=1)) == (State.QUEUED, True)
    (state,) = queries.newest_order_states(line_id=line.pk, at=later + timedelta(minutes=1)).values()
    assert state.unconfirmed
    # What it confirmed before is confirmed: a later message has its own quarter of an hour.
    bring_to(State.ACKNOWLEDGED, Order.objects.filter(pk=(line.pk, newer)), acknowledged_at=later)
    tell(line_id=line.pk, agreements=[Agreement(contract, [], ())], by="user", at=later + timedelta(minutes=5))
    (state,) = queries.newest_order_states(line_id=line.pk, at=later + timedelta(minutes=19)).values()
    assert not state.unconfirmed
    (state,) = queries.newest_order_states(line_id=line.pk, at=later + timedelta(minutes=20)).values()
    assert state.unconfirmed


def progress(line: Line, choice_id: uuid.UUID, at: datetime) -> tuple[str, bool]:
    found = queries.choice_of(line_ids=[line.pk], choice_id=choice_id)
    assert found is not None
    (partner,) = queries.progress_of(line_id=line.pk, order_ids=found.order_ids, since=found.made_at, at=at)
    return partner.shown.state, partner.shown.unconfirmed


def test_a_late_one_says_so_and_who_takes_it_up() -> None:
    line, choice_id, order = a_stop_at_geobridge()
    move(order, State.ACKNOWLEDGED)
    assert "Due by" in said(sign_in(line), choice_id)
    with time_machine.travel(order.queued_at + timedelta(days=10, hours=1)):
        read = said(sign_in(line), choice_id)
    assert "Late" in read
    assert "It was due on" in read
    assert "Our privacy office has taken it up." in read


def test_a_refusal_shows_the_partners_reason_harmlessly() -> None:
    line, choice_id, order = a_stop_at_geobridge()
    move(order, State.REJECTED, note="\u202e<b>not our customer</b>")
    page = sign_in(line).get(f"/choices/{choice_id}/").text
    assert "&lt;b&gt;not our customer&lt;/b&gt;" in page
    assert "\u202e" not in page


def test_a_replaced_allow_says_so_and_shows_no_steps_of_the_stop_that_took_its_place() -> None:
    line, _, order = a_stop_at_geobridge()
    move(order, State.COMPLETED)
    allowed = actions.allow(line_id=line.pk, campaign=an_allowed(order), actor="subscriber:1", channel="web")
    again = actions.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    newest = Order.objects.get(line_id=line.pk, version=3)
    Order.objects.filter(line_id=line.pk, version=2).update(
        state=State.SUPERSEDED, superseded_by=newest.id, next_attempt_at=None
    )
    browser = sign_in(line)
    # What a later stop orders is not how far this yes has come.
    page = browser.get(f"/choices/{allowed.choice_id}/").text
    assert re.findall(r'data-order-state="(\w+)"', page) == ["superseded"]
    assert "A later choice of yours took its place." in page
    assert "carries on what it asked" not in page
    assert re.findall(r'data-order-state="(\w+)"', browser.get(f"/choices/{again.choice_id}/").text) == ["queued"]


def an_allowed(order: Order) -> str:
    return str(Contract.objects.get(pk=order.contract_id).campaigns.get().ref)


def test_the_page_does_not_go_on_saying_that_all_is_off() -> None:
    line, choice_id, order = a_stop_at_geobridge()
    browser = sign_in(line)
    assert "All sharing is off." in said(browser, choice_id)
    actions.allow(line_id=line.pk, campaign=an_allowed(order), actor="subscriber:1", channel="web")
    read = said(browser, choice_id)
    assert "All sharing is off." not in read
    assert "Since then 1 use was allowed again, by name." in read


def test_it_says_the_same_after_a_reload_and_in_the_part_that_a_script_asks_for() -> None:
    line, choice_id, order = a_stop_at_geobridge()
    move(order, State.SENT)
    browser = sign_in(line)

    def cards(path: str) -> list[str]:
        return re.findall(r"<article.*?</article>", browser.get(path).text, re.DOTALL)

    once, again, part = (cards(f"/choices/{choice_id}/{more}") for more in ("", "", "progress/"))
    assert once == again == part
    assert len(once) == 1


@pytest.mark.parametrize(("state", "polls"), [(State.ACKNOWLEDGED, True), (State.COMPLETED, False)])
def test_the_page_asks_again_only_while_something_may_still_come(state: str, *, polls: bool) -> None:
    line, choice_id, order = a_stop_at_geobridge()
    move(order, state)
    page = sign_in(line).get(f"/choices/{choice_id}/").text
    scripts = " ".join(re.findall(r'<script[^>]* src="([^"]*)"', page))
    assert ('hx-trigger="every 4s"' in page, "htmx" in scripts) == (polls, polls)
