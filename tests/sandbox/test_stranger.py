"""The partner is a stranger to the portal: it could stand on another machine."""

import ast
import sys
from pathlib import Path

from partners.labels import PURPOSES
from tools.sandbox import rules

PACKAGE = Path(__file__).resolve().parents[2] / "tools" / "sandbox"


def imported(path: Path) -> set[str]:
    return {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }


def test_it_imports_nothing_of_the_portal() -> None:
    known = {*sys.stdlib_module_names, "joserfc"}
    modules = sorted(PACKAGE.glob("*.py"))
    assert len(modules) > 8
    foreign = {
        f"{path.name} imports {name}"
        for path in modules
        for name in imported(path)
        if name.partition(".")[0] not in known and not name.startswith("tools.sandbox")
    }
    assert foreign == set()


def test_it_knows_every_purpose_that_we_have_words_for() -> None:
    ours = {f"dpv:{term}" for term in PURPOSES}
    assert ours == rules.PURPOSES
