"""The inventory as `docs/reference/data.md`."""

from collections.abc import Iterator

from tools.inventory import OF_OTHERS, PARTS
from tools.inventory.kinds import LEDGER, MEANING, PEOPLE, RETENTION, Kind, Table

INTRODUCTION = (
    "Whereabouts records who asked for someone's location and got it: when, why, how exact and on what basis. **It"
    " stores no location.** No field can hold coordinates, cells or street addresses; unknown fields of feeds are"
    " dropped. People are asked for reasons and wordings, never for places."
)
HOW = (
    "Generated from `tools/inventory` by `uv run python -m tools.inventory > docs/reference/data.md`. A field that is"
    " not declared there fails the build, unless its type holds only a moment or a reference. Left out here: ids and"
    " references to other rows, times, figures (counts, sizes, flags; a release's precision in metres), words of"
    " closed lists, facts about companies and agreements, and signatures."
)
NOBODY = "nobody"
LISTED = (Kind.TEXT, Kind.PERSONAL, Kind.SEALED, Kind.STRUCTURE)
KEPT = "".join(f"- {word}: {how}\n" for word, how in RETENTION.items())
SEEN = (
    f"*{PEOPLE.capitalize()}*: its user; on a child's line its account holder too; staff with a reason these people"
    " see. *The office*: officers and auditors. *Staff*: agents too. *Status*: the line's user, as a status; the"
    " partner; the office without the person. Without *Seen by*, nobody sees a table; without"
    " *Kept*, it is kept like the ledger."
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
    kept = "" if table.long == LEDGER else f" *Kept:* {table.long}."
    seen = "" if table.sees == NOBODY else f" *Seen by:* {table.sees}."
    below = f"\\\n{fields}." if fields else ""
    return f"\n**`{label}`**: {table.holds}{kept}{seen}{below}\n"


def _fields(table: Table) -> Iterator[str]:
    for kind in LISTED:
        names = [name for name, of in table.fields() if of is kind]
        if names and kind is not Kind.STRUCTURE:
            yield f"{kind} " + ", ".join(f"`{name}`" for name in names)
    for name, shape in table.shapes.items():
        yield f"{Kind.STRUCTURE} `{name}` ({shape})"
