"""The inventory as `docs/reference/data.md`."""

from collections.abc import Iterator

from tools.inventory import OF_OTHERS, PARTS
from tools.inventory.kinds import FOR_EVER, LEDGER, MEANING, PEOPLE, RETENTION, Kind, Table

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
    return [f"`{name}`" for name, of in table.fields() if of is kind]


def _shapes(table: Table) -> Iterator[str]:
    for shape in dict.fromkeys(table.shapes.values()):
        names = ", ".join(f"`{name}`" for name, of in table.shapes.items() if of == shape)
        yield f"{names} ({shape})"
