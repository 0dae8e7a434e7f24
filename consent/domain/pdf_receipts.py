"""A receipt as a PDF to print or file: what was chosen in words, what was signed, and the whole file attached.

PDF/A-3: it can be read in decades, and the file attached to it is what `verify_receipt` checks. PDF/UA: a screen reader
reads it as it is meant, in its language. How it looks stands in `receipt.typ`.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import typst
from django.conf import settings
from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from fontTools.ttLib import TTFont
from pylopdf_fonts_zh_cn import sans_path
from pymupdf_fonts import CascadiaMono_Regular, FiraGO_Bold, FiraGO_Regular

from accounts.domain.message_templates import join_words
from consent.queries.receipts import ReceiptView

LAYOUT = (Path(__file__).parent / "receipt.typ").read_bytes()
# FiraGO writes Latin with Vietnamese, Greek, Cyrillic, Arabic, Hebrew and Thai.
TEXT, CHINESE = "FiraGO", "Noto Sans SC"
FONTS = (FiraGO_Regular.fontbuffer, FiraGO_Bold.fontbuffer, CascadiaMono_Regular.fontbuffer)
EVERY_FONT = b'#set text(font: "FiraGO"); a *a* #text(font: "Cascadia Mono")[a]'
MISSING = "?"
# Between these a text has a direction of its own; between the first and the last it is left to right.
LTR, OWN, END = "\u2066", "\u2068", "\u2069"
# Vowel signs and the doubling sign: print does without, and a screen reader would say a letter under one twice.
ARABIC_SIGNS = re.compile("[\u064b-\u0652]")
ACROSS = 112


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
    fields = _words(receipt, paper) | _format_signed_token(receipt, body)
    try:
        return _set(fields, at)
    except typst.TypstError:
        # A font has it and a file that lasts may not: a letter of somebody's own, a sign on one it was not drawn for.
        return _set(_reduce_to_plain(fields), at)


def _set(fields: Mapping[str, object], at: datetime) -> bytes:
    return typst.compile(
        LAYOUT,
        font_paths=_fonts(),
        sys_inputs={"said": json.dumps(fields, ensure_ascii=False)},
        format="pdf",
        pdf_standards=["a-3a", "ua-1"],
        timestamp=int(at.timestamp()),
    )


def _words(receipt: ReceiptView, paper: PageTexts) -> dict[str, object]:
    """What it says in words, in letters that the fonts have."""
    language, _hyphen, script = (get_language() or "en").partition("-")
    chinese = language == "zh"
    return {
        "lang": language,
        "region": "CN" if script == "hans" else None,
        "fonts": [CHINESE, TEXT] if chinese else [TEXT, CHINESE],
        "title": _replace_missing_glyphs(f"{_('Receipt')} {receipt.number}"),
        "heading": _replace_missing_glyphs(paper.title),
        "facts": [
            [_replace_missing_glyphs(name), _replace_missing_glyphs(fact)] for name, fact in _facts(receipt, paper)
        ],
        "ours": _replace_missing_glyphs(_("Signed by your carrier")),
        "theirs": _replace_missing_glyphs(_("Signed by our partners")),
        "partners": [
            {
                "party": _replace_missing_glyphs(isolate_bidi(one.party)),
                "signed": _replace_missing_glyphs(f"{one.in_words}, {isolate_bidi(_moment(one.received_at))}"),
                "digest": f"SHA-256 {one.digest}",
            }
            for one in receipt.partners
        ],
        "far": _replace_missing_glyphs(_("Status of each partner")),
        "standing": [_replace_missing_glyphs(one) for one in paper.standing],
        "check": _replace_missing_glyphs(_("How to check it")),
        "how": _replace_missing_glyphs(
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
        "command": f"uv run manage.py verify_receipt receipt-{receipt.number}.pdf --jwks jwks.json",
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
    return f"{reached} ({isolate_bidi(settings.CARRIER_HOURS)})" if settings.CARRIER_HOURS else reached


def _moment(at: datetime) -> str:
    return formatted(localtime(at), pgettext("day and time with seconds", "M j, Y, g:i:s A"))


def _replace_missing_glyphs(text: str) -> str:
    """The same with a question mark for each letter that no font here has."""
    known = _list_glyphs()
    composed = ARABIC_SIGNS.sub("", unicodedata.normalize("NFC", text))
    return "".join(char if ord(char) in known or char in {LTR, OWN, END} else MISSING for char in composed)


def _reduce_to_plain(fields: Mapping[str, object]) -> dict[str, object]:
    """The same in letters, digits and the marks of a sentence alone."""
    signed = {"token", "command", "file", "body"}
    words = json.dumps({name: one for name, one in fields.items() if name not in signed}, ensure_ascii=False)
    return {**fields, **json.loads("".join(char if _is_plain(char) else MISSING for char in words))}


def _is_plain(char: str) -> bool:
    return char.isascii() or char in {LTR, OWN, END} or unicodedata.category(char)[0] in "LNPZ"


@cache
def _fonts() -> typst.Fonts:
    """The fonts, read once. Files are how the library takes them; once each was used, its file may go."""
    with TemporaryDirectory() as folder:
        for number, font in enumerate(FONTS):
            (Path(folder) / f"{number}.ttf").write_bytes(font)
        fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder, str(sans_path().parent)]
        )
        typst.compile(EVERY_FONT, font_paths=fonts)
    return fonts


@cache
def _list_glyphs() -> frozenset[int]:
    """What the fonts for words can write."""
    known = []
    for font in (BytesIO(FiraGO_Regular.fontbuffer), BytesIO(FiraGO_Bold.fontbuffer), sans_path()):
        with TTFont(font, lazy=True) as read:
            known.append({*(read.getBestCmap() or ())})
    regular, bold, chinese = known
    return frozenset((regular & bold) | chinese)
