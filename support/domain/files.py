"""Files in cases: what may be one, where its bytes lie, and who looks at them before anybody opens them.

Bytes lie sealed in ATTACHMENTS_DIR, outside the web root, under the file's id; nobody but this process reads them. What
a file is, its content says, never its name. ATTACHMENT_SCANNER names what looks at each; until it found nothing, the
file is opened by nobody.
"""

import os
import re
import resource
import signal
import socket
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Protocol, cast
from uuid import UUID, uuid4

from django.conf import settings
from django.utils.module_loading import import_string
from pypdf import PdfReader
from pypdf.errors import DependencyError, DeprecationError, PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from accounts.primitives.sealing import seal_bytes, unseal_bytes

LARGEST, MOST = 5 * 1024 * 1024, 5
LONGEST_NAME = 120
# Folders that the files lie in, by how their ids begin.
PARTS = 256
# What a look at a PDF ends with.
ACTIVE, DAMAGED = 1, 2
NAME = re.compile(r"[0-9a-f]{32}")
# By what a kind of file begins; text is known by what it does not hold.
BEGINS: Mapping[str, bytes] = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "application/pdf": b"%PDF-",
}
TEXT = "text/plain"
ENDINGS: Mapping[str, str] = {"image/png": "png", "image/jpeg": "jpg", "application/pdf": "pdf", TEXT: "txt"}
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
NOT_IN_NAMES = re.compile(r"[^\w .()-]")
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"
# Of a picture only parts that show it are kept: any other may hold where a phone took it. Of a JPEG by kind, and of its
# applications' parts by how they begin; of a PNG those for its pixels, colours, size and motion.
JPEG_PARTS: Mapping[int, bytes] = {
    **dict.fromkeys((*range(0xC0, 0xD0), *range(0xDA, 0xE0)), b""),
    0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe",
}  # fmt: skip
JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
JPEG_EXIF, JPEG_END, JPEG_SCAN = 0xE1, 0xD9, 0xDA
EXIF, ORIENTATION, SHORT = b"Exif\0\0", 0x0112, 3
PNG_PARTS = frozenset(
    {
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP", b"pHYs",
        b"acTL", b"fcTL", b"fdAT",
    }
)  # fmt: skip
# What makes a PDF do something when it is opened, or carries other files.
ACTIONS = frozenset(
    {
        "/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition", "/Movie", "/Sound",
        "/RichMediaExecute",
    }
)  # fmt: skip
ACTIVE_KEYS = frozenset({"/JS", "/EmbeddedFiles", "/EF", "/XFA", "/RichMediaContent", "/RichMediaSettings"})
# A crafted file makes its reader fail in any way: by a failed assertion, a missing feature or codec, deep nesting,
# as well as by an error of the reader's own. All of them say the same: nobody has read through this file.
UNREADABLE = (
    ArithmeticError, AssertionError, AttributeError, BufferError, DependencyError, DeprecationError, EOFError,
    ImportError, LookupError, MemoryError, OSError, PyPdfError, RuntimeError, TypeError, ValueError, struct.error,
    zlib.error,
)  # fmt: skip
DEEPEST = 60
# What a PDF ends with, and what fills it up behind that. A ZIP is read from its end: this begins its last record, which
# a comment may follow.
PDF_END, PDF_FILLING = b"%%EOF", b"\0\t\n\f\r "
ZIP_END, ZIP_TAIL = b"PK\5\6", 22 + 0xFFFF
CHUNK, ANSWER_S = 64 * 1024, 30.0
PDF_LOOK_S, PDF_ROOM = 10.0, 1 << 30
STATM = Path("/proc/self/statm")


class NotAFile(Exception):
    """It is none of the kinds of file that a case takes."""


class BrokenPicture(NotAFile):
    """It begins as a picture and does not end as one: what of it shows something can't be told from the rest."""


class ScannerUnavailable(Exception):
    """What looks at files could not be asked: all of them wait."""


class NotScanned(Exception):
    """What looks at files answered that it could not look at this one: it waits, and the others need not."""


# Their names in 1.0.0, for scanners that others wrote.
ScannerAway, NotLookedAt = ScannerUnavailable, NotScanned


class Scanner(Protocol):
    """Looks at the bytes of a file."""

    def is_clean(self, *, content: bytes, media_type: str) -> bool:
        """Return whether nothing was found. Raises ScannerUnavailable, NotScanned."""


@dataclass(frozen=True)
class Upload:
    """A file as somebody gave it, its kind by its content, its name harmless."""

    name: str
    media_type: str
    content: bytes


def build_upload(*, name: str, content: bytes) -> Upload:
    """Return a file as it is kept: of a picture only what it shows. Raises NotAFile, BrokenPicture."""
    media_type = _type_of(content)
    strip = {"image/jpeg": _strip_jpeg, "image/png": _strip_png}.get(media_type, bytes)
    return Upload(_build_file_name(name, media_type), media_type, strip(content))


def write_file(*, file_id: UUID, content: bytes) -> None:
    """Write a file's bytes, sealed, where only we read them."""
    path = _path(file_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(seal_bytes(content))


def read_file(*, file_id: UUID) -> bytes:
    """Return the bytes of a file. Raises FileNotFoundError, and InvalidToken where no key of ours opens them."""
    return unseal_bytes(_path(file_id).read_bytes())


def reseal_file(*, file_id: UUID, is_sealed_by_newest: Callable[[bytes], bool]) -> bool:
    """Seal a file's bytes with the newest key, whatever happens meanwhile. Returns whether an older one had.

    Raises FileNotFoundError, and InvalidToken where no key of ours opens them.
    """
    path = _path(file_id)
    sealed, anew = path.read_bytes(), uuid4()
    if is_sealed_by_newest(sealed):
        return False
    # Left behind, it is of no case, and goes as such files do.
    write_file(file_id=anew, content=unseal_bytes(sealed))
    _path(anew).replace(path)
    return True


def delete_file(*, file_id: UUID) -> None:
    """Take a file's bytes away; nothing happens where there are none."""
    _path(file_id).unlink(missing_ok=True)


def list_files_before(*, until: datetime, part: int) -> list[UUID]:
    """The files whose bytes were written before then, in one part of PARTS of the folder, which may be very large."""
    folder, found = Path(settings.ATTACHMENTS_DIR) / f"{part % PARTS:02x}", []
    for one in folder.iterdir() if folder.is_dir() else ():
        # Another worker may take one away in between.
        with suppress(FileNotFoundError):
            if NAME.fullmatch(one.name) and one.stat().st_mtime < until.timestamp():
                found.append(UUID(one.name))
    return found


def scanner() -> Scanner:
    """Return what ATTACHMENT_SCANNER names."""
    return cast("Scanner", import_string(settings.ATTACHMENT_SCANNER)())


class OwnLook:
    """The scanner that needs nothing: the kind again by its content, PDFs that do something, and the test virus."""

    def is_clean(self, *, content: bytes, media_type: str) -> bool:
        """Return whether it is what it is said to be, and does nothing when it is opened."""
        try:
            same = _type_of(content) == media_type
        except NotAFile:
            return False
        return same and EICAR not in content and (media_type != "application/pdf" or _is_harmless(content))


class ClamAV:
    """Our own look, then clamd's, at CLAMAV_SOCKET on this machine (INSTREAM)."""

    def is_clean(self, *, content: bytes, media_type: str) -> bool:
        """Return whether neither found anything. Raises ScannerUnavailable, NotScanned."""
        return (
            OwnLook().is_clean(content=content, media_type=media_type) and self._scan_content(content) == "stream: OK"
        )

    def _scan_content(self, content: bytes) -> str:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as clamd:
                clamd.settimeout(ANSWER_S)
                clamd.connect(settings.CLAMAV_SOCKET)
                # One that is too large for clamd is answered before it was sent whole.
                with suppress(BrokenPipeError, ConnectionResetError):
                    self._send(clamd, content)
                said = self._answer(clamd)
        except OSError as error:
            raise ScannerUnavailable from error
        if not said:
            raise ScannerUnavailable
        if not said.endswith((" OK", " FOUND")):
            raise NotScanned
        return said

    def _answer(self, clamd: socket.socket) -> str:
        said = b""
        # Whoever closes with something unread resets the connection, behind what it said.
        with suppress(ConnectionResetError):
            while not said.endswith(b"\0") and (more := clamd.recv(4096)):
                said += more
        return said.rstrip(b"\0").decode(errors="replace")

    def _send(self, clamd: socket.socket, content: bytes) -> None:
        clamd.sendall(b"zINSTREAM\0")
        for start in range(0, len(content), CHUNK):
            part = content[start : start + CHUNK]
            clamd.sendall(struct.pack("!L", len(part)) + part)
        clamd.sendall(struct.pack("!L", 0))


def _type_of(content: bytes) -> str:
    for media_type, begins in BEGINS.items():
        if content.startswith(begins):
            return media_type
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise NotAFile from error
    if not text.strip() or NO_TEXT.search(text):
        raise NotAFile
    return TEXT


def _strip_jpeg(content: bytes) -> bytes:
    """A picture without what doesn't show it, and which way up it is. Raises BrokenPicture."""
    kept = [content[:2]]
    for kind, said, part in _split_jpeg(content):
        if kind in JPEG_PARTS and said.startswith(JPEG_PARTS[kind]):
            kept.append(part)
        elif kind == JPEG_EXIF and (turned := _find_orientation(said)):
            kept.append(_build_exif(turned))
    return b"".join((*kept, bytes((0xFF, JPEG_END))))


def _split_jpeg(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The parts of a picture, each with its kind and what it says, up to its end. Raises BrokenPicture."""
    at, has_scan = 2, False
    while found := JPEG_MARKER.search(content, at):
        kind, start = found[1][0], found.end()
        if kind == JPEG_END and has_scan:
            return
        at = start + int.from_bytes(content[start : start + 2])
        if at < start + 2 or at > len(content):
            break
        said = content[start + 2 : at]
        if kind == JPEG_SCAN:
            scanned = JPEG_MARKER.search(content, at)
            has_scan, at = True, scanned.start() if scanned else len(content)
        yield kind, said, content[found.start() : at]
    raise BrokenPicture


def _find_orientation(exif: bytes) -> int:
    """Which way up a picture is by its Exif, 0 where that says nothing."""
    tiff = exif.removeprefix(EXIF)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or not exif.startswith(EXIF):
        return 0
    with suppress(struct.error):
        (start,) = struct.unpack_from(f"{order}L", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for n in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHLH", tiff, start + 2 + 12 * n)
            if (tag, kind) == (ORIENTATION, SHORT):
                return int(value) if 1 < value <= 8 else 0
    return 0


def _build_exif(orientation: int) -> bytes:
    """An Exif that says which way up a picture is, and nothing else."""
    tiff = struct.pack(">2sHLHHHLHxxL", b"MM", 42, 8, 1, ORIENTATION, SHORT, 1, orientation, 0)
    return struct.pack(">BBH", 0xFF, JPEG_EXIF, 2 + len(EXIF + tiff)) + EXIF + tiff


def _strip_png(content: bytes) -> bytes:
    """A picture of the other kind without what doesn't show it. Raises BrokenPicture."""
    at = len(BEGINS["image/png"])
    kept = [content[:at]]
    while at < len(content):
        start, at = at, at + 12 + int.from_bytes(content[at : at + 4])
        part, crc = content[start + 4 : at - 4], content[at - 4 : at]
        if at > len(content) or crc != zlib.crc32(part).to_bytes(4):
            break
        if part[:4] in PNG_PARTS:
            kept.append(content[start:at])
        if part[:4] == b"IEND":
            return b"".join(kept)
    raise BrokenPicture


def _build_file_name(name: str, media_type: str) -> str:
    """Return a name that can be shown and saved anywhere, with the ending of what the file is."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stem = NOT_IN_NAMES.sub("", last.rpartition(".")[0] or last).strip(" .")[:LONGEST_NAME]
    return f"{stem or 'file'}.{ENDINGS[media_type]}"


def _path(file_id: UUID) -> Path:
    return Path(settings.ATTACHMENTS_DIR) / file_id.hex[:2] / file_id.hex


def is_damaged(*, content: bytes) -> bool:
    """Return whether a PDF can't be read through, so that nothing can be said of what it does."""
    return _look_apart(content) == DAMAGED << 8


def _is_harmless(content: bytes) -> bool:
    """Return whether a PDF does nothing, as far as it can be read through."""
    return _look_apart(content) == 0


def _look_apart(content: bytes) -> int:
    """Return how a process of its own ended that looked at a PDF within PDF_LOOK_S and little room: 0 for harmless.

    A thousand bytes can have their reader unpack gigabytes and parse them for hours. The room comes on top of what this
    process holds already, as the other begins with that.
    """
    room = _measure_data() + PDF_ROOM
    pid = os.fork()
    if not pid:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, PDF_LOOK_S)
            resource.setrlimit(resource.RLIMIT_DATA, (room, resource.RLIM_INFINITY))
            os._exit(_look(content))
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1]


def _measure_data() -> int:
    """Bytes that count as this process's data (sixth field of `statm`, in pages), 0 where no kernel says so."""
    try:
        return int(STATM.read_text().split()[5]) * resource.getpagesize()
    except FileNotFoundError:
        return 0


def _look(content: bytes) -> int:
    """Return ACTIVE where a PDF does something, is locked or is another file too; DAMAGED; 0 where it does nothing."""
    if ZIP_END in content[-ZIP_TAIL:]:
        return ACTIVE
    if not content.rstrip(PDF_FILLING).endswith(PDF_END):
        # Cut off; or there is something behind it, for another program to read.
        return ACTIVE if PDF_END in content else DAMAGED
    try:
        reader = PdfReader(BytesIO(content), strict=False)
        return ACTIVE if reader.is_encrypted or any(_acts(one) for one in _objects(reader)) else 0
    except UNREADABLE:
        return DAMAGED


def _objects(reader: PdfReader) -> Iterator[object]:
    numbers = {(number, generation) for generation, found in reader.xref.items() for number in found}
    numbers |= {(number, 0) for number in reader.xref_objStm}
    yield reader.trailer
    for number, generation in sorted(numbers):
        yield reader.get_object(IndirectObject(number, generation, reader))


def _is_action(found: DictionaryObject) -> bool:
    says = str(found.raw_get("/S")) if "/S" in found else ""
    return says in ACTIONS or not ACTIVE_KEYS.isdisjoint(found)


def _acts(found: object, depth: int = 0) -> bool:
    if depth > DEEPEST:
        return True
    if isinstance(found, DictionaryObject):
        return _is_action(found) or any(_acts(value, depth + 1) for value in dict.values(found))
    return isinstance(found, ArrayObject) and any(_acts(one, depth + 1) for one in list.__iter__(found))
