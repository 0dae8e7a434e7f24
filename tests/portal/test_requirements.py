"""The pinned requirements are those of pyproject.toml, and name no host."""

import re
import tomllib

import pytest

from tests.portal.processes import PROJECT

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
APPLICATION: list[str] = PYPROJECT["project"]["dependencies"]
DEVELOPMENT: list[str] = PYPROJECT["dependency-groups"]["dev"] + PYPROJECT["dependency-groups"]["local"]


def pins(text: str) -> dict[str, str]:
    return {name.lower().replace("_", "-"): version for name, version in PIN.findall(text)}


@pytest.mark.parametrize(("file", "direct"), [("app", APPLICATION), ("dev", APPLICATION + DEVELOPMENT)])
def test_what_is_pinned_is_what_is_asked_for(file: str, direct: list[str]) -> None:
    text = (PROJECT / "requirements" / f"{file}.txt").read_text()
    asked = pins("\n".join(direct))
    assert len(asked) == len(direct)
    assert asked.items() <= pins(text).items()
    assert text.count("==") <= text.count("--hash=sha256:")
    assert "://" not in text
