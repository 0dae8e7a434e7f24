"""Which functions of the project name which others, read from the syntax trees alone."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.conventions.sources import ROOT, own_modules, read


@cache
def graph() -> Mapping[str, ast.stmt]:
    """Every function, class and constant at the top of a module, by its whole name."""
    return {
        f"{_module_of(path)}.{name}": one for path in own_modules() for one in read(path).body for name in _defined(one)
    }


@cache
def named_in(whole: str) -> frozenset[str]:
    """What one of these names, called or handed on; by whole names, where it is the project's."""
    module = whole.rpartition(".")[0]
    means = _imports(module)
    found = set()
    for node in ast.walk(graph()[whole]):
        first, _, rest = _dotted(node).partition(".")
        meant = means.get(first) or (f"{module}.{first}" if f"{module}.{first}" in graph() else first)
        found.add(f"{meant}.{rest}" if rest else meant)
    return frozenset(found & graph().keys())


def reached(starts: Iterable[str], *, beyond: Callable[[str], bool] = lambda _: True) -> Iterator[str]:
    """Everything that these lead to; what is not to be looked `beyond` is the last of its way."""
    seen, waiting = set[str](), list(starts)
    while waiting:
        for one in named_in(waiting.pop()):
            if one not in seen:
                seen.add(one)
                yield one
                if beyond(one):
                    waiting.append(one)


def _defined(one: ast.stmt) -> list[str]:
    if isinstance(one, ast.FunctionDef | ast.ClassDef):
        return [one.name]
    targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def _module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _imports(module: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    path = ROOT.joinpath(*module.split("."))
    for node in read(path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.asname: one.name for one in node.names if one.asname}
    return found


def _dotted(node: ast.AST) -> str:
    """A name with what follows its dots, as it is written; "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    above = _dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{above}.{node.attr}" if isinstance(node, ast.Attribute) and above else ""
