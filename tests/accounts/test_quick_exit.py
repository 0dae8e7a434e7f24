"""Leave quickly: the session is over, nothing is kept, and the browser is shown nothing until its person goes on."""

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import BrowserSession
from tests.factories import a_line
from tests.people import Browser, sign_in, sign_in_by_code, user_of

pytestmark = pytest.mark.usefixtures("db")


def test_leaving_quickly_ends_everything_at_once() -> None:
    client = sign_in(a_line())
    client.client.handler.enforce_csrf_checks = True
    response = client.post("/leave/")
    assert (response.status_code, response.url) == (303, "/away/")
    assert response.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert {name: morsel["max-age"] for name, morsel in client.client.cookies.items()} == {
        "sessionid": 0,
        "csrftoken": 0,
        "device": 0,
    }
    assert "Whereabouts" not in client.get("/away/").text
    assert client.get("/lines/").url == "/accounts/login/?next=/lines/"


def test_no_cookie_of_another_site_keeps_anybody_here() -> None:
    """Any site under the same domain may leave a cookie without a name, or by one that can't be written back."""
    person = sign_in(a_line())
    own = f"sessionid={person.client.cookies['sessionid'].value}"
    answer = person.client.post("/leave/", headers={"Cookie": f"nameless; {own}; a(b)=1; =2"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/away/")
    assert answer.cookies["sessionid"]["max-age"] == 0
    assert not BrowserSession.objects.filter(user__isnull=False).exists()


def test_a_browser_that_left_is_shown_a_blank_page() -> None:
    client = Browser()
    client.post("/leave/")
    assert client.get("/away/", **{"Sec-Fetch-Mode": "navigate"}).status_code == 200
    left = client.client.cookies["sessionid"]
    assert (left.value, left["max-age"], left["httponly"], left["samesite"]) == ("left", 3600, True, "Lax")
    for path in ("/", "/help/", "/home/", "/stop/", "/nothing-here/"):
        assert client.get(path, **{"Sec-Fetch-Mode": "navigate"}).url == "/away/"
    # What a page in another tab asks for by itself makes that page blank as a whole.
    asked = client.client.get("/desk/counts/", headers={"Sec-Fetch-Mode": "cors", "HX-Request": "true"})
    assert (asked.status_code, asked["HX-Refresh"], asked.content) == (204, "true", b"")
    assert client.post("/away/").url == "/"
    assert client.get("/", **{"Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_no_page_that_can_be_left_is_kept() -> None:
    for path in ("/", "/help/", "/safety/", "/stop/", "/nothing-here/", "/accounts/login/"):
        assert {"no-store", "private"} <= set(Browser().get(path).headers["Cache-Control"].split(", ")), path
    # A link of somebody else's sends nobody away.
    client = Browser()
    assert client.get("/away/", **{"Sec-Fetch-Site": "cross-site"}).status_code == 200
    assert not client.client.cookies


NOT_DONE = "What you just sent didn't go through. Sign in and send it again."


def test_what_is_sent_signed_out_is_said_not_done() -> None:
    client = Browser()
    assert NOT_DONE not in client.get(client.get("/lines/").url).text
    door = client.post("/choices/stop/", {"scope": "all"}).url
    assert door == "/accounts/login/?next=/home/&sent=1"
    assert client.get(door).text.count(NOT_DONE) == 1
    assert NOT_DONE not in client.get("/accounts/login/?next=/home/").text
    # What is typed there is done.
    assert NOT_DONE not in client.post("/accounts/login/", {"number": "0"}).text


def test_so_is_what_is_sent_to_the_desk() -> None:
    client = Browser()
    door = client.post("/desk/X/write/draft/answer/", {"body": "Half a sentence"}).url
    assert door == "/accounts/login/staff/?next=%2Fdesk%2F&sent=1"
    assert client.get(door).text.count(NOT_DONE) == 1


def test_what_is_sent_without_a_sign_in_begins_no_session(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client = Browser()
    with django_assert_num_queries(0):
        sent = client.post("/settings/", {"language": "es"})
    assert (sent.url, dict(client.client.cookies)) == ("/accounts/login/?next=/home/&sent=1", {})
    assert not BrowserSession.objects.exists()


def test_what_is_sent_after_a_password_change_is_not_done() -> None:
    line = a_line()
    here, user = sign_in(line), user_of(line)
    user.set_password("three other words")
    user.save()
    door = here.post("/settings/", {"language": "es"}).url
    assert door == "/accounts/login/?next=/home/&sent=1"
    assert here.get(door).text.count(NOT_DONE) == 1


def test_proof_that_is_missing_is_asked_for_without_these_words() -> None:
    door = sign_in_by_code(a_line()).post("/choices/allow/").url
    assert door == "/accounts/password/set/?next=%2Fhome%2F"


def test_an_address_for_forms_alone_is_never_a_blank_page() -> None:
    for path in ("/choices/stop/", "/choices/dispute/", "/stop/again/", "/leave/"):
        by_hand = Browser().get(path, Accept="text/html,*/*;q=0.8")
        assert (by_hand.status_code, by_hand.headers["Allow"]) == (405, "POST")
        assert "There is nothing at this address." in by_hand.text
        assert by_hand.headers["X-Frame-Options"] == "DENY"
    # Whoever asks for no page is told by the status alone.
    of_a_script = {"Accept": "text/html,*/*;q=0.8", "HX-Request": "true"}
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "text/*"}, of_a_script):
        told = Browser().get("/choices/stop/", **headers)
        assert (told.status_code, told.headers["Allow"], told.text) == (405, "POST", "")
