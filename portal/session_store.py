"""Sessions as Django keeps them, in its own table, each asked for and written by one statement as it stands here.

A stop without an account reads its session at five pages and writes it five times. Django would make each statement
anew out of objects, look first whether a new key is free, and read a session before it deletes it.
"""

from typing import Any, override

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, UpdateError
from django.db import DatabaseError, connection
from django.utils.crypto import get_random_string

KEY_LENGTH = 32
LOAD = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > statement_timestamp()"
# Of so many letters no two are drawn twice; the table would refuse the second.
CREATE = """
INSERT INTO django_session (session_data, expire_date, session_key) VALUES (%s, %s, %s)
ON CONFLICT (session_key) DO NOTHING
"""
UPDATE = "UPDATE django_session SET session_data = %s, expire_date = %s WHERE session_key = %s"
DELETE = "DELETE FROM django_session WHERE session_key = %s"


class SessionStore(db.SessionStore):
    """One browser's session."""

    def load(self) -> dict[str, Any]:
        """What is kept under this key; nothing, and no key any more, where none is kept or its time is over."""
        with connection.cursor() as cursor:
            cursor.execute(LOAD, [self.session_key])
            found = cursor.fetchone()
        if found is None:
            self._session_key = None
            return {}
        return self.decode(found[0])

    def create(self) -> None:
        """Write it down under a new key."""
        kept = dict(self.items())
        self._session_key = get_random_string(KEY_LENGTH, VALID_KEY_CHARS)
        while not self._wrote(CREATE, kept):
            self._session_key = get_random_string(KEY_LENGTH, VALID_KEY_CHARS)
        self.modified = True

    @override
    def save(self, must_create: bool = False) -> None:
        """Write it down. Raises UpdateError where it was ended meanwhile, or can't be written."""
        if must_create or self.session_key is None:
            self.create()
            return
        try:
            is_there = self._wrote(UPDATE, dict(self.items()))
        except DatabaseError as error:
            raise UpdateError from error
        if not is_there:
            raise UpdateError

    def delete(self, session_key: str | None = None) -> None:
        """Forget this session, or the one of this key."""
        key = session_key or self.session_key
        if key is not None:
            with connection.cursor() as cursor:
                cursor.execute(DELETE, [key])

    def _wrote(self, statement: str, kept: dict[str, Any]) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(statement, (self.encode(kept), self.get_expiry_date(), self.session_key))
            written: int = cursor.rowcount
        return written == 1
