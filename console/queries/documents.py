"""Documents made of the records: the annual certificate, metrics, a breach notification, evidence packs.

Each is made of sections. The same sections are previewed, signed as data, and printed. What a delayed-notice order
hides, and acts of the legal-process role, are in none of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

from django.conf import settings

from audit.queries import get_chain_heads
from partners.labels import sanitise_text
from support.models import LONGEST, Document

FIRST_YEAR = 2020
# Of one section so many rows are in a document; it says how many there are.
MOST = 500


@dataclass(frozen=True)
class Section:
    """A part of a document: sentences, and a table. `moves`: what it lists grows as the document is previewed."""

    heading: str
    text: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    moves: bool = False

    @classmethod
    def build(
        cls, heading: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, text: Sequence[str] = (),
        moves: bool = False,
    ) -> "Section":  # fmt: skip
        """Return a section with a table of these rows, as many as a document has room for."""
        whole = list(rows)
        says = [*text, *([f"The first {MOST} of {len(whole):,}."] if len(whole) > MOST else [])]
        says += ["None."] if columns and not whole else []
        shown = [[format_value(value=value) for value in row] for row in whole[:MOST]]
        return cls(heading, says, columns if shown else (), shown, moves)

    @classmethod
    def build_facts(cls, heading: str, facts: Mapping[str, object], *, text: Sequence[str] = ()) -> "Section":
        """Return a section that says one thing after another, each by its name."""
        return cls.build(heading, ("What", "On record"), facts.items(), text=text)

    @property
    def named_rows(self) -> list[list[tuple[str, str]]]:
        """The rows, each cell with the name of its column."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class DocumentRequest:
    """What a document is wanted about (`ref`, the id of that), by whom, as they are called, and when."""

    ref: str
    who: str
    at: datetime


@dataclass(frozen=True)
class Report:
    """What a document says. `line_id`: whose log shows that it was read; None where it is about no person."""

    kind: str
    about: str
    title: str
    sections: Sequence[Section]
    line_id: int | None = None


@dataclass(frozen=True)
class DocumentPreview:
    """What a document would say. `seal`: if that changed when it is to be signed, it is shown again."""

    report: Report
    template: str = "document_preview.html"

    @property
    def seal(self) -> Sequence[object]:
        """All that does not grow by being looked at."""
        one = self.report
        return [one.kind, one.about, *(asdict(section) for section in one.sections if not section.moves)]


def format_value(*, value: object) -> str:
    """Return a value as documents write it: times in UTC, a dash for nothing."""
    if value is None or value == "":
        return "–"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:.1f}"
    return sanitise_text(str(value), at_most=LONGEST)


def complete_report(*, report: Report, document_id: str, at: datetime) -> Report:
    """Return the report with an index before its sections, and how to verify it after them."""
    custody = Section(
        "Custody",
        [
            "The audit log records who previewed, signed and read this document, when and why.",
            "Our copy is kept as it was signed and can't be changed.",
        ],
    )
    parts = [*report.sections, custody, _build_checkpoint(at), _build_instructions(document_id)]
    index = Section.build(
        "Index", ("Section", "Rows"), [(f"{n}. {one.heading}", len(one.rows)) for n, one in enumerate(parts, 1)]
    )
    return Report(report.kind, report.about, report.title, [index, *parts], report.line_id)


def _build_checkpoint(at: datetime) -> Section:
    """The newest hash of each chain of the audit log, signed with the document: no entry before it can be changed."""
    heads = [(chain, own.hex()) for chain, (_, own) in get_chain_heads().items()]
    says = [f"The audit log's newest entries at {format_value(value=at)}. Our checkpoints elsewhere contain them."]
    return Section.build("Checkpoint of the audit log", ("Chain", "Hash"), heads, text=says, moves=True)


def _build_instructions(document_id: str) -> Section:
    return Section(
        "How to verify",
        [
            f"The file document-{document_id}.json is attached to this PDF. It holds everything printed here.",
            "It is a JSON Web Signature (RFC 7515, ES256).",
            (
                f"Our public keys are at {settings.BASE_URL}/.well-known/jwks.json, and older ones at"
                f" {settings.BASE_URL}/.well-known/jwks-archive.json."
            ),
            f"Save the keys as jwks.json and run: manage.py verify_receipt document-{document_id}.pdf --jwks jwks.json",
            "Any program that checks JSON Web Signatures can do the same without asking us.",
        ],
    )


def list_documents_about(*, about: str) -> list[Document]:
    """Return what was made about this ("party:4"), the newest first, without the files."""
    return list(Document.objects.filter(about=about).defer("pdf_sealed").order_by("-made_at"))
