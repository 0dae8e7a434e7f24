"""Rules of the house that the linters cannot say, read from the code itself."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("support", "disclosures", "consent", "revocations", "partners", "accounts", "audit")
WRITES = {
    "save", "create", "get_or_create", "update_or_create", "delete", "bulk_create", "bulk_update",
}  # fmt: skip
KEYWORDS_ONLY = ("actions", "queries", "tasks", "delivery", "expiry")
DOORS = ("views", "api")


def rooms(*names: str) -> list[Path]:
    """The files of these rooms, whether a module or a package."""
    return [
        path
        for app in APPS
        for name in names
        for path in [ROOT / app / f"{name}.py", *sorted((ROOT / app / name).rglob("*.py"))]
        if path.exists()
    ]


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(function: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(function) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", rooms(*KEYWORDS_ONLY), ids=label)
def test_public_functions_take_keywords_only(path: Path) -> None:
    decorators = {"again_if_a_release_came_between"}
    loose = [
        f"{label(path)}:{f.lineno} {f.name}" for f in functions(path) if not f.name.startswith("_") and f.args.args
    ]
    assert [one for one in loose if one.split()[-1] not in decorators] == []


@pytest.mark.parametrize("path", rooms("queries", *DOORS), ids=label)
def test_reads_and_doors_never_write(path: Path) -> None:
    tree = ast.parse(path.read_text())
    written = [
        f"{label(path)}:{node.lineno} {node.func.attr}"
        for node in calls(tree)
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITES
        and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "actions")
    ]
    assert written == []


@pytest.mark.parametrize("path", rooms(*DOORS), ids=label)
def test_doors_are_short_functions_with_at_most_one_verb(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert [node.name for node in tree.body if isinstance(node, ast.ClassDef)] == []
    for function in functions(path):
        assert len(ast.unparse(function).splitlines()) <= 25, f"{label(path)}:{function.lineno} {function.name}"
        verbs = [
            node
            for node in calls(function)
            if isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "actions"
        ]
        assert len(verbs) <= 1, f"{label(path)}:{function.lineno} {function.name}"


@pytest.mark.parametrize("path", rooms("tasks"), ids=label)
def test_tasks_are_two_lines(path: Path) -> None:
    for function in functions(path):
        assert len(function.body) <= 2, f"{label(path)}:{function.lineno} {function.name}"


def own_modules() -> list[Path]:
    return [path for app in ("portal", *APPS) for path in sorted((ROOT / app).rglob("*.py"))]


@pytest.mark.parametrize("path", own_modules(), ids=label)
def test_no_imports_inside_functions(path: Path) -> None:
    inner = [
        f"{label(path)}:{node.lineno}"
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inner == []


@pytest.mark.parametrize("path", own_modules(), ids=label)
def test_no_file_grows_past_four_hundred_lines(path: Path) -> None:
    if "migrations" not in path.parts:
        assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", [*own_modules(), *sorted((ROOT / "tests").rglob("*.py"))], ids=label)
def test_no_check_is_silenced(path: Path) -> None:
    silencers = ("no" + "qa", "type: " + "ignore", "pragma: no " + "cover")
    assert [word for word in silencers if word in path.read_text()] == []
