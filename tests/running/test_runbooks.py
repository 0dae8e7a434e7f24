"""What the runbooks tell somebody to type works as it stands there, beside a worker that runs."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.db import connection

from tests.faults.programs import PROJECT, Programs, until
from tests.running.proxies import RUNNING

TEXT = (RUNNING.parent / "guides" / "runbooks.md").read_text()
# Each command with what it says where nothing is wrong.
SAID = {
    "manage.py sweep_revocations": "nothing was due",
    "manage.py celery inspect active": "1 node online.",
    "manage.py celery purge": "from 1 queue.",
    "manage.py verify_audit": "The audit trail verifies",
    "manage.py after_restore": "The gate is open.",
}
ANSWERS_WITHIN_S = 60.0


@pytest.fixture
def programs(committed_db: None) -> Iterator[Programs]:
    programs = Programs.usual()
    try:
        programs.broker()
        programs.worker()
        yield programs
    finally:
        programs.end()


def typed(programs: Programs, command: str) -> str:
    """What it says to somebody who answers its questions with yes."""
    done = subprocess.run(
        [sys.executable, *command.split()], cwd=PROJECT, env=programs.environment, input="y\n", text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    return done.stdout


def test_each_command_of_a_runbook_works_as_it_stands_there(programs: Programs) -> None:
    assert set(re.findall(r"`((?:manage\.py|celery) [^`]+)`", TEXT)) == set(SAID)
    active = "manage.py celery inspect active"
    until(lambda: SAID[active] in typed(programs, active), ANSWERS_WITHIN_S)
    # Celery says "known task queue" where a message was waiting in it.
    answers = {command: typed(programs, command).replace("known task queue", "queue") for command in SAID}
    assert [command for command, said in SAID.items() if said not in answers[command]] == [], answers


def test_each_question_of_a_runbook_to_the_database_is_one_that_it_answers(db: None) -> None:
    questions = re.findall(r"`(SELECT [^`]+);`", TEXT)
    with connection.cursor() as cursor:
        for question in questions:
            cursor.execute(question.replace("(pid)", "(0)"))
    assert len(questions) == 2
