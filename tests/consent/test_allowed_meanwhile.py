"""Whether somebody may say yes, or no for another, is looked at again in their turn: a file may have come meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Delegation, Line
from audit.queries import database_clock
from consent.actions.choices import allow
from consent.actions.signals import honour_signal
from consent.domain import snapshots
from consent.domain.consent_requests import token_of
from consent.models import Choice, ConsentRequest, PrivacySignal
from tests.consent.claiming import a_partner, digest_in, prove
from tests.factories import a_campaign, a_line, a_party
from tests.feeds import Row, line_row, take_lines, told
from tests.overlapping import elsewhere, overlap
from tests.people import signed_in, user_of
from tests.promises.delegates import taken_on

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
ROWS = {
    "LH": line_row(line_id="LH", msisdn="+12065550142"),
    "LC": line_row(line_id="LC", msisdn="+12065550102", user_role="minor"),
}
LATER = "2026-11-29T01:00:00Z"
OF_THE_HOLDER = [
    pytest.param("LH", {"sim_changed_at": LATER}, id="the holder has a new SIM"),
    pytest.param("LH", {"msisdn": "+12065550107", "number_changed_at": LATER}, id="the holder has a new number"),
]
OF_THE_CHILD = [
    pytest.param("LC", {"user_role": "user"}, id="the child grew up"),
    pytest.param("LC", {"account_id": "A2"}, id="the child's line left the account"),
]


@pytest.fixture
def holder() -> Line:
    assert told(take_lines(*ROWS.values())) == [("accepted",), ("accepted",)]
    return Line.objects.get(carrier_id="LH")


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Row], None]:
    """Let a file change a line once somebody was let through to say yes, and before it is their turn."""
    locks = snapshots.lock_lines

    def comes(of: str, change: Row) -> None:
        def first_a_file(**asked: Any) -> object:
            monkeypatch.setattr(snapshots, "lock_lines", locks)
            assert elsewhere(lambda: told(take_lines(ROWS[of] | change))) == [("accepted",)]
            return locks(**asked)

        monkeypatch.setattr(snapshots, "lock_lines", first_a_file)

    return comes


def allowed() -> int:
    return Choice.objects.filter(kind="allow").count()


@pytest.mark.parametrize(("of", "change"), [*OF_THE_HOLDER, *OF_THE_CHILD])
def test_no_yes_of_who_may_not_say_it_any_more(
    holder: Line, meanwhile: Callable[[str, Row], None], of: str, change: Row
) -> None:
    campaign, child, browser = a_campaign(), Line.objects.get(carrier_id="LC"), signed_in(holder)
    about = {"campaign": campaign.ref, "line": str(child.public_id)}
    page = browser.get(f"/choices/allow/?campaign={about['campaign']}&line={about['line']}")
    meanwhile(of, change)
    answer = browser.post("/choices/allow/", {**about, "days": "", "notice": digest_in(page)})
    assert (answer.status_code, answer.url, allowed()) == (302, "/home/", 0)


@pytest.mark.parametrize("by", ["code", "password"])
@pytest.mark.parametrize(("of", "change"), [*OF_THE_HOLDER, *OF_THE_CHILD])
def test_nor_is_a_company_s_question_answered_with_one(
    holder: Line, meanwhile: Callable[[str, Row], None], of: str, change: Row, by: str
) -> None:
    partner, child = a_partner(), Line.objects.get(carrier_id="LC")
    assert partner.one(partner.claim(msisdn="+12065550102"))[0] == 200
    path = f"/ask/{token_of(ask_id=ConsentRequest.objects.get(line_id=child.pk).id)}/"
    browser = signed_in(holder) if by == "password" else prove(path, "+12065550142")[0]
    notice = digest_in(browser.get(f"{path}yes/"))
    meanwhile(of, change)
    # Whoever is held may answer later; whoever has nothing to say there any more finds no question.
    answer = browser.post(f"{path}yes/", {"notice": notice})
    assert (browser.get(answer.url).status_code, allowed()) == (200 if of == "LH" else 404, 0)


@pytest.mark.parametrize(("of", "change"), [*OF_THE_HOLDER, *OF_THE_CHILD])
def test_nor_does_one_outweigh_a_browser_s_signal(
    holder: Line, meanwhile: Callable[[str, Row], None], of: str, change: Row
) -> None:
    child, browser, person = Line.objects.get(carrier_id="LC"), signed_in(holder), f"subscriber:{user_of(holder).pk}"
    allow(line_id=child.pk, campaign=a_campaign().ref, actor=person, channel="web")
    assert honour_signal(line_id=child.pk, actor=person, at=database_clock()).stopped == 0
    meanwhile(of, change)
    answer = browser.post("/choices/signal/", {"line": str(child.public_id), "answer": "keep"})
    assert (answer.status_code, PrivacySignal.objects.get().answer) == (404, "")


@pytest.mark.parametrize(("of", "change"), OF_THE_HOLDER)
def test_nor_is_anybody_asked_to_look_after_the_line(holder: Line, of: str, change: Row) -> None:
    browser = signed_in(holder)
    asked = {"number": "(206) 555-0188", "may": "see", "day": (timezone.now() + timedelta(days=9)).date().isoformat()}
    _, answer = overlap(lambda: take_lines(ROWS[of] | change), lambda: browser.post("/lines/delegates/", asked))
    assert (answer.status_code, answer.url, Delegation.objects.count()) == (302, "/lines/delegates/", 0)
    assert "You can stop sharing now. The rest waits 24 hours." in browser.get(answer.url).text


NOS = {
    "stop": ("/choices/stop/", {"scope": "all", "ref": ""}),
    "several": ("/choices/stop/", {"several": "1", "ref": "https://one.example"}),
    "pause": ("/choices/pause/", {"scope": "all", "ref": "", "length": "7"}),
    "dispute": ("/choices/dispute/", {"scope": "all", "ref": ""}),
    "signal": ("/choices/signal/stop/", {}),
}


@pytest.mark.parametrize("no", NOS)
@pytest.mark.parametrize(("of", "change"), OF_THE_CHILD)
def test_nor_is_anything_stopped_for_a_child_that_is_theirs_no_more(
    holder: Line, meanwhile: Callable[[str, Row], None], of: str, change: Row, no: str
) -> None:
    a_party("One")
    child, browser, (address, said) = Line.objects.get(carrier_id="LC"), signed_in(holder), NOS[no]
    meanwhile(of, change)
    answer = browser.post(address, {**said, "line": str(child.public_id)})
    assert (answer.status_code, Choice.objects.count()) == (404, 0)


@pytest.mark.parametrize("no", NOS)
def test_a_new_sim_of_the_holder_s_keeps_no_stop_from_their_child(
    holder: Line, meanwhile: Callable[[str, Row], None], no: str
) -> None:
    a_party("One")
    child, browser, (address, said) = Line.objects.get(carrier_id="LC"), signed_in(holder), NOS[no]
    meanwhile("LH", {"sim_changed_at": LATER})
    answer = browser.post(address, {**said, "line": str(child.public_id)})
    assert (answer.status_code, Choice.objects.filter(line_id=child.pk).count()) == (302, 1)


@pytest.mark.parametrize("no", ["stop", "several", "pause"])
def test_nor_by_a_helper_whom_the_line_s_person_sent_away_meanwhile(
    holder: Line, monkeypatch: pytest.MonkeyPatch, no: str
) -> None:
    a_party("One")
    person, helper, made = taken_on(holder, a_line(msisdn="+12065550188"))
    locks, (address, said) = snapshots.lock_lines, NOS[no]

    def first_the_end(**asked: Any) -> object:
        monkeypatch.setattr(snapshots, "lock_lines", locks)
        assert elsewhere(lambda: person.post(f"/lines/delegates/{made.pk}/end/")).url == "/lines/delegates/"
        return locks(**asked)

    monkeypatch.setattr(snapshots, "lock_lines", first_the_end)
    answer = helper.post(address, {**said, "line": str(holder.public_id)})
    assert (answer.status_code, Choice.objects.count()) == (404, 0)
