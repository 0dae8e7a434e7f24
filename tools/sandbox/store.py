"""What the partner knows and holds, on disk before anybody is told that it is.

SQLite in WAL mode with synchronous=FULL: what is committed is on disk. One connection behind one lock.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock

from tools.sandbox import rules
from tools.sandbox.clock import instant, stamp
from tools.sandbox.orders import Cohort, EvidenceRequest, Order, Record

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS received (
    n INTEGER PRIMARY KEY, jti TEXT NOT NULL, at TEXT NOT NULL, agreement TEXT NOT NULL, epoch INTEGER NOT NULL,
    version INTEGER NOT NULL, sub TEXT NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS received_jti ON received (jti);
CREATE TABLE IF NOT EXISTS standing (
    n INTEGER PRIMARY KEY, iss TEXT NOT NULL, sub TEXT NOT NULL, agreement TEXT NOT NULL, epoch INTEGER NOT NULL,
    version INTEGER NOT NULL, jti TEXT NOT NULL, txn TEXT NOT NULL, iat INTEGER NOT NULL, lists TEXT NOT NULL,
    at TEXT NOT NULL, owes INTEGER NOT NULL, floor INTEGER NOT NULL DEFAULT 0, UNIQUE (iss, sub, agreement));
CREATE INDEX IF NOT EXISTS standing_agreement ON standing (iss, agreement);
CREATE INDEX IF NOT EXISTS standing_owes ON standing (at) WHERE owes = 1;
CREATE TABLE IF NOT EXISTS held (
    n INTEGER PRIMARY KEY, standing INTEGER NOT NULL, recipient TEXT NOT NULL, purpose TEXT NOT NULL,
    received_at REAL NOT NULL, in_use INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS held_of ON held (standing);
CREATE TABLE IF NOT EXISTS receipts (
    n INTEGER PRIMARY KEY, standing INTEGER NOT NULL, jti TEXT NOT NULL UNIQUE, "order" TEXT NOT NULL,
    epoch INTEGER NOT NULL, version INTEGER NOT NULL, status TEXT NOT NULL, token TEXT NOT NULL,
    made_at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'queued', tries INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL DEFAULT 0, answers TEXT NOT NULL DEFAULT '[]');
CREATE INDEX IF NOT EXISTS receipts_of ON receipts (standing) WHERE state = 'queued';
CREATE INDEX IF NOT EXISTS receipts_due ON receipts (next_at) WHERE state = 'queued';
CREATE TABLE IF NOT EXISTS cohorts (
    jti TEXT PRIMARY KEY, claims TEXT NOT NULL, at TEXT NOT NULL, next_at REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'owed',
    note TEXT NOT NULL DEFAULT '', acted_on INTEGER, deleted INTEGER);
"""
STAND = """
INSERT INTO standing (iss, sub, agreement, epoch, version, jti, txn, iat, lists, at, owes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (iss, sub, agreement) DO UPDATE SET
    epoch = excluded.epoch, version = excluded.version, jti = excluded.jti, txn = excluded.txn, iat = excluded.iat,
    lists = excluded.lists, at = excluded.at, owes = excluded.owes
RETURNING n
"""
# `floor`: the epoch below which orders are over, because a cohort listed the subscriber; 0 without one.
OLDER_FILE = "ALTER TABLE standing ADD COLUMN floor INTEGER NOT NULL DEFAULT 0"
FORGET = (
    "DELETE FROM receipts", "DELETE FROM held", "DELETE FROM standing", "DELETE FROM received", "DELETE FROM cohorts",
)  # fmt: skip
SEEDED = 12  # rows held of a subscriber, for each recipient and purpose, when the first order about it comes


class Store:
    """Safe to share between threads; what a method wrote is on disk when it returns."""

    def __init__(self, path: Path) -> None:
        self._lock = RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        columns = {row["name"] for row in self._db.execute("PRAGMA table_info(standing)")}
        if columns and "floor" not in columns:
            self._db.execute(OLDER_FILE)
        self._db.executescript(SCHEMA)

    def take(self, order: Order, *, at: datetime) -> bool:
        """Keep an order and obey it from then on. True if it is the newest; otherwise nothing else changes."""
        with self.transaction() as db:
            repeated = db.execute("SELECT 1 FROM received WHERE jti = ?", [order.jti]).fetchone() is not None
            db.execute(
                "INSERT INTO received (jti, at, agreement, epoch, version, sub, state) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [order.jti, stamp(at), order.agreement, order.epoch, order.version, order.sub, json.dumps(order.state)],
            )
            standing = db.execute(
                "SELECT epoch, version, floor FROM standing WHERE iss = ? AND sub = ? AND agreement = ?", order.place
            ).fetchone()
            if repeated or (standing is not None and (order.epoch, order.version) <= _numbers(standing)):
                return False
            n = self._stand(order, at)
            self._receive_data(n, order, first=standing is None, at=at)
            self._stop_use(n, order, at)
        return True

    def queue_evidence(self, asked: EvidenceRequest, *, jti: str, token: str, at: datetime) -> None:
        """Queue the answer to a question for proof; one that was asked before is answered already."""
        with self.transaction() as db:
            if db.execute('SELECT 1 FROM receipts WHERE "order" = ?', [asked.jti]).fetchone() is None:
                queue_receipt(db, standing=0, about=asked, jti=jti, status="evidence", token=token, at=at)

    def owing(self, *, before: datetime) -> list[tuple[Order, datetime]]:
        """Orders that stand, came before this moment and are not carried out yet; and when each came."""
        rows = self.rows("SELECT * FROM standing WHERE owes = 1 AND at <= ? ORDER BY at", stamp(before))
        return [(_order(row), instant(row["at"]) or before) for row in rows]

    def first_owing(self) -> datetime | None:
        """When the oldest order that is not carried out yet came."""
        (row,) = self.rows("SELECT min(at) AS at FROM standing WHERE owes = 1")
        return instant(row["at"])

    @contextmanager
    def carrying_out(self, order: Order) -> Iterator["Work | None"]:
        """Do what an order asks: all of it, the queued receipt included, or nothing. None if it stands no longer."""
        with self.transaction() as db:
            row = db.execute(
                "SELECT n, jti, owes FROM standing WHERE iss = ? AND sub = ? AND agreement = ?", order.place
            ).fetchone()
            yield Work(db, row["n"], order) if row and row["owes"] and row["jti"] == order.jti else None

    def due(self, *, at: datetime) -> list[tuple[str, str]]:
        """Receipts to send now: their `jti` and token."""
        rows = self.rows(
            "SELECT jti, token FROM receipts WHERE state = 'queued' AND next_at <= ? ORDER BY n", at.timestamp()
        )
        return [(row["jti"], row["token"]) for row in rows]

    def next_due(self) -> datetime | None:
        """When the next receipt is to be sent."""
        (row,) = self.rows("SELECT min(next_at) AS at FROM receipts WHERE state = 'queued'")
        return None if row["at"] is None else datetime.fromtimestamp(row["at"], UTC)

    def record_answer(self, jti: str, *, answer: str, accepted: bool, again: timedelta, at: datetime) -> None:
        """Note what came back for a receipt; one that was not accepted waits `again` for its next try."""
        with self.transaction() as db:
            db.execute(
                "UPDATE receipts SET tries = tries + 1, answers = json_insert(answers, '$[#]', json_object("
                "'at', ?, 'answer', ?)), next_at = ?, state = iif(? AND state = 'queued', 'accepted', state)"
                " WHERE jti = ?",
                [stamp(at), answer, (at + again).timestamp(), accepted, jti],
            )

    def tries(self, jti: str) -> int:
        """Return how often a receipt was sent without being accepted."""
        rows = self.rows("SELECT tries FROM receipts WHERE jti = ?", jti)
        return int(rows[0]["tries"]) if rows else 0

    def orders(self) -> list[Order]:
        """Return the newest order of each subscriber and agreement that no cohort has ended since."""
        return [_order(row) for row in self.rows("SELECT * FROM standing WHERE version > 0 ORDER BY n")]

    def forget(self) -> None:
        """Lose everything, like a partner that put back an empty backup."""
        with self.transaction() as db:
            for statement in FORGET:
                db.execute(statement)

    def list_received_orders(self) -> list[Record]:
        """Return every order that came, once for each time it came, oldest first."""
        rows = self.rows("SELECT jti, at, agreement, epoch, version, sub, state FROM received ORDER BY n")
        return [{**dict(row), "state": json.loads(row["state"])} for row in rows]

    def state(self, *, at: datetime) -> list[Record]:
        """Return the newest of each subscriber and agreement, what it allows now, and what is held."""
        rows = self.rows(
            "SELECT s.*, count(h.n) AS held, coalesce(sum(h.in_use), 0) AS in_use"
            " FROM standing s LEFT JOIN held h ON h.standing = s.n GROUP BY s.n ORDER BY s.agreement, s.sub"
        )
        return [_format_standing(row, at) for row in rows]

    def receipts(self) -> list[Record]:
        """Return every receipt made, oldest first, with what was answered each time it was sent."""
        rows = self.rows(
            'SELECT jti, "order", epoch, version, status, made_at, state, tries, answers, token'
            " FROM receipts ORDER BY n"
        )
        return [{**dict(row), "answers": json.loads(row["answers"])} for row in rows]

    def _stand(self, order: Order, at: datetime) -> int:
        lists = {name: getattr(order, name) for name in ("state", "changes", "required_actions", "duties")}
        fields = [*order.place, order.epoch, order.version, order.jti, order.txn, order.iat]
        values = [*fields, json.dumps(lists), stamp(at), bool(order.required_actions)]
        (row,) = self._db.execute(STAND, values).fetchall()
        # A receipt answers the newest order only; what an older one asked for is asked for again by the newer.
        self._db.execute("UPDATE receipts SET state = 'superseded' WHERE standing = ? AND state = 'queued'", [row["n"]])
        return int(row["n"])

    def _receive_data(self, n: int, order: Order, *, first: bool, at: datetime) -> None:
        """Locations as a partner comes by them: some before its first order, one more with each new permission."""
        earlier = datetime.fromtimestamp(order.iat, UTC) - timedelta(hours=1)
        lost = _places_granted(order, "from")
        new = _places_granted(order, "to") - lost
        had = (lost | {rules.place(one) for one in order.state} - new) or {("", "")}
        arrived = [(held, earlier - timedelta(hours=ago)) for held in had for ago in range(SEEDED)] if first else []
        arrived += [(held, at) for held in new & rules.allowed_places(order, at)]
        self._db.executemany(
            "INSERT INTO held (standing, recipient, purpose, received_at, in_use) VALUES (?, ?, ?, ?, 1)",
            [(n, *held, when.timestamp()) for held, when in arrived],
        )

    def _stop_use(self, n: int, order: Order, at: datetime) -> None:
        """Stop using what the snapshot does not allow at once, before the order is acknowledged."""
        self._db.execute("UPDATE held SET in_use = 0 WHERE standing = ?", [n])
        self._db.executemany(
            "UPDATE held SET in_use = 1 WHERE standing = ? AND recipient = ? AND purpose = ?",
            [(n, *held) for held in rules.allowed_places(order, at)],
        )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all of it to disk, or nothing."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, statement: str, *parameters: str | float) -> list[sqlite3.Row]:
        """Return what a statement that changes nothing finds."""
        with self._lock:
            return self._db.execute(statement, parameters).fetchall()


class Work:
    """One order being carried out, inside its transaction."""

    def __init__(self, db: sqlite3.Connection, standing: int, order: Order) -> None:
        self._db = db
        self._standing = standing
        self._order = order

    def delete_held(self) -> int:
        """Delete what the order's duties cover. How many rows went."""
        duties = rules.to_delete(self._order)
        held = self._db.execute(
            "SELECT n, recipient, purpose, received_at FROM held WHERE standing = ?", [self._standing]
        )
        gone = [
            (row["n"],)
            for row in held
            if any(
                row["received_at"] < until.timestamp() and rules.covers(scope, (row["recipient"], row["purpose"]))
                for scope, until in duties
            )
        ]
        self._db.executemany("DELETE FROM held WHERE n = ?", gone)
        return len(gone)

    def queue_receipt(self, *, jti: str, status: str, token: str, at: datetime) -> None:
        """Queue the signed receipt: the order is carried out."""
        queue_receipt(self._db, standing=self._standing, about=self._order, jti=jti, status=status, token=token, at=at)
        self._db.execute("UPDATE standing SET owes = 0 WHERE n = ?", [self._standing])


def queue_receipt(
    db: sqlite3.Connection,
    *,
    standing: int,
    about: Order | Cohort | EvidenceRequest,
    jti: str,
    status: str,
    token: str,
    at: datetime,
) -> None:
    """Queue what was signed, within the caller's transaction. Only an order has a standing and a version (else 0)."""
    version = about.version if isinstance(about, Order) else 0
    epoch = 0 if isinstance(about, EvidenceRequest) else about.epoch
    db.execute(
        'INSERT INTO receipts (standing, jti, "order", epoch, version, status, token, made_at)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [standing, jti, about.jti, epoch, version, status, token, stamp(at)],
    )


def _places_granted(order: Order, side: str) -> set[rules.Place]:
    """Return what an order's changes say was granted: before ("from") or after ("to")."""
    return {rules.place(one) for one in order.changes if one.get(side) == "granted"}


def _numbers(row: sqlite3.Row) -> tuple[int, int]:
    """Return what an order must exceed to count."""
    return max((row["epoch"], row["version"]), (row["floor"], 0))


def _order(row: sqlite3.Row) -> Order:
    lists = json.loads(row["lists"])
    return Order(
        **{name: row[name] for name in ("iss", "jti", "txn", "iat", "sub", "agreement", "epoch", "version")}, **lists
    )


def _format_standing(row: sqlite3.Row, at: datetime) -> Record:
    order = _order(row)
    epoch, version = _numbers(row)
    return {
        **{name: row[name] for name in ("iss", "sub", "agreement", "jti", "at", "held", "in_use")},
        "epoch": epoch,
        "version": version,
        "state": list(order.state),
        "allowed": [*rules.list_allowed_uses(order, at)],
        "required_actions": [*order.required_actions],
        "carried_out": not row["owes"],
    }
