"""What files and partners' books say is taken up to its very moment, and two moments that are one are in order."""

import json
from base64 import b64encode
from datetime import datetime, timedelta
from io import BytesIO

import pytest

from accounts.models import Line, Message
from audit.queries import database_clock
from consent.domain.digest_books import BUCKETS, WIDTH
from consent.feeds.choices import ChoicesFeed
from consent.feeds.digests import DigestRefused, read
from consent.feeds.lines import LinesFeed
from consent.models import Choice
from partners.feeds.command import Feed
from partners.feeds.parties import PartiesFeed
from partners.feeds.reading import NumberedLine, numbered_lines
from tests.feeds import (
    NUMBER,
    Row,
    choice_row,
    line_row,
    moment,
    ndjson,
    parties_document,
    take_choices,
    take_lines,
    take_parties,
    told,
)
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")
N2 = "+12065550177"
MARCH, APRIL, MAY = (f"2025-0{month}-01T00:00:00Z" for month in (3, 4, 5))
HOUR = timedelta(hours=1)


def fate(feed: Feed, row: Row, at: datetime) -> tuple[object, ...]:
    with undone():
        return told(feed.take(lines=[*numbered_lines(BytesIO(ndjson([row])))], at=at))[0]


def test_nothing_that_a_file_says_lies_ahead() -> None:
    now = database_clock()
    for feed, name in ((LinesFeed, "sim_changed_at"), (LinesFeed, "deactivated_at"), (ChoicesFeed, "made_at")):
        for at, expected in ((now, ("accepted",)), (now + A_MOMENT, ("rejected", name, "in_future"))):
            with undone():
                row = {name: at.isoformat()}
                if feed is ChoicesFeed:
                    take_parties()
                    take_lines(line_row())
                    assert fate(ChoicesFeed(), choice_row(**row), now) == expected
                else:
                    assert fate(LinesFeed(), line_row(**row), now) == expected, name


def test_no_contract_is_signed_ahead() -> None:
    now, document = database_clock(), parties_document()
    for at, found in ((now, ("accepted",)), (now + A_MOMENT, ("rejected", "signed_at", "in_future"))):
        document["contracts"][0]["signed_at"] = at.isoformat()
        with undone():
            fates = PartiesFeed().take(lines=[NumberedLine(1, json.dumps(document).encode())], at=now)
            assert [told([one])[0] for one in fates if one.line == "contracts[0]"] == [found]


def test_a_number_begins_before_its_line_ends_and_where_another_s_ends() -> None:
    assert told(take_lines(line_row(number_changed_at=APRIL, deactivated_at=APRIL))) == [
        ("rejected", "number_changed_at", "after_deactivated_at")
    ]
    assert told(take_lines(line_row(activated_at=APRIL))) == [("accepted",)]
    assert told(take_lines(line_row(line_id="L2", activated_at=MARCH, deactivated_at=APRIL))) == [("accepted",)]
    # A line that has its number from its first moment on did not change it.
    assert told(take_lines(line_row(line_id="L3", msisdn=N2, number_changed_at="2025-01-01T00:00:00Z"))) == [
        ("accepted",)
    ]
    assert Line.objects.get(carrier_id="L3").number_changed_at is None


def test_what_one_file_begins_is_no_news_to_anybody() -> None:
    feed, at = LinesFeed(), database_clock()
    rows = (
        line_row(deactivated_at=MARCH),
        line_row(line_id="L2", activated_at=MARCH, account_id="A2"),
        line_row(line_id="L2", activated_at=MARCH, account_id="A2", sim_changed_at=MAY),
        line_row(line_id="L3", msisdn=N2, account_id="A2", user_role="minor"),
        line_row(line_id="L3", msisdn=NUMBER, account_id="A2", user_role="minor", number_changed_at=MAY),
        line_row(line_id="L2", activated_at=MARCH, account_id="A2", deactivated_at=APRIL),
    )
    for row in rows:
        feed.take(lines=[*numbered_lines(BytesIO(ndjson([row])))], at=at)
    feed.finish(at=at)
    holds = Line.objects.order_by("carrier_id").values_list("carrier_id", "change_known_at", "holder_known_at")
    assert list(holds) == [("L1", None, None), ("L2", None, None), ("L3", None, None)]
    assert Message.objects.count() == 0


def test_a_held_stop_is_whose_number_it_was_at_its_moment() -> None:
    take_choices(choice_row(made_at=MARCH))
    before = (moment(MARCH) + A_MOMENT).isoformat()
    for since, stops in ((before, 0), (MARCH, 1)):
        with undone():
            take_lines(line_row(activated_at=since))
            assert Choice.objects.filter(kind="stop").count() == stops


def test_a_partner_s_books_are_of_the_last_six_hours() -> None:
    as_of, buckets = database_clock(), b64encode(bytes(BUCKETS * WIDTH)).decode()
    body = json.dumps({"as_of": as_of.isoformat(), "entries": 0, "buckets": buckets}).encode()

    def is_read(at: datetime) -> bool:
        try:
            read(stream=BytesIO(body), is_packed=False, at=at)
        except DigestRefused:
            return False
        return True

    assert begins_at(is_read, as_of - timedelta(seconds=5))
    assert ends_at(is_read, as_of + 6 * HOUR + A_MOMENT)
