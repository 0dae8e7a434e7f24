"""Who said something about a line, as whoever reads the page would call them."""

from django import template

from accounts.models import User
from accounts.permissions import Relation
from accounts.queries import PersonsLine

register = template.Library()
SHARED = (Relation.MINOR_USER, Relation.HOLDER_OF_MINOR)


@register.simple_tag
def said_by(line: PersonsLine, reader: User, actor: str) -> str:
    """Either "you", "holder" or "user": a child's line has two people who choose, and any other has one.

    `actor`: as the ledger names who said it.
    """
    another = actor.startswith("subscriber:") and actor != f"subscriber:{reader.pk}"
    if not another or line.relation not in SHARED:
        return "you"
    return "holder" if line.relation == Relation.MINOR_USER else "user"
