"""Print what we sign as a PDF that lasts (PDF/A-3) and that a screen reader reads (PDF/UA), with fonts of our own."""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import typst
from fontTools.ttLib import TTFont
from pylopdf_fonts_zh_cn import sans_path
from pymupdf_fonts import CascadiaMono_Regular, FiraGO_Bold, FiraGO_Regular

# FiraGO writes Latin with Vietnamese, Greek, Cyrillic, Arabic, Hebrew and Thai.
TEXT, CHINESE = "FiraGO", "Noto Sans SC"
FONTS = (FiraGO_Regular.fontbuffer, FiraGO_Bold.fontbuffer, CascadiaMono_Regular.fontbuffer)
EVERY_FONT = b'#set text(font: "FiraGO"); a *a* #text(font: "Cascadia Mono")[a]'
MISSING = "?"
# Between these a text has a direction of its own; between the first and the last it is left to right.
LTR, OWN, END = "\u2066", "\u2068", "\u2069"
# Vowel signs and the doubling sign: print does without, and a screen reader would say a letter under one twice.
ARABIC_SIGNS = re.compile("[\u064b-\u0652]")
# So many letters of what was signed fit on a line.
ACROSS = 112


def print_pdf(*, layout: bytes, fields: Mapping[str, object], at: datetime) -> bytes:
    """Lay `fields` out by a Typst layout, which reads them as `sys.inputs.said`.

    What was signed is printed as it is: the fields token, command, file and body.
    """
    try:
        return _compile(layout, fields, at)
    except typst.TypstError:
        # A font has it and a file that lasts may not: a letter of somebody's own, a sign on one it was not drawn for.
        return _compile(layout, _reduce_to_plain(fields), at)


def replace_missing_glyphs(text: str) -> str:
    """Return the same with a question mark for each letter that no font here has."""
    known = _list_glyphs()
    composed = ARABIC_SIGNS.sub("", unicodedata.normalize("NFC", text))
    return "".join(char if ord(char) in known or char in {LTR, OWN, END} else MISSING for char in composed)


def _compile(layout: bytes, fields: Mapping[str, object], at: datetime) -> bytes:
    return typst.compile(
        layout,
        font_paths=_fonts(),
        sys_inputs={"said": json.dumps(fields, ensure_ascii=False)},
        format="pdf",
        pdf_standards=["a-3a", "ua-1"],
        timestamp=int(at.timestamp()),
    )


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
