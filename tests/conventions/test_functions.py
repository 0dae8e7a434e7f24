"""Every function of the application can be read in one go: neither long nor branched too often."""

import ast
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.conventions.sources import ROOT, place, read

APPS = (
    "tools", "portal", "console", "support", "disclosures", "consent", "revocations", "partners", "accounts", "audit",
)  # fmt: skip
MOST_LINES = 40
MOST_BRANCHES = 8

type Function = ast.FunctionDef | ast.AsyncFunctionDef

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_no_function_is_longer_than_forty_lines() -> None:
    assert [place(path, one, one.name) for path, one in application() if count_lines(one) > MOST_LINES] == []


def test_no_function_branches_more_than_eight_times() -> None:
    assert [place(path, one, one.name) for path, one in application() if count_branches(one) > MOST_BRANCHES] == []


def test_lines_are_counted_without_decorators_and_docstring() -> None:
    source = '''
        @decorator
        def function(
            one: int,
        ) -> int:
            """First line.

            Third line.
            """
            # A comment counts.

            return one
    '''
    assert count_lines(parsed(source)) == 6


def test_every_kind_of_branch_is_counted() -> None:
    kinds = {
        "return one": 1, "if one: pass": 2, "if one: pass\n    elif two: pass\n    else: pass": 3,
        "return one if two else three": 2, "return one and two or three": 3, "for one in two: pass": 2,
        "for one in two: pass\n    else: pass": 3, "while one: pass": 2,
        "try: pass\n    except ValueError: pass\n    except KeyError: pass\n    else: pass\n    finally: pass": 4,
        "return [one for one in two if one if three]": 4, "return {one: two for one in three for two in one}": 3,
        "match one:\n        case 1: pass\n        case 2: pass": 3,
        "match one:\n        case 1: pass\n        case _: pass": 2, "assert one": 2, "with one: pass": 1,
        "def inner() -> int:\n        return 1 if two else 3": 1, "return sorted(one, key=lambda two: two or three)": 2,
    }  # fmt: skip
    assert {body: count_branches(parsed(f"def function():\n    {body}")) for body in kinds} == kinds


@cache
def application() -> list[tuple[Path, Function]]:
    files = [path for app in APPS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts]
    return [(path, node) for path in files for node in ast.walk(read(path)) if isinstance(node, FUNCTIONS)]


def count_lines(function: Function) -> int:
    """From `def` to the end, blank lines and comments too, without the docstring."""
    lines = function.lineno, function.end_lineno or function.lineno
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    documented = (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1 if docstring is not None else 0
    return lines[1] - lines[0] + 1 - documented


def count_branches(function: Function) -> int:
    """McCabe's number as radon counts it: comprehensions and boolean operators too, functions inside by themselves."""
    return 1 + sum(branches_of(node) for statement in function.body for node in within(statement))


def within(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from within(child)


def branches_of(node: ast.AST) -> int:
    match node:
        case ast.If() | ast.IfExp() | ast.Assert():
            return 1
        case ast.For() | ast.AsyncFor() | ast.While():
            return 1 + bool(node.orelse)
        case ast.Try() | ast.TryStar():
            return len(node.handlers) + bool(node.orelse)
        case ast.BoolOp():
            return len(node.values) - 1
        case ast.comprehension():
            return 1 + len(node.ifs)
        case ast.Match():
            return len(node.cases) - any(is_catch_all(one.pattern) for one in node.cases)
        case _:
            return 0


def is_catch_all(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def parsed(source: str) -> Function:
    function = ast.parse(textwrap.dedent(source)).body[0]
    assert isinstance(function, ast.FunctionDef)
    return function
