"""Plans that the database keeps for what is asked of it again and again."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor

# A stop without an account is some sixty different statements; what was not asked for longest is dropped.
MOST = 400
# From the second time on: the names of savepoints never come twice.
ASKED_BEFORE = 1


@contextmanager
def use_generic_plans() -> Iterator[None]:
    """Within, this thread's statements go out with their values apart: each is planned once for its connection.

    A connection that is not open yet is left alone, until the next time. For work of the same few statements that find
    their rows by key: a plan that is kept knows no values. It can't choose by how common they are, and no index over a
    part of a table fits that is told apart by a value.
    """
    session = connection.connection
    if session is None:
        # Opened by the first statement, if there is one: what needs no database must not fail without it.
        yield
        return
    before = session.cursor_factory, session.prepare_threshold
    session.cursor_factory, session.prepare_threshold, session.prepared_max = ServerBindingCursor, ASKED_BEFORE, MOST
    try:
        yield
    finally:
        session.cursor_factory, session.prepare_threshold = before
