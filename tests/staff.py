"""People of the privacy office, as the trail names them."""

import itertools
from typing import Any

from accounts.models import User
from accounts.permissions import actor_of

counter = itertools.count(1)


def a_staff_user(role: str = "officer", **fields: Any) -> User:
    """Somebody of staff with an e-mail and no password."""
    n = next(counter)
    return User.objects.create_user(f"{role}{n}", f"{role}{n}@carrier.example", role=role, **fields)


def an_actor(role: str = "officer") -> str:
    """The name in the trail of somebody new of this role."""
    return actor_of(a_staff_user(role))
