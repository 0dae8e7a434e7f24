"""The kinds of things that may be kept, and how one table is declared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
    Kind.KEY: "an id or a running number of ours or of the carrier's, or a link from one row to another",
    Kind.TIME: "when something was, is or will be",
    Kind.FIGURE: "a count, a size, a yes or no; how exact a look-up was, in metres, never where",
    Kind.WORD: "one word of a closed list",
    Kind.BUSINESS: "a company's or an agreement's: names, ids, addresses of machines, purposes, public keys",
    Kind.TEXT: "a sentence that a person or a program wrote: wording, a reason, a note",
    Kind.PERSONAL: "about a person: a name, a mailbox, a role, a language, a US state (two letters, nothing finer)",
    Kind.SEALED: "sealed with a key that is not in the database, or hashed: numbers, names, codes, passwords, keys",
    Kind.PROOF: "signed, or a digest, so that it can be shown later that it was so",
    Kind.STRUCTURE: "several of the above as JSON or a list; what is in it is said with the table",
}

RELEASES = "`RETENTION_MONTHS` whole months (24 unless set otherwise, never under 12), then dropped with its month"
# What an order hides has not been told to its person.
ORDERED = f"{RELEASES}; under a court's order as long as that and 30 days more"
LEDGER = "for good: it shows what was chosen, told or done, and the database refuses to remove it"
TENURE = "for good: a line that has ended stays, so that what hangs on it can be explained"
BUSINESS = "for good"


@dataclass(frozen=True)
class Table:
    """What one table keeps: `holds` in a sentence, how `long`, and who `sees` it. Names of fields by their kind.

    `shapes`: for each field of kind STRUCTURE, what is in it.
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
        """Every field with its kind."""
        for kind in Kind:
            names = self.shapes if kind is Kind.STRUCTURE else getattr(self, kind.value).split()
            yield from ((name, kind) for name in names)
