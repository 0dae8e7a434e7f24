"""Several rows of one line in one file: the last says how things are now, and the file again changes nothing."""

import io
from collections import Counter
from itertools import batched, product

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Line, LineNumber, LineState
from accounts.primitives.sealing import unseal
from audit.queries import database_clock
from consent.feeds.lines import LinesFeed
from partners.feeds.checking import Fate
from partners.feeds.reading import numbered_lines
from tests.feeds import NUMBER, Row, line_row, moment, ndjson, take_lines, told
from tests.properties import stories, undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")
N2, N3 = "+12065550177", "+12065550188"
MARCH, APRIL, MAY, JUNE = (f"2025-0{month}-01T00:00:00Z" for month in (3, 4, 5, 6))


def in_chunks(rows: list[Row], size: int) -> list[Fate]:
    """The file as the command takes it in, with chunks of another size."""
    feed, at = LinesFeed(), database_clock()
    fates = [
        fate
        for chunk in batched(numbered_lines(io.BytesIO(ndjson(rows))), size, strict=False)
        for fate in feed.take(lines=chunk, at=at)
    ]
    return sorted(fates + feed.finish(at=at), key=lambda fate: int(fate.line))


def known() -> list[tuple[object, ...]]:
    """Everything that is known of the lines."""
    numbers = LineNumber.objects.order_by("line__carrier_id", "starts_at").values_list(
        "line__carrier_id", "msisdn_hash", "starts_at", "ends_at"
    )
    lines = [
        (
            line.carrier_id, line.account.carrier_id, unseal(bytes(line.holder_name_sealed)), line.user_role,
            line.state, line.language, line.deactivated_at, line.number_changed_at, line.sim_changed_at,
            [state.state for state in LineState.objects.filter(line=line).order_by("since")],
        )
        for line in Line.objects.select_related("account").order_by("carrier_id")
    ]  # fmt: skip
    return [*lines, *((line, bytes(number), start, end) for line, number, start, end in numbers)]


FILES = [
    [line_row(), line_row(state="MD")],
    [line_row(user_role="minor"), line_row(user_role="user")],
    [line_row(), line_row(holder_name="Ada Marsh-Lee"), line_row(holder_name="Ada Lee")],
    [line_row(), line_row(account_id="A2"), line_row()],
    [line_row(deactivated_at=MARCH), line_row(deactivated_at=APRIL)],
    [line_row(), line_row(deactivated_at=APRIL), line_row(deactivated_at=MARCH, language="es")],
    [line_row(), line_row(msisdn=N2, number_changed_at=MARCH, state="MD"), line_row(msisdn=N2, state="OR")],
    [line_row(sim_changed_at=APRIL, state="OR"), line_row(sim_changed_at=MARCH, state="MD"), line_row()],
]


def test_the_last_row_has_the_last_word_whatever_the_chunks() -> None:
    for rows, size in product(FILES, (1, 1000)):
        with undone():
            in_chunks(rows, size)
            last = rows[-1]
            line = Line.objects.select_related("account").get()
            assert (line.state, line.user_role, line.language, line.account.carrier_id) == (
                last["state"], last["user_role"], last["language"], last["account_id"],
            )  # fmt: skip
            assert unseal(bytes(line.holder_name_sealed)) == last["holder_name"]
            assert line.deactivated_at == (moment(str(last["deactivated_at"])) if last["deactivated_at"] else None)
            before = known()
            # The file again changes nothing.
            for again in (1, 2, 1000):
                assert told(in_chunks(rows, again)) == [("repeated",)] * len(rows)
            assert known() == before


def test_what_later_row_of_file_takes_back_was_never_so() -> None:
    take_lines(line_row())
    fates = in_chunks([line_row(state="MD"), line_row(state="VA"), line_row(state="OR"), line_row(state="OR")], 1)
    assert told(fates) == [("repeated",), ("repeated",), ("repeated",), ("accepted",)]
    assert [one.state for one in LineState.objects.order_by("since")] == ["WA", "OR"]
    assert told(in_chunks([line_row(state="MD"), line_row(state="OR")], 1)) == [("repeated",), ("repeated",)]


def test_no_file_makes_an_adult_a_minor() -> None:
    """An old file says what was once so: it must not hand to the holder what the adult alone sees and decides."""
    old = line_row(user_role="minor")
    take_lines(old)
    assert told(take_lines(line_row(user_role="user"))) == [("accepted",)]
    assert told(take_lines(old)) == [("repeated",)]
    assert told(take_lines(old | {"state": "MD"})) == [("accepted",)]
    line = Line.objects.get()
    assert (line.user_role, line.state) == ("user", "MD")


def test_a_corrected_end_that_a_later_row_needs_or_forbids() -> None:
    take_lines(line_row(deactivated_at=JUNE))
    freed = [line_row(line_id="L2", activated_at=MAY), line_row(deactivated_at=APRIL)]
    assert told(in_chunks(freed, 1)) == [("accepted",), ("accepted",)]
    assert told(in_chunks(freed, 1)) == [("repeated",), ("repeated",)]
    fates = in_chunks([line_row(deactivated_at=JUNE), line_row(deactivated_at="2025-01-01T00:00:01Z", state="MD")], 1)
    assert told(fates) == [("repeated",), ("accepted",)]
    assert told(in_chunks([line_row(deactivated_at=JUNE)], 1)) == [("rejected", "msisdn", "number_overlap")]


def test_an_end_where_the_newest_number_begins_is_the_first_one_s() -> None:
    changes = [line_row(msisdn=N2, number_changed_at=MARCH), line_row(number_changed_at=JUNE)]
    assert told(in_chunks([line_row(), *changes], 1)) == [("accepted",)] * 3
    assert told(take_lines(line_row(deactivated_at=JUNE))) == [("repeated",)]
    assert Line.objects.get().deactivated_at is None


def test_a_clashing_row_does_not_outdo_rows_below_it() -> None:
    rows = [
        line_row(line_id="L2", activated_at=APRIL, state="MD"),
        line_row(line_id="L2", msisdn=N2, activated_at=APRIL, number_changed_at=JUNE, state="OR"),
        line_row(deactivated_at=MARCH),
    ]
    take_lines(line_row())
    assert told(in_chunks(rows, 1)) == [("accepted",)] * 3
    assert Line.objects.get(carrier_id="L2").state == "OR"
    assert told(in_chunks(rows, 1)) == [("repeated",)] * 3
    named = line_row(line_id="L2", msisdn=N2, activated_at=APRIL, number_changed_at=JUNE, continues_line_id="L3")
    nothing_new = named | {"state": "OR", "continues_line_id": ""}
    rows = [named | {"state": "MD"}, nothing_new, line_row(line_id="L3", msisdn=N3)]
    assert told(in_chunks(rows, 1)) == [("accepted",), ("repeated",), ("accepted",)]
    assert Line.objects.get(carrier_id="L2").state == "OR"


def test_a_clashing_row_of_a_newer_number_outdoes_older_ones() -> None:
    rows = [
        line_row(msisdn=N2),
        line_row(line_id="L2", msisdn=N2, number_changed_at=MARCH, holder_name="Bo"),
        line_row(number_changed_at=MARCH),
        line_row(line_id="L2", msisdn=N3, holder_name="Ada"),
    ]
    assert told(in_chunks(rows, 1)) == [("accepted",)] * 4
    assert unseal(bytes(Line.objects.get(carrier_id="L2").holder_name_sealed)) == "Bo"
    before = known()
    assert told(in_chunks(rows, 1)) == [("repeated",)] * 4
    assert known() == before


DATES = st.sampled_from([MARCH, APRIL, MAY, JUNE])
ROWS = st.lists(
    st.builds(
        line_row, line_id=st.sampled_from(["L1", "L2"]), msisdn=st.sampled_from([NUMBER, N2, N3]),
        user_role=st.sampled_from(["minor", "user", "holder"]), state=st.sampled_from(["WA", "OR"]),
        holder_name=st.sampled_from(["Ada", "Bo"]), deactivated_at=st.none() | DATES,
        number_changed_at=st.none() | DATES, sim_changed_at=st.none() | DATES,
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@stories(60)
@given(rows=ROWS, sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)))
def test_any_file_again_changes_nothing_whatever_the_chunks(rows: list[Row], sizes: tuple[int, int]) -> None:
    with transaction.atomic():
        in_chunks(rows, sizes[0])
        before = known()
        again = in_chunks(rows, sizes[1])
        assert known() == before
        assert Counter(fate.status for fate in again)["accepted"] == 0
        transaction.set_rollback(True)
