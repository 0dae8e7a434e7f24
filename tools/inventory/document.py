"""The inventory as `docs/reference/data.md`.

The kinds of things that may be kept, and how one table is declared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tools.inventory import OF_OTHERS, PARTS


class Kind(StrEnum):
    """What a field holds. There is no kind for a place: nothing may be kept that says where somebody was."""

    KEY = "key"
    TIME = "time"
    FIGURE = "figure"
    WORD = "word"
    BUSINESS = "business"
    TEXT = "text"
    PERSONAL = "personal"
    SEALED = "sealed"
    PROOF = "proof"
    STRUCTURE = "structure"


MEANING: Mapping[Kind, str] = {
    Kind.KEY: "an id of ours or the carrier's",
    Kind.TIME: "a day",
    Kind.FIGURE: "a count, size or flag; a release's precision in metres, never a place",
    Kind.WORD: "one word from a closed list",
    Kind.BUSINESS: "about a company or agreement: names, ids, URLs, purposes, public keys",
    Kind.TEXT: "what a person or program wrote",
    Kind.PERSONAL: "about a person: name, e-mail address, role, language, US state (nothing finer)",
    Kind.SEALED: "encrypted with a key outside the database, or hashed",
    Kind.PROOF: "a signature or digest",
    Kind.STRUCTURE: "JSON or a list",
}

# How long rows are kept, in a word that `RETENTION` explains.
RELEASES, ORDERED, LEDGER, TENURE = "release", "ordered release", "ledger", "line"
RETENTION: Mapping[str, str] = {
    TENURE: "for ever: an ended line stays, to explain whatever refers to it",
    RELEASES: "`RETENTION_MONTHS` whole months (default 24, at least 12), then dropped with its month",
    ORDERED: "the same; under a court order until it ended, and 30 days more",
}
PEOPLE = "the line's people"
FOR_EVER = "for ever"


@dataclass(frozen=True)
class Table:
    """What one table keeps: `holds` in a sentence, how `long`, and who `sees` it. Names of fields by their kind.

    Moments and references to rows need no declaration. `shapes`: for each field of kind STRUCTURE, what is in it.
    """

    holds: str
    long: str
    sees: str
    key: str = ""
    time: str = ""
    figure: str = ""
    word: str = ""
    business: str = ""
    text: str = ""
    personal: str = ""
    sealed: str = ""
    proof: str = ""
    shapes: Mapping[str, str] = field(default_factory=dict)

    def fields(self) -> Iterator[tuple[str, Kind]]:
        """Yield every field with its kind."""
        for kind in Kind:
            names = self.shapes if kind is Kind.STRUCTURE else getattr(self, kind.value).split()
            yield from ((name, kind) for name in names)


INTRODUCTION = (
    "Whereabouts records who asked for someone's location and got it: when, why, how exact and on what basis. **It"
    " stores no location.** No field can hold coordinates, cells or street addresses; unknown fields of feeds are"
    " dropped."
)
HOW = (
    "Generated from `tools/inventory` by `uv run python -m tools.inventory > docs/reference/data.md`; a field that is"
    " not declared there fails the build. Left out here: ids, times, figures (counts, sizes, flags; a release's"
    " precision in metres), words of closed lists, facts about companies and agreements, signatures, and what is"
    " sealed in a field named `…_sealed` or `…_hash`."
)
NOBODY = "nobody"
SEALED_BY_NAME = ("_sealed", "_hash")
LISTED = (Kind.TEXT, Kind.PERSONAL, Kind.SEALED, Kind.STRUCTURE)
KEPT = "".join(f"- {word}: {how}\n" for word, how in RETENTION.items())
SEEN = (
    f"*{PEOPLE.capitalize()}*: its user; on a child's line its account holder too; staff with a reason these people"
    " see. *The office*: officers and auditors. *Staff*: agents too. *The partner*: its own; and the office. *Status*:"
    " the line's user, as a status; the partner; the office without the person. A hidden release is seen by nobody.\n\n"
    "Without *Kept*, a table is kept for ever; in one with † the database refuses to remove what was chosen, told or"
    " done. Without *Seen*, nobody sees it."
)
HEAD = f"# Data kept\n\n{INTRODUCTION}\n\n{HOW}\n\n## Retention and access\n\n{KEPT}\n{SEEN}\n\n## Kinds of fields\n\n"


def document() -> str:
    """Return the whole page, Markdown."""
    kinds = "".join(f"- {kind}: {MEANING[kind]}\n" for kind in LISTED)
    parts = "".join(_part(title) for title in PARTS)
    others = "".join(f"- `{label}`: {what}\n" for label, what in sorted(OF_OTHERS.items()))
    return f"{HEAD}{kinds}{parts}\n## Tables of libraries\n\n{others}"


def _part(title: str) -> str:
    return f"\n## {title}\n" + "".join(_table(label, table) for label, table in PARTS[title].items())


def _table(label: str, table: Table) -> str:
    fields = "; ".join(_fields(table))
    mark = "†" if table.long == LEDGER else ""
    kept = "" if table.long in {LEDGER, FOR_EVER} else f" *Kept:* {table.long}."
    seen = "" if table.sees == NOBODY else f" *Seen:* {table.sees}."
    below = f"\\\n{fields}." if fields else ""
    return f"\n**`{label}`**{mark}: {table.holds}{kept}{seen}{below}\n"


def _fields(table: Table) -> Iterator[str]:
    for kind in LISTED:
        if kind is not Kind.STRUCTURE and (names := _list_names(table, kind)):
            yield f"{kind} {', '.join(names)}"
    if table.shapes:
        yield f"{Kind.STRUCTURE} {', '.join(_shapes(table))}"


def _list_names(table: Table, kind: Kind) -> list[str]:
    return [f"`{name}`" for name, of in table.fields() if of is kind and not name.endswith(SEALED_BY_NAME)]


def _shapes(table: Table) -> Iterator[str]:
    for shape in dict.fromkeys(table.shapes.values()):
        names = ", ".join(f"`{name}`" for name, of in table.shapes.items() if of == shape)
        yield f"{names} ({shape})"
