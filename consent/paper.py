"""A receipt as a PDF to print or file: what was chosen in words, what was signed, and the whole file attached.

The page is as wide as A4 and as high as Letter, so that it prints whole on both. PDF/A-3: it can be read in decades,
and the file attached to it is what `verify_receipt` checks.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import TTFFont
from pymupdf_fonts import CascadiaMono_Regular, FiraGO_Bold, FiraGO_Regular

from consent.queries import PartnerReceipt, ReceiptView

WIDTH, HEIGHT, EDGE = 210.0, 279.4, 20.0
ACCENT, INK, SOFT, RULE = (10, 92, 87), (29, 37, 44), (90, 100, 110), (205, 211, 217)
# FiraGO writes Latin with Vietnamese, Greek, Cyrillic, Arabic, Hebrew and Thai.
TEXT, MONO = "FiraGO", "CascadiaMono"
FONTS: Sequence[tuple[str, str, bytes]] = (
    (TEXT, "", FiraGO_Regular.fontbuffer),
    (TEXT, "B", FiraGO_Bold.fontbuffer),
    (MONO, "", CascadiaMono_Regular.fontbuffer),
)
MISSING = "?"


@dataclass(frozen=True)
class Paper:
    """What a receipt says beside what was signed: what was chosen, how, when, and in which zone the time is told."""

    title: str
    made_at: datetime
    until: datetime | None
    how: str
    zone: str


def receipt_pdf(*, receipt: ReceiptView, paper: Paper, body: Mapping[str, object], at: datetime) -> bytes:
    """The receipt as a PDF in the language and time zone that are active. `body`: the file that goes with it."""
    with _fonts() as folder:
        page = _Page(receipt.number, folder, at)
        page.add_page()
        page.head(paper.title)
        page.facts(_facts(receipt, paper))
        page.heading(_("Signed by your carrier"))
        page.token(receipt.token)
        if receipt.partners:
            page.heading(_("Signed by the companies in between"))
            for one in receipt.partners:
                page.confirmation(one)
        page.heading(_("How to check it"))
        page.words(
            _(
                "The whole signed text is attached inside this file. Anyone can check it with our published keys, "
                "without asking us:"
            )
        )
        page.code(f"uv run manage.py verify_receipt receipt-{receipt.number}.pdf --jwks jwks.json")
        page.embed_file(
            bytes=json.dumps(body, indent=2, ensure_ascii=False).encode(),
            basename=f"receipt-{receipt.number}.json",
            mime_type="application/json",
            associated_file_relationship="Source",
            modification_date=at,
            compress=True,
        )
        return bytes(page.output() or b"")


def _facts(receipt: ReceiptView, paper: Paper) -> list[tuple[str, str]]:
    exact = paper.made_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return [
        (_("Receipt"), receipt.number),
        (_("When"), f"{_moment(paper.made_at)} ({paper.zone}) = {exact}"),
        *([(_("Until"), _moment(paper.until))] if paper.until else []),
        (_("How"), paper.how),
    ]


def _moment(at: datetime) -> str:
    return formatted(localtime(at), pgettext("day and time with seconds", "M j, Y, g:i:s A"))


class _Page(FPDF):
    """The layout. What a font can't write stands as a question mark: the attached file has it as it is."""

    def __init__(self, number: str, folder: Path, at: datetime) -> None:
        super().__init__(format=(WIDTH, HEIGHT), enforce_compliance="PDF/A-3U")
        self._number = number
        for family, style, _font in FONTS:
            self.add_font(family, style, _file(folder, family, style))
        self.set_margins(EDGE, EDGE, EDGE)
        self.set_auto_page_break(auto=True, margin=EDGE + 4)
        self.set_title(f"{_('Receipt')} {number}")
        self.set_author("Whereabouts")
        self.set_creator("Whereabouts")
        self.set_lang(get_language() or "en")
        self.set_creation_date(at)
        self.set_draw_color(*RULE)

    def header(self) -> None:
        """The name of the house, on every page."""
        self._ink(TEXT, "B", 10, ACCENT)
        self.cell(0, 6, "Whereabouts", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.line(EDGE, self.get_y() + 1, WIDTH - EDGE, self.get_y() + 1)
        self.ln(7)

    def footer(self) -> None:
        """Which receipt, which page of how many."""
        self.set_y(-EDGE + 2)
        self._ink(TEXT, "", 8, SOFT)
        self.cell(0, 5, f"{_('Receipt')} {self._number}   {self.page_no()} / {{nb}}", align="C")

    def head(self, title: str) -> None:
        """What was chosen."""
        self._ink(TEXT, "B", 18, INK)
        self._paragraph(title, 8)
        self.ln(3)

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Names and what they are, beside each other."""
        for name, said in facts:
            self._ink(TEXT, "", 10, SOFT)
            self.cell(34, 6, self._written(name))
            self._ink(TEXT, "", 10, INK)
            self._paragraph(said, 6)
        self.ln(2)

    def heading(self, words: str) -> None:
        """The heading of a part; never alone at the foot of a page."""
        if self.get_y() > HEIGHT - EDGE - 40:
            self.add_page()
        self.ln(3)
        self._ink(TEXT, "B", 12, INK)
        self._paragraph(words, 7)

    def words(self, words: str) -> None:
        """A paragraph."""
        self._ink(TEXT, "", 10, INK)
        self._paragraph(words, 5.5)
        self.ln(1)

    def code(self, text: str) -> None:
        """Something to type."""
        self._ink(MONO, "", 9, INK)
        self._paragraph(text, 5.5)

    def token(self, token: str) -> None:
        """What was signed, whole: it can be typed in again from paper."""
        self._ink(MONO, "", 7, SOFT)
        self.multi_cell(0, 3.6, token, wrapmode=WrapMode.CHAR, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def confirmation(self, one: PartnerReceipt) -> None:
        """What one company signed, when, and its digest."""
        self._ink(TEXT, "B", 10, INK)
        self._paragraph(one.party, 6)
        self._ink(TEXT, "", 10, INK)
        self._paragraph(f"{one.in_words}, {_moment(one.received_at)}", 5.5)
        self._ink(MONO, "", 7, SOFT)
        self._paragraph(f"SHA-256 {one.digest}", 4.5)
        self.ln(2)

    def _ink(self, family: str, style: str, size: float, color: tuple[int, int, int]) -> None:
        self.set_font(family, style, size)
        self.set_text_color(*color)

    def _written(self, text: str) -> str:
        font = self.fonts[TEXT.lower()]
        known = font.cmap if isinstance(font, TTFFont) else {}
        return "".join(char if ord(char) in known else MISSING for char in text)

    def _paragraph(self, text: str, height: float) -> None:
        self.multi_cell(0, height, self._written(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


@contextmanager
def _fonts() -> Iterator[Path]:
    """The fonts as files, which is how the library takes them."""
    with TemporaryDirectory() as folder:
        for family, style, font in FONTS:
            _file(Path(folder), family, style).write_bytes(font)
        yield Path(folder)


def _file(folder: Path, family: str, style: str) -> Path:
    return folder / f"{family}{style}.ttf"
