"""The script that a newcomer runs first: what it finds, what it runs, what it says where something is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL_TOOLS = ("sh", "dirname", "cat")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH on which there is a shell and nothing else, and a clone in a folder with a space."""
    clone = tmp_path / "my clones"
    clone.mkdir()
    shutil.copy(ROOT / "whereabouts", clone)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in SHELL_TOOLS:
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    return tmp_path


def add_program(machine: Path, name: str, script: str) -> None:
    path = machine / "bin" / name
    path.write_text(f"#!{machine}/bin/sh\n{script}\n")
    path.chmod(0o755)


def run(machine: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(machine / "my clones" / "whereabouts"), *arguments],
        env={"PATH": str(machine / "bin"), **environment}, cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("version", ["Python 3.12.11", "Python 3.14.0"])
def test_another_python_is_named_with_what_to_install(machine: Path, version: str) -> None:
    add_program(machine, "python3", f'[ "$1" = --version ] && echo "{version}" || exit 1')
    outcome = run(machine, "demo")
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert outcome.stderr.splitlines()[0] == f"Whereabouts needs Python 3.13. This machine has {version} on its PATH."
    assert "  Debian 13:            apt install python3 python3-venv" in outcome.stderr.splitlines()
    assert outcome.stderr.splitlines()[-1].endswith("UV_PYTHON=/path/to/python3.13 ./whereabouts demo")


def test_no_python_at_all_is_said(machine: Path) -> None:
    assert "This machine has no python3 at all on its PATH." in run(machine, "test").stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("demo", "--port", "8010"), "run --no-dev --project CLONE CLONE/manage.py demo --port 8010\nin /"),
        (("test", "tests/audit", "-k", "a b"), "run pytest -n auto --dist worksteal tests/audit -k a b\nin CLONE"),
        ((), "run --no-dev --project CLONE CLONE/manage.py help\nin /"),
    ],
)
def test_uv_gets_the_command_where_it_was_typed_and_no_foreign_environment(
    machine: Path, arguments: tuple[str, ...], expected: str
) -> None:
    (machine / "bin" / "python3.13").symlink_to(sys.executable)
    add_program(machine, "uv", 'echo "$@"; echo "in $PWD, environment ${VIRTUAL_ENV:-none}"')
    outcome = run(machine, *arguments, VIRTUAL_ENV="/somewhere/else")
    assert outcome.stdout == f"{expected.replace('CLONE', str(machine / 'my clones'))}, environment none\n"
    assert outcome.returncode == 0


def test_bytecode_is_kept_where_python_may_keep_none_beside_the_code(machine: Path) -> None:
    (machine / "bin" / "python3").symlink_to(sys.executable)
    add_program(machine, "uv", 'echo "${PYTHONPYCACHEPREFIX:-nowhere} ${PYTHONDONTWRITEBYTECODE:-allowed}"')
    clone = machine / "my clones"
    assert run(machine, "demo", PYTHONDONTWRITEBYTECODE="1").stdout == f"{clone}/.data/bytecode allowed\n"
    assert run(machine, "demo").stdout == "nowhere allowed\n"


def test_the_first_python_of_the_path_need_not_be_the_one(machine: Path) -> None:
    add_program(machine, "python3", "exit 1")
    (machine / "other").mkdir()
    (machine / "other" / "python3").symlink_to(sys.executable)
    add_program(machine, "uv", "echo found")
    assert run(machine, "demo", PATH=f"{machine / 'bin'}{os.pathsep}{machine / 'other'}").stdout == "found\n"
