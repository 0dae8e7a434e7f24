"""The project's own code as syntax trees, for the tests of its conventions."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("console", "support", "disclosures", "consent", "revocations", "partners", "accounts", "audit")


def rooms(*names: str) -> list[Path]:
    """The files of these rooms, whether a module or a package."""
    return [
        path
        for app in APPS
        for name in names
        for path in [ROOT / app / f"{name}.py", *sorted((ROOT / app / name).rglob("*.py"))]
        if path.exists()
    ]


def own_modules() -> list[Path]:
    return [path for app in ("tools", "portal", *APPS) for path in sorted((ROOT / app).rglob("*.py"))]


@cache
def read(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in read(path).body if isinstance(node, ast.FunctionDef)]


def place(path: Path, node: ast.stmt | ast.expr, name: str = "") -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno} {name}".strip()


def calls(of: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(of) if isinstance(node, ast.Call)]


FUNCTIONS = """
SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""

TRIGGERS = """
SELECT c.relname || ' ' || t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND NOT c.relispartition
"""
