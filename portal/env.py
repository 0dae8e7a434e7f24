"""Reading single settings from the environment."""

import os

from django.core.exceptions import ImproperlyConfigured

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def needed(name: str, what: str) -> str:
    """A setting that must be there: `what` it is set to. Raises ImproperlyConfigured, which says so."""
    value = os.environ.get(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Set it to {what}.")
    return value
