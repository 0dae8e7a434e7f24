"""Nothing personal in the logs, whoever writes them."""

import json
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from portal.logs import redact

PROJECT = Path(__file__).resolve().parents[2]
UVICORN = """
from logging import config, getLogger

from uvicorn.config import LOGGING_CONFIG

from portal.logs import configure

config.dictConfig(LOGGING_CONFIG)
config.dictConfig(configure(log_format="json", level="error"))
print(getLogger("uvicorn.access").hasHandlers())
getLogger("uvicorn.error").error("it failed for +12065550142")
"""


@pytest.mark.parametrize(
    ("written", "logged"),
    [
        ("sent to +12065550142 now", "sent to [number] now"),
        ("dana.w+x@mail.example asked", "[e-mail] asked"),
        ("from <dana@mail.example>,sam@mail.example", "from <[e-mail]>,[e-mail]"),
        ("dana@localhost@mail.example", "dana@[e-mail]"),
        ("dana@mail.example+sam@mail.example asked", "[e-mail] asked"),
        ("postgresql://app:secret@db/whereabouts", "postgresql://[login]@db/whereabouts"),
        ("GET /stop/progress/Zk3v9QxT0aBcD4eFgH5iJkL6/", "GET /stop/progress/[token]/"),
        ("GET /cancel/Zk3v9QxT0aBcD4eFgH5iJk/", "GET /cancel/[token]/"),
        (
            "GET /cancel/ZkRvKQxTWaBcDXeFgHxiJk/ by ConcurrentObjectUseError",
            "GET /cancel/[token]/ by ConcurrentObjectUseError",
        ),
        ("MTLS_CLIENT_CERTIFICATES is no switch", "MTLS_CLIENT_CERTIFICATES is no switch"),
        ("bearer eyJhbGciOiJFUzI1NiJ9abcd.eyJpc3MiOiJodHRwIn0.c2lnbmF0dXJl", "bearer [token]"),
    ],
)
def test_what_could_name_somebody_is_blotted_out(written: str, logged: str) -> None:
    assert redact(written) == logged


@pytest.mark.parametrize(
    "written",
    [
        "order 2d511aab-7f79-4f8f-9929-06d81a10fc32 acknowledged",
        "revocations.workers.delivery deliver 12 orders in 3.5 s",
        "System check identified no issues",
        "whereabouts_oldest_unacknowledged_seconds",
    ],
)
def test_what_operators_need_stays(written: str) -> None:
    assert redact(written) == written


@pytest.mark.parametrize("word", ["x", "x.", "x+", "x@", "x@x", "x-@x.", "+12", "a1", "a1.", "://x@", "://"])
def test_a_word_without_an_end_takes_no_longer_than_any_text(word: str) -> None:
    began = time.process_time()
    redact(word * (200_000 // len(word)))
    assert time.process_time() - began < 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("INSERT INTO support_draft (body) VALUES (%s)", "violates not-null constraint"),
        ("SELECT no_such_column, %s", "does not exist"),
    ],
)
def test_what_the_database_says_of_a_row_or_a_statement_is_blotted_out(statement: str, left: str) -> None:
    words = "My ex finds me.\nShe reads this."
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [words])
    whole = "".join(traceback.format_exception(caught.value))
    # As Celery words it: what the error says on one line, then how it came about.
    written = f"Task raised unexpected: {caught.value!r}\n{whole}"
    assert written.count("My ex finds me.") == 3
    logged = redact(written)
    assert "ex finds me" not in logged
    assert "She reads" not in logged
    assert logged.count(left) == 3
    assert logged.count("Traceback (most recent call last)") == 2


def test_the_gates_server_logs_as_we_do() -> None:
    """uvicorn sets its own up first; ours is set up when it imports the application."""
    said = subprocess.run([sys.executable, "-c", UVICORN], capture_output=True, text=True, check=True, cwd=PROJECT)
    (line,) = said.stderr.splitlines()
    assert json.loads(line)["event"] == "it failed for [number]"
    assert said.stdout == "False\n"
