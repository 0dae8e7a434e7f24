"""The kinds of things that may be kept, and how one table is declared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a field holds. There is no kind for a place: nothing may be kept that says where somebody was."""

    KEY = "key"
    TIME = "time"
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
SEALED_BY_NAME = ("_sealed", "_hash")
FOR_EVER = "for ever"


@dataclass(frozen=True)
class Table:
    """What one table keeps: `holds` in a sentence, how `long`, and who `sees` it. Names of fields by their kind.

    What a field's type or name says needs no declaration: moments, references to rows, counts and flags, words of a
    list of choices, and what is sealed by name (`SEALED_BY_NAME`). `shapes`: for each field of kind STRUCTURE, what is
    in it.
    """

    holds: str
    long: str
    sees: str
    key: str = ""
    time: str = ""
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
