"""What is shown of figures tells no small count: tried on every small table, not on how it is worked out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product

import pytest

from disclosures.queries.figures.page import count_changes
from disclosures.queries.figures.published import Count, Row, Suppression, find_suppression, suppress_small_cells
from disclosures.queries.figures.statements import STATEMENTS, Figure, Statement
from tests.selection import drawn

RELEASES, FOLLOWED, CHOICES = STATEMENTS[Figure.RELEASES], STATEMENTS[Figure.FOLLOWED], STATEMENTS[Figure.CHOICES]
DISPUTES, PHONES = STATEMENTS[Figure.DISPUTES], STATEMENTS[Figure.PHONES]

type Counts = Mapping[str, int]
type Numbers = Mapping[str, str | int | float | None]
type Tables = Iterable[Sequence[Counts]]


ALONE = Suppression()


def as_said(cell: object) -> object:
    return (cell.n if cell.n is not None else cell.why.value) if isinstance(cell, Count) else cell


def seen(statement: Statement, table: Sequence[Counts], hidden: Suppression = ALONE) -> tuple[tuple[object, ...], ...]:
    """All that everybody sees of a table, row by row and the sums last: its counts, and whether a time is there."""
    rows = [{**dict.fromkeys(statement.columns, 1.5), **row} for row in table]
    return cells_of(
        statement,
        *suppress_small_cells(
            statement=statement, rows=rows, held=hidden.held, partial=hidden.partial, all_of=hidden.all_of
        ),
    )


def cells_of(
    statement: Statement, found: Sequence[Row], total: Mapping[str, Count] | None
) -> tuple[tuple[object, ...], ...]:
    cells = [tuple(as_said(row[column]) for column in (*statement.counts, *statement.times)) for row in found]
    return (*cells, tuple(as_said(total[column]) for column in statement.counts) if total else ())


def as_everybody_sees(choices: Sequence[Numbers]) -> tuple[Sequence[Row], Mapping[str, Count] | None]:
    return suppress_small_cells(
        statement=CHOICES, rows=[{**dict.fromkeys(CHOICES.times, 1.5), **row} for row in choices]
    )


def numbers(statement: Statement, table: Sequence[Counts]) -> dict[str, int]:
    """The counts of each row and of the sums, what is left of each whole, and of how many things each time speaks."""
    found: dict[str, int] = {}
    sums = {column: sum(row[column] for row in table) for column in statement.counts}
    for place, row in enumerate([*table, *([sums] if statement.totals else [])]):
        found |= {f"{place}: {column}": row[column] for column in statement.counts}
        found |= {
            f"{place}: {whole} less {parts}": row[whole] - sum(row[part] for part in parts)
            for whole, parts in statement.parts
        }
        found |= {f"{place}: {of}": row[of[0]] - sum(row[one] for one in of[1:]) for of in statement.times.values()}
    return found


def told(statement: Statement, tables: Tables) -> list[object]:
    """What somebody who knows every table that looks the same knows of a small number: none, if all is well."""
    alike: dict[object, list[Sequence[Counts]]] = defaultdict(list)
    for table in tables:
        alike[seen(statement, table)].append(table)
    return [
        (look, name, values)
        for look, group in alike.items()
        for name, values in possible(numbers(statement, table) for table in group).items()
        if len(values) == 1 and 0 < min(values) < 10
    ]


def possible(all_of: Iterable[Counts]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for one in all_of:
        for name, number in one.items():
            found[name].add(number)
    return found


def pairs(most: int, whole: str, part: str, **others: int) -> list[Counts]:
    return [{**others, whole: n, part: of_these} for n in range(most + 1) for of_these in range(n + 1)]


def wholes(most: int) -> Iterator[int]:
    """Each whole of ten or more is shown, so that tables of one look like none of another: a part of them is drawn."""
    yield from range(10)
    yield from drawn(range(10, most + 1), of=3)


def of_companies(most: int) -> Iterator[Sequence[Counts]]:
    for received in wholes(most):
        for acknowledged in range(received + 1):
            for completed, said_here in product(range(acknowledged + 1), range(received + 1)):
                yield [
                    {
                        "received": received, "said_here": said_here, "acknowledged": acknowledged,
                        "completed": completed, "overdue": 0,
                    }
                ]  # fmt: skip


def of_disputes(most: int) -> Iterator[Sequence[Counts]]:
    for asked in wholes(most):
        for proof in range(asked + 1):
            for none in range(asked - proof + 1):
                for late in range(asked - proof - none + 1):
                    yield [{"asked": asked, "showed_proof": proof, "had_none": none, "late": late}]


def test_no_small_count_of_one_row_is_told() -> None:
    assert told(CHOICES, ([row] for row in pairs(60, "n", "from_files"))) == []
    assert told(RELEASES, ([row] for row in pairs(60, "released", "not_allowed", refused=0))) == []
    assert told(FOLLOWED, of_companies(23)) == []
    assert told(DISPUTES, of_disputes(34)) == []


@pytest.mark.nightly
def test_no_small_count_of_rows_and_sums_is_told() -> None:
    rows = [row for row in pairs(22, "n", "from_files") if row["n"] not in {2, 3, 4, 5, 6}]
    assert told(CHOICES, product(rows, rows)) == []
    few = [{"released": n, "not_allowed": 0, "refused": 0} for n in (*range(14), 400)]
    assert told(RELEASES, product(few, few, few)) == []


def test_no_small_count_is_told_by_the_month_before() -> None:
    alike: dict[object, list[Counts]] = defaultdict(list)
    for now, before in product(range(24), range(24)):
        months = [as_everybody_sees([{"kind": "stop", "n": n, "from_files": 0}])[0] for n in (now, before)]
        told_of_both = tuple(as_said(rows[0]["n"]) for rows in months)
        changes = tuple(count_changes(now=months[0], before=months[1], name=Figure.CHOICES))
        alike[told_of_both, changes].append({"now": now, "before": before})
    assert small_ones(alike.values()) == []
    assert (("few", 12), (None,)) in alike
    assert ((12, 14), (-2,)) in alike


def test_no_small_count_of_phones_is_told_by_look_ups() -> None:
    """Two companies, and how many look-ups there were of all their phones: at least one of each."""
    alike: dict[object, list[tuple[int, Counts]]] = defaultdict(list)
    listed = [row for row in pairs(21, "phones", "not_allowed") if row["phones"] in {10, 11, 21}]
    for one, other in product(listed, pairs(11, "phones", "not_allowed")):
        # A company that found fewer than ten has no row.
        rows = cached_look(*(row["phones"] for row in (one, other) if row["phones"] >= 10))
        phones, not_allowed = (one[column] + other[column] for column in ("phones", "not_allowed"))
        for more in range(12):
            for of_these in range(more + 1 if not_allowed else 1):
                if more == of_these or phones > not_allowed:
                    released = {"released": phones + more, "not_allowed": not_allowed + of_these, "refused": 0}
                    look = (rows, cached_row(Figure.RELEASES, released))
                    alike[look].append((more, numbers_of(one, other)))
    inner = {look for look, group in alike.items() if any(more < 2 for more, _ in group)}
    assert len(inner) > 100
    assert small_ones([numbers for _, numbers in alike[look]] for look in inner) == []


def cached_row(name: Figure, row: Counts, hidden: Suppression = ALONE) -> object:
    """Return all that everybody sees of a table of one row, worked out once for each."""
    return _cached_row(name, (*row.items(),), (*hidden.held,), (*hidden.partial,), (*hidden.all_of.items(),))


type Pairs = tuple[tuple[str, int], ...]


@cache
def _cached_row(name: Figure, row: Pairs, held: tuple[str, ...], partial: tuple[str, ...], all_of: Pairs) -> object:
    return seen(STATEMENTS[name], [dict(row)], Suppression(held, partial, dict(all_of)))


@cache
def cached_look(*rows: int) -> object:
    return seen(PHONES, [{"phones": phones} for phones in rows])


def numbers_of(one: Counts, other: Counts) -> Counts:
    return {
        f"{place}: {name}": n
        for place, row in enumerate((one, other))
        for name, n in (*row.items(), ("rest", row["phones"] - row["not_allowed"]))
    }


def small_ones(groups: Iterable[Iterable[Counts]]) -> list[tuple[str, set[int]]]:
    """What is the same small count in each of those that look the same."""
    return [
        (name, values)
        for group in groups
        for name, values in possible(group).items()
        if len(values) == 1 and 0 < min(values) < 10
    ]


@pytest.mark.parametrize("contracts", [pytest.param(1, marks=pytest.mark.nightly), 2])
def test_nothing_small_is_told_by_who_hears_of_everything(contracts: int) -> None:
    """It has so many agreements, and is told of each choice by an order under each of them."""
    alike: dict[object, list[Counts]] = defaultdict(list)
    for stop, dispute in product(pairs(23, "n", "from_files"), pairs(13, "n", "from_files")):
        choices: list[Numbers] = [{"kind": "stop", **stop}, {"kind": "dispute", **dispute}]
        rows, total = as_everybody_sees(choices)
        # As the statement counts: kinds of which there are few are not in it.
        many = [row for row in (stop, dispute) if row["n"] >= 10]
        received = contracts * sum(row["n"] for row in many)
        here = received - contracts * sum(row["from_files"] for row in many)
        followed = {"received": received, "said_here": here, "acknowledged": 0, "completed": 0, "overdue": 0}
        asked = {"asked": contracts * dispute["n"], "showed_proof": 0, "had_none": 0, "late": 0}
        look: object = (
            cells_of(CHOICES, rows, total),
            cached_row(Figure.FOLLOWED, followed, find_suppression(name=Figure.FOLLOWED, choices=rows)),
            cached_row(Figure.DISPUTES, asked, find_suppression(name=Figure.DISPUTES, choices=rows)),
        )
        alike[look].append(numbers(CHOICES, [stop, dispute]))
    assert small_ones(alike.values()) == []


def test_nothing_small_is_told_by_who_hears_of_most() -> None:
    """Nobody is to know of how few it was not told: of all, of those made here, of those that came by file."""
    alike: dict[object, list[Counts]] = defaultdict(list)
    for n, files in [(10, 0), (11, 0), (12, 0), (25, 0), (25, 12), (34, 22), (30, 30), (34, 0), (85, 40), (82, 41)]:
        rows, _ = as_everybody_sees([{"kind": "stop", "n": n, "from_files": files}])
        hidden = find_suppression(name=Figure.FOLLOWED, choices=rows)
        for not_here, not_of_files in product(range(n - files + 1), range(files + 1)):
            missed = not_here + not_of_files
            for acknowledged in range(n - missed + 1 if n < 40 else 1):
                followed = {
                    "received": n - missed, "said_here": n - files - not_here, "acknowledged": acknowledged,
                    "completed": acknowledged, "overdue": 0,
                }  # fmt: skip
                look = (n, files, cached_row(Figure.FOLLOWED, followed, hidden))
                alike[look].append({"missed": missed, "here": not_here, "of files": not_of_files})
    assert small_ones(alike.values()) == []


@pytest.mark.parametrize(
    ("row", "as_shown"),
    [
        # Stops 60, none by file: so many were not about this company.
        ((60, 60, 60, 60), [60, 60, 60, 60]),
        ((57, 57, 57, 40), ["most", "held", "held", 40]),
        ((57, 57, 40, 40), ["most", "held", 40, 40]),
        ((51, 51, 51, 51), ["most", "held", "held", "held"]),
        ((50, 50, 50, 50), [50, 50, 50, 50]),
        # Under two agreements it was told of each twice.
        ((120, 120, 120, 120), [120, 120, 120, 120]),
        ((117, 117, 100, 100), ["most", "held", 100, 100]),
        ((9, 9, 9, 9), ["few"] * 4),
    ],
)
def test_how_what_was_told_is_marked_beside_choices(row: tuple[int, ...], as_shown: list[object]) -> None:
    choices, _ = as_everybody_sees(
        [{"kind": "stop", "n": 60, "from_files": 0}, {"kind": "allow", "n": 40, "from_files": 0}]
    )
    counts = {**dict.fromkeys(FOLLOWED.counts, 0), **dict(zip(FOLLOWED.counts, row, strict=False))}
    (found, _) = seen(FOLLOWED, [counts], find_suppression(name=Figure.FOLLOWED, choices=choices))
    assert list(found[:4]) == as_shown


@pytest.mark.parametrize(
    ("stops", "row", "as_shown"),
    [
        # Of forty said here and of forty that came by file, so many were not about this company.
        ((80, 40), (60, 20), [60, 20]),
        ((80, 40), (61, 21), [61, "held"]),
        ((80, 40), (60, 40), [60, 40]),
        ((80, 40), (61, 40), [61, "held"]),
        # Of fewer than forty of either nothing is told.
        ((79, 40), (59, 19), [59, "held"]),
        ((79, 39), (59, 20), [59, "held"]),
    ],
)
def test_how_what_was_said_here_is_marked_beside_what_came_by_file(
    stops: tuple[int, int], row: tuple[int, int], as_shown: list[object]
) -> None:
    choices, _ = as_everybody_sees([{"kind": "stop", "n": stops[0], "from_files": stops[1]}])
    counts = {**dict.fromkeys(FOLLOWED.counts, 0), **dict(zip(("received", "said_here"), row, strict=True))}
    (found, _) = seen(FOLLOWED, [counts], find_suppression(name=Figure.FOLLOWED, choices=choices))
    assert list(found[:2]) == as_shown


@pytest.mark.parametrize(
    ("row", "as_shown"),
    [
        ({"n": 400, "from_files": 30}, [400, 30, 1.5]),
        ({"n": 9, "from_files": 0}, ["few", 0, None]),
        ({"n": 100, "from_files": 97}, [100, "most", None]),
        # All but a few of eleven is ten.
        ({"n": 11, "from_files": 10}, [11, "held", None]),
        ({"n": 11, "from_files": 1}, [11, "held", None]),
        ({"n": 11, "from_files": 11}, [11, 11, None]),
        ({"n": 12, "from_files": 10}, [12, "most", None]),
        # A time is shown where what is shown says that it speaks of ten.
        ({"n": 18, "from_files": 1}, [18, "few", None]),
        ({"n": 19, "from_files": 9}, [19, "few", 1.5]),
        ({"n": 29, "from_files": 20}, [29, "most", None]),
        ({"n": 30, "from_files": 20}, [30, 20, 1.5]),
        ({"n": 10, "from_files": 0}, [10, 0, 1.5]),
    ],
)
def test_how_choices_are_marked(row: Counts, as_shown: list[object]) -> None:
    (found, _) = seen(CHOICES, [row])
    assert list(found) == [*as_shown, as_shown[-1]]


@pytest.mark.parametrize(
    ("row", "as_shown"),
    [
        ((50, 30, 12, 3), [50, 30, "held", "held"]),
        ((500, 400, 97, 3), [500, 400, "held", "held"]),
        ((50, 20, 22, 3), [50, "held", "held", "held"]),
        ((50, 25, 3, 4), [50, 25, "few", "few"]),
        ((50, 30, 20, 0), [50, 30, 20, 0]),
        ((11, 3, 0, 0), [11, "held", 0, 0]),
        ((9, 4, 0, 5), ["few", "few", 0, "few"]),
    ],
)
def test_how_the_parts_of_what_was_asked_are_marked(row: tuple[int, ...], as_shown: list[object]) -> None:
    (found, _) = seen(DISPUTES, [dict(zip(DISPUTES.counts, row, strict=True))])
    assert list(found) == as_shown


def test_how_what_was_done_is_marked_and_which_of_its_times_are_told() -> None:
    for row, as_shown, timed in (
        ((100, 100, 100, 94, 6), (100, 100, 100, "most", "few"), (1.5, 1.5, 1.5)),
        ((100, 97, 97, 97, 0), (100, "most", "most", "most", 0), (1.5, 1.5, 1.5)),
        ((100, 50, 50, 47, 0), (100, 50, 50, "most", 0), (1.5, 1.5, 1.5)),
        ((100, 5, 50, 20, 0), (100, "few", 50, 20, 0), (None, 1.5, 1.5)),
        ((100, 50, 5, 0, 0), (100, 50, "few", 0, 0), (1.5, None, None)),
        ((100, 50, 50, 5, 0), (100, 50, 50, "few", 0), (1.5, 1.5, None)),
    ):
        (found, _) = seen(FOLLOWED, [dict(zip(FOLLOWED.counts, row, strict=True))])
        # Of each the median and the slowest.
        assert (found[:5], found[5::2], found[6::2]) == (as_shown, timed, timed), row
    (found, _) = seen(RELEASES, [{"released": 100, "not_allowed": 97, "refused": 97}])
    assert found == (100, "most", 97)


def test_a_sum_is_shown_where_its_parts_are() -> None:
    def sums(*released: tuple[int, int, int]) -> object:
        return seen(RELEASES, [dict(zip(RELEASES.counts, row, strict=True)) for row in released])[-1]

    assert sums((400, 30, 12), (50, 50, 0)) == (450, 80, 12)
    assert sums((400, 30, 0), (12, 1, 0), (12, 0, 0)) == (424, "held", 0)
    # Two that stand beside each other are shown no more than one: their sum would be.
    assert sums((400, 0, 0), (5, 0, 0), (6, 0, 0)) == ("held", 0, 0)
    assert sums() == (0, 0, 0)


def test_few_choices_stand_in_no_figure_beside_them() -> None:
    def marks(*choices: tuple[str, int, int]) -> tuple[Suppression, Suppression]:
        found, _ = as_everybody_sees([{"kind": kind, "n": n, "from_files": part} for kind, n, part in choices])
        return find_suppression(name=Figure.FOLLOWED, choices=found), find_suppression(
            name=Figure.DISPUTES, choices=found
        )

    partial = ("received", "said_here", "acknowledged", "completed")
    assert marks(("stop", 400, 30), ("dispute", 12, 0), ("allow", 3, 3)) == (
        Suppression([], [], {**dict.fromkeys(partial, 412), "said_here": 382}), Suppression(),
    )  # fmt: skip
    assert marks(("stop", 400, 3), ("dispute", 12, 0)) == (
        Suppression(["said_here"], [], dict.fromkeys(partial, 412)), Suppression(),
    )  # fmt: skip
    assert marks(("stop", 400, 0), ("dispute", 3, 1)) == (
        Suppression([], partial, dict.fromkeys(partial, 400)), Suppression(DISPUTES.counts),
    )  # fmt: skip
    asked = {"asked": 12, "showed_proof": 12, "had_none": 0, "late": 0}
    assert seen(DISPUTES, [asked], Suppression(DISPUTES.counts)) == (("held", "held", 0, 0), ())
    # It was told of so few that no kind of it is counted; or of many, and did nothing.
    none = dict.fromkeys(FOLLOWED.counts, 0)
    few, many = (seen(FOLLOWED, [row], Suppression([], partial)) for row in (none, {**none, "received": 20}))
    assert [few[0][:5], many[0][:5]] == [("held", "held", "held", "held", 0), (20, 0, 0, 0, 0)]
