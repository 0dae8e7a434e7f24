"""Parts of a page that are alike for everybody to whom they are shown: a process writes each out once.

    {% alike by_text=by_text %}…{% endalike %}

What stands inside knows the named values and the reader's language, and nothing else: no request, no person, no token.
So there is nothing of anybody's in it that somebody else could be shown.
"""

from collections.abc import Mapping

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()
# Of one part. What is named has few values: where it has many, what comes later is written out each time.
MOST = 64
PLAIN = (str, bool, int, type(None))


class Alike(template.Node):
    """One such part, and how it reads for each language and set of values that was asked for."""

    def __init__(self, nodelist: NodeList, named: Mapping[str, FilterExpression]) -> None:
        self.nodelist, self._named = nodelist, named
        self._written: dict[tuple[object, ...], SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        known = {name: _plain(name, value.resolve(context)) for name, value in self._named.items()}
        # What is the same to a dictionary may be escaped or not, a number or a truth.
        key = (get_language(), *((type(one), one) for one in known.values()))
        written = self._written.get(key)
        if written is None:
            written = self._write(context, known)
            if len(self._written) < MOST:
                self._written[key] = written
        return written

    def _write(self, context: template.Context, known: Mapping[str, object]) -> SafeString:
        alone = template.Context(dict(known))
        assert context.template is not None
        with alone.bind_template(context.template):
            return self.nodelist.render(alone)


def _plain(name: str, value: object) -> object:
    if not isinstance(value, PLAIN):
        raise template.TemplateSyntaxError(f"alike: {name} is no plain value: {type(value).__name__}")
    return value


@register.tag
def alike(parser: Parser, token: Token) -> Alike:
    """Everything up to `endalike`, from these values alone."""
    given = token.split_contents()[1:]
    named = token_kwargs(given, parser)
    if given:
        raise template.TemplateSyntaxError(f"alike takes name=value, not {given[0]}")
    nodelist = parser.parse(("endalike",))
    parser.delete_first_token()
    return Alike(nodelist, named)


@register.filter
def standing(path: str, links: str) -> str:
    """Where a page stands to some links with blanks between them: at one, below one, or nowhere among them ("")."""
    return next((path if path == one else f"{one}*" for one in links.split() if one in path), "")
