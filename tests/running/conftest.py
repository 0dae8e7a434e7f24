"""Programs of others, where they are there, and what stands behind a proxy."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forks
from tests.faults.programs import Program, free_port
from tests.partners.terminator import Certificate, a_certificate
from tests.running.proxies import HOST, Behind
from tools.demo.processes import UVICORN

# Debian keeps servers where not everybody looks.
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/systemd"


def the_program(name: str, package: str) -> str:
    """Where it is. Skips the test where it is not, but in CI, which installs it."""
    found = shutil.which(name, path=PLACES)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"CI runs these: install Debian's {package}")
    if found is None:
        pytest.skip(f"there is no {name} here: install Debian's {package} to run this")
    return found


def web(folder: Path, name: str, port: int, application: str, environment: dict[str, str]) -> Program:
    """A web process as docs/running has it, with one worker."""
    where = ("--host", "127.0.0.1", "--port", str(port), application)
    command = (sys.executable, "-m", "uvicorn", *UVICORN, *where)
    return Program(name, command, environment, folder / f"{name}.out", port, forked=forks.everybodys())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("running")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Certificate:
    return a_certificate("Carrier CA", folder)


@pytest.fixture(scope="module")
def own(folder: Path, authority: Certificate) -> Certificate:
    return a_certificate(HOST, folder, by=authority, host=HOST)


@pytest.fixture(scope="module")
def echoing(folder: Path) -> Iterator[dict[int, Program]]:
    """Three web processes that say back what they are handed, by port."""
    ports = [free_port() for _ in range(3)]
    programs = {
        port: web(folder, f"echo-{port}", port, "tests.running.echo:application", dict(os.environ)) for port in ports
    }
    for program in programs.values():
        program.start()
    for program in programs.values():
        program.wait()
    yield programs
    for program in programs.values():
        program.end()


@pytest.fixture(scope="module")
def behind(echoing: dict[int, Program]) -> Behind:
    return Behind(*echoing)
