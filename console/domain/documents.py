"""Sign a document and print it: one PDF, with the signed data attached."""

import json
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from django.conf import settings

from consent.domain.typesetting import CHINESE, TEXT, print_pdf, replace_missing_glyphs
from console.queries.documents import Report, Section, format_value
from partners.domain import keys
from partners.models import SigningKey

LAYOUT = (Path(__file__).parent / "document.typ").read_bytes()
# A column is as wide as its longest cell, within these bounds, in letters.
NARROW, WIDE = 6, 40
# A word that is longer may be broken anywhere, so that it stays in its column.
LONG_WORD = re.compile(r"\S{14}")
BREAK = "\u200b"
# On paper a hash has its first 16 digits; what is signed has all.
HASH = re.compile(r"\b([0-9a-f]{16})[0-9a-f]{48}\b")


def sign_document(*, report: Report, document_id: str, who: str, at: datetime) -> bytes:
    """Sign a whole report, and print it as a PDF with what was signed attached. Raises NoSigningKey.

    `who` made it, by name.
    """
    said = {
        "id": document_id, "made_by": who, "kind": report.kind, "about": report.about, "title": report.title,
        "sections": [asdict(one) for one in report.sections],
    }  # fmt: skip
    claims = {"iss": settings.BASE_URL, "iat": int(at.timestamp()), "document": said}
    body = {"document": document_id, "token": keys.sign(use=SigningKey.Use.MANIFEST, claims=claims)}
    fields = {
        "fonts": [TEXT, CHINESE],
        "title": _print(report.title),
        "author": _print(settings.CARRIER_NAME),
        "made": _print(
            f"Made by {who} for {settings.CARRIER_NAME} on {format_value(value=at)}. It describes our records then."
        ),
        "mark": f"Document {document_id}",
        "sections": [_print_section(one) for one in report.sections],
        "file": f"document-{document_id}.json",
        "body": json.dumps(body, indent=2),
    }
    return print_pdf(layout=LAYOUT, fields=fields, at=at)


def _print_section(one: Section) -> dict[str, object]:
    rows = [[_print_cell(cell) for cell in row] for row in one.rows]
    lengths = [max(map(len, column)) for column in zip(one.columns, *rows, strict=True)]
    return {
        "heading": _print(one.heading),
        "text": [_print(sentence) for sentence in one.text],
        "columns": [_print(name) for name in one.columns],
        "widths": [min(max(length, NARROW), WIDE) for length in lengths],
        "rows": rows,
    }


def _print_cell(cell: str) -> str:
    return LONG_WORD.sub(rf"\g<0>{BREAK}", _print(HASH.sub(r"\g<1>…", cell)))


def _print(text: str) -> str:
    return replace_missing_glyphs(text)
