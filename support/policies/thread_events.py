"""What a case's thread says happened: kept in English, and read in the reader's language.

Templates stay as they are: what was kept by one is found by it again.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from support.models import Ticket

NOW_WITH = gettext_lazy("Now with %(name)s.")
IN_QUEUE = gettext_lazy("Back in the queue.")
IN_QUEUE_OF_OFFICE = gettext_lazy("Back in the queue, for the privacy office.")
MOVED = gettext_lazy("%(state)s: %(why)s")
PRIORITY_SET = gettext_lazy("%(was)s → %(priority)s: %(why)s")
ESCALATED = gettext_lazy("To the privacy office: %(why)s")
MERGED_INTO = gettext_lazy("Goes on as %(code)s.")
MERGED_IN = gettext_lazy("Goes on for %(code)s too.")
CLOSED = gettext_lazy("Closed: nobody wrote again after our answer.")
ANSWER_STANDS = gettext_lazy("The person said nothing for %(days)s days. Our answer stands.")
OURS_AGAIN = gettext_lazy("The person said nothing for %(days)s days. It is ours again.")
WITHDRAWN = gettext_lazy("The person withdrew “I never agreed”. Their stop stays.")
PROOF_ASKED = gettext_lazy("Asked for proof: %(names)s. %(why)s")
PROOF_MISSED = gettext_lazy("%(name)s did not show its proof by its date.")
NO_PROOF = gettext_lazy("%(name)s says that it has no proof.")
PROOF = gettext_lazy(
    "%(name)s says that it has proof: %(method)s, %(day)s.\nWords shown: %(wording)s\nReference: %(reference)s"
)
ORDER_RESENT = gettext_lazy("Sent again to %(name)s: 1 order. %(why)s")
ORDERS_RESENT = gettext_lazy("Sent again to %(name)s: %(n)s orders. %(why)s")
SUSPENSION_ASKED = gettext_lazy("Asked the privacy office to suspend %(name)s: %(why)s")
SUSPENDED = gettext_lazy("The privacy office suspended %(name)s: %(why)s")
NOT_SUSPENDED = gettext_lazy("The privacy office did not suspend %(name)s: %(why)s")
STOPPED = gettext_lazy("Stopped for the person (%(scope)s), by %(proof)s.")
PAUSED = gettext_lazy("Paused for the person until %(day)s UTC (%(scope)s), by %(proof)s.")
CODE_TEXTED = gettext_lazy("A code to stop for them was texted to the person.")
FILES_LEFT = gettext_lazy("%(n)s of the mail's files were not taken: too many, too large, damaged, or no kind of ours.")

PROOFS = {
    "code": gettext_lazy("the code texted to their phone"), "call": gettext_lazy("our logged call to their number"),
}  # fmt: skip
SCOPES = (
    gettext_lazy("Everything"), gettext_lazy("A company"), gettext_lazy("A purpose"),
    gettext_lazy("One use by one company"),
)  # fmt: skip
# Values that are words of ours; all others are names, numbers and what somebody wrote.
WORDS: Mapping[str, Sequence[str | Promise]] = {
    "state": [one.label for one in Ticket.State],
    "was": [one.label for one in Ticket.Priority],
    "priority": [one.label for one in Ticket.Priority],
    "scope": SCOPES,
    "proof": list(PROOFS.values()),
}
VALUE = re.compile(r"%\\?\((\w+)\\?\)s")
# What has more words of its own is looked for first.
TEMPLATES = (
    NOW_WITH, IN_QUEUE_OF_OFFICE, IN_QUEUE, PRIORITY_SET, MERGED_INTO, MERGED_IN, ANSWER_STANDS, OURS_AGAIN, WITHDRAWN,
    PROOF_ASKED, PROOF_MISSED, NO_PROOF, PROOF, ORDER_RESENT, ORDERS_RESENT, SUSPENSION_ASKED, SUSPENDED, NOT_SUSPENDED,
    STOPPED, PAUSED, CODE_TEXTED, FILES_LEFT, ESCALATED, CLOSED, MOVED,
)  # fmt: skip


def describe_event(template: str | Promise, **values: object) -> str:
    """Return what happened, in English, whatever language its writer reads."""
    with translation.override("en"):
        return str(template) % values


def translate_event(*, body: str) -> str:
    """Return what happened in the language now active; as it was kept, where no template here says it."""
    return body if translation.get_language() in {None, "en"} else next(_list_translations(body), body)


def _list_translations(body: str) -> Iterator[str]:
    for template, (pattern, words) in _compile_templates().items():
        if found := pattern.fullmatch(body):
            yield str(template) % {name: words.get(value, value) for name, value in found.groupdict().items()}


@cache
def _compile_templates() -> Mapping[str | Promise, tuple[re.Pattern[str], Mapping[str, str | Promise]]]:
    """Return by each template what it matches in English, and the words of ours among its values."""
    with translation.override("en"):
        return {
            one: (
                re.compile(VALUE.sub(_match_value, re.escape(str(one)))),
                {str(word): word for name in VALUE.findall(str(one)) for word in WORDS.get(name, ())},
            )
            for one in TEMPLATES
        }


def _match_value(found: re.Match[str]) -> str:
    """Return what a value may be: one of our words, what somebody wrote, or anything in one line."""
    name = found[1]
    if name in WORDS:
        return f"(?P<{name}>{'|'.join(re.escape(str(word)) for word in WORDS[name])})"
    return f"(?P<{name}>{'(?s:.*)' if name in {'why', 'reference'} else '.*?'})"
