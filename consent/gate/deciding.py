"""Answer the gate's questions: look up once, then answer each by the rules; and no to all while the gate is closed.

In a restored database the gate may not say yes until it was compared with the archive outside. The gate's own statement
looks at one row, which holds for one start of one server. So it closes by itself: whatever brought an older state back
(a dump, a base backup, a disk's snapshot, another server) has started since, or has made the row's table anew. Only a
copy that the running server makes of a whole database does neither: there the database's own number differs, which is
the third part of the incarnation and stands in the path of each of its files.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import msgspec
from django.db import DatabaseError, connection
from prometheus_client import Counter

from consent.gate.execution import PATIENCE_S, TOO_LATE, ask_in_time
from consent.gate.look_up import Caller, look_up, look_up_for, look_up_in
from consent.gate.pipeline import Pipeline
from consent.gate.rules import WeighedChoices, decision_ids, moment_of, reason_for, record_id_for, weigh
from consent.gate.shapes import Answer, Line, Question, Terms

# The gate's word while it is closed.
RESTORING = "restoring"
IS_OPEN = """EXISTS (SELECT FROM consent_gateopening o WHERE o.server_started = pg_postmaster_start_time()
        AND o.table_oid = o.tableoid::bigint AND o.closed_because = ''
        AND split_part(o.incarnation, '/', 3) = split_part(pg_relation_filepath(o.tableoid), '/', -2))"""
# Each page asks: which server this is, which takes longest to find out, is asked only while the gate is closed.
STATE = """
SELECT is_open, o.closed_because,
    NOT is_open AND o.incarnation = consent_incarnation() AND o.table_oid = o.tableoid::bigint
FROM (SELECT <is_open> AS is_open OFFSET 0) one LEFT JOIN consent_gateopening o ON true
""".replace("<is_open>", IS_OPEN)
NEVER_OPENED = "nothing says that it was ever open"
ANOTHER = "the database was restored, or another server took over"
NOT_LOOKED = "the database server has started, and was not compared with the archive yet"


@dataclass(frozen=True)
class Opening:
    """Whether the gate is open; if not, why, and whether a look at the archive alone may open it again."""

    is_open: bool
    why: str
    may_reopen: bool


def read_opening() -> Opening:
    """Read the gate's state now. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        ((is_open, closed_because, same),) = cursor.fetchall()
    if is_open:
        return Opening(is_open=True, why="", may_reopen=False)
    if closed_because is None:
        return Opening(is_open=False, why=NEVER_OPENED, may_reopen=False)
    if closed_because:
        return Opening(is_open=False, why=closed_because, may_reopen=False)
    return Opening(is_open=False, why=NOT_LOOKED if same else ANOTHER, may_reopen=same)


# So many answers of a batch are made on an event loop before others get their turn.
AT_ONCE = 100
# Counted in the process, without a row and so without a lock that could wait.
DECISIONS = Counter("whereabouts_decisions", "Answers of the gate by reason.", ["reason"], registry=None)
# From the start, so that its first one is seen as a rise: that figure is watched.
DECISIONS.labels("unavailable")


class NotLive(Exception):
    """The machine that asks was disabled or signs in otherwise since, or the key that signed its token withdrawn."""


def evaluate(
    *, questions: Sequence[Question], but_for_suspensions: bool = False, for_release: bool = False
) -> list[Answer]:
    """Answer all questions, in order, from one statement.

    `but_for_suspensions`: as if nobody were suspended, for comparing books. Never to release anything on.
    `for_release`: a partner may act on the answers; they are all no while the gate is closed after a restore. Without
    it they say what counts for the line, for pages and for what partners are told. With it, raises DatabaseError where
    the database took longer than `PATIENCE_S`.
    """
    found = ask_in_time(partial(look_up, questions=questions)) if for_release else look_up(questions=questions)
    if but_for_suspensions:
        found = [(msgspec.structs.replace(terms, suspended=None), line) for terms, line in found]
    return _answers(questions, found, for_release=for_release)


def evaluate_for(*, caller: Caller, questions: Sequence[Question]) -> list[Answer]:
    """Answer a machine, which the one statement finds live: else raises NotLive."""
    found = ask_in_time(partial(look_up_for, questions=questions, caller=caller))
    if not all(terms.live for terms, _ in found):
        raise NotLive
    return _answers(questions, found, for_release=True)


async def evaluate_in(*, pipeline: Pipeline, caller: Caller, questions: Sequence[Question]) -> list[Answer]:
    """Answer a machine on an event loop. Raises DatabaseError where it can't be said within `PATIENCE_S`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_S
    found = await look_up_in(pipeline=pipeline, questions=questions, caller=caller, until=until)
    if not all(terms.live for terms, _ in found):
        raise NotLive
    answers = _answers(questions[:AT_ONCE], found[:AT_ONCE], for_release=True)
    for start in range(AT_ONCE, len(questions), AT_ONCE):
        await asyncio.sleep(0)  # whoever asked one question gets their turn
        part = slice(start, start + AT_ONCE)
        answers += _answers(questions[part], found[part], for_release=True)
    if until <= loop.time():
        raise DatabaseError(TOO_LATE)
    return answers


def _answers(questions: Sequence[Question], found: Sequence[tuple[Terms, Line]], *, for_release: bool) -> list[Answer]:
    ids = _Ids()
    return [
        _answer(question, terms, line, ids, closed=for_release and not terms.is_open)
        for question, (terms, line) in zip(questions, found, strict=True)
    ]


class _Ids(dict[tuple[str, bool, int], Callable[[int], str]]):
    """What makes the decision ids, by campaign, answer and moment."""

    def __missing__(self, of: tuple[str, bool, int]) -> Callable[[int], str]:
        campaign, allowed, at_us = of
        made = self[of] = decision_ids(campaign=campaign, allowed=allowed, at_us=at_us)
        return made


def _answer(question: Question, terms: Terms, line: Line, ids: _Ids, *, closed: bool) -> Answer:
    weighed = weigh(terms, line, moment_of(terms, line))
    reason = RESTORING if closed else reason_for(question, terms, line, weighed)
    decision_id = ids[terms.campaign or "", not reason, terms.now](line.line_id or 0)
    if reason:
        finest_m = _finest_allowed(terms, line) if terms.campaign else 0
        return Answer(allowed=False, reason=reason, decision_id=decision_id, max_precision_m=finest_m)
    return _yes(terms, line, weighed, decision_id)


def _yes(terms: Terms, line: Line, weighed: WeighedChoices, decision_id: str) -> Answer:
    return Answer(
        allowed=True,
        reason="",
        decision_id=decision_id,
        epoch=terms.epoch if line.epoch is None else line.epoch,
        version=line.version or 0,
        record_id=record_id_for(line_id=line.line_id or 0, version=line.gate_version),
        expires_at=weighed.ends_at(),
        max_precision_m=_finest_allowed(terms, line),
        subject_ref=line.subject_ref or "",
    )


def _finest_allowed(terms: Terms, line: Line) -> int:
    """The radius below which nothing may be released: the campaign's, or that which the line's state prohibits.

    Who asks for a wide circle is allowed one that the state does not prohibit, and not a narrower one by the same yes.
    """
    within = -1 if line.prohibited_within_m is None else line.prohibited_within_m
    return max(terms.precision_m, within + 1)


def count_answers(answers: Sequence[Answer]) -> None:
    """Add these answers to the figures at `/metrics`; an allow is counted as `allow`."""
    if len(answers) == 1:
        _reason_answer(answers[0].reason).inc()
        return
    for reason, times in Tally(answer.reason for answer in answers).items():
        _reason_answer(reason).inc(times)


@cache
def _reason_answer(reason: str) -> Counter:
    return DECISIONS.labels(reason or "allow")
