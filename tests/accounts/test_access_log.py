"""A person's access log: what one member of staff did within minutes is one line, which opens to each entry."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

import audit.actions
from accounts.models import LineUser
from tests.factories import a_line
from tests.people import signed_in

pytestmark = pytest.mark.usefixtures("db")


def test_a_member_s_minutes_of_work_are_one_line() -> None:
    line, at = a_line(), timezone.now()
    looks = {2700: "agent:7", 1800: "agent:7", 899: "agent:7", 840: "agent:8", 780: "agent:7", 700: "agent:7"}
    for ago, actor in looks.items():
        action = "case.exported" if ago == 2700 else "case.seen"
        audit.actions.record(
            action=action, actor=actor, target="ticket:T-1", line_id=line.pk, reason=f"{ago} ago",
            at=at - timedelta(seconds=ago),
        )  # fmt: skip
    page = signed_in(line).get("/access-log/").text
    visits = [card for card in page.partition("</main>")[0].split('<div class="head">') if "Reason given:" in card]
    assert [re.findall(r"Reason given: (\d+ ago)", one) for one in visits] == [
        ["700 ago", "780 ago"], ["840 ago"], ["899 ago"], ["1800 ago", "2700 ago"],
    ]  # fmt: skip
    # What was done is said once, before it is opened; and with each entry.
    assert [(one.partition("<details")[0].count("<p>"), one.count("<p>")) for one in visits] == [
        (1, 3), (1, 1), (1, 1), (2, 4),
    ]  # fmt: skip
    assert [re.findall(r"Show \d+ entries", one) for one in visits] == [["Show 2 entries"], [], [], ["Show 2 entries"]]


def test_where_a_person_just_got_this_line_nothing_is_in_its_log() -> None:
    line, added = a_line(), a_line()
    browser = signed_in(line)
    LineUser.objects.filter(line=added).delete()
    LineUser.objects.filter(line=line).update(line=added)
    page = browser.get(f"/access-log/?line={added.public_id}").text
    page = " ".join(re.sub(r"<[^>]+>", " ", unescape(page)).split())
    assert "No one has looked When someone does, you'll see it here with the reason they gave." in page
