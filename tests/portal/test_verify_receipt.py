"""A receipt is checked long after its key has gone from the published set; and not by a key that others knew."""

import json
import os
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Http
from time_machine import travel

from partners.domain import keys
from partners.models import SigningKey
from partners.workers import rotation
from tests import forks
from tests.fixtures import KEYS_SINCE

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
DUE = KEYS_SINCE + rotation.PERIOD
LATER = DUE + timedelta(days=30)


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    """Signed by the first key, before any other took over."""
    signer = keys.signer(use=SigningKey.Use.RECEIPT, at=KEYS_SINCE)
    file = tmp_path / "receipt.jws"
    file.write_text(signer.sign({"iss": "https://portal.example", "kind": "stop"}))
    return file


def saved(path: str, folder: Path) -> Path:
    with travel(LATER, tick=False):
        body = Http().get(path).content
    file = folder / Path(path).name
    file.write_bytes(body)
    return file


def verify(file: Path, jwks: Path | None = None) -> str:
    said = StringIO()
    with travel(LATER, tick=False):
        call_command("verify_receipt", str(file), jwks=jwks, stdout=said)
    return said.getvalue()


def test_a_receipt_outlives_its_key(receipt: Path, tmp_path: Path) -> None:
    rotation.rotate(now=DUE)
    assert rotation.rotate(now=LATER).retired
    assert "The receipt verifies." in verify(receipt)
    assert "The receipt verifies." in verify(receipt, saved("/.well-known/jwks-archive.json", tmp_path))
    with pytest.raises(CommandError, match="does not verify"):
        verify(receipt, saved("/.well-known/jwks.json", tmp_path))


def test_a_receipt_under_a_key_that_others_knew_proves_nothing(receipt: Path, tmp_path: Path) -> None:
    rotation.replace(uses=[SigningKey.Use.RECEIPT], emergency=True, actor="officer:7", reason="found in a log", now=DUE)
    for jwks in (None, saved("/.well-known/jwks-archive.json", tmp_path)):
        with pytest.raises(CommandError, match="others may have known it"):
            verify(receipt, jwks)


def test_the_archive_holds_every_key_and_no_private_half() -> None:
    response = Http().get("/.well-known/jwks-archive.json")
    assert response["Cache-Control"] == "public, max-age=3600"
    archive = response.json()["keys"]
    assert {key["kid"] for key in archive} == set(SigningKey.objects.values_list("kid", flat=True))
    assert all({"kid", "alg", "use", "iat", "kty"} <= key.keys() for key in archive)
    assert not any("d" in key for key in archive)
    assert json.dumps(archive).count('"revoked"') == 0


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"keys": 5}', '{"keys": [5]}', '{"keys": [{}]}', '{"keys": []}', "7", "nothing", ""]
)
def test_a_file_that_holds_no_keys_is_named_in_one_line(receipt: Path, tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=r"^this receipt does not verify: [^\n]+$"):
        verify(receipt, file)


def alone(receipt: Path, *options: str) -> tuple[int, str, str]:
    """Run as whoever holds a receipt runs it: with no settings of ours. Nothing may have been made by it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    data_dir = receipt.parent / "ours"
    command = [sys.executable, str(ROOT / "manage.py"), "verify_receipt", str(receipt), *options]
    ran = forks.run(command, cwd=ROOT, env={**kept, "DATA_DIR": str(data_dir)})
    assert not (data_dir / "postgres").exists()
    return ran.returncode, ran.stdout, ran.stderr


def test_with_the_published_keys_named_or_beside_it_nothing_else_is_needed(receipt: Path, tmp_path: Path) -> None:
    missing = (
        "save https://portal.example/.well-known/jwks.json as jwks.json beside the receipt, or name it with --jwks"
    )
    returned, _said, error = alone(receipt)
    assert (returned, len(error.strip().splitlines()), missing in error) == (1, 1, True), error
    (tmp_path / "elsewhere").mkdir()
    named = saved("/.well-known/jwks-archive.json", tmp_path / "elsewhere")
    found = [alone(receipt, "--jwks", str(named))]
    saved("/.well-known/jwks-archive.json", tmp_path)
    found.append(alone(receipt))
    for (returned, said, error), keys_in in zip(found, (named, tmp_path / named.name), strict=True):
        assert (returned, error, "The receipt verifies." in said) == (0, "", True)
        assert said.splitlines()[-1] == f"Checked with the keys in {keys_in}."


def test_a_receipt_of_a_downloaded_archive_verifies_where_it_lies(receipt: Path, tmp_path: Path) -> None:
    for name in ("receipts", "data"):
        (tmp_path / name).mkdir()
    moved = receipt.rename(tmp_path / "receipts" / receipt.name)
    saved("/.well-known/jwks-archive.json", tmp_path).rename(tmp_path / "data" / "keys.json")
    assert alone(moved)[0] == 0
