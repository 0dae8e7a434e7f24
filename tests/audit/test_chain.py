"""A changed, removed, reordered or cut-off event is found."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connections, transaction

import audit.actions
import audit.queries
from audit.models import AuditEvent
from tests.factories import NOW
from tests.fixtures import Refusal
from tests.overlapping import overlap

SWAP_3_AND_4 = (
    "UPDATE audit_auditevent SET seq = -4 WHERE seq = 3; UPDATE audit_auditevent SET seq = 3 WHERE seq = 4;"
    "UPDATE audit_auditevent SET seq = 4 WHERE seq = -4"
)
pytestmark = pytest.mark.usefixtures("committed_db")


def some_events(count: int = 6, line_id: int = 7) -> None:
    for n in range(count):
        audit.actions.record(
            action="test.done", actor="system:test", target=f"thing:{n}", at=NOW + timedelta(minutes=n), line_id=line_id
        )


def as_owner(*statements: str) -> None:
    """What only somebody with the owner's rights could do, and the chain must still show."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")


def check(
    *, since: datetime | None = None, until: datetime | None = None, signed: dict[int, tuple[int, bytes]] | None = None
) -> audit.queries.Verification:
    return audit.queries.verify_chains(since=since, until=until, signed=signed or {})


def test_events_for_many_lines_are_appended_chain_by_chain() -> None:
    details: dict[int, dict[str, object]] = {line_id: {} for line_id in (1, 16, 32, 33, 15)}
    audit.actions.record_for_lines(action="test.done", actor="system:test", at=NOW, details=details)
    rows = AuditEvent.objects.order_by("id").values_list("chain", "line_id")
    assert list(rows) == [(0, 16), (0, 32), (1, 1), (1, 33), (15, 15)]


def test_events_of_no_line_are_appended_chain_by_chain() -> None:
    events = [audit.actions.Event("test.done", "system:test", f"thing:{n}", NOW, detail={"n": n}) for n in range(40)]
    audit.actions.record_events(events=events)
    rows = AuditEvent.objects.order_by("id").values_list("chain", "seq", "target", "detail", "line_id")
    places = [(chain, seq) for chain, seq, *_ in rows]
    assert places == sorted(places)
    assert {(target, detail["n"], line) for _, _, target, detail, line in rows} == {
        (f"thing:{n}", n, None) for n in range(40)
    }
    assert check() == audit.queries.Verification(40, None)


def test_a_whole_trail_verifies() -> None:
    some_events()
    some_events(line_id=8)
    assert check() == audit.queries.Verification(12, None)
    assert check(since=NOW + timedelta(minutes=3)) == audit.queries.Verification(6, None)
    assert check(until=NOW + timedelta(minutes=2)) == audit.queries.Verification(4, None)


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        ("UPDATE audit_auditevent SET actor = 'agent:9' WHERE seq = 3", (3, "was changed")),
        *(
            (f"UPDATE audit_auditevent SET {change} WHERE seq = 2", (2, "was changed"))
            for change in (
                "at = at + interval '1 microsecond'", "action = 'other'", "target = 'thing:9'", "line_id = 23",
                "line_id = NULL", "reason = 'none'", """detail = '{"n": 1}'""", r"prev_hash = '\x00'",
                r"hash = '\x00'",
            )
        ),
        ("UPDATE audit_auditevent SET chain = 8 WHERE seq = 2", (2, "is missing")),
        ("UPDATE audit_auditevent SET seq = 99 WHERE seq = 2", (2, "is missing")),
        ("DELETE FROM audit_auditevent WHERE seq = 3", (3, "is missing")),
        (SWAP_3_AND_4, (3, "was changed")),
        ("DELETE FROM audit_auditevent WHERE seq >= 5", (5, "is cut off")),
    ],
)  # fmt: skip
def test_tampering_is_found(tamper: str, fault: tuple[int, str]) -> None:
    some_events()
    as_owner(tamper)
    found = check().fault
    assert found is not None
    assert (found.chain, found.seq, found.what) == (7, *fault)


def test_an_event_put_beside_the_chains_is_found() -> None:
    some_events()
    as_owner(
        "INSERT INTO audit_auditevent (chain, seq, at, action, actor, target, line_id, reason, detail, prev_hash, hash)"
        " SELECT 99, 1, at, action, 'agent:9', target, line_id, reason, detail, prev_hash, hash"
        " FROM audit_auditevent WHERE seq = 3"
    )
    assert check().fault == audit.queries.Fault(99, 1, "is in a chain that is not its own")


def test_a_lines_log_is_in_the_order_of_its_chain() -> None:
    for n in range(3):
        audit.actions.record(action=f"test.{n}", actor="system:test", target="thing:1", at=NOW, line_id=7)
    as_owner("UPDATE audit_auditevent SET id = id + 1000 WHERE action = 'test.0'")
    assert [event.action for event in audit.queries.events_of_line(line_id=7, reader="")] == [
        "test.2",
        "test.1",
        "test.0",
    ]


def test_times_that_do_not_rise_with_places_raise_no_alarm() -> None:
    for n in (0, 5, 1, 4, 2, 6, 3):
        audit.actions.record(
            action="test.done", actor="system:test", target="thing:1", at=NOW + timedelta(minutes=n), line_id=7
        )
    assert check(since=NOW + timedelta(minutes=4)) == audit.queries.Verification(6, None), "from the second on"
    assert check(until=NOW + timedelta(minutes=3)) == audit.queries.Verification(5, None), "up to the fifth"
    both = check(since=NOW + timedelta(minutes=4), until=NOW + timedelta(minutes=5))
    assert both == audit.queries.Verification(1, None)
    assert check(since=NOW + timedelta(hours=1)) == audit.queries.Verification(0, None)
    assert check(until=NOW) == audit.queries.Verification(0, None)


@pytest.mark.parametrize("seq", [2, 3, 4, 5])
def test_what_is_gone_from_range_or_beside_it_is_found(seq: int) -> None:
    some_events()
    as_owner(f"DELETE FROM audit_auditevent WHERE seq = {seq}")
    found = check(since=NOW + timedelta(minutes=2), until=NOW + timedelta(minutes=4)).fault
    assert found == audit.queries.Fault(7, seq, "is missing")


def test_an_event_beyond_the_head_is_found() -> None:
    some_events()
    as_owner(
        "UPDATE audit_chainhead h SET seq = 4, hash = e.hash FROM audit_auditevent e WHERE e.seq = 4 AND h.chain = 7"
    )
    assert check().fault == audit.queries.Fault(7, 5, "is beyond the head")


def test_events_that_are_written_meanwhile_raise_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    some_events()
    walk = audit.queries._rows

    def and_meanwhile(*place: int) -> Iterator[tuple[int, bytes, bytes, str]]:
        some_events(2)
        some_events(2, line_id=8)
        yield from walk(*place)

    monkeypatch.setattr(audit.queries, "_rows", and_meanwhile)
    assert check() == audit.queries.Verification(6, None)


def test_trail_cut_off_with_its_head_is_found_by_checkpoint() -> None:
    some_events()
    signed = audit.queries.get_chain_heads()
    as_owner(
        "DELETE FROM audit_auditevent WHERE seq >= 5",
        "UPDATE audit_chainhead h SET seq = 4, hash = e.hash FROM audit_auditevent e WHERE e.seq = 4 AND h.chain = 7",
    )
    assert check().fault is None
    assert check(signed=signed).fault == audit.queries.Fault(7, 5, "is cut off")


def test_the_application_can_neither_change_nor_remove_an_event(refused: Refusal) -> None:
    some_events(1)
    refused("UPDATE audit_auditevent SET actor = 'x'")
    refused("DELETE FROM audit_auditevent")
    refused("TRUNCATE audit_auditevent")
    refused("UPDATE audit_chainhead SET seq = 0")
    refused("ALTER TABLE audit_auditevent DISABLE TRIGGER ALL")
    refused("DROP TRIGGER audit_event_chain ON audit_auditevent")
    assert AuditEvent.objects.count() == 1


def test_two_events_at_once_stand_one_behind_the_other() -> None:
    def records() -> None:
        with transaction.atomic():
            some_events(1)

    overlap(records, records)
    assert sorted(AuditEvent.objects.values_list("seq", flat=True)) == [1, 2]
    assert check() == audit.queries.Verification(2, None)
