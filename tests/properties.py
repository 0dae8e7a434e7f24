"""How long a property test looks for a story that breaks its rule, and how one story leaves nothing to the next."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from hypothesis import HealthCheck, Phase, settings

# Every run looks at the same stories, so that a failure is of the change at hand; this looks at others, and at all.
AFRESH = os.environ.get("PROPERTIES_AFRESH") == "1"
# Looking at the same stories again finds little: a sixth of them is enough for every day, and on a second pair of
# servers fewer still. Mutants are tried by a quarter, the night takes all.
PART = int(os.environ.get("PROPERTIES_PART", "1" if AFRESH else "6"))
# Whoever only wants to know whether a story is found at all, as of a mutant, need not wait for a shorter one.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target)
SHORTENED = (*PHASES, Phase.shrink)
UNSHORTENED = os.environ.get("PROPERTIES_UNSHORTENED") == "1"


def stories(number: int) -> settings:
    """Look at so many at most, however long each takes, with the fixtures of the test around all of them."""
    return settings(
        max_examples=max(number // PART, 5), deadline=None, suppress_health_check=list(HealthCheck),
        derandomize=not AFRESH, database=None, phases=PHASES if UNSHORTENED else SHORTENED,
    )  # fmt: skip


@contextmanager
def undone() -> Iterator[None]:
    """A stretch of the test's transaction, or one of its own, that leaves nothing behind."""
    block = transaction.atomic()
    # As those of Django's own tests: what refuses to run within another transaction runs within this.
    vars(block)["_from_testcase"] = True
    with block:
        yield
        transaction.set_rollback(True)
