"""What the reader of a page may do."""

from django import template

from accounts.policies.permissions import Action
from accounts.queries import PersonsLine

register = template.Library()


@register.filter
def may_ask(line: PersonsLine) -> bool:
    """Whether this person may ask about what they see of the line."""
    return line.may(Action.READ_CASES)
