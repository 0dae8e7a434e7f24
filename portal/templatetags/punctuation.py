"""The marks between what a template joins, as the reader's language writes them: Arabic and Chinese have their own.

What stands inside a sentence that is translated whole has its marks there.
"""

from django import template

from accounts.domain import message_templates, sentences

register = template.Library()
register.filter(sentences.join_words)
register.simple_tag(sentences.comma)
register.simple_tag(sentences.full_stop)


@register.simple_tag
def list_comma() -> str:
    """Between two words of a list that the template goes through itself."""
    return message_templates.join_words(["", ""])
