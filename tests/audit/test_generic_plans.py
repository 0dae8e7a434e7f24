"""Plans are kept for what is asked again, where that was asked for, and nowhere else."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.db.backends.postgresql.base import ServerBindingCursor

from audit.models import AuditEvent
from audit.primitives import generic_plans

pytestmark = pytest.mark.django_db


def kept(pattern: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [pattern])
        ((count,),) = cursor.fetchall()
        return int(count)


def test_what_differs_in_its_values_alone_is_planned_once() -> None:
    with generic_plans.use_generic_plans():
        found = [AuditEvent.objects.filter(line_id=number, seq=-1).exists() for number in (1, 2, 3)]
    assert (found, kept('%"audit_auditevent"."line_id" = $_ AND "audit_auditevent"."seq" = $_%')) == ([False] * 3, 1)


def test_nothing_is_kept_outside() -> None:
    for number in (1, 2, 3):
        assert not AuditEvent.objects.filter(chain=number, seq=-1).exists()
    assert kept('%"audit_auditevent"."chain" = %') == 0


def test_no_savepoint_is_kept() -> None:
    with generic_plans.use_generic_plans():
        for _ in range(3):
            with transaction.atomic():
                assert not AuditEvent.objects.filter(seq=-1).exists()
    assert (kept("%SAVEPOINT%"), kept('%WHERE "audit_auditevent"."seq" = $_%')) == (0, 1)


def test_an_error_within_ends_it_too() -> None:
    connection.ensure_connection()
    session = connection.connection
    before = session.cursor_factory, session.prepare_threshold
    within = []

    @generic_plans.use_generic_plans()
    def fails() -> None:
        within.append((session.cursor_factory, session.prepare_threshold))
        raise LookupError

    with pytest.raises(LookupError):
        fails()
    assert within == [(ServerBindingCursor, 1)]
    assert (session.cursor_factory, session.prepare_threshold) == before


def is_open_within() -> bool:
    with generic_plans.use_generic_plans():
        return connection.connection is not None


def test_what_asks_nothing_opens_no_connection() -> None:
    with ThreadPoolExecutor(1) as anew:
        assert not anew.submit(is_open_within).result()
