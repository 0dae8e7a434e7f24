"""End an agreement for everybody on a list: denied at once, carried out when the list is here, signed for once.

The list is fetched with the partner's own token, and believed only as far as it was signed.
"""

import gzip
import hashlib
import json
import logging
import sqlite3
import uuid
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from tools.sandbox import clock, rules, signing
from tools.sandbox.faults import Fault, Faults
from tools.sandbox.identity import Identity
from tools.sandbox.orders import Cohort, EventRefused, Record, verify_token
from tools.sandbox.store import Store, queue_receipt
from tools.sandbox.transmitter import READ, Answer, Transmitter, Unreachable

TYP = "whereabouts-manifest+jwt"
LARGEST_SHARD = 50_000_000


class Mismatch(Exception):
    """The manifest is not what the event says it is: nobody on it can be believed."""


@dataclass(frozen=True)
class Manifest:
    """The names listed, shard by shard, and the digest of the whole list."""

    shards: Sequence[Sequence[str]]
    list_sha256: str


def fetch(cohort: Cohort, *, transmitter: Transmitter, audience: str) -> Manifest:
    """Return the whole list, checked against the event and the signed index.

    Raises Mismatch, or Unreachable for what may be had later.
    """
    if not cohort.manifest_url.startswith(f"{transmitter.issuer}/"):
        raise Mismatch("the manifest is not on the transmitter's own host")
    path = cohort.manifest_url.removeprefix(transmitter.issuer)
    index = _index(_get(transmitter, f"{path}/0"), cohort, transmitter, audience)
    whole, shards = hashlib.sha256(), []
    for number, entry in enumerate(_entries(index, cohort), start=1):
        lines = _shard(_get(transmitter, f"{path}/{number}"), entry, number)
        whole.update(lines)
        shards.append([_sub(line) for line in lines.splitlines()])
        if len(shards[-1]) != entry.get("lines"):
            raise Mismatch(f"shard {number} has another number of lines than the index says")
    if sum(map(len, shards)) != cohort.subject_count or _digest(whole.digest()) != index.get("list_sha256"):
        raise Mismatch("the list is not the one that the index is of")
    return Manifest(shards=shards, list_sha256=_digest(whole.digest()))


def _get(transmitter: Transmitter, path: str) -> bytes:
    answer: Answer = transmitter.call("GET", path, scope=READ, limit=LARGEST_SHARD, seconds=60)
    if answer.status != 200:
        raise Unreachable(f"the manifest answers {answer.status}")
    return answer.body


def _index(body: bytes, cohort: Cohort, transmitter: Transmitter, audience: str) -> Record:
    if _digest(hashlib.sha256(body).digest()) != cohort.index_sha256:
        raise Mismatch("the index is not the one that the event names")
    try:
        claims = verify_token(body.decode("ascii", "replace"), transmitter, typ=TYP)
    except EventRefused as refusal:
        raise Mismatch(str(refusal)) from refusal
    expected: Record = {
        "iss": cohort.iss,
        "aud": audience,
        "agreement": cohort.agreement,
        "epoch": cohort.epoch,
        "subject_count": cohort.subject_count,
    }
    for name, value in expected.items():
        if claims.get(name) != value:
            raise Mismatch(f"{name} of the index is not the event's")
    return claims


def _entries(index: Record, cohort: Cohort) -> list[Record]:
    listed = index.get("shards")
    entries = [entry for entry in (listed if isinstance(listed, list) else []) if isinstance(entry, dict)]
    if len(entries) != cohort.shards or [entry.get("number") for entry in entries] != [*range(1, len(entries) + 1)]:
        raise Mismatch("the index lists other shards than the event counts")
    return entries


def _shard(body: bytes, entry: Record, number: int) -> bytes:
    if _digest(hashlib.sha256(body).digest()) != entry.get("sha256"):
        raise Mismatch(f"shard {number} is not the one that the index lists")
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise Mismatch(f"shard {number} can't be unpacked") from error


def _sub(line: bytes) -> str:
    try:
        sub = json.loads(line)["sub"]
    except (ValueError, TypeError, KeyError) as error:
        raise Mismatch("a line of the list names nobody") from error
    if not isinstance(sub, str) or not sub:
        raise Mismatch("a line of the list names nobody")
    return sub


def _digest(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


FIRST_PAUSE = timedelta(milliseconds=250)
LONGEST_PAUSE = timedelta(seconds=30)
NOTHING = json.dumps({"state": [], "changes": [], "required_actions": [], "duties": []})
LISTED = """
INSERT INTO standing (iss, sub, agreement, epoch, version, jti, txn, iat, lists, at, owes, floor)
VALUES (?, ?, ?, 0, 0, ?, ?, ?, ?, ?, 0, ?)
ON CONFLICT (iss, sub, agreement) DO UPDATE SET floor = max(floor, excluded.floor)
"""

log = logging.getLogger(__name__)


class Cohorts:
    """Takes cohorts from many threads; `work` is for one."""

    def __init__(self, *, store: Store, identity: Identity, transmitter: Transmitter, faults: Faults) -> None:
        self._store = store
        self._identity = identity
        self._transmitter = transmitter
        self._faults = faults

    def take(self, cohort: Cohort, *, at: datetime) -> bool:
        """Keep it, and use nothing of what it covers from then on. False if it was here before."""
        if self._faults.now is Fault.WHOLESALE:
            cohort = replace(cohort, scope={"all": True})
        with self._store.transaction() as db:
            known = db.execute("SELECT 1 FROM cohorts WHERE jti = ?", [cohort.jti]).fetchone() is not None
            if known:
                return False
            db.execute(
                "INSERT INTO cohorts (jti, claims, at, next_at) VALUES (?, ?, ?, ?)",
                [cohort.jti, json.dumps(asdict(cohort)), clock.stamp(at), at.timestamp()],
            )
            rows = db.execute(
                "SELECT * FROM standing WHERE iss = ? AND agreement = ? AND epoch < ?",
                [cohort.iss, cohort.agreement, cohort.epoch],
            )
            for row in rows.fetchall():
                _deny(db, row, cohort)
        return True

    def work(self, *, before: datetime) -> None:
        """Carry out what came before this moment and is due."""
        rows = self._store.rows(
            "SELECT claims, at FROM cohorts WHERE state = 'owed' AND at <= ? AND next_at <= ? ORDER BY at",
            clock.stamp(before),
            clock.now().timestamp(),
        )
        for row in rows:
            self._carry_out(Cohort(**json.loads(row["claims"])), clock.instant(row["at"]) or before)

    def next_due(self, *, delay: timedelta) -> datetime | None:
        """When there is something to do next."""
        moments = [
            max(datetime.fromtimestamp(row["next_at"], UTC), (clock.instant(row["at"]) or clock.now()) + delay)
            for row in self._store.rows("SELECT at, next_at FROM cohorts WHERE state = 'owed'")
        ]
        return min(moments, default=None)

    def list_cohorts(self) -> list[Record]:
        """Return every cohort that came, oldest first."""
        rows = self._store.rows("SELECT jti, claims, at, state, note, acted_on, deleted FROM cohorts ORDER BY at")
        return [
            {
                **{name: json.loads(row["claims"])[name] for name in ("agreement", "epoch", "scope", "subject_count")},
                **{name: row[name] for name in ("jti", "at", "state", "note", "acted_on", "deleted")},
            }
            for row in rows
        ]

    def _carry_out(self, cohort: Cohort, came_at: datetime) -> None:
        try:
            manifest = fetch(cohort, transmitter=self._transmitter, audience=self._identity.uri)
        except Mismatch as mismatch:
            log.warning("a manifest is refused: %s", mismatch)
            event: dict[str, object] = {"status": "rejected", "reason": f"manifest_mismatch: {mismatch}"}
            return self._settle(cohort, "refused", event, note=str(mismatch))
        except Unreachable as error:
            return self._wait(cohort, str(error))
        if signing.unknown(cohort.required_actions, rules.ACTIONS):
            event = {"status": "rejected", "reason": "unknown_action"}
            return self._settle(cohort, "refused", event, note="unknown_action")
        deleted = sum(self._apply(cohort, shard) for shard in manifest.shards)
        return self._sign(cohort, manifest, deleted, came_at)

    def _apply(self, cohort: Cohort, subs: Sequence[str]) -> int:
        """Raise the epoch of each name, and delete what is covered. How many rows went."""
        with self._store.transaction() as db:
            db.executemany(
                LISTED,
                [
                    (cohort.iss, sub, cohort.agreement, cohort.jti, cohort.txn, cohort.iat, NOTHING,
                     clock.stamp(clock.now()), cohort.epoch)
                    for sub in subs
                ],
            )  # fmt: skip
            return sum(_end(db, cohort, sub) for sub in subs)

    def _sign(self, cohort: Cohort, manifest: Manifest, deleted: int, came_at: datetime) -> None:
        actions, downstream = [], []
        for action in cohort.required_actions:
            if action == "stop_use":
                actions.append(signing.deed(action, came_at))
            elif action == "delete_held":
                actions.append(signing.deed(action, clock.now(), records=deleted))
            else:
                downstream = signing.sign_for_downstream(cohort, self._identity, self._faults)
                actions.append(signing.deed(action, clock.now()))
        count = sum(map(len, manifest.shards))
        event: dict[str, object] = {
            "status": "completed",
            "acted_on": count,
            "list_sha256": manifest.list_sha256,
            "actions": actions,
            "downstream": downstream,
        }
        self._settle(cohort, "done", event, acted_on=count, deleted=deleted)

    def _settle(
        self,
        cohort: Cohort,
        state: str,
        event: dict[str, object],
        *,
        note: str = "",
        acted_on: int = 0,
        deleted: int = 0,
    ) -> None:
        jti = uuid.uuid4().hex
        token = signing.receipt(cohort, self._identity, jti=jti, event=event)
        with self._store.transaction() as db:
            db.execute(
                "UPDATE cohorts SET state = ?, note = ?, acted_on = ?, deleted = ? WHERE jti = ?",
                [state, note, acted_on, deleted, cohort.jti],
            )
            status = str(event["status"])
            queue_receipt(db, standing=0, about=cohort, jti=jti, status=status, token=token, at=clock.now())

    def _wait(self, cohort: Cohort, why: str) -> None:
        with self._store.transaction() as db:
            (row,) = db.execute("SELECT tries FROM cohorts WHERE jti = ?", [cohort.jti]).fetchall()
            pause = min(FIRST_PAUSE * 2 ** min(row["tries"], 16), LONGEST_PAUSE)
            db.execute(
                "UPDATE cohorts SET tries = tries + 1, note = ?, next_at = ? WHERE jti = ?",
                [why, (clock.now() + pause).timestamp(), cohort.jti],
            )


def _deny(db: sqlite3.Connection, row: sqlite3.Row, cohort: Cohort) -> None:
    """Take what the cohort covers out of a subscriber's state and out of use."""
    lists = json.loads(row["lists"])
    lists["state"] = [entry for entry in lists["state"] if not rules.covers(cohort.scope, rules.place(entry))]
    db.execute("UPDATE standing SET lists = ? WHERE n = ?", [json.dumps(lists), row["n"]])
    db.executemany("UPDATE held SET in_use = 0 WHERE n = ?", [(n,) for n in _list_covered_rows(db, row["n"], cohort)])


def _end(db: sqlite3.Connection, cohort: Cohort, sub: str) -> int:
    (row,) = db.execute(
        "SELECT * FROM standing WHERE iss = ? AND sub = ? AND agreement = ?", [cohort.iss, sub, cohort.agreement]
    ).fetchall()
    # If a newer order came first, what it allows stands; what it does not is deleted all the same.
    if row["epoch"] < cohort.epoch:
        _deny(db, row, cohort)
    gone = _list_covered_rows(db, row["n"], cohort) if "delete_held" in cohort.required_actions else []
    before = db.total_changes
    db.executemany("DELETE FROM held WHERE n = ? AND in_use = 0", [(n,) for n in gone])
    return db.total_changes - before


def _list_covered_rows(db: sqlite3.Connection, standing: int, cohort: Cohort) -> list[int]:
    held = db.execute("SELECT n, recipient, purpose FROM held WHERE standing = ?", [standing])
    return [row["n"] for row in held if rules.covers(cohort.scope, (row["recipient"], row["purpose"]))]
