"""Acts that met another's at the same moment: tried again from their beginning."""

from collections.abc import Callable
from functools import wraps

import psycopg
from django.db import IntegrityError, OperationalError

TRIES = 5
# Constraints that fail at commit when a partner became affected, or a company became known behind a campaign, while the
# orders were being built.
CAME_BETWEEN = {"consent_stop_has_its_orders", "consent_order_says_so"}
TAKEN_BACK = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


def retry_on_conflict[**P, T](verb: Callable[P, T]) -> Callable[P, T]:
    """Retry an act whose transaction met a partner or company it did not know of, or was taken back for another."""

    @wraps(verb)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                return verb(*args, **kwargs)
            except IntegrityError as error:
                if _broken_constraint(error) not in CAME_BETWEEN:
                    raise
            except OperationalError as error:
                if not isinstance(error.__cause__, TAKEN_BACK):
                    raise
        return verb(*args, **kwargs)

    return wrapper


def _broken_constraint(error: IntegrityError) -> str | None:
    return error.__cause__.diag.constraint_name if isinstance(error.__cause__, psycopg.Error) else None
