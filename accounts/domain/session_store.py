"""Browser sessions at rest: found by a keyed hash of the session key, and readable with that key alone.

The browser's cookie is the session key. The database holds HMAC-SHA256(server secret, key) to find the row, and the
data encrypted under HMAC-SHA256(another server secret, key). Whoever reads the table, or a dump of it, can neither
make a cookie from a row nor read what the session holds; data copied into another row is unreadable there.

A session that proves more about its person than before (a password, a passkey, a code of an app) goes on under another
key, whichever page took the proof: a key that was known to somebody beforehand opens nothing more than it did.

For ten seconds a mark says that the old key was replaced, and which row went on. A request that was sent under that key
reads nothing. What it writes by the way is dropped, so that it takes no cookie from the browser; so is what a request
writes that had read the session before. If it begins something
(asks for a code, signs in), it gets a session of its own. If it signs out, the session that went on ends. After ten
seconds the old key is unknown like any other.

The mark is found by a hash of its own: release 1.0 writes to whatever row it finds under a key, and must find none.

Each read and write is one statement: a stop without an account reads its session at five pages and writes it five
times.
"""

from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any, override

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from cryptography.fernet import Fernet, InvalidToken
from django.contrib.auth import SESSION_KEY as USER
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, SessionBase, UpdateError
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.utils.crypto import get_random_string

from accounts.models import BrowserSession
from accounts.primitives.sealing import compute_hmac

KEY_LENGTH = 32
# How a session was proved, as allauth keeps it.
PROOFS = AUTHENTICATION_METHODS_SESSION_KEY
# A key has its row or its mark: a move writes both at once.
LOAD = """
SELECT data, key_hash = %(mark)s FROM accounts_browsersession
WHERE key_hash IN (%(key)s, %(mark)s) AND expires_at > statement_timestamp()
"""
CREATE = """
INSERT INTO accounts_browsersession (key_hash, data, expires_at, user_id, origin_sealed)
VALUES (%(key)s, %(data)s, %(expires_at)s, %(user)s, '')
"""
UPDATE = """
UPDATE accounts_browsersession SET key_hash = %(key)s, data = %(data)s, expires_at = %(expires_at)s, user_id = %(user)s
WHERE key_hash = %(old_key)s
"""
# What a late request finds: a row that holds the id of the one that went on.
MOVE = """
WITH moved AS (
    UPDATE accounts_browsersession
    SET key_hash = %(key)s, data = %(data)s, expires_at = %(expires_at)s, user_id = %(user)s
    WHERE key_hash = %(old_key)s RETURNING id
)
INSERT INTO accounts_browsersession (key_hash, data, expires_at, user_id, origin_sealed)
SELECT %(mark)s, convert_to(id::text, 'UTF8'), statement_timestamp() + interval '10 seconds', NULL, '' FROM moved
"""
DELETE = """
DELETE FROM accounts_browsersession WHERE id = ANY(ARRAY(
    SELECT id FROM accounts_browsersession WHERE key_hash = %(key)s
    UNION ALL
    SELECT convert_from(data, 'UTF8')::bigint FROM accounts_browsersession
    WHERE key_hash = %(mark)s AND expires_at > statement_timestamp()
))
"""


def session_key_hash(session_key: str) -> bytes:
    """Return the 32 bytes by which a session's row is found."""
    return compute_hmac("session", session_key.encode())


def _hash_mark(session_key: str) -> bytes:
    return compute_hmac("session-replaced", session_key.encode())


class SessionStore(SessionBase):
    """One browser's session."""

    def __init__(self, session_key: str | None = None) -> None:
        self._is_modified = self._is_unknown = self._has_begun = False
        # The key that this request came under, if that was just replaced.
        self._replaced_key: str | None = None
        super().__init__(session_key)
        self._proofs: object = None

    @property
    def modified(self) -> bool:
        """Whether there is something to keep: under a key that was just replaced, only what this request begins."""
        return self._is_modified and not self._is_late

    @modified.setter
    def modified(self, modified: bool) -> None:
        self._is_modified = modified

    def begin(self) -> None:
        """Keep what this request writes, even under a key that was just replaced: it begins something."""
        self._has_begun = True

    @property
    def was_replaced(self) -> bool:
        """Whether this request came under a key that another request of the same browser has just replaced."""
        self.get("")  # reads it, where nothing has
        return self._replaced_key is not None

    def load(self) -> dict[str, Any]:
        """Return what is kept under this key.

        Nothing, and no key any more, where none is kept, its time is over, or the data was not written under this key.
        """
        with connection.cursor() as cursor:
            cursor.execute(LOAD, {"key": session_key_hash(self._key), "mark": _hash_mark(self._key)})
            kept, is_mark = cursor.fetchone() or (b"", False)
        data = None if is_mark else self._decrypt(kept)
        if data is None:
            self._replaced_key = self._key if is_mark else None
            self._session_key, self._is_unknown = None, True
            return {}
        self._proofs = data.get(PROOFS)
        return data

    def exists(self, session_key: str) -> bool:
        return BrowserSession.objects.filter(key_hash=session_key_hash(session_key)).exists()

    @override
    def is_empty(self) -> bool:
        """Return whether the browser's cookie is to be taken back: not one that merely opens nothing (any more).

        Another request of the same browser may have gone on under another key meanwhile, whose cookie it would take.
        """
        return super().is_empty() and (self.modified or not self._is_unknown) and self._replaced_key is None

    def create(self) -> None:
        """Write it under a new key."""
        data = dict(self.items())
        if self._is_late:
            return
        self._session_key, self._replaced_key = _new_key(), None
        self._write(CREATE, data)
        self.modified = True

    @override
    def cycle_key(self) -> None:
        """Go on under another key; the old one opens nothing. One that was ended or replaced meanwhile stays so."""
        data, old = dict(self.items()), self.session_key
        self._session_key = _new_key()
        if old is None or not self._write(MOVE, data, old_key=old):
            self._session_key, self._replaced_key = None, old or self._replaced_key
            self.create()
        self.modified = True

    @override
    def save(self, must_create: bool = False) -> None:
        """Write it, under another key where it proves more than when it was read.

        Raises: UpdateError where it was ended or replaced meanwhile, or can't be written.
        """
        data, old, statement = dict(self.items()), self._key, UPDATE
        if must_create or self.session_key is None:
            self.create()
            return
        if data.get(PROOFS) != self._proofs:
            self._session_key, statement = _new_key(), MOVE
        try:
            is_there = self._write(statement, data, old_key=old)
        except DatabaseError as error:
            raise UpdateError from error
        if not is_there:
            self._replaced_key = old if self._is_mark_there(old) else None
            raise UpdateError

    @override
    def flush(self) -> None:
        """End it, also where it went on under another key meanwhile, and take the browser's cookie back."""
        super().flush()
        self._replaced_key = None

    def delete(self, session_key: str | None = None) -> None:
        """Forget this session, or the one of this key."""
        key = session_key or self.session_key or self._replaced_key
        if key is not None:
            with connection.cursor() as cursor:
                cursor.execute(DELETE, {"key": session_key_hash(key), "mark": _hash_mark(key)})

    def _is_mark_there(self, key: str) -> bool:
        mark = BrowserSession.objects.filter(key_hash=_hash_mark(key), expires_at__gt=Now())
        return mark.exists()

    @property
    def _is_late(self) -> bool:
        """Whether this request's writes are dropped: its key was replaced, and it neither begins nor signs in."""
        if self._replaced_key is None or self._has_begun:
            return False
        return self._proofs is not None or PROOFS not in self

    @property
    def _key(self) -> str:
        return self.session_key or ""

    def _write(self, statement: str, data: dict[str, Any], *, old_key: str = "") -> bool:
        values: dict[str, bytes | datetime | int | None] = {
            "key": session_key_hash(self._key), "old_key": session_key_hash(old_key), "mark": _hash_mark(old_key),
            "data": self._encrypt(data), "expires_at": self.get_expiry_date(),
            "user": int(data[USER]) if USER in data else None,
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            is_written: bool = cursor.rowcount == 1
        if is_written:
            self._proofs = data.get(PROOFS)
        return is_written

    def _encrypt(self, data: dict[str, Any]) -> bytes:
        return self._cipher().encrypt(self.serializer().dumps(data))

    def _decrypt(self, kept: bytes | memoryview) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.serializer().loads(self._cipher().decrypt(bytes(kept)))
        except InvalidToken:
            return None
        return found

    def _cipher(self) -> Fernet:
        return Fernet(urlsafe_b64encode(compute_hmac("session-data", self._key.encode())))


def _new_key() -> str:
    return get_random_string(KEY_LENGTH, VALID_KEY_CHARS)
