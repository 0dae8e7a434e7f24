"""A lines file puts no line into other hands: who uses it sees its whole past."""

from datetime import datetime, timedelta
from itertools import product

import pytest

from accounts.models import Line
from accounts.primitives.sealing import unseal
from consent.actions import choices
from consent.models import Choice
from tests.clocks import Clock
from tests.factories import NOW
from tests.feeds import Row, line_row, moment, take_lines, told
from tests.moments import ends_at
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")
OTHER = "+12065550177"
SIM = "2026-03-01T00:00:00Z"
ANN = line_row(line_id="LA", holder_name="Ann Marsh")
ADULT = line_row(line_id="LB", msisdn=OTHER, holder_name="Ann Marsh", user_role="user")
OWN = ADULT | {"user_role": "holder", "account_id": "A2", "holder_name": "Bea Lund"}
NEEDS_NEW = [("rejected", "user_role", "needs_new_line_id")]
NOT_SAME: list[tuple[str, ...]] = [("rejected", "continues_line_id", "not_same_user")]


def known(carrier_id: str = "LB") -> tuple[str, str, str, str]:
    line = Line.objects.select_related("account").get(carrier_id=carrier_id)
    return line.user_role, line.account.carrier_id, unseal(bytes(line.holder_name_sealed)), line.state


def test_nobody_becomes_the_holder_of_the_account_they_are_on() -> None:
    own: tuple[Row, ...] = ({}, {"account_id": "A2"}, {"holder_name": "Bea Lund"})
    for role, change in product(("user", "unheard of", "minor"), own):
        with undone():
            row = ADULT | {"user_role": "holder"} | change
            take_lines(ANN, ADULT | {"user_role": role})
            before = known()
            assert told(take_lines(row | {"state": "MD", "sim_changed_at": SIM})) == NEEDS_NEW
            assert known() == before
            assert Line.objects.get(carrier_id="LB").sim_changed_at == moment(SIM), "what closes is taken all the same"
            assert told(take_lines(row | {"deactivated_at": "2026-04-01T00:00:00Z"})) == NEEDS_NEW
            assert Line.objects.get(carrier_id="LB").deactivated_at == moment("2026-04-01T00:00:00Z")


def test_who_leaves_holds_an_account_that_nobody_else_does() -> None:
    take_lines(ANN, ADULT, line_row(line_id="LC", msisdn="+12065550188", account_id="A3", holder_name="Cy Orr"))
    assert told(take_lines(OWN | {"account_id": "A3", "holder_name": "Cy Orr"})) == NEEDS_NEW
    new = line_row(line_id="LD", msisdn="+12065550199", account_id="A2", holder_name="Bea Lund")
    assert told(take_lines(new, OWN)) == [("accepted",), *NEEDS_NEW], "nor where a row of the same file begins one"
    assert told(take_lines(OWN | {"account_id": "A4"})) == [("accepted",)]
    assert known() == ("holder", "A4", "Bea Lund", "WA")


def test_a_holder_s_line_moves_with_its_holder_alone() -> None:
    take_lines(ANN)
    for role in ("holder", "minor"):
        moved = ANN | {"account_id": "A2", "holder_name": "Bob Cole", "user_role": role}
        assert told(take_lines(moved)) == NEEDS_NEW
        assert known("LA") == ("holder", "A1", "Ann Marsh", "WA")
    changes: tuple[Row, ...] = ({"account_id": "A2"}, {"holder_name": "Ann Lund"}, {"user_role": "user"})
    for change in changes:
        with undone():
            assert told(take_lines(ANN | change)) == [("accepted",)]


CONTINUED: list[tuple[Row, Row, list[tuple[str, ...]]]] = [
    (ADULT, {"user_role": "minor"}, NOT_SAME),
    (ANN, {"user_role": "minor"}, NOT_SAME),
    (ADULT, {"user_role": "holder"}, NOT_SAME),
    (ANN, {"user_role": "holder", "account_id": "A2", "holder_name": "Bob Cole"}, NOT_SAME),
    (ADULT, {"user_role": "holder", "account_id": "A2", "holder_name": "Bea Lund"}, [("accepted",)]),
    (ADULT, {"user_role": "user", "account_id": "A2", "holder_name": "Bea Lund"}, [("accepted",)]),
    (ADULT | {"user_role": "minor"}, {"user_role": "minor"}, [("accepted",)]),
    (ADULT | {"user_role": "minor"}, {"user_role": "user"}, [("accepted",)]),
]


def test_stops_come_over_to_the_same_person_alone() -> None:
    for (before, after, fate), late in product(CONTINUED, (False, True)):
        with undone():
            take_lines(before)
            first = Line.objects.get()
            choices.stop(line_id=first.pk, scope="all", actor="line:code", channel="web", reason="")
            row = line_row(line_id="LN", msisdn="+12065550199", holder_name="Ann Marsh") | after
            if late:
                take_lines(row)
            assert told(take_lines(row | {"continues_line_id": first.carrier_id})) == fate
            copied = Choice.objects.exclude(line_id=first.pk)
            assert [choice.reason for choice in copied] == (["continued"] if fate == [("accepted",)] else [])
            assert Line.objects.filter(carrier_id="LN").exists() == (late or fate == [("accepted",)])


def test_a_pause_comes_over_until_its_end(clock: Clock) -> None:
    until = NOW + timedelta(days=1)

    def comes_over(at: datetime) -> bool:
        clock.move_to(NOW)
        take_lines(ANN)
        first = Line.objects.get()
        choices.pause(line_id=first.pk, scope="all", until=until, actor="subscriber:1", channel="web")
        row = line_row(line_id="LN", msisdn=OTHER, holder_name="Ann Marsh", account_id="A2")
        take_lines(row)
        clock.move_to(at)
        assert told(take_lines(row | {"continues_line_id": first.carrier_id})) == [("accepted",)]
        return Choice.objects.exclude(line_id=first.pk).exists()

    assert ends_at(comes_over, until)
