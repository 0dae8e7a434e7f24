"""Bodies as they should be, but for one text."""

from collections.abc import Iterator
from typing import Any


def with_a_nul(body: Any) -> Iterator[Any]:
    """The body once for each of its texts, names too, that text with a NUL in it.

    Names of yes and no stay, so that a poll which asks to be answered at once is.
    """
    if isinstance(body, str):
        yield f"{body}\0"
        yield "\0"
    elif isinstance(body, list):
        for n, one in enumerate(body):
            yield from ([*body[:n], spoiled, *body[n + 1 :]] for spoiled in with_a_nul(one))
    elif isinstance(body, dict):
        for name, value in body.items():
            yield from (body | {name: spoiled} for spoiled in with_a_nul(value))
            if not isinstance(value, bool):
                yield {of: said for of, said in body.items() if of != name} | {f"{name}\0": value}
