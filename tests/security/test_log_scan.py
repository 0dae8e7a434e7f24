"""A day's work with every logger at its most talkative: no number, name, code, token or place in what is written.

What is written is looked at as it leaves, and before the last step that blots things out: our own code must not lean on
that.
"""

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.clients.texts import MemoryBackend
from consent.gate.deciding import evaluate
from consent.gate.shapes import Question
from portal.logs import configure
from revocations.workers.delivery import delivery_rounds
from tests.feeds import approval_row, line_row, ndjson, parties_document, release_row
from tests.partners.outside import Answer, Outside
from tests.people import NO_CODE, PASSWORD, sign_in
from tests.revocations.scenes import a_scene, deliver, stop_all

pytestmark = pytest.mark.usefixtures("db", "no_broker")

NUMBER, NAME = "+12065550177", "Marguerite Oyelaran"
PLACE = re.compile(r"[-+]?\d{1,2}\.\d{4,},\s*[-+]?\d{1,3}\.\d{4,}")
ANY_NUMBER = re.compile(r"\+\d{10,15}\b")
ANY_TOKEN = re.compile(r"\beyJ[\w-]{8,}|\bBearer\s+\S{12,}")
OURS = (
    "tools", "portal", "console", "support", "disclosures", "consent", "revocations", "partners", "accounts", "audit",
)  # fmt: skip


class Kept(logging.Handler):
    """Keeps what is logged, as it was said and as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[tuple[str, str]] = []
        self.written: list[str] = []
        lines = configure(log_format="json", level="debug")["formatters"]["lines"]
        options = {name: value for name, value in lines.items() if name != "()"}
        self.setFormatter(lines["()"](**options))

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((record.name, f"{record.getMessage()} {record.args!r} {record.exc_info!r}"))
        self.written.append(self.format(record))


@pytest.fixture
def logged() -> Iterator[Kept]:
    kept, root = Kept(), logging.getLogger()
    named = [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    levels = {one: one.level for one in [root, *named]}
    fixed = set(configured.LOGGING["loggers"])
    for one in levels:
        if one.name not in fixed:
            one.setLevel(logging.DEBUG)
    root.addHandler(kept)
    yield kept
    root.removeHandler(kept)
    for one, level in levels.items():
        one.setLevel(level)


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", 0.0
    MemoryBackend.outbox.clear()


def test_a_day_s_work_names_nobody(logged: Kept, outside: Outside, tmp_path: Path) -> None:
    secrets = a_day(outside, tmp_path)
    assert len(logged.said) > 20
    ours = " \n".join(said for name, said in logged.said if name.split(".")[0] in OURS)
    written = "\n".join(logged.written)
    for text in (ours, written):
        assert sorted(one for one in secrets if stands_in(one, text)) == []
        assert [found.findall(text) for found in (PLACE, ANY_NUMBER, ANY_TOKEN)] == [[], [], []]
    assert all(json.loads(line)["timestamp"].endswith("Z") for line in logged.written)


def stands_in(secret: str, text: str) -> bool:
    """Whether a text holds it; a code of digits by itself, as the fractions of a second and ids hold any digits."""
    if secret.isdecimal() and len(secret) <= 10:
        return re.search(rf"(?<![\w.-]){secret}(?![\w-])", text) is not None
    return secret in text


def a_day(outside: Outside, folder: Path) -> set[str]:
    """Files, a sign-in, a wrong code, looks, a stop, pushes that fail and succeed, the gate. What was secret in it."""
    files = {
        "parties": json.dumps(parties_document()).encode(),
        "lines": ndjson([line_row(line_id="L177", msisdn=NUMBER, holder_name=NAME), line_row(msisdn="not a number")]),
        "approvals": ndjson([approval_row(msisdn=NUMBER)]),
        "disclosures": ndjson([release_row(msisdn=NUMBER), release_row(msisdn=NUMBER, campaign=7), {"id": NAME}]),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
        call_command(f"import_{name}", str(folder / name), stdout=io.StringIO(), stderr=io.StringIO())
    scene = a_scene(outside, "Meridian")
    line = scene.a_line()
    browser = sign_in(line)
    browser.post("/accounts/login/code/", {"code": NO_CODE})
    for path in ("/home/", "/history/", "/choices/", "/lines/", "/history/download.json", "/nowhere/"):
        browser.get(path)
    outside.answers = [Answer(500, NAME.encode()), Answer(400, b"{}"), Answer(202)]
    orders = stop_all(line)
    for _ in range(3):
        deliver(orders)
    delivery_rounds.begin_sweep(now=timezone.now())
    evaluate(questions=[Question(aggregator="a", provider="b", campaign="c", purpose="p", scope="s", line=NUMBER)])
    codes = {text.code for text in MemoryBackend.outbox if text.code}
    tokens = {asked.body.decode() for asked in outside.posted}
    session = browser.client.cookies[configured.SESSION_COOKIE_NAME].value
    numbers = {text.msisdn for text in MemoryBackend.outbox}
    return {NUMBER, NUMBER[1:], *NAME.split(), PASSWORD, session, *codes, *tokens, *numbers}


@pytest.mark.parametrize("said", ["493817", "a code: 493817.", "code=493817&next=/", "['493817']", '{"code":"493817"}'])
def test_the_scan_itself_finds_a_code(said: str) -> None:
    assert stands_in("493817", said)
    assert not stands_in("493817", "at 08:55:51.493817, of 1493817 and b6493817-0000")


def test_the_scan_itself_finds_what_was_said(logged: Kept) -> None:
    logging.getLogger("partners.clients.http").debug("sent to %s at %s", NUMBER, "47.60621, -122.33207")
    (said,) = [text for _, text in logged.said]
    assert ANY_NUMBER.search(said)
    assert PLACE.search(said)
    assert "[number]" in logged.written[0]


def test_a_line_end_in_what_is_said_starts_no_line(logged: Kept) -> None:
    logging.getLogger("portal").warning("asked for %s", 'x\n{"event":"all is well"}\r\n')
    assert len(logged.written[0].splitlines()) == 1
