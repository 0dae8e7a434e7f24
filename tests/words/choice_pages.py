"""The page of one choice as it should read, put together of the table's sentences."""

from collections.abc import Sequence
from datetime import datetime

from consent.models import Choice, ChoiceReceipt
from tests.words.expected import Words


def whole_page(
    say: Words,
    choice: Choice,
    *,
    now: datetime,
    head: Sequence[str],
    cards: Sequence[Sequence[str]] = (),
    notice: Sequence[str] = (),
    is_open: bool = True,
) -> list[str]:
    """All its lines: `head` from the title on, then each partner's card, the receipt, and what was read before.

    `is_open`: whether something may still come, so that it is worth loading again.
    """
    how_far: list[str] = []
    if cards:
        as_of = say("as_of_open" if is_open else "as_of", second=say.second(now))
        how_far = [say("how_far_each"), *(line for card in cards for line in card), as_of]
    return [
        say("crumb", moment=say.moment(choice.made_at)),
        *head,
        *how_far,
        *_receipt(say, choice),
        *([say("what_you_read"), *notice, say("kept_word_for_word", digest=choice.notice)] if notice else ()),
        say("ask_about_this"),
        say("zone", zone=say("pacific")),
    ]


def card(say: Words, name: str, tag: str, *steps: str) -> list[str]:
    """One partner's: its name, where it stands, and the steps."""
    return [name, tag, *steps, say("ask_about_this")]


def _receipt(say: Words, choice: Choice) -> list[str]:
    kept = ChoiceReceipt.objects.filter(choice_id=choice.id).first()
    if kept is None:
        return [say("no_receipt_of_ours")] if choice.origin == "file" else []
    return [say("your_receipt"), kept.number, say("signed_proof"), say("see_or_download")]
