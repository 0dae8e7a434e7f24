"""The answers that are written often, as officers see them: by name, in every language."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.conf import settings

from support.models import SavedReply


@dataclass(frozen=True)
class Answers:
    """One answer in all its languages. `missing`: the languages that it is not written in, code and name."""

    key: str
    replies: Sequence[SavedReply]
    missing: Sequence[tuple[str, str]]


def canned_list() -> list[Answers]:
    """Every answer, by name. One query."""
    order = [code for code, _ in settings.LANGUAGES]
    found = []
    for key, each in groupby(SavedReply.objects.order_by("key"), key=lambda reply: reply.key):
        replies = sorted(each, key=lambda reply: order.index(reply.language) if reply.language in order else len(order))
        there = {reply.language for reply in replies}
        found.append(Answers(key, replies, [one for one in settings.LANGUAGES if one[0] not in there]))
    return found


def reply_of(*, reply_id: int) -> SavedReply | None:
    """One of them, or None."""
    return SavedReply.objects.filter(pk=reply_id).first()
