"""A form from one day to another says so where the last day is before the first; nothing is listed as if it were so."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.factories import a_line
from tests.people import sign_in
from tests.support.officers import staff
from tests.words.pages import read

pytestmark = pytest.mark.usefixtures("db")
REVERSED = "This day is before the first day. Choose a later one."


def test_the_history_says_that_days_are_reversed() -> None:
    browser, days = sign_in(a_line()), "since=2026-05-02&until=2026-05-01"
    assert REVERSED in browser.get(f"/history/?{days}").text
    for name in ("csv", "json"):
        answer = browser.get(f"/history/download.{name}?{days}")
        assert (answer.status_code, answer.url) == (302, f"/history/?{days}")
    for right in ("since=2026-05-02&until=2026-05-02", "since=2026-05-02", "until=2026-05-01", ""):
        assert REVERSED not in browser.get(f"/history/?{right}").text


def test_the_figures_of_the_desk_say_so() -> None:
    page = staff("officer", name="in order").client.get("/desk/figures/?since=2026-05-02&until=2026-05-01")
    assert REVERSED in page.content.decode()


def test_who_did_what_says_so() -> None:
    officer = staff("officer", name="reversed")
    page = read(officer.client.get("/admin/trail/?from=2026-05-02&to=2026-05-01").content.decode()).one("main").words
    assert "The last day is before the first. Choose a later last day." in page
    assert "No matches" not in page
    assert "Export as CSV" not in page
    answer = officer.client.get("/admin/trail/export/?from=2026-05-02&to=2026-05-01")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/trail/?from=2026-05-02&to=2026-05-01")


def test_the_check_of_the_trail_says_so() -> None:
    days = {"since": "2026-05-02T00:00:00Z", "until": "2026-05-01T00:00:00Z"}
    with pytest.raises(CommandError, match="--to is before --from"):
        call_command("verify_audit", f"--from={days['since']}", f"--to={days['until']}", stdout=StringIO())
    for wrong in ("2026-05-01T00:00:00", "yesterday"):
        with pytest.raises(CommandError, match=f"--to: '{wrong}' is no time with its offset, as in 2026-"):
            call_command("verify_audit", f"--to={wrong}", stdout=StringIO())
