"""A receipt as a PDF to print or file: what was chosen in words, what was signed, and the whole file attached.

PDF/A-3: it can be read in decades, and the file attached to it is what `verify_receipt` checks. PDF/UA: a screen reader
reads it as it is meant, in its language. How it looks stands in `receipt.typ`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts.domain.message_templates import join_words, opening_hours
from consent.domain.typesetting import ACROSS, CHINESE, END, LTR, OWN, TEXT, print_pdf, replace_missing_glyphs
from consent.queries.receipts import ReceiptView

LAYOUT = (Path(__file__).parent / "receipt.typ").read_bytes()


@dataclass(frozen=True)
class PageTexts:
    """What a receipt says beside what was signed: what was chosen, how, when, and in which zone the time is told.

    `standing`: how far each company that must sign is, in a sentence for each.
    """

    title: str
    made_at: datetime
    until: datetime | None
    how: str
    zone: str
    standing: Sequence[str] = ()


def isolate_bidi(text: str) -> str:
    """Isolate a name or a number for a sentence of any direction."""
    return f"{OWN}{text}{END}"


def receipt_pdf(*, receipt: ReceiptView, paper: PageTexts, body: Mapping[str, object], at: datetime) -> bytes:
    """Print the receipt as a PDF in the language and time zone that are active. `body`: the file that goes with it."""
    return print_pdf(layout=LAYOUT, fields=_words(receipt, paper) | _format_signed_token(receipt, body), at=at)


def _words(receipt: ReceiptView, paper: PageTexts) -> dict[str, object]:
    """What it says in words, in letters that the fonts have."""
    language, _hyphen, script = (get_language() or "en").partition("-")
    chinese = language == "zh"
    return {
        "lang": language,
        "region": "CN" if script == "hans" else None,
        "fonts": [CHINESE, TEXT] if chinese else [TEXT, CHINESE],
        "title": replace_missing_glyphs(f"{_('Receipt')} {receipt.number}"),
        "heading": replace_missing_glyphs(paper.title),
        "facts": [
            [replace_missing_glyphs(name), replace_missing_glyphs(fact)] for name, fact in _facts(receipt, paper)
        ],
        "ours": replace_missing_glyphs(_("Signed by your carrier")),
        "theirs": replace_missing_glyphs(_("Signed by our partners")),
        "partners": [
            {
                "party": replace_missing_glyphs(isolate_bidi(one.party)),
                "signed": replace_missing_glyphs(f"{one.in_words}, {isolate_bidi(_moment(one.received_at))}"),
                "digest": f"SHA-256 {one.digest}",
            }
            for one in receipt.partners
        ],
        "far": replace_missing_glyphs(_("Status of each partner")),
        "standing": [replace_missing_glyphs(one) for one in paper.standing],
        "check": replace_missing_glyphs(_("How to check it")),
        "how": replace_missing_glyphs(
            _(
                "The full signed text is attached to this file. Anyone can check it with our published keys, "
                "without asking us:"
            )
        ),
    }


def _format_signed_token(receipt: ReceiptView, body: Mapping[str, object]) -> dict[str, object]:
    """What was signed, whole, in lines: it can be typed in again from paper. And the file."""
    token = receipt.token
    return {
        "token": [token[start : start + ACROSS] for start in range(0, len(token), ACROSS)],
        "command": f"./whereabouts verify_receipt receipt-{receipt.number}.pdf --jwks jwks.json",
        "file": f"receipt-{receipt.number}.json",
        "body": json.dumps(body, indent=2, ensure_ascii=False),
    }


def _facts(receipt: ReceiptView, paper: PageTexts) -> Sequence[tuple[str, str]]:
    exact = f"{LTR}{paper.made_at:%Y-%m-%d %H:%M:%S} UTC{END}"
    return [
        (_("Receipt"), isolate_bidi(receipt.number)),
        (_("Carrier"), _carrier()),
        *([(_("Phone number"), isolate_bidi(receipt.phone))] if receipt.phone else []),
        (_("When"), f"{_moment(paper.made_at)} ({isolate_bidi(paper.zone)}) = {exact}"),
        *([(_("Until"), _moment(paper.until))] if paper.until else []),
        (_("How"), paper.how),
    ]


def _carrier() -> str:
    """Return the carrier's name, and its number and hours where it has set them."""
    reached = join_words(isolate_bidi(one) for one in (settings.CARRIER_NAME, settings.CARRIER_PHONE) if one)
    hours = opening_hours()
    return f"{reached} ({isolate_bidi(hours)})" if hours else reached


def _moment(at: datetime) -> str:
    return formatted(localtime(at), pgettext("day and time with seconds", "M j, Y, g:i:s A"))
