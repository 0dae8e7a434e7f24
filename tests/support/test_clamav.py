"""The scanner that asks clamd: over its documented protocol (INSTREAM), and once a real one where it is installed."""

import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, cast

import pytest
from django.utils import timezone
from pytest_django import Settings

from support.actions.writing import attach
from support.domain import files
from support.models import Attachment
from support.workers import scanning
from tests.faults.programs import until
from tests.support.desk import a_ticket

CLAMD = shutil.which("clamd") or "/usr/sbin/clamd"
LIMIT = 1024 * 1024
EVIL = b"this file is the evil one\n"
# The file that every scanner is tried with.
EICAR_FILE = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
Scan = Attachment.Scan


class Clamd:
    """Speaks INSTREAM as clamd documents it: parts with their length before them, the last of none; then one answer."""

    def __init__(self, path: Path) -> None:
        self.heard: list[bytes] = []
        self.says = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen(4)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._socket.accept()
                with caller, suppress(OSError):
                    caller.sendall(self._answer(cast("BinaryIO", caller.makefile("rb"))) + b"\0")

    def _answer(self, stream: BinaryIO) -> bytes:
        read = stream.read
        assert read(10) == b"zINSTREAM\0"
        content = b""
        while length := struct.unpack("!L", read(4))[0]:
            content += read(length)
            if len(content) > LIMIT:
                return b"INSTREAM size limit exceeded. ERROR"
        self.heard.append(content)
        if self.says:
            return self.says.encode()
        return b"stream: Evil.Test-1 FOUND" if EVIL in content else b"stream: OK"


@pytest.fixture
def here() -> Iterator[Path]:
    """A folder whose name is short enough for a socket."""
    with TemporaryDirectory(prefix="clam-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def clamd(here: Path, settings: Settings) -> Iterator[Clamd]:
    settings.CLAMAV_SOCKET = str(here / "clamd.sock")
    speaker = Clamd(here / "clamd.sock")
    yield speaker
    speaker.close()


def answers(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        return caller.connect_ex(str(path)) == 0


def looks(content: bytes, media_type: str = "text/plain") -> bool:
    return files.ClamAV().is_clean(content=content, media_type=media_type)


def test_all_of_a_file_is_sent_in_parts(clamd: Clamd) -> None:
    whole = b"line\n" * 30_000
    assert len(whole) > 2 * files.CHUNK
    assert [looks(whole), looks(b"a\n" + EVIL)] == [True, False]
    assert clamd.heard == [whole, b"a\n" + EVIL]


def test_what_our_own_look_finds_is_not_sent_at_all(clamd: Clamd) -> None:
    assert looks(files.EICAR) is False
    assert clamd.heard == []


def test_a_scanner_away_or_silent_keeps_all_waiting(here: Path, settings: Settings, clamd: Clamd) -> None:
    clamd.says = "\0"
    with pytest.raises(files.ScannerUnavailable):
        looks(b"a")
    settings.CLAMAV_SOCKET = str(here / "nobody.sock")
    with pytest.raises(files.ScannerUnavailable):
        looks(b"a")


def test_a_file_too_large_is_no_scanner_away(clamd: Clamd) -> None:
    with pytest.raises(files.NotScanned):
        looks(b"much\n" * 800_000)


@pytest.mark.usefixtures("db", "attachments")
def test_an_unreadable_file_is_tried_for_an_hour(clamd: Clamd, settings: Settings) -> None:
    settings.ATTACHMENT_SCANNER = "support.domain.files.ClamAV"
    ticket, at = a_ticket(), timezone.now()
    uploads = [
        files.build_upload(name="large.txt", content=b"much\n" * 800_000),
        files.build_upload(name="small.txt", content=b"a"),
    ]
    attach(ticket=ticket, entry=None, author="agent:1", uploads=uploads[:1], at=at - timedelta(seconds=1))
    attach(ticket=ticket, entry=None, author="agent:1", uploads=uploads[1:], at=at)
    assert scanning.scan(now=at) == 1
    assert dict(Attachment.objects.values_list("name", "scan")) == {"large.txt": Scan.WAITING, "small.txt": Scan.CLEAN}
    assert scanning.scan(now=at + scanning.TRIED) == 1
    assert Attachment.objects.get(name="large.txt").scan == Scan.FAILED


@pytest.mark.usefixtures("db", "attachments")
def test_unreadable_files_stop_none_that_came_later(
    clamd: Clamd, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ATTACHMENT_SCANNER = "support.domain.files.ClamAV"
    monkeypatch.setattr(scanning, "BATCH", 2)
    ticket, at = a_ticket(), timezone.now()
    clamd.says = "Can't allocate memory ERROR"
    for n in range(3):
        upload = files.build_upload(name=f"{n}.txt", content=b"a")
        attach(ticket=ticket, entry=None, author="agent:1", uploads=[upload], at=at + timedelta(seconds=n))
    assert scanning.scan(now=at) == 0
    clamd.says = ""
    assert scanning.scan(now=at) == 1
    assert Attachment.objects.get(scan=Scan.CLEAN).name == "2.txt"
    assert scanning.scan(now=at + timedelta(minutes=4, seconds=59)) == 0
    assert scanning.scan(now=at + timedelta(minutes=5)) == 2


@pytest.mark.skipif(not Path(CLAMD).exists(), reason="no clamd on this machine")
def test_a_real_one_finds_what_its_signatures_name(
    here: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    signatures, config, path = here / "signatures", here / "clamd.conf", here / "clamd.sock"
    signatures.mkdir()
    own = b"ours alone: " + EVIL
    (signatures / "own.ndb").write_text(f"Test.Evil:0:*:{EVIL.strip().hex()}\n")
    (signatures / "own.hdb").write_text(f"{md5(own).hexdigest()}:{len(own)}:Test.Hash\n")
    (signatures / "eicar.hdb").write_text(f"{md5(EICAR_FILE).hexdigest()}:{len(EICAR_FILE)}:Test.Eicar\n")
    config.write_text(
        f"Foreground yes\nLocalSocket {path}\nDatabaseDirectory {signatures}\nStreamMaxLength 1M\nMaxThreads 2\n"
    )
    settings.CLAMAV_SOCKET = str(path)
    with subprocess.Popen([CLAMD, "--config-file", str(config)], stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: answers(path), 20, lambda: "clamd did not come up")
            assert [looks(b"Hello, it is me.\n"), looks(b"a\n" + EVIL), looks(own)] == [True, False, False]
            with pytest.raises(files.NotScanned):
                looks(b"much\n" * 800_000)
            # The test virus as clamd itself finds it: our own look would not have sent it.
            monkeypatch.setattr(files, "EICAR", b"(nothing)")
            assert looks(EICAR_FILE) is False
        finally:
            process.terminate()
