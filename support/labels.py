"""What cases are about, in a person's words; and the answers that are written often: their variables, filled in."""

import re
from collections.abc import Iterator, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.domain.message_templates import join_words
from support.models import LONGEST, Ticket

TOPIC: Mapping[Ticket.Kind, str | Promise] = {
    Ticket.Kind.DISPUTE: gettext_lazy("I never agreed"),
    Ticket.Kind.LOOK_UP: gettext_lazy("About one look-up"),
    Ticket.Kind.CHOICE: gettext_lazy("About a choice"),
    Ticket.Kind.ORDER: gettext_lazy("About a message to a company"),
    Ticket.Kind.STILL_HAVE: gettext_lazy("A company still has my data"),
    Ticket.Kind.SIGN_IN: gettext_lazy("I have trouble signing in"),
    Ticket.Kind.OTHER: gettext_lazy("Something else"),
}

VARIABLES = ("company", "code", "due", "link")
VARIABLE = re.compile(r"\{([A-Za-z_]+)\}")


class BadVariable(Exception):
    """A variable that there is not, that has nothing to stand for it here, or too much."""


def find_unknown(*, body: str) -> list[str]:
    """Return what is wrong with each variable in these words that there is not, in its order."""
    known = join_words(f"{{{one}}}" for one in VARIABLES)
    said = _("We can't fill in %(name)s. Use one of these, or take it out: %(known)s.")
    return [
        said % {"name": f"{{{name}}}", "known": known}
        for name in dict.fromkeys(VARIABLE.findall(body))
        if name not in VARIABLES
    ]


def fill_variables(*, body: str, values: Mapping[str, str]) -> str:
    """The words with each variable's value in its place, no longer than LONGEST.

    Raises BadVariable, which says all that is to do.
    """
    wrong = [*_find_faults(body, values)]
    if wrong:
        raise BadVariable(" ".join(wrong))
    words = VARIABLE.sub(lambda found: values[found[1]], body)
    if len(words) > LONGEST:
        raise BadVariable(f"With its variables filled in it has {len(words)} characters, and {LONGEST} fit.")
    return words


def _find_faults(body: str, values: Mapping[str, str]) -> Iterator[str]:
    yield from find_unknown(body=body)
    for name in dict.fromkeys(VARIABLE.findall(body)):
        if name in VARIABLES and not values.get(name):
            yield f"This case has nothing for {{{name}}}: write it yourself."
