"""Documents made of the records: the annual certificate, metrics, a breach notification, evidence packs.

Each is made of sections. The same sections are previewed, signed as data, and printed. What a delayed-notice order
hides, and acts of the legal-process role, are in none of them but that role's own packs of an order (`order_packs`).
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from uuid import UUID

from django.conf import settings

from audit.models import AuditEvent
from audit.queries import CHAINS, get_chain_heads
from partners.labels import sanitise_text
from support.models import LONGEST

# Of one section so many rows are in a document, the newest; it says how many there are.
MOST = 500


@dataclass(frozen=True)
class Section:
    """A part of a document: sentences, and a table. `moves`: what it lists grows as the document is previewed.

    `is_live`: it counts what people and companies do all day, so that a busy company's is never the same twice.
    """

    heading: str
    text: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    moves: bool = False
    is_live: bool = False

    @classmethod
    def build(
        cls, heading: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, text: Sequence[str] = (),
        moves: bool = False, is_live: bool = False, total: int = 0, at_most: int = 0,
    ) -> "Section":  # fmt: skip
        """Return a section with a table of these rows, the oldest first: the last of them, as many as it has room for.

        `total`: how many there are where these are the newest of them. `at_most`: for how many there is room (MOST).
        """
        at_most = at_most or MOST
        counted, kept = 0, deque[Sequence[object]](maxlen=at_most)
        for row in rows:
            counted += 1
            kept.append(row)
        says = [*text, *cls._say_how_many(max(total, counted), at_most, is_table=bool(columns))]
        shown = [[format_value(value=value) for value in row] for row in kept]
        return cls(heading, says, columns if shown else (), shown, moves, is_live)

    @staticmethod
    def _say_how_many(whole: int, at_most: int, *, is_table: bool) -> list[str]:
        if whole > at_most:
            return [f"The newest {at_most:,} of {whole:,}."]
        return ["None."] if is_table and not whole else []

    @classmethod
    def build_facts(
        cls, heading: str, facts: Mapping[str, object], *, text: Sequence[str] = (), is_live: bool = False
    ) -> "Section":
        """Return a section that says one thing after another, each by its name."""
        return cls.build(heading, ("What", "On record"), facts.items(), text=text, is_live=is_live)

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
    """What a document says. `line_id`: whose case it is about; about which look-up or company that asks, or None."""

    kind: str
    about: str
    title: str
    sections: Sequence[Section]
    line_id: int | None = None
    release_id: UUID | None = None
    company_id: int | None = None

    @property
    def has_live_sections(self) -> bool:
        """Whether some of it is counted anew when it is signed."""
        return any(one.is_live for one in self.sections)

    @property
    def seal(self) -> str:
        """What stands for all that it says, but for what changes while somebody reads the preview."""
        return self._compute_digest(one for one in self.sections if not one.moves and not one.is_live)

    @property
    def content_digest(self) -> str:
        """What stands for all that it says, but for what grows by being looked at."""
        return self._compute_digest(one for one in self.sections if not one.moves)

    def _compute_digest(self, sections: Iterable[Section]) -> str:
        said = [self.kind, self.about, self.title, *map(asdict, sections)]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@dataclass(frozen=True)
class DocumentPreview:
    """What a document would say, before it is signed."""

    report: Report
    template: str = "document_preview.html"

    @property
    def seal(self) -> Sequence[object]:
        """What stands for the report."""
        return [self.report.seal]


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
            "Our copy is kept as it was signed. The database refuses to change or delete it.",
        ],
    )
    parts = [*report.sections, custody, _build_checkpoint(at), _build_instructions(document_id)]
    rows = [(f"{n}. {one.heading}", len(one.rows) if one.columns else None) for n, one in enumerate(parts, 1)]
    index = Section.build("Index", ("Section", "Rows"), rows)
    return replace(report, sections=[index, *parts])


def _build_checkpoint(at: datetime) -> Section:
    """The newest hash of each chain of the audit log, signed with the document: no entry before it can be changed."""
    heads = [(chain, own.hex()) for chain, (_, own) in get_chain_heads().items()]
    says = [f"The audit log's newest entries at {format_value(value=at)}. The next checkpoint will contain them."]
    return Section.build("Checkpoint of the audit log", ("Chain", "Hash"), heads, text=says, moves=True)


def _build_instructions(document_id: str) -> Section:
    return Section(
        "How to verify",
        [
            f"The file document-{document_id}.json is attached to this PDF. It holds everything printed here.",
            "Hashes are printed with their first 16 digits. The file has all digits.",
            "It is a JSON Web Signature (RFC 7515, ES256).",
            (
                f"Our public keys are at {settings.BASE_URL}/.well-known/jwks.json, and older ones at"
                f" {settings.BASE_URL}/.well-known/jwks-archive.json."
            ),
            "Save the keys as jwks.json and run this command:",
            # In a line of its own: whoever copies one that is broken at a hyphen may lose it.
            f"manage.py verify_receipt document-{document_id}.pdf --jwks jwks.json",
            "Any program that checks JSON Web Signatures can do the same without asking us.",
            "The signature covers the file, not the printed pages. Where they differ, the file counts.",
        ],
    )


def list_years(*, at: datetime) -> Sequence[int]:
    """Return the years of which there are records, this year first."""
    return range(at.year, get_first_day(at=at).year - 1, -1)


def get_first_day(*, at: datetime) -> datetime:
    """Return when our records begin: at the earliest of the entries that begin the audit log's chains; now without."""
    begins = AuditEvent.objects.filter(chain__in=range(CHAINS), seq=1)
    return min(begins.values_list("at", flat=True), default=at)
