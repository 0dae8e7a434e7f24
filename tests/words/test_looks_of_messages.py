"""What was done and what was not look different: the note at the top of the next page tells them apart."""

import pytest

from tests.factories import a_campaign, a_line, an_approval
from tests.people import Browser, signed_in
from tests.words.pages import read

pytestmark = pytest.mark.usefixtures("db", "no_broker")


def noted(browser: Browser, path: str) -> list[tuple[str, str]]:
    """The notes that a page begins with, each with how it looks."""
    notes = read(browser.get(path).text).one("div", of_class="messages").all("p")
    return [(one.attributes["class"], one.words) for one in notes]


def test_done_and_not_done() -> None:
    line = a_line()
    an_approval(line, a_campaign())
    person = signed_in(line)
    page = person.post("/choices/stop/", {"several": "1"})
    assert noted(person, page.url) == [("notice error", "Nothing was stopped. Choose at least one company.")]
    page = person.post("/lines/contact/remove/")
    assert noted(person, page.url) == [("notice success", "We now send alerts about this line to its own phone.")]
