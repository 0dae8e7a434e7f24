"""Texts about codes, ways in, helpers, safe numbers and our records of a line: the whole words that each phone gets."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actions.codes import BY_TEXT, text_code
from accounts.actions.sign_ins import record_device
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, TextedCode
from support.domain import tickets
from support.models import Ticket
from tests.factories import a_line
from tests.feeds import Row, line_row, take_lines
from tests.people import (
    Browser,
    asked_for_new_password,
    newest_text,
    number_of,
    sign_in,
    signed_in,
    texts_by_day,
    user_of,
)
from tests.support.desk import asks
from tests.words.expected import LANGUAGES
from tests.words.pages import main, opened, press
from tests.words.transcripts import assert_as_before, masked, wrapped

pytestmark = pytest.mark.usefixtures("db", "no_broker", "clock")
SAFE = "+12065550185"


class Phones:
    """What each phone got, by what happened."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.told: list[tuple[str, list[str]]] = []

    def after(self, title: str, *numbers: str) -> None:
        """Keep what these phones got since the last time."""
        for number in numbers:
            got = sorted(
                masked(text.text.replace(text.code, "‹code›") if text.code else text.text)
                for text in texts_by_day(number)
            )
            whose = "" if number == numbers[0] else ", the other phone"
            self.told.append((f"{title}{whose} ({self.language})", [part for one in got for part in wrapped(one)]))
        MemoryBackend.outbox.clear()


def _forget(*numbers: str) -> None:
    """What a sign-in says is read elsewhere."""
    for number in numbers:
        texts_by_day(number)
    MemoryBackend.outbox.clear()


def test_ways_in() -> None:
    told = []
    for language in LANGUAGES:
        phones, line = Phones(language), a_line(language=language)
        number, now = number_of(line), timezone.now()
        person = sign_in(line)
        phones.after("a first sign-in", number)
        record_device(user=user_of(line), device="Another browser", at=now)
        phones.after("another browser", number)
        Browser().post("/stop/", {"number": number})
        phones.after("a stop asked for", number)
        text_code(msisdn=number, purpose=TextedCode.Purpose.STOP, asker=BY_TEXT, at=now)
        phones.after("a stop asked for by text", number)
        text_code(msisdn=number, purpose=TextedCode.Purpose.STOP_FOR, asker="desk", at=now)
        phones.after("a stop asked for by our support", number)
        link = asked_for_new_password(line)
        phones.after("a new password asked for", number)
        Browser().post(link)
        phones.after("a new password canceled", number)
        person.post("/lines/contact/", {"number": SAFE})
        code = newest_text(SAFE).code
        phones.after("a safe number asked for", number, SAFE)
        person.post("/lines/contact/code/", {"code": code})
        phones.after("a safe number proved", number, SAFE)
        opened(person, "/help/", language)
        case = asks(person)
        tickets.answer(ticket=case, body="Us.", actor="agent:1", then=Ticket.State.SOLVED, at=timezone.now())
        phones.after("a case answered", number, SAFE)
        told += phones.told
    assert_as_before("texts_of_ways_in", told)


def test_others_of_a_line() -> None:
    told = []
    for language in LANGUAGES:
        phones = Phones(language)
        holder, line = a_line(account=f"A-{language}"), a_line(account=f"A-{language}", role="user", language=language)
        friend, number = a_line(language=language), number_of(line)
        signed_in(holder).post("/lines/invite/", {"line": str(line.public_id)})
        phones.after("invited by the account holder", number)
        person, helper = signed_in(line), signed_in(friend)
        _forget(number, number_of(friend))
        until = f"{timezone.now() + timedelta(days=30):%Y-%m-%d}"
        person.post("/lines/delegates/", {"number": number_of(friend), "may": "both", "day": until})
        phones.after("a helper asked", number, number_of(friend))
        (path,) = set(re.findall(r'href="(/lines/asked/[0-9a-f-]+/)"', helper.get("/lines/").text))
        press(helper, main(helper, path), "Yes, I'll help")
        phones.after("a helper said yes", number, number_of(friend))
        helper.post(path, {"answer": "end"})
        phones.after("a helper ended it", number, number_of(friend))
        told += phones.told
    assert_as_before("texts_of_others", told)


def test_records_that_changed() -> None:
    told = []
    changes: dict[str, Callable[[], Row]] = {
        "another SIM": lambda: {"sim_changed_at": timezone.now().isoformat()},
        "another forwarding": lambda: {"forwarding_changed_at": timezone.now().isoformat()},
        "the line ended": lambda: {"deactivated_at": timezone.now().isoformat()},
    }
    for at, language in enumerate(LANGUAGES):
        phones = Phones(language)
        for n, (title, change) in enumerate(changes.items()):
            number = f"+1206555{at}{n}01"
            row = line_row(line_id=f"L-{at}{n}", msisdn=number, account_id=f"A-{at}{n}", language=language)
            take_lines(row)
            line = Line.objects.get(carrier_id=f"L-{at}{n}")
            Line.objects.filter(pk=line.pk).update(recorded_at=timezone.now() - timedelta(days=30))
            signed_in(line)
            _forget(number)
            take_lines(row | change())
            phones.after(title, number)
        told += phones.told
    assert_as_before("texts_of_records", told)
