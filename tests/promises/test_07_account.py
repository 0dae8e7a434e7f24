"""Promise 7. A line that joins an account, or takes a number, opens no other line for a day; its person is warned."""

import io
import re
from collections.abc import Callable
from datetime import UTC, timedelta

import pytest
from django.utils import timezone

from accounts import queries
from accounts.models import Line, Message
from accounts.policies.permissions import Relation
from audit.models import AuditEvent
from consent.actions.choices import allow, stop
from consent.domain.notices import build_approval_notice
from consent.domain.snapshots import reason_against
from consent.feeds.lines import LinesFeed
from consent.models import Choice
from disclosures.feeds import reports
from partners.actions.clients import register_client
from partners.models import Campaign, Client
from tests.clocks import standing_still
from tests.consent.camara import ask
from tests.consent.claiming import a_partner, link_in, prove
from tests.factories import a_campaign, a_safe_contact, an_approval
from tests.feeds import (
    NUMBER,
    Row,
    choice_row,
    line_row,
    ndjson,
    release_row,
    take_choices,
    take_lines,
    take_parties,
    take_releases,
    taken,
)  # fmt: skip
from tests.partners.outside import Signer
from tests.people import PASSWORD, Browser, Page, as_contact_reads, sign_in_by_code, signed_in, texts_to, user_of

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
MINE, BURNER, SAFE, PARENT, CHILD = (f"+1206555{n}" for n in ("0666", "0777", "0199", "0122", "0133"))
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
CALL = "call us now at the number on your bill"
JOINED = (
    "localhost: our records now show that the account holder has a new line on your account. In 24 hours that "
    "line can open this line's location pages and allow sharing. If you didn't ask for this, call us now at the number "
    "on your bill."
)
TAKEN = (
    "localhost: our records now show this number on another phone line, so what you stopped before may no longer "
    "apply. If you've just got this number, that's right. If you've had it for longer, call us now at the number on "
    "your bill and stop sharing again."
)
ENDED = (
    "localhost: our records now show that your phone line has ended. If you didn't ask for this, call us now at the "
    "number on your bill."
)
NEW_NUMBER = (
    f"localhost: our records now show another number for your phone line. If you didn't ask for this, {CALL}. "
    "For 24 hours the new number alone opens none of the line's location pages."
)
ANOTHER_HOLDER = (
    "localhost: our records now show another account or account holder for your phone line. If you didn't ask for "
    "this, call us now at the number on your bill."
)


def ago(span: timedelta) -> str:
    return (timezone.now() - span).astimezone(UTC).isoformat()


def the(carrier_id: str) -> Line:
    return Line.objects.get(carrier_id=carrier_id)


def known_for_long() -> None:
    Line.objects.update(recorded_at=timezone.now() - 30 * DAY)


def report(*rows: Row) -> None:
    """Rows of one request of a machine, each taken in."""
    assert {fate.status for fate in taken(LinesFeed(actor="client:feed-1"), ndjson(rows))} == {"accepted"}


def warnings(number: str) -> list[str]:
    return [text.text for text in texts_to(number) if "our records now show" in text.text]


def mallory(**changes: object) -> Row:
    """A line of somebody who has an account of their own."""
    return line_row(line_id="LX", account_id="AX", holder_name="Mallory", msisdn=MINE) | changes


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign()


@pytest.fixture(params=["holder", "minor"])
def victim(request: pytest.FixtureRequest, campaign: Campaign) -> Line:
    """A line known for long whose person agreed once and then stopped everything; a child's, or its holder's own."""
    parent = [] if request.param == "holder" else [line_row(line_id="LP", msisdn=PARENT)]
    take_lines(line_row(user_role=request.param), *parent)
    known_for_long()
    an_approval(the("L1"), campaign)
    stop(line_id=the("L1").pk, scope="all", actor=f"line:{the('L1').pk}", channel="web")
    return the("L1")


def joins_anew(victim: Line) -> Browser:
    """A new line of the holder's name on the victim's account, whose person chooses a password at once."""
    report(line_row(line_id="LX", msisdn=MINE, activated_at="2001-01-01T00:00:00Z"))
    browser = sign_in_by_code(the("LX"))
    assert browser.post("/accounts/password/set/", {"password": PASSWORD}).status_code == 302
    return browser


def joins_by_moving(victim: Line) -> Browser:
    """A line with a password that was on another account until now."""
    take_lines(mallory(holder_name="Ada Marsh"))
    known_for_long()
    browser = signed_in(the("LX"))
    report(mallory(holder_name="Ada Marsh", account_id="A1"))
    return browser


def joins_in_two_steps(victim: Line) -> Browser:
    """A new line that comes to the victim's account in the request that first brings it."""
    report(mallory(holder_name="Ada Marsh"), mallory(holder_name="Ada Marsh", account_id="A1"))
    return signed_in(the("LX"))


WAYS = [joins_anew, joins_by_moving, joins_in_two_steps]


def opened(browser: Browser, line: Line) -> list[str]:
    """The pages of a line that this browser is shown."""
    pages = ("home/", "history/", "choices/", "access-log/", "history/download.csv", "choices/allow/")
    return [page for page in pages if browser.get(f"/{page}?line={line.public_id}").status_code == 200]


def press_allow(browser: Browser, line: Line, campaign: Campaign) -> Page:
    form = {"campaign": campaign.ref, "days": "30", "notice": build_approval_notice(campaign=campaign.ref).digest}
    return browser.post("/choices/allow/", {**form, "line": str(line.public_id)})


@pytest.mark.parametrize("join", WAYS)
def test_a_line_that_joins_opens_none_for_a_day(
    victim: Line, campaign: Campaign, join: Callable[[Line], Browser]
) -> None:
    browser = join(victim)
    assert (opened(browser, victim), press_allow(browser, victim, campaign).status_code) == ([], 404)
    assert reason_against(line_id=victim.pk, campaign=campaign) == "stopped_all"
    lines = browser.get("/lines/").text
    assert "This line or yours is new on the account. You can stop or pause its sharing now." in lines
    assert browser.post("/choices/stop/", {"scope": "all", "line": str(victim.public_id)}).status_code == 302
    with standing_still(timezone.now() + DAY + MINUTE):
        assert signed_in(the("LX")).get(f"/history/?line={victim.public_id}").status_code == 200


@pytest.mark.parametrize("join", WAYS)
def test_each_line_that_can_be_opened_is_warned_at_once(victim: Line, join: Callable[[Line], Browser]) -> None:
    a_safe_contact(victim, msisdn=SAFE, at=timezone.now() - 3 * DAY)
    join(victim)
    assert warnings(NUMBER) == [JOINED]
    assert warnings(SAFE) == [as_contact_reads(JOINED)]
    assert warnings(PARENT) == ([JOINED] if victim.user_role == "minor" else [])
    moved = Message.objects.filter(kind="moved", line=the("LX")).count()
    assert moved == len(warnings(MINE)) == (1 if join is joins_by_moving else 0)


def test_an_adult_s_line_is_not_opened_and_not_warned(campaign: Campaign) -> None:
    take_lines(line_row(user_role="user"))
    known_for_long()
    joins_anew(the("L1"))
    assert (warnings(NUMBER), opened(signed_in(the("LX")), the("L1"))) == ([], [])


def test_lines_that_one_import_brings_are_not_held() -> None:
    take_lines(line_row(line_id="LP", msisdn=PARENT), line_row(user_role="minor"), mallory())
    assert opened(signed_in(the("LP")), the("L1"))[:2] == ["home/", "history/"]
    assert Message.objects.filter(kind="moved").count() == 0


def test_a_line_that_ended_before_it_came_warns_nobody(victim: Line) -> None:
    report(line_row(line_id="L9", msisdn=MINE, deactivated_at="2025-02-01T00:00:00Z"))
    assert warnings(NUMBER) == []


def test_a_child_that_comes_to_another_holder_is_warned(victim: Line) -> None:
    take_lines(mallory(), line_row(line_id="LC", msisdn=CHILD, user_role="minor"))
    known_for_long()
    report(line_row(line_id="LC", msisdn=CHILD, user_role="minor", account_id="AX", holder_name="Mallory"))
    assert (warnings(CHILD), warnings(MINE)) == ([ANOTHER_HOLDER], [])


# --- a number that another line takes


def takes_by_a_new_line() -> Browser:
    take_lines(mallory())
    known_for_long()
    browser = signed_in(the("LX"))
    report(moved_away(), mallory(line_id="LV", msisdn=NUMBER, activated_at=ago(MINUTE)))
    return browser


def takes_by_lines_that_come_together() -> Browser:
    report(moved_away(), mallory(), mallory(line_id="LV", msisdn=NUMBER, activated_at=ago(MINUTE)))
    return signed_in(the("LX"))


def takes_by_a_known_line() -> Browser:
    take_lines(mallory(), mallory(line_id="LV", msisdn=CHILD))
    known_for_long()
    browser = signed_in(the("LX"))
    report(moved_away(), mallory(line_id="LV", msisdn=NUMBER, number_changed_at=ago(MINUTE)))
    return browser


def moved_away() -> Row:
    return line_row(msisdn=BURNER, number_changed_at=ago(2 * MINUTE))


@pytest.mark.parametrize("take", [takes_by_a_new_line, takes_by_lines_that_come_together, takes_by_a_known_line])
def test_who_takes_a_stopped_number_allows_nothing(campaign: Campaign, take: Callable[[], Browser]) -> None:
    take_lines(line_row())
    known_for_long()
    stop(line_id=the("L1").pk, scope="all", actor="line:1", channel="web")
    a_safe_contact(the("L1"), msisdn=SAFE, at=timezone.now() - 3 * DAY)
    browser = take()
    assert queries.line_of_number(msisdn=NUMBER, at=timezone.now()) == the("LV")
    assert (opened(browser, the("LV")), press_allow(browser, the("LV"), campaign).status_code) == ([], 404)
    assert reason_against(line_id=the("LV").pk, campaign=campaign) == "no_approval"
    # Whoever has the phone, and whom its person chose to be warned as well.
    assert warnings(NUMBER) == [TAKEN]
    assert warnings(SAFE) == [as_contact_reads(NEW_NUMBER)]


def test_a_number_that_no_known_line_had_is_no_news() -> None:
    take_lines(line_row(deactivated_at="2025-06-01T00:00:00Z"), mallory(msisdn=NUMBER, activated_at=ago(DAY)))
    assert (warnings(NUMBER), the("LX").holder_known_at) == ([], None)


def test_an_end_tells_phone_and_safe_contact() -> None:
    take_lines(line_row())
    known_for_long()
    a_safe_contact(the("L1"), msisdn=SAFE, at=timezone.now() - 3 * DAY)
    report(line_row(deactivated_at=ago(30 * DAY)))
    report(line_row(deactivated_at=ago(31 * DAY)))
    assert warnings(NUMBER) == [ENDED]
    assert warnings(SAFE) == [as_contact_reads(ENDED)]


# --- warnings can't be used up


def test_many_changes_of_one_kind_silence_no_other() -> None:
    take_lines(line_row(user_role="user"))
    known_for_long()
    a_safe_contact(the("L1"), msisdn=SAFE, at=timezone.now() - 3 * DAY)
    for n in range(12):
        report(line_row(user_role="user", forwarding_changed_at=ago((60 - n) * MINUTE)))
    report(line_row(user_role="user", sim_changed_at=ago(3 * MINUTE)))
    for name in ("B", "C", "D", "E", "F", "G"):
        report(line_row(user_role="user", holder_name=name))
    report(line_row(user_role="user", holder_name="G", msisdn=BURNER, number_changed_at=ago(2 * MINUTE)))
    for number in (NUMBER, SAFE):
        kinds = [re.findall("forwarding|SIM|holder|another number", text)[0] for text in warnings(number)]
        assert kinds == ["forwarding"] * 5 + ["SIM"] + ["holder"] * 6 + ["another number"]


def test_what_the_phone_was_told_is_not_counted_for_its_safe_contact() -> None:
    take_lines(line_row(user_role="user"))
    known_for_long()
    for n in range(6):
        report(line_row(user_role="user", forwarding_changed_at=ago((60 - n) * MINUTE)))
    a_safe_contact(the("L1"), msisdn=SAFE, at=timezone.now() - 3 * DAY)
    report(line_row(user_role="user", forwarding_changed_at=ago(MINUTE)))
    assert (len(warnings(NUMBER)), len(warnings(SAFE))) == (5, 1)


# --- a company's question about a child's line


def test_a_new_holder_answers_no_question_with_yes_for_a_day() -> None:
    child = line_row(line_id="LC", msisdn=CHILD, user_role="minor")
    take_lines(line_row(), mallory(), child)
    known_for_long()
    report(child | {"account_id": "AX", "holder_name": "Mallory"})
    partner = a_partner()
    link = link_in(ask(partner, requestCaptureUrl=True, phoneNumber=CHILD)["captureUrl"])
    browser, _ = prove(link, MINE)
    assert browser.get(f"{link}yes/").url == link
    held = "This line has a new SIM, number, call forwarding or account. You can say no now. You can say yes from:"
    assert held in browser.get(link).text
    assert (
        browser.post(f"{link}yes/", {"notice": build_approval_notice(campaign=partner.campaign.ref).digest}).url == link
    )
    assert browser.post(f"{link}no/").status_code == 302
    assert list(Choice.objects.values_list("kind", "line_id")) == [("refuse", the("LC").pk)]


def test_the_holder_known_longest_answers_for_a_child() -> None:
    take_lines(line_row(), line_row(line_id="LC", msisdn=CHILD, user_role="minor"), mallory(account_id="AX"))
    known_for_long()
    report(line_row(line_id="LY", msisdn=PARENT, activated_at="2001-01-01T00:00:00Z"))
    report(mallory(account_id="A1"))
    answering = queries.answering_line(line=the("LC"), at=timezone.now())
    assert answering == the("L1")


def test_who_holds_a_line_is_new_for_exactly_a_day() -> None:
    take_lines(line_row(), line_row(line_id="LC", msisdn=CHILD, user_role="minor"))
    own, child = the("L1"), the("LC")
    signed_in(own)
    known, second = timezone.now() - 3 * DAY, timedelta(seconds=1)
    for line in (own, child):
        Line.objects.filter(pk=line.pk).update(holder_known_at=known)
        relations = [
            {one.line.pk: one.relation for one in queries.list_lines_of_person(user=user_of(own), at=known + DAY + by)}
            for by in (-second, timedelta(0))
        ]
        assert [one[child.pk] for one in relations] == [Relation.NEW_HOLDER, Relation.HOLDER_OF_MINOR]
        known += DAY


# --- who did it


FEED = "client:" + "f" * 200


def brought(*rows: Row) -> None:
    assert {fate.status for fate in taken(LinesFeed(actor=FEED), ndjson(rows))} == {"accepted"}


@pytest.fixture
def predecessor() -> Line:
    """A line that ended, whose person and a file had stopped sharing."""
    take_parties()
    take_lines(line_row(line_id="L0", msisdn=BURNER, activated_at="2024-01-01T00:00:00Z"), line_row())
    known_for_long()
    take_choices(choice_row(msisdn=BURNER, made_at="2024-06-01T00:00:00Z"))
    stop(line_id=the("L0").pk, scope="all", actor="line:1", channel="web")
    return the("L0")


def test_stops_that_a_machine_has_continued_name_it(predecessor: Line) -> None:
    brought(line_row(line_id="L9", msisdn=CHILD, continues_line_id="L0"))
    brought(line_row(continues_line_id="L0"))
    for line in (the("L1"), the("L9")):
        assert list(Choice.objects.filter(line_id=line.pk).values_list("actor", flat=True)) == [FEED] * 2
        events = AuditEvent.objects.filter(line_id=line.pk, at__gte=predecessor.recorded_at)
        actors = set(events.exclude(action="line.tenure_ended").values_list("actor", flat=True))
        assert actors <= {FEED}


def test_a_yes_that_ends_as_a_child_grows_up_names_the_machine(campaign: Campaign) -> None:
    take_lines(line_row(line_id="LP", msisdn=PARENT), line_row(user_role="minor"))
    known_for_long()
    signed_in(the("LP"))
    allow(
        line_id=the("L1").pk, campaign=campaign.ref, actor=f"subscriber:{user_of(the('LP')).pk}", channel="web"
    )  # fmt: skip
    brought(line_row(user_role="user"))
    assert Choice.objects.get(reason="grown_up").actor == FEED
    events = AuditEvent.objects.filter(line_id=the("L1").pk).exclude(actor__startswith="subscriber:")
    assert set(events.values_list("actor", flat=True)) == {FEED}


def test_releases_that_a_machine_moves_name_it() -> None:
    take_parties()
    take_lines(line_row())
    take_releases(release_row(occurred_at=ago(3 * DAY)))
    known_for_long()
    client = register_client(
        client_id="feed-1", kind=Client.Kind.FEED, public_jwk=dict(Signer("feed-1").public), party=None,
        actor="system:register_client", at=timezone.now(),
    )  # fmt: skip
    rows = [line_row(deactivated_at=ago(9 * DAY)), mallory(msisdn=NUMBER, activated_at=ago(8 * DAY))]
    reports.receive_lines(stream=io.BytesIO(ndjson(rows)), client_id=client.client_id, is_csv=False, at=timezone.now())
    moves = AuditEvent.objects.filter(action__in=("line.history_moved", "disclosures.given_back"))
    assert set(moves.values_list("actor", flat=True)) == {"client:feed-1"}
