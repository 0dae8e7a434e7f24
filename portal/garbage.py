"""Python's search for cycles, in processes that run for long."""

import gc

# Pages make some thousand objects each and few cycles; by itself Python looks after every 2,000.
LOOK_AFTER = 20_000


def settle() -> None:
    """What is there by now stays: the search passes it by from here on, and comes more seldom. Call once started."""
    gc.collect()
    gc.freeze()
    _, often, seldom = gc.get_threshold()
    gc.set_threshold(LOOK_AFTER, often, seldom)
