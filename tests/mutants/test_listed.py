"""The list of mutants keeps up with the code, and a change runs the ones that it touches."""

import pytest

from tests.mutants.choosing import choose, read_lane, take_lane
from tests.mutants.listed import MUTANTS
from tests.mutants.mutant import Mutant, find_problems, read_mutants

HERE = "tests/mutants/test_listed.py"
TEN = [Mutant(1, f"file{n}.py", "1", "2", f"test{n}.py::test") for n in range(10)]


def test_every_mutant_breaks_one_place_and_names_a_test() -> None:
    assert find_problems(MUTANTS) == []


def test_a_list_is_read_as_it_stands() -> None:
    text = "# What is so.\n\none.py\n  7 test.py::test in 2 places\n-a\n-b\n\n-c\n+\n  8 test.py::other\n-d\n+ e\n+f\n"
    assert list(read_mutants(text)) == [
        Mutant(7, "one.py", "a\nb\n", "", "test.py::test", places=2),
        Mutant(7, "one.py", "c", "", "test.py::test", places=2),
        Mutant(8, "one.py", "d", " e\nf", "test.py::other"),
    ]


def test_a_mutant_that_can_not_be_run_says_why() -> None:
    test = f"{HERE}::test_a_mutant_that_can_not_be_run_says_why"
    listed = [
        Mutant(1, "nothing.py", "1", "2", test),
        Mutant(1, "manage.py", "nothing", "2", test),
        Mutant(1, "manage.py", "import ", "", test),
        Mutant(1, "manage.py", "import sys\n", "import\n", test),
        Mutant(1, "manage.py", "import sys\n", "", f"{HERE}::test_nothing"),
        Mutant(1, "manage.py", "import sys\n", "", test),
    ]
    missing, absent, several, broken, untested = find_problems(listed)
    assert missing == "nothing.py: there is no such file"
    assert absent == "manage.py: 0 places have the text 'nothing'"
    assert several.endswith(" places have the text 'import '")
    assert "it is no Python" in broken
    assert untested == f"manage.py: there is no test {HERE}::test_nothing"


def test_a_change_runs_what_it_touches_and_a_sample() -> None:
    choice = choose(TEN, changed={"file3.py", "test5.py", "README.md"}, most=4, seed=1)
    assert {mutant.file for mutant in choice.mutants[:2]} == {"file3.py", "file5.py"}
    assert (choice.touched, len(set(choice.mutants))) == (2, 4)
    assert choose(TEN, changed={"file3.py"}, most=4, seed=1) == choose(TEN, changed={"file3.py"}, most=4, seed=1)
    assert len({tuple(choose(TEN, changed=set(), most=4, seed=seed).mutants) for seed in range(9)}) > 1
    assert len(choose(TEN, changed={mutant.file for mutant in TEN}, most=4, seed=1).mutants) == 4


def test_all_lanes_together_are_all_mutants() -> None:
    lanes = [take_lane(TEN, read_lane(lane)) for lane in ("1/3", "2/3", "3/3")]
    assert sorted(mutant.file for lane in lanes for mutant in lane) == [mutant.file for mutant in TEN]
    for wrong in ("0/3", "4/3", "1"):
        with pytest.raises(ValueError, match="lane"):
            read_lane(wrong)
