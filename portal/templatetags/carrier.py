"""Who the carrier is, and how to reach it by phone."""

from typing import NamedTuple

from django import template
from django.conf import settings

from accounts.domain.message_templates import opening_hours

register = template.Library()


class Carrier(NamedTuple):
    """The carrier as its pages name it. `phone`, `hours`: "" where it gave none."""

    name: str
    phone: str
    hours: str
    dial: str


@register.simple_tag
def carrier() -> Carrier:
    """Return the carrier's name, phone number and opening hours, and the number as a phone dials it."""
    phone = settings.CARRIER_PHONE
    dial = "".join(char for char in phone if char.isdigit() or char == "+")
    return Carrier(name=settings.CARRIER_NAME, phone=phone, hours=opening_hours(), dial=dial)
