"""What `manage.py check --deploy` refuses beside Django's own: settings that only a demo or a test may have."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

LOOPBACK = "whereabouts.E001"
DEMO = "whereabouts.E002"


@register(Tags.security, deploy=True)
def only_for_the_demo(app_configs: Sequence[Any] | None, **_: object) -> list[CheckMessage]:
    """An error for each setting that would open a door which production keeps shut."""
    del app_configs
    found: list[CheckMessage] = []
    if settings.DOOR_OUT_LOOPBACK:
        found.append(
            Error(
                "Partners may be spoken to by http on this machine's own addresses.",
                hint="Unset DOOR_OUT_LOOPBACK; only the demo sets it.",
                id=LOOPBACK,
            )
        )
    if settings.DEMO:
        found.append(
            Error(
                "The demo's phone and sample people can be reached.",
                hint="Unset WHEREABOUTS_DEMO; `manage.py demo` sets it for its own processes.",
                id=DEMO,
            )
        )
    return found
