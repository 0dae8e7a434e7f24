"""What another line's history holds is held on every page about that line, whichever way its address is written."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Line
from consent.actions.choices import stop
from tests.factories import a_line
from tests.people import signed_in
from tests.promises.delegates import taken_on

pytestmark = pytest.mark.usefixtures("db", "no_broker")


def test_a_choice_s_address_opens_no_held_line() -> None:
    own = a_line(account="A-1")
    child = a_line(account="A-1", role="minor")
    made = stop(line_id=child.pk, scope="all", actor="subscriber:0", channel="web")
    browser, where = signed_in(own), f"line={child.public_id}"
    paths = [
        f"/choices/{made.choice_id}/{page}" for page in ("", "progress/", "receipt/", "receipt.json", "receipt.pdf")
    ]
    assert [browser.get(path).status_code for path in paths] == [200] * len(paths)
    Line.objects.filter(pk=child.pk).update(history_known_at=timezone.now())
    assert [browser.get(f"{path}?{where}").status_code for path in paths] == [403] * len(paths)
    assert [browser.get(path).status_code for path in paths] == [403] * len(paths)
    assert browser.get("/choices/").status_code == 200, "what is one's own stays open"


def test_a_helper_s_lists_read_the_clock_along_with_the_lines() -> None:
    """However many lines they look after, and however long ago what held these is over."""
    friend, counted = a_line(), []
    for _one_more in range(3):
        line = a_line()
        taken_on(line, friend)
        Line.objects.filter(pk=line.pk).update(history_known_at=timezone.now() - timedelta(days=2))
        browser = signed_in(friend)
        for page in ("/lines/", "/help/"):
            browser.get(page)
            with CaptureQueriesContext(connection) as asked:
                assert browser.get(page).status_code == 200
            counted.append((page, sum("audit_now" in one["sql"] for one in asked), len(asked)))
    assert counted[:2] == counted[2:4] == counted[4:]
