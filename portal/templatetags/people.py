"""Who said something about a line, as whoever reads the page would call them."""

from django import template

from accounts.models import User
from accounts.permissions import Relation
from accounts.queries import PersonsLine

register = template.Library()
SHARED = (Relation.MINOR_USER, Relation.HOLDER_OF_MINOR)


@register.simple_tag
def said_by(line: PersonsLine, reader: User, actor: str) -> str:
    """Either "you", "holder", "user" or "delegate": a child's line has two people who choose, and any other has one.

    Besides them whoever looks after it for somebody.

    `actor`: as the ledger names who said it.
    """
    if actor == f"delegate:{reader.pk}":
        return "you"
    if actor.startswith("delegate:"):
        return "delegate"
    if line.is_delegated:
        return "user"
    another = actor.startswith("subscriber:") and actor != f"subscriber:{reader.pk}"
    if not another or line.relation not in SHARED:
        return "you"
    return "holder" if line.relation == Relation.MINOR_USER else "user"
