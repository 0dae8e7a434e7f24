"""Beginnings and ends looked at to the microsecond: an end is over at its very moment, a beginning has begun."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.properties import undone

A_MOMENT = timedelta(microseconds=1)

type IsSo = Callable[[datetime], object]


def ends_at(is_so: IsSo, end: datetime) -> bool:
    """Whether this is so until a microsecond before `end`, and no longer at `end`. Each look leaves nothing behind."""
    return (_looked(is_so, end - A_MOMENT), _looked(is_so, end)) == (True, False)


def begins_at(is_so: IsSo, beginning: datetime) -> bool:
    """Whether this is not so a microsecond before `beginning`, and is at `beginning`."""
    return (_looked(is_so, beginning - A_MOMENT), _looked(is_so, beginning)) == (False, True)


def _looked(is_so: IsSo, at: datetime) -> bool:
    with undone():
        return bool(is_so(at))
