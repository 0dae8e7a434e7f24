"""Pictures in cases: what of them is kept, and which are refused."""

import struct

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from support.domain import files
from support.models import Ticket
from tests.factories import a_line
from tests.people import signed_in
from tests.support.desk import png_part

pytestmark = pytest.mark.usefixtures("db", "no_broker", "attachments")


def jpeg_part(kind: int, content: bytes) -> bytes:
    return bytes((0xFF, kind)) + (len(content) + 2).to_bytes(2) + content


def a_tiff(order: str, *tags: tuple[int, int]) -> bytes:
    """What an Exif holds: each tag with a number."""
    start = {"<": b"II*\0\x08\0\0\0", ">": b"MM\0*\0\0\0\x08"}[order]
    return (
        start
        + struct.pack(f"{order}H", len(tags))
        + b"".join(struct.pack(f"{order}HHLHxx", tag, 3, 1, number) for tag, number in tags)
        + bytes(4)
    )


PLACE, SOI, EOI = b"47.6N 122.3W", b"\xff\xd8", b"\xff\xd9"
UPRIGHT = b"Exif\0\0" + a_tiff(">", (0x0112, 6))
# A picture's own parts, among them some that hold what would begin or end it elsewhere.
JPEG_SHOWN = (
    jpeg_part(0xE0, b"JFIF\0\1\2"), jpeg_part(0xE2, b"ICC_PROFILE\0\1\1"), jpeg_part(0xEE, b"Adobe\0"),
    jpeg_part(0xDB, b"\xff\xd9"), jpeg_part(0xC2, b"size"), jpeg_part(0xDA, b"scan") + b"a\xff\0b\xff\xd0c",
    jpeg_part(0xC4, b"\xff\xd9"), jpeg_part(0xDA, b"scan") + b"d",
)  # fmt: skip
JPEG = SOI + b"".join(JPEG_SHOWN) + EOI
PNG_SHOWN = [png_part(kind, b"1") for kind in (b"IHDR", b"PLTE", b"iCCP", b"acTL", b"IDAT", b"fdAT", b"IEND")]


@pytest.mark.parametrize("kind", [0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE, 0xEF, 0xF7, 0xFE])
@pytest.mark.parametrize("before", [b"", b"\xff", b"\xff\xff\xff", b"\0\0"])
def test_where_a_photo_was_taken_is_not_kept(kind: int, before: bytes) -> None:
    """Whatever part it stands in, before or behind the scan, behind bytes that fill up, or behind the picture."""
    for at in range(b"\0" in before, len(JPEG_SHOWN) + 1):
        found = SOI, *JPEG_SHOWN[:at], before, jpeg_part(kind, PLACE), *JPEG_SHOWN[at:], EOI, b"film", PLACE
        kept = files.build_upload(name="a", content=b"".join(found)).content
        assert ([one for one in JPEG_SHOWN if one not in kept], kept[-2:], PLACE in kept) == ([], EOI, False)
        assert files.build_upload(name="a", content=kept).content == kept


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photo_stays_the_way_up_that_it_was_taken(order: str) -> None:
    """By the one tag of its Exif that is kept; one that is upright, or says nothing of use, keeps none."""

    def kept_of(exif: bytes) -> bytes:
        found = SOI + JPEG_SHOWN[0] + b"\xff" + jpeg_part(0xE1, exif) + b"".join(JPEG_SHOWN[1:]) + EOI
        return files.build_upload(name="a", content=found).content

    turned = kept_of(b"Exif\0\0" + a_tiff(order, (0x0100, 9), (0x0112, 6), (0x8825, 90)) + PLACE)
    assert turned == SOI + JPEG_SHOWN[0] + jpeg_part(0xE1, UPRIGHT) + b"".join(JPEG_SHOWN[1:]) + EOI
    assert files.build_upload(name="a", content=turned).content == turned
    tiff = a_tiff(order, (0x0112, 6))
    for exif in (
        b"Exif\0\0" + a_tiff(order, (0x0112, 1)), b"Exif\0\0" + a_tiff(order, (0x0112, 9)),
        b"Exif\0\0" + a_tiff(order, (0x8825, 6)), b"Exif\0\0" + tiff[:15], b"Exif\0\0", b"Exif", b"", tiff,
        b"http://ns.adobe.com/xap/1.0/\0" + PLACE,
    ):  # fmt: skip
        assert kept_of(exif) == JPEG


@pytest.mark.parametrize("kind", [b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"caBX", b"gpSx"])
def test_where_a_drawing_was_made_is_not_kept(kind: bytes) -> None:
    begins = files.BEGINS["image/png"]
    found = begins, PNG_SHOWN[0], png_part(kind, PLACE), *PNG_SHOWN[1:-1], png_part(kind, PLACE), PNG_SHOWN[-1], PLACE
    kept = files.build_upload(name="a", content=b"".join(found)).content
    assert kept == begins + b"".join(PNG_SHOWN)


def test_a_broken_picture_is_not_kept_and_the_page_says_so() -> None:
    """One without its end, and one whose parts aren't as long as they say: where it was taken may be anywhere in it."""
    person, placed, begins = signed_in(a_line()), jpeg_part(0xE1, PLACE), files.BEGINS["image/png"]
    png = begins + PNG_SHOWN[0] + png_part(b"eXIf", PLACE) + PNG_SHOWN[-3]
    swallows = (4 + len(png_part(b"eXIf", PLACE))).to_bytes(4) + b"IDAT" + png_part(b"eXIf", PLACE) + bytes(8)
    for name, broken in {
        "cut.jpg": SOI + placed + b"".join(JPEG_SHOWN), "empty.jpg": SOI + placed + EOI,
        "part.jpg": SOI + placed[:9], "short.jpg": SOI + b"\xff\xe1\0\1" + JPEG[2:], "bare.jpg": SOI + b"\xff" * 9,
        "cut.png": png, "part.png": png[:60], "bare.png": begins, "crc.png": png + PNG_SHOWN[-1][:-1] + b"0",
        "long.png": begins + PNG_SHOWN[0] + swallows + PNG_SHOWN[-1],
    }.items():  # fmt: skip
        sent = {"topic": "other", "message": "Look", "uploads": SimpleUploadedFile(name, broken)}
        answer = person.client.post("/help/write/", sent)
        said = f"“{name}” is damaged or incomplete. Choose another copy of the picture."
        assert (answer.status_code, said in answer.content.decode()) == (400, True), name
    assert Ticket.objects.count() == 0
