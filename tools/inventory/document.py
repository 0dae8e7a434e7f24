"""The inventory as `docs/reference/data.md`."""

from collections.abc import Iterator

from tools.inventory import OF_OTHERS, PARTS
from tools.inventory.kinds import MEANING, PEOPLE, RETENTION, Kind, Table

INTRODUCTION = (
    "Whereabouts records who asked for someone's location and got it: when, why, how exact and on what basis. **It"
    " stores no location.** No field can hold coordinates, cells or street addresses; unknown fields of feeds are"
    " dropped. People are asked for reasons and wordings, never for places."
)
HOW = (
    "Generated from `tools/inventory` by `uv run python -m tools.inventory > docs/reference/data.md`. A test compares"
    " it with the tables: an undeclared field fails the build."
)
KEPT = "".join(f"| {word} | {how} |\n" for word, how in RETENTION.items())
SEEN = (
    f"*{PEOPLE.capitalize()}*: its user; on a child's line its account holder too; staff with a reason these people"
    " see."
)
HEAD = (
    f"# Data kept\n\n{INTRODUCTION}\n\n{HOW}\n\n"
    f"## Retention and access\n\n| kept | how long |\n|---|---|\n{KEPT}\n{SEEN}\n\n"
    "## Kinds of fields\n\n| kind | meaning |\n|---|---|\n"
)


def document() -> str:
    """The whole page, Markdown."""
    kinds = "".join(f"| {kind} | {MEANING[kind]} |\n" for kind in Kind)
    parts = "".join(_part(title) for title in PARTS)
    others = "".join(f"| `{label}` | {what} |\n" for label, what in sorted(OF_OTHERS.items()))
    return f"{HEAD}{kinds}{parts}\n## Tables of libraries\n\n| table | holds |\n|---|---|\n{others}"


def _part(title: str) -> str:
    return f"\n## {title}\n" + "".join(_table(label, table) for label, table in PARTS[title].items())


def _table(label: str, table: Table) -> str:
    lines = [f"- kept: {table.long}", f"- seen by: {table.sees}", *_fields(table)]
    return f"\n### `{label}`\n\n{table.holds}\n\n" + "".join(f"{line}\n" for line in lines)


def _fields(table: Table) -> Iterator[str]:
    for kind in Kind:
        names = [name for name, of in table.fields() if of is kind]
        if names and kind is not Kind.STRUCTURE:
            yield f"- {kind}: " + ", ".join(f"`{name}`" for name in names)
    for name, shape in table.shapes.items():
        yield f"- {Kind.STRUCTURE}: `{name}`, {shape}"
