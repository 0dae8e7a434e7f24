"""Whether the gate is closed, for the pages that say so."""

from django import template

from consent import gate

register = template.Library()


@register.simple_tag
def gate_closed() -> str:
    """Why nobody gets any location just now; "" while the gate is open."""
    now = gate.opening()
    return "" if now.is_open else now.why
