"""In every test: what an act has read and then changes by its key, it has locked.

Django's `save()` writes what was read, whatever came between. So a transaction that has read a row, and then changes it
by its key, must have locked a row of that table, or one that all who change it lock first (`UNDER`). It
takes no second connection to see that a lock is missing: each test that comes by sees it.
"""

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from traceback import walk_stack
from typing import Any

import pytest
from django.db import connection
from psycopg.pq import TransactionStatus

ROOT = f"{Path(__file__).resolve().parents[1]}/"
HERE, LIBRARIES = "tests/locked_writes.py", "/.venv/"
# What all who change a row of this table lock before they read it, in its place: a table, or a lock's own name.
UNDER = {
    "accounts_line": "accounts.lines",
    "accounts_linenumber": "accounts.lines",
    "accounts_newpassword": "accounts_user",
    "accounts_safecontact": "accounts_line",
    "accounts_textedcode": "accounts_line",
    "consent_ask": "consent_lock_line",
    "consent_privacysignal": "consent_lock_line",
    "mfa_authenticator": "accounts_user",
    "partners_signingkey": "rotate signing keys",
    "revocations_streamhealth": "revocations_stream",
    "socialaccount_socialaccount": "accounts_line",
}
# What is locked before a row is added here: whether it may be is read before, and nobody else may add it meanwhile.
ADDED_UNDER = {
    "accounts_lineuser": {"accounts_line"},
    "accounts_safecontact": {"accounts_line"},
    "accounts_textedcode": {"accounts_line"},
    "consent_ask": {"consent_lock_line", "question"},
    "consent_choice": {"consent_lock_line"},
    "disclosures_anomaly": {"disclosures.anomalies"},
    "disclosures_delayednotice": {"disclosures.notices", "disclosures.notices, shared"},
    "disclosures_judgementchange": {"disclosures.rejudge"},
    "disclosures_upload": {"upload"},
    "revocations_cohortreceipt": {"receipt"},
    "revocations_receipt": {"receipt"},
    "revocations_standing": {"revocations_standing"},
}
READ = re.compile(r'\b(?:FROM|JOIN)\s+"?(?P<table>[a-z_]+)"?(?:\s+(?:AS\s+)?"?(?P<alias>\w+)"?)?')
LOCKED = re.compile(r'\bFOR (?:NO KEY )?UPDATE(?: OF (?P<names>["\w, ]+))?')
BY_NAME = re.compile(
    r"\b(?:pg_advisory_xact_lock(?P<shared>_shared)?\(hashtext\w*\('(?P<name>[^']+)'|(?P<function>consent_lock_line)\()"
)
BY_PARAMETER = "pg_advisory_xact_lock(hashtextextended(%s"
ADDED = re.compile(r'\bINSERT INTO\s+"?([a-z_]+)"?')
CHANGED = re.compile(r'^\s*(?:UPDATE|INSERT INTO)\s+"?([a-z_]+)"?')
BY_KEY = re.compile(r'\s*UPDATE\s+"(?P<table>\w+)".*\bWHERE \(?"\w+"\."\w+" (?:= %s|IN \(%s\))\)?\s*', re.DOTALL)


class LockedWrites:
    """What a test's acts have read and locked, transaction by transaction, and which changes had no lock."""

    _read: set[str]
    _locked: set[str]

    def __init__(self) -> None:
        self.unlocked: list[str] = []
        self._outside = len(connection.savepoint_ids), connection.in_atomic_block
        self._begin()

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: object, many: bool, context: dict[str, Any]
    ) -> Any:
        """Look at a statement before it is executed."""
        if not self._in_an_act():
            self._begin()
        elif isinstance(sql, str):
            if connection.connection.info.transaction_status == TransactionStatus.IDLE:
                self._begin()
            self._look(sql, params)
        return execute(sql, params, many, context)

    def _in_an_act(self) -> bool:
        """Whether a transaction of the code's own is under way; the test's, around all of them, is none."""
        depth, in_the_test_s = self._outside
        return connection.in_atomic_block and not (in_the_test_s and len(connection.savepoint_ids) == depth)

    def _begin(self) -> None:
        self._read, self._locked = set(), set()

    def _look(self, sql: str, params: object) -> None:
        found = _read_statement(sql)
        if found.changed and self._is_unlocked(found.changed):
            self._note(f"changes {found.changed} by its key, and has read it without a lock")
        for added in sorted(found.added):
            if self._locked.isdisjoint(ADDED_UNDER[added]):
                self._note(f"adds to {added} without the lock of {' or '.join(sorted(ADDED_UNDER[added]))}")
        self._read |= found.read
        self._locked |= found.locked
        if BY_PARAMETER in sql and isinstance(params, list):
            self._locked.add(str(params[0]).partition(" ")[0])

    def _is_unlocked(self, table: str) -> bool:
        return table in self._read and self._locked.isdisjoint({table, UNDER.get(table, table)})

    def _note(self, what: str) -> None:
        """By the function of ours that did it; a test may do what it likes."""
        ours = (
            (frame.f_code.co_filename.removeprefix(ROOT), frame.f_code.co_qualname)
            for frame, _ in walk_stack(None)
            if frame.f_code.co_filename.startswith(ROOT) and LIBRARIES not in frame.f_code.co_filename
        )
        place, name = next(((place, name) for place, name in ours if place != HERE))
        if not place.startswith("tests/"):
            self.unlocked.append(f"{place}: {name} {what}")


@dataclass(frozen=True)
class _Statement:
    """What one does: `changed` by its key, `added` to; `read` without a lock; `locked` by itself or by name."""

    changed: str | None
    added: frozenset[str]
    read: frozenset[str]
    locked: frozenset[str]


@lru_cache(maxsize=10_000)
def _read_statement(sql: str) -> _Statement:
    """Read a statement once: the same ones come thousands of times."""
    changed = BY_KEY.fullmatch(sql)
    tables = {name: table for table, alias in READ.findall(sql) for name in (table, alias)}
    rows = _list_locked_tables(sql, tables)
    named = {f"{name}, shared" if shared else name or function for shared, name, function in BY_NAME.findall(sql)}
    return _Statement(
        changed["table"] if changed else None,
        frozenset(ADDED_UNDER.keys() & set(ADDED.findall(sql))),
        frozenset(tables.values()) - rows,
        frozenset(rows | named | set(CHANGED.findall(sql))),
    )


def _list_locked_tables(sql: str, tables: Mapping[str, str]) -> set[str]:
    """By the names that they have in the statement; without any, all that it reads."""
    locked = LOCKED.search(sql)
    if locked is None:
        return set()
    names = re.findall(r"\w+", locked["names"] or "")
    return {tables[name] for name in names if name in tables} or set(tables.values())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    """Fail a test in which something was changed that was not locked: lock it, or say above what is in its place."""
    writes = LockedWrites()
    with connection.execute_wrapper(writes):
        result = yield
    assert writes.unlocked == []
    return result
