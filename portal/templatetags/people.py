"""Who said something about a line, as the reader would call them; and whether the reader may ask about it."""

from django import template

from accounts.models import User
from accounts.policies.permissions import Action, Relation
from accounts.queries import PersonsLine
from consent.actions.lines import GROWN_UP

register = template.Library()
SHARED = (Relation.MINOR_USER, Relation.HOLDER_OF_MINOR)


@register.simple_tag
def choice_author(line: PersonsLine, reader: User, actor: str) -> str:
    """Either "you", "holder", "user", "delegate" or "us": a child's line has two people who choose; others have one.

    Of a line that was a child's once, what its holder chose stays theirs. Besides them whoever looks after it for
    somebody, and we, who end the holder's yes when the child is none any more.

    `actor`: as the ledger names who said it.
    """
    if actor == f"delegate:{reader.pk}":
        return "you"
    if actor == GROWN_UP:
        return "us"
    if actor.startswith("delegate:"):
        return "delegate"
    if line.is_delegated:
        return "user"
    if not actor.startswith("subscriber:") or actor == f"subscriber:{reader.pk}":
        return "you"
    return _name_other_author(line, actor)


def _name_other_author(line: PersonsLine, actor: str) -> str:
    if line.relation in SHARED:
        return "holder" if line.relation == Relation.MINOR_USER else "user"
    return "holder" if line.relation != Relation.SAME_HOLDER and line.is_anothers(actor) else "you"


@register.filter
def may_ask(line: PersonsLine) -> bool:
    """Whether this person may ask about what they see of the line."""
    return line.may(Action.READ_CASES)
