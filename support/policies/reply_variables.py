"""The variables of answers that are written often, filled in."""

import re
from collections.abc import Iterator, Mapping

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

from accounts.domain.message_templates import join_words
from support.models import LONGEST

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
        raise BadVariable(
            _("With its variables filled in it has %(n)s characters. The limit is %(most)s.")
            % {"n": intcomma(len(words)), "most": intcomma(LONGEST)}
        )
    return words


def _find_faults(body: str, values: Mapping[str, str]) -> Iterator[str]:
    yield from find_unknown(body=body)
    for name in dict.fromkeys(VARIABLE.findall(body)):
        if name in VARIABLES and not values.get(name):
            yield _("This case has nothing for %(name)s: write it yourself.") % {"name": f"{{{name}}}"}
