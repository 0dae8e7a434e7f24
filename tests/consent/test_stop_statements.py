"""How many statements each step of a stop without an account takes: while many people stop, each of them counts."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Line
from consent.domain.notices import build_stop_notice
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import Browser, newest_text, number_of, sign_in

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def stopped(line: Line, *, told: int = 2) -> dict[str, int]:
    """By step of one whole stop, the statements it took; what begins and ends transactions is counted too."""
    browser, number, took = Browser(), number_of(line), dict[str, int]()

    def step(name: str, path: str, given: dict[str, str] | None = None) -> str:
        with CaptureQueriesContext(connection) as seen:
            page = browser.get(path) if given is None else browser.post(path, given)
        took[name] = len(seen)
        return page.url or page.text

    step("page", "/stop/")
    step("number", "/stop/", {"number": number})
    step("page for the code", "/stop/code/")
    step("code", "/stop/code/", {"code": newest_text(number).code})
    digest = re.search(r'name="notice" value="(\w+)"', step("page with the button", "/stop/all/"))
    assert digest
    link = step("button", "/stop/all/", {"stop-all": "1", "notice": digest[1]})
    assert f'data-told="{told}"' in step("progress", link)
    return took


def a_customer(*partners: str) -> Line:
    line = a_line()
    for name in partners:
        an_approval(line, a_campaign(a_contract(a_party(name)), a_party(f"{name} finds", "lbs_provider")))
    return line


def test_each_step_takes_so_many_statements() -> None:
    stopped(a_customer("GeoBridge", "NorthLink"))  # the partners' keys are made, the notice is kept
    assert stopped(a_customer("GeoBridge", "NorthLink")) == {
        "page": 1, "number": 9, "page for the code": 2, "code": 12, "page with the button": 4, "button": 25,
        "progress": 7,
    }  # fmt: skip


def test_where_nobody_is_to_be_told_nothing_is_asked_about_partners() -> None:
    stopped(a_customer(), told=0)
    assert stopped(a_customer(), told=0)["button"] == 19


def test_a_stop_by_somebody_who_is_signed_in_takes_as_few() -> None:
    def stop() -> int:
        browser = sign_in(a_customer("GeoBridge", "NorthLink"))
        form = {"scope": "all", "ref": "", "notice": build_stop_notice().digest}
        with CaptureQueriesContext(connection) as seen:
            assert browser.post("/choices/stop/", form).url.startswith("/choices/")
        return len(seen)

    assert [stop(), stop()][1] == 24
