"""The search for cycles passes by what the start made."""

import gc

from portal import garbage


def test_what_is_there_is_passed_by_and_the_search_comes_more_seldom() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    try:
        garbage.settle()
        assert gc.get_freeze_count() > frozen
        assert gc.get_threshold() == (20_000, *before[1:])
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
