"""Rules of the house that the linters cannot say, read from the code itself."""

import ast
import re
from pathlib import Path

from tests.conventions.sources import ROOT, calls, functions, own_modules, place, read, rooms

WRITES = {
    "save", "create", "get_or_create", "update_or_create", "delete", "bulk_create", "bulk_update",
}  # fmt: skip
KEYWORDS_ONLY = ("actions", "queries", "tasks", "delivery", "expiry")
DOORS = ("views", "api")
# What doors share: typed requests and their decorators, allauth's adapters, and the frame of the console.
SHARED = ("access.py", "adapter.py", "acts.py", "cards.py", "listing.py", "navigation.py", "site.py")
OF_TESTS = re.compile(r"^ *from (tests\.(?:\w+\.)*test_\w+)", re.MULTILINE)


def actions_of(path: Path) -> set[str]:
    """The names by which a module calls actions: of functions, and of modules of functions."""
    imports = [node for node in ast.walk(read(path)) if isinstance(node, ast.ImportFrom)]
    return {
        name.asname or name.name
        for node in imports if "actions" in (node.module or "").split(".")
        for name in node.names if name.name.islower()
    } | {name.asname or name.name for node in imports for name in node.names if name.name == "actions"}  # fmt: skip


def on_actions(called: ast.expr, actions: set[str]) -> bool:
    named = called.value if isinstance(called, ast.Attribute) else called
    return isinstance(named, ast.Name) and named.id in actions


def may_be_positional(function: ast.FunctionDef) -> bool:
    """One argument, or a filter of a list: rows and a value."""
    names = [argument.arg for argument in function.args.args]
    return len(names) < 2 or (names[0] == "rows" and len(names) == 2)


def test_public_functions_take_keywords_only() -> None:
    decorators = {"retry_on_conflict"}
    loose = [
        place(path, f, f.name)
        for path in rooms(*KEYWORDS_ONLY)
        for f in functions(path)
        if not f.name.startswith("_") and not may_be_positional(f) and f.name not in decorators
    ]
    assert loose == []


def test_reads_and_doors_never_write() -> None:
    written = [
        place(path, node, node.func.attr)
        for path in rooms("queries", *DOORS)
        for node in calls(read(path))
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITES
        and not on_actions(node.func, actions_of(path))
    ]
    assert written == []


def test_doors_are_short_functions_with_at_most_one_verb() -> None:
    doors = [path for path in rooms(*DOORS) if path.name not in SHARED]
    classes = [place(path, node, node.name) for path in doors for node in read(path).body
               if isinstance(node, ast.ClassDef)]  # fmt: skip
    assert classes == []
    long = [place(path, f, f.name) for path in doors for f in functions(path) if len(ast.unparse(f).splitlines()) > 25]
    assert long == []
    assert [place(path, f, f.name) for path in doors for f in functions(path) if verbs(f, path) > 1] == []


def verbs(function: ast.FunctionDef, path: Path) -> int:
    actions = actions_of(path)
    return sum(on_actions(call.func, actions) for call in calls(function))


def test_tasks_are_two_lines() -> None:
    assert [place(path, f, f.name) for path in rooms("tasks") for f in functions(path) if len(f.body) > 2] == []


def test_no_test_module_imports_another() -> None:
    tests = list(ROOT.glob("tests/**/*.py"))
    assert len(tests) > 400
    imported = {str(path.relative_to(ROOT)): OF_TESTS.findall(path.read_text()) for path in tests}
    assert {path: modules for path, modules in imported.items() if modules} == {}


def test_no_file_grows_past_five_hundred_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in own_modules() if "migrations" not in path.parts}
    assert [path for path, lines in lengths.items() if lines > 500] == []


def test_no_check_is_silenced() -> None:
    silencers = ("no" + "qa", "type: " + "ignore", "pragma: no " + "cover")
    files = [*own_modules(), *sorted((ROOT / "tests").rglob("*.py"))]
    assert [(path, word) for path in files for word in silencers if word in path.read_text()] == []


def test_there_are_files_of_every_kind() -> None:
    assert all((rooms(*KEYWORDS_ONLY), rooms("queries"), rooms(*DOORS), rooms("tasks"), own_modules()))
