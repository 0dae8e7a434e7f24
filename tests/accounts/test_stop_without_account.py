"""`/stop/`: a number, a code, one button, and a link that shows how far it has come."""

import json
import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Line
from consent.models import Choice, LineGate, ProgressLink
from revocations.models import State
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.orders import bring_to
from tests.people import Browser, newest_text, number_of, texts_to

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")

STRANGER = "+13605550199"


def proved(line: Line) -> Browser:
    client, msisdn = Browser(), number_of(line)
    client.post("/stop/", {"number": msisdn})
    assert client.post("/stop/code/", {"code": newest_text(msisdn).code}).url == "/stop/all/"
    return client


def test_three_actions_stop_everything() -> None:
    line = a_line()
    an_approval(line, a_campaign(a_contract(a_party("NorthLink"))))
    client, msisdn = Browser(), number_of(line)
    assert re.search(r'<input type="tel" name="number"', client.get("/stop/").text)
    client.post("/stop/", {"number": msisdn})
    assert re.search(r'<input [^>]*name="code"', client.get("/stop/code/").text)
    client.post("/stop/code/", {"code": newest_text(msisdn).code})
    assert '<button class="main" name="stop-all" value="1">' in client.get("/stop/all/").text
    response = client.post("/stop/all/", {"stop-all": "1"})
    choice = Choice.objects.get(line_id=line.pk)
    assert (choice.kind, choice.scope, choice.actor) == ("stop", "all", f"line:{line.pk}")
    assert list(LineGate.objects.get(pk=line.pk).stops) == ["all"]
    page = client.get(response.url).text
    assert 'data-told="1"' in page
    assert "Reload this page to see updates." in page
    assert "NorthLink" not in page
    assert msisdn not in page


@pytest.mark.parametrize("zero", ["\N{FULLWIDTH DIGIT ZERO}", "\N{ARABIC-INDIC DIGIT ZERO}"])
def test_number_and_code_may_be_typed_with_the_digits_of_ones_own_keyboard(zero: str) -> None:
    line, client = a_line(), Browser()
    own = {ord(str(digit)): ord(zero) + digit for digit in range(10)}
    client.post("/stop/", {"number": number_of(line).removeprefix("+1").translate(own)})
    code = newest_text(number_of(line)).code.translate(own)
    assert client.post("/stop/code/", {"code": f"{code[:3]} {code[3:]}"}).url == "/stop/all/"


def test_the_link_needs_no_session_and_lasts_thirty_days() -> None:
    client = proved(a_line())
    link = client.post("/stop/all/", {"stop-all": "1"}).url
    # It is not kept in the open.
    assert link.split("/")[-2] not in str(dict(client.client.session))
    response = Browser().get(link)
    assert response.status_code == 200
    number = re.search(r"WB-\w{4}-\w{2}", response.text)
    assert number
    receipt = json.loads(Browser().get(f"{link}receipt.json").text)
    assert receipt["receipt"] == number.group()
    assert receipt["token"].count(".") == 2
    assert Browser().get("/stop/progress/made-up/").status_code == 404
    ProgressLink.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert Browser().get(link).status_code == 404
    assert Browser().get(f"{link}receipt.json").status_code == 404


def test_line_is_told_by_text_and_neither_company_nor_choice_is_named() -> None:
    line = a_line()
    an_approval(line, a_campaign(provider=a_party("RoadAid", "lbs_provider")))
    proved(line).post("/stop/all/", {"stop-all": "1"})
    told = newest_text(number_of(line))
    assert told.text == (
        "localhost: the change you made for this phone's location is in force. If it wasn't you, sign in and check: "
        "http://localhost:8000/home/"
    )
    assert told.code == ""


def test_without_the_code_there_is_no_button() -> None:
    line = a_line()
    client = Browser()
    assert client.get("/stop/all/").url == "/stop/"
    client.post("/stop/", {"number": number_of(line)})
    assert client.post("/stop/all/", {"stop-all": "1"}).url == "/stop/"
    assert Choice.objects.count() == 0


def test_the_button_pressed_twice_stops_once() -> None:
    client = proved(a_line())
    link = client.post("/stop/all/", {"stop-all": "1"}).url
    assert link.startswith("/stop/progress/")
    assert client.post("/stop/all/", {"stop-all": "1"}).url == link
    assert client.get("/stop/all/").url == link
    assert Choice.objects.count() == 1
    assert Browser().get("/stop/all/").url == "/stop/"
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert client.get("/stop/all/").url == "/stop/"


def test_the_link_claims_no_more_than_is_known() -> None:
    line = a_line(state="WA")
    campaign = a_campaign(a_contract(a_party("NorthLink")))
    an_approval(line, campaign)
    link = proved(line).post("/stop/all/", {"stop-all": "1"}).url
    bring_to(State.PARTIAL, completed_at=timezone.now())
    page = Browser().get(link).text
    assert "Your stop took effect on" in page
    assert "(Pacific time)" in page
    assert "Signed in part: a company that gets data from them has not signed yet</dt><dd>1</dd>" in page
    assert "looking into it" not in page
    assert "Blocked since" not in page


def test_a_sign_in_code_does_not_stop() -> None:
    line = a_line()
    client, msisdn = Browser(), number_of(line)
    Browser().post("/accounts/login/", {"number": msisdn})
    client.post("/stop/", {"number": msisdn})
    to_sign_in = texts_to(msisdn)[0].code
    if to_sign_in != texts_to(msisdn)[1].code:
        assert client.post("/stop/code/", {"code": to_sign_in}).status_code == 200


def test_the_first_page_may_be_found_by_search() -> None:
    assert "noindex" not in Browser().get("/stop/").text
    link = proved(a_line()).post("/stop/all/", {"stop-all": "1"}).url
    assert "noindex" in Browser().get(link).text
