"""Global Privacy Control for a person: taken where they sign in or prove their phone, and nowhere else; said aloud."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import OperationalError

from accounts.actions.people import get_or_create_person
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, Message
from accounts.primitives.zones import zone_of
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import allow, stop
from consent.actions.records import FileChoice, record_file_choices
from consent.actions.signals import NoOpenSignal, follow_signal, honour_signal, override_signal
from consent.models import Choice, ChoiceOrder, ChoiceReceipt, PrivacySignal
from consent.queries.choices import signal_of
from consent.queries.current_consent import use_of
from partners.models import Campaign, Dealing
from tests.clocks import standing_still
from tests.consent.pages import press, words
from tests.factories import a_campaign, a_line, a_party, an_approval
from tests.people import NO_CODE, PASSWORD, Browser, newest_text, number_of, sign_in, texts_by_day, user_of
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
GPC = {"Sec-GPC": "1"}
ASKS = "Which should we follow?"
NOT_YET = "We haven't received the signal for this phone line yet."
STOP = "/choices/signal/stop/"
STOP_ALL = "Stop all sharing for this number"
KEEP = PrivacySignal.Answer.KEEP


@pytest.fixture
def line() -> Line:
    return a_line()


@pytest.fixture
def road(line: Line) -> Campaign:
    """Agreed to by record alone."""
    campaign = a_campaign(provider=a_party("RoadAid", "lbs_provider"))
    an_approval(line, campaign)
    return campaign


def own(line: Line) -> Campaign:
    """Allowed on these pages."""
    sign_in(line)
    campaign = a_campaign(provider=a_party("OwnYes", "lbs_provider"))
    allow(line_id=line.pk, campaign=campaign.ref, actor=f"subscriber:{user_of(line).pk}", channel="web")
    return campaign


def post(browser: Browser, path: str, data: dict[str, str], value: str = "1") -> None:
    browser.client.post(path, data, headers={"Sec-GPC": value})


def comes_in(line: Line, value: str = "1") -> Browser:
    """Signs in by a browser that sends the signal, and may see."""
    browser, msisdn = Browser(), number_of(line)
    post(browser, "/accounts/login/", {"number": msisdn}, value)
    post(browser, "/accounts/login/code/", {"code": newest_text(msisdn).code}, value)
    door = "/accounts/reauthenticate/" if user_of(line).has_usable_password() else "/accounts/password/set/"
    post(browser, door, {"password": PASSWORD}, value)
    return browser


def stops(line: Line) -> list[tuple[str, str]]:
    made = Choice.objects.filter(line_id=line.pk, channel="gpc").order_by("made_at")
    return [(choice.scope, choice.ref) for choice in made]


def answers(line: Line) -> list[dict[str, str]]:
    """What was answered, as the trail has it."""
    found = AuditEvent.objects.filter(action="consent.signal_answered", line_id=line.pk).order_by("id")
    return list(found.values_list("detail", flat=True))


def allowed(line: Line, campaign: Campaign) -> bool:
    use = use_of(line=line, campaign=campaign.ref, at=database_clock())
    return use is not None and use.allowed


def test_a_sign_in_with_it_stops_what_nobody_allowed(line: Line, road: Campaign) -> None:
    browser = comes_in(line)
    assert (stops(line), allowed(line, road)) == ([("all", "")], False)
    choice = Choice.objects.get()
    assert (choice.origin, choice.actor) == ("person", f"subscriber:{user_of(line).pk}")
    assert ChoiceOrder.objects.filter(choice_id=choice.id, contract_id=road.contract_id).exists()
    body = ChoiceReceipt.objects.get(choice_id=choice.id).token.split(".")[1]
    said = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert said["choice"]["by"] == "gpc"
    page = browser.get(f"/choices/{choice.id}/receipt/").text
    assert "By a browser's privacy signal" in page
    assert ASKS not in browser.get("/home/", **GPC).text
    assert [known.open for known in [signal_of(line_id=line.pk)] if known] == [False]


def test_nothing_is_written_at_a_look(line: Line, road: Campaign) -> None:
    browser = sign_in(line)
    for page in ("/", "/home/", "/settings/", "/choices/signal/", "/stop/", "/history/"):
        assert browser.get(page, **GPC).status_code == 200
    assert (Choice.objects.count(), PrivacySignal.objects.count(), allowed(line, road)) == (0, 0, True)


def test_coming_again_stops_nothing_twice(line: Line, road: Campaign) -> None:
    with pytest.raises(NoOpenSignal):
        override_signal(
            line_id=line.pk, actor="subscriber:0", person=get_or_create_person(line=line, at=database_clock())
        )
    browser = Browser()
    post(browser, "/stop/", {"number": number_of(line)})
    post(browser, "/stop/code/", {"code": NO_CODE})
    # No other value is the signal.
    for value in ("0", "", "true"):
        comes_in(line, value)
    assert (stops(line), allowed(line, road), PrivacySignal.objects.count(), answers(line)) == ([], True, 0, [])
    comes_in(line)
    comes_in(line)
    assert stops(line) == [("all", "")]
    # What was stopped before is not stopped again.
    other = a_line()
    stop(line_id=other.pk, scope="all", actor="subscriber:0", channel="web")
    comes_in(other)
    assert stops(other) == []


def test_an_own_yes_stands_until_it_is_asked_about(line: Line, road: Campaign) -> None:
    mine = own(line)
    # That a record has it too makes it no less their own.
    an_approval(line, mine)
    browser = comes_in(line)
    assert stops(line) == [("campaign", road.ref)]
    assert [allowed(line, road), allowed(line, mine)] == [False, True]
    page = browser.get("/home/", **GPC).text
    assert page.count(ASKS) == 1
    keep, stop_ = '<button name="answer" value="keep">', f'<button formaction="{STOP}">'
    assert [page.count(button) for button in (keep, stop_)] == [1, 1]
    assert "OwnYes" in page.split(ASKS)[1].split("</ul>")[0]
    assert browser.post("/choices/signal/", {"answer": "keep"}).url == "/choices/signal/"
    assert [allowed(line, mine), ASKS in browser.get("/home/", **GPC).text] == [True, False]
    later = comes_in(line)
    assert ASKS not in later.get("/home/", **GPC).text
    assert stops(line) == [("campaign", road.ref)]
    assert browser.post("/choices/signal/", {"answer": "keep"}).url == "/choices/signal/"
    assert answers(line) == [{"answer": "keep"}]


def test_what_only_a_record_stops_is_stopped_by_it(line: Line, road: Campaign) -> None:
    mine = own(line)
    old = FileChoice(
        id=uuid4(), source_id="old", kind=Choice.Kind.STOP, scope="campaign", ref=road.ref,
        made_at=database_clock() - timedelta(days=1), until=None, channel="store", program="", content_hash=b"",
    )  # fmt: skip
    record_file_choices(by_line={line.pk: [old]}, actor="import:choices")
    assert not allowed(line, road)
    comes_in(line)
    # A newer record could undo the old one; what the person says stays.
    assert (stops(line), allowed(line, mine)) == ([("campaign", road.ref)], True)
    other = a_line()
    whole = replace(old, id=uuid4(), source_id="whole", scope="all", ref="")
    record_file_choices(by_line={other.pk: [whole]}, actor="import:choices")
    for _ in range(2):
        honour_signal(line_id=other.pk, actor=f"line:{other.pk}", at=database_clock())
    assert stops(other) == [("all", "")]


def test_stop_outweighs_what_was_answered_elsewhere(line: Line, road: Campaign) -> None:
    mine = own(line)
    browser = comes_in(line)
    said = "Your browser&#x27;s signal stopped 1 use of this phone&#x27;s location that you had not allowed here."
    assert said in browser.get("/home/", **GPC).text
    browser.post("/choices/signal/", {"answer": "keep"})
    browser.post(STOP)
    assert (stops(line)[-1], allowed(line, mine)) == (("all", ""), False)
    assert answers(line) == [{"answer": "keep"}]
    # Where nothing was kept, the stop is the answer.
    other = a_line()
    own(other)
    browser = comes_in(other)
    sent = browser.post(STOP)
    made = Choice.objects.get(line_id=other.pk, channel="gpc")
    assert (sent.url, stops(other)) == (f"/choices/{made.id}/", [("all", "")])
    assert "Your answer</dt><dd>Stop these too" in browser.get("/choices/signal/").text
    assert answers(other) == [{"answer": "stop"}]


def test_a_stop_without_a_signal_is_the_person_s_own(line: Line, road: Campaign) -> None:
    sign_in(line).post(STOP)
    choice = Choice.objects.get()
    assert (choice.kind, choice.scope, choice.channel, allowed(line, road)) == ("stop", "all", "web", False)
    assert (answers(line), PrivacySignal.objects.count()) == ([], 0)


def test_both_answers_are_about_the_line_asked_about() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    browser = sign_in(holder)
    campaign = a_campaign()
    allow(line_id=child.pk, campaign=campaign.ref, actor=f"subscriber:{user_of(holder).pk}", channel="web")
    of_child = {"line": str(child.public_id)}
    honour_signal(line_id=child.pk, actor=f"subscriber:{user_of(holder).pk}", at=database_clock())
    page = f"/choices/signal/?line={child.public_id}"
    assert ASKS in browser.get(page).text
    assert browser.post("/choices/signal/", {"answer": "keep", **of_child}).url == page
    assert "Your answer</dt><dd>Keep what I allowed" in browser.get(page).text
    assert browser.post(STOP, of_child).url == f"/choices/{Choice.objects.get(channel='gpc').id}/"
    assert (stops(holder), stops(child)) == ([], [("all", "")])


def test_not_asked_again_within_twelve_months_and_then_again(line: Line) -> None:
    own(line)
    actor = f"subscriber:{user_of(line).pk}"
    honour_signal(line_id=line.pk, actor=actor, at=database_clock())
    override_signal(line_id=line.pk, actor=actor, person=user_of(line))
    answered_at = PrivacySignal.objects.get().answered_at
    assert answered_at is not None
    for before_the_end, again in ((timedelta(microseconds=1), False), (timedelta(0), True)):
        with standing_still(answered_at + timedelta(days=365) - before_the_end) as clock:
            honour_signal(line_id=line.pk, actor=actor, at=clock.now)
        assert (PrivacySignal.objects.get().answer == "") is again
    # The first is written down, and each that asks; not what changes nothing.
    taken = AuditEvent.objects.filter(action="consent.signal_taken", line_id=line.pk).order_by("id")
    assert [one.detail["asked"] for one in taken] == [True, True]


def test_whoever_answers_stop_twice_stops_once(line: Line) -> None:
    own(line)
    honour_signal(line_id=line.pk, actor="subscriber:1", at=database_clock())
    made = [follow_signal(line_id=line.pk, actor="subscriber:1", channel="web").choice_id for _ in range(2)]
    assert [Choice.objects.get(channel="gpc").id] * 2 == made
    assert answers(line) == [{"answer": "stop"}]


def test_a_service_that_finds_them_is_asked_about(line: Line, road: Campaign) -> None:
    help_ = a_campaign(provider=a_party("MedAlert", "lbs_provider"), lifeline=True)
    an_approval(line, help_)
    browser = comes_in(line)
    assert [allowed(line, road), allowed(line, help_)] == [False, True]
    assert "MedAlert" in browser.get("/home/", **GPC).text.split(ASKS)[1].split("</ul>")[0]


def test_a_later_yes_counts_against_the_signal(line: Line, road: Campaign) -> None:
    browser = comes_in(line)
    allow(line_id=line.pk, campaign=road.ref, actor=f"subscriber:{user_of(line).pk}", channel="web")
    post(browser, "/settings/", {"language": "en"})
    assert allowed(line, road)
    assert comes_in(line).get("/home/", **GPC).text.count(ASKS) == 1
    assert allowed(line, road)


def test_a_childs_phone_is_not_told_to_undo_what_the_signal_stopped() -> None:
    child = a_line(account="A-1", role="minor")
    an_approval(child, a_campaign(provider=a_party("RoadAid", "lbs_provider")))
    browser, msisdn = Browser(), number_of(child)
    post(browser, "/stop/", {"number": msisdn})
    post(browser, "/stop/code/", {"code": newest_text(msisdn).code})
    told = (
        "localhost: your browser's privacy signal (Global Privacy Control) changed who may get this phone's "
        "location. To see what changed, sign in: "
    )
    assert texts_by_day(msisdn)[-1].text == f"{told}{settings.BASE_URL}/home/"


def test_the_phones_code_is_enough_and_the_phone_is_told(line: Line, road: Campaign) -> None:
    browser, msisdn = Browser(), number_of(line)
    post(browser, "/stop/", {"number": msisdn})
    assert stops(line) == []
    post(browser, "/stop/code/", {"code": newest_text(msisdn).code})
    assert (stops(line), allowed(line, road)) == ([("all", "")], False)
    assert [message.kind for message in Message.objects.all()] == ["signal"]
    assert Choice.objects.get().actor == f"line:{line.pk}"
    assert (
        "We treated it as a stop for everything you hadn't allowed yourself on your phone line"
        in browser.get("/stop/all/", **GPC).text
    )


def by_code_and_signal(line: Line) -> Browser:
    browser, msisdn = Browser(), number_of(line)
    post(browser, "/stop/", {"number": msisdn})
    post(browser, "/stop/code/", {"code": newest_text(msisdn).code})
    return browser


def test_what_the_signal_stopped_whole_is_not_offered_to_be_stopped_again(line: Line, road: Campaign) -> None:
    browser = by_code_and_signal(line)
    page = browser.get("/stop/all/")
    made_at = Choice.objects.get().made_at.astimezone(zone_of(line.state))
    assert f"All sharing has been off since {made_at:%b} {made_at.day}, {made_at:%Y}, " in words(page.text)
    assert "By a browser's privacy signal (Global Privacy Control)" in page.text
    assert STOP_ALL not in page.text
    # No service that helps was cut off.
    assert "911 still can" not in page.text


def test_whom_the_signal_stopped_gets_a_link_and_a_receipt(line: Line, road: Campaign) -> None:
    browser = by_code_and_signal(line)
    page = browser.get("/stop/all/")
    assert "Get a link and a receipt" in page.text
    progress = press(browser, page, 'name="stop-all"', **{"stop-all": "1"})
    assert "You stopped all sharing" in progress.text
    receipt = ChoiceReceipt.objects.get(choice_id=Choice.objects.get(channel="stop_page").id)
    assert receipt.number in progress.text
    # Who stopped themselves is offered the button that stops again.
    assert STOP_ALL in by_code_and_signal(line).get("/stop/all/").text


def test_a_service_that_the_signal_cut_off_is_told_behind_the_code_too(line: Line, road: Campaign) -> None:
    an_approval(line, a_campaign(provider=a_party("MedAlert", "lbs_provider"), lifeline=True))
    honour_signal(line_id=line.pk, actor="subscriber:1", at=database_clock())
    follow_signal(line_id=line.pk, actor="subscriber:1", channel="web")
    page = by_code_and_signal(line).get("/stop/all/").text
    assert "Get a link and a receipt" in page
    assert "911 still can" in page


def allowed_again(line: Line, campaign: Campaign) -> None:
    allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")


def claimed(line: Line, campaign: Campaign) -> None:
    an_approval(line, campaign, verified_by="partner", recorded_at=database_clock())


def received(line: Line, campaign: Campaign) -> None:
    other, at = a_campaign(), database_clock()
    Dealing.objects.create(
        line_id=line.pk, aggregator=other.contract.aggregator, party=other.lbs_provider, first_at=at, last_at=at
    )


def recorded_late(line: Line, campaign: Campaign) -> None:
    old = FileChoice(
        id=uuid4(), source_id="old", kind=Choice.Kind.ALLOW, scope="campaign", ref=campaign.ref,
        made_at=database_clock() - timedelta(days=1), until=None, channel="store", program="", content_hash=b"",
    )  # fmt: skip
    record_file_choices(by_line={line.pk: [old]}, actor="import:choices")


@pytest.mark.parametrize("came", [allowed_again, claimed, received, recorded_late])
def test_what_another_stop_would_still_stop_is_offered_its_button(
    line: Line, road: Campaign, came: Callable[[Line, Campaign], None]
) -> None:
    browser = by_code_and_signal(line)
    assert STOP_ALL not in browser.get("/stop/all/").text
    came(line, road)
    assert STOP_ALL in browser.get("/stop/all/").text


def test_the_holder_s_signal_is_about_their_own_line_alone() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    campaign = a_campaign()
    an_approval(child, campaign)
    comes_in(holder)
    assert (stops(holder), stops(child), allowed(child, campaign)) == ([("all", "")], [], True)


def test_the_banner_is_true_in_each_case(line: Line, road: Campaign) -> None:
    nobody = Browser().get("/", **GPC).text
    assert "Your phone's location is separate" in nobody
    of_staff = staff().client.get("/", headers={"sec-gpc": "1"}).text
    assert "Nothing about this visit is sold or shared.\n" in of_staff
    assert "will apply to your phone line" not in of_staff
    assert "location is separate" not in of_staff
    browser = sign_in(line)
    later = "this phone line the next time you sign in with this browser."
    signal = browser.get("/choices/signal/", **GPC).text
    assert (signal.count(later), "Your browser sends this signal." in signal, NOT_YET in signal) == (1, True, False)
    assert NOT_YET in browser.get("/choices/signal/").text
    assert "The signal will apply to your phone line the next time you sign in with this browser." in signal
    browser = comes_in(line)
    assert (
        "We treated it as a stop for everything you hadn't allowed yourself on your phone line"
        in browser.get("/home/", **GPC).text
    )
    assert stops(line) == [("all", "")]
    settings = browser.get("/settings/", **GPC).text
    assert "This browser sends Global Privacy Control." in settings
    assert "This browser does not send Global Privacy Control." in browser.get("/settings/").text
    page = browser.get("/choices/signal/").text
    assert "First received" in page
    assert "All sharing" in page


def test_no_other_form_takes_it(line: Line, road: Campaign) -> None:
    browser = sign_in(line)
    for path, sent in (
        ("/settings/", {"language": "en"}),
        ("/i18n/setlang/", {"language": "en", "next": "/home/"}),
        ("/choices/pause/", {"scope": "party", "ref": road.lbs_provider.uri, "length": "7"}),
        ("/accounts/reauthenticate/", {"password": PASSWORD}),
    ):
        post(browser, path, sent)
        assert (stops(line), PrivacySignal.objects.count()) == ([], 0), path
    assert Choice.objects.get().kind == Choice.Kind.PAUSE
    assert "The signal will apply to your phone line the next time you sign in" in browser.get("/home/", **GPC).text


@pytest.mark.parametrize("then", ["stops", "types another number"])
def test_the_end_of_a_code_s_steps_is_no_sign_in(line: Line, road: Campaign, then: str) -> None:
    """Whoever is signed in for one phone and proves another has sent the signal for that other alone."""
    browser, other = sign_in(line), a_line()
    msisdn = number_of(other)
    post(browser, "/stop/", {"number": msisdn})
    post(browser, "/stop/code/", {"code": newest_text(msisdn).code})
    assert PrivacySignal.objects.get().line_id == other.pk
    if then == "stops":
        post(browser, "/stop/all/", {"stop-all": "1"})
        assert Choice.objects.get(channel="stop_page").line_id == other.pk
    else:
        post(browser, "/stop/", {"number": number_of(a_line())})
        assert browser.get("/stop/all/").headers["Location"] == "/stop/"
    post(browser, "/settings/", {"language": "en"})
    assert (stops(line), allowed(line, road), PrivacySignal.objects.count()) == ([], True, 1)


def test_whoever_sends_it_with_the_password_is_heard(line: Line, road: Campaign) -> None:
    sign_in(line)
    browser, msisdn = Browser(), number_of(line)
    for path, sent in (("login/", {"number": msisdn}), ("login/code/", {})):
        browser.post(f"/accounts/{path}", sent or {"code": newest_text(msisdn).code})
    assert stops(line) == []
    post(browser, "/accounts/reauthenticate/", {"password": PASSWORD})
    assert stops(line) == [("all", "")]


def test_what_it_stopped_is_said_next_and_by_text(line: Line, road: Campaign) -> None:
    browser = comes_in(line)
    everything = "Your browser&#x27;s signal stopped all sharing for this phone."
    assert [browser.get("/home/", **GPC).text.count(everything) for _ in range(2)] == [1, 0]
    said = "localhost: your browser's privacy signal (Global Privacy Control) changed who may get this"
    assert [text.text.startswith(said) for text in MemoryBackend.outbox].count(True) == 1
    assert [message.kind for message in Message.objects.filter(kind="signal")] == ["signal"]
    assert everything not in comes_in(line).get("/home/", **GPC).text


def test_a_signal_that_fails_is_taken_at_the_next(line: Line, road: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """To say that it was honoured would be untrue."""

    def fails(**_: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("consent.middleware.honour_signal", fails)
    browser = comes_in(line)
    monkeypatch.undo()
    assert "the next time you sign in" in browser.get("/home/", **GPC).text
    post(browser, "/settings/", {"language": "en"})
    assert (stops(line), PrivacySignal.objects.count()) == ([], 0)
    comes_in(line)
    assert stops(line) == [("all", "")]


def test_what_follows_a_family_is_warned_of_first(line: Line, road: Campaign) -> None:
    circle = a_campaign(provider=a_party("KinCircle", "lbs_provider"), family_tracking=True)
    an_approval(line, circle)
    browser = comes_in(line)
    assert stops(line) == [("campaign", road.ref)]
    assert [allowed(line, one) for one in (road, circle)] == [False, True]
    home = browser.get("/home/", **GPC).text
    assert ASKS in home
    question = home.partition('id="signal-question"')[2].partition("</section>")[0]
    assert "If you stop it, the person who set it up may notice." in question
    browser.client.post(STOP, {"line": str(line.public_id)}, headers=GPC)
    assert not allowed(line, circle)


def test_the_stop_button_warns_of_what_follows_a_family(line: Line, road: Campaign) -> None:
    browser = sign_in(line)
    warning = "the person who set it up may notice."

    def beside_the_button() -> bool:
        return warning in browser.get("/home/").text.partition('name="stop-all"')[2].partition("</section>")[0]

    assert not beside_the_button()
    an_approval(line, a_campaign(provider=a_party("KinCircle", "lbs_provider"), family_tracking=True))
    assert beside_the_button()
