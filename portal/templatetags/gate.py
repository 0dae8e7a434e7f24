"""Whether the gate is closed, for the pages that say so."""

from django import template

from consent.gate import deciding

register = template.Library()


@register.simple_tag
def gate_closed() -> str:
    """Why nobody gets any location just now; "" while the gate is open."""
    now = deciding.read_opening()
    return "" if now.is_open else now.why
