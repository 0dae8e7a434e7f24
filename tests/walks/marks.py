"""By what a person, a line or a company is known in a body, however it is written there."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote

from django.http import HttpResponseBase

TOKEN = re.compile(r"eyJ[\w-]+\.([\w-]+)\.[\w-]+")
SPACES = re.compile(r"[\s\u00a0\u202f]+")
TAGS, IDS = re.compile(r"<[^>]*>"), re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def written(msisdn: str) -> tuple[str, ...]:
    """A number of the home country in every form in which people and programs write it."""
    area, exchange, rest = msisdn[2:5], msisdn[5:8], msisdn[8:]
    return (
        msisdn,
        quote(msisdn, safe=""),
        area + exchange + rest,
        f"({area}) {exchange}-{rest}",
        f"({area}){exchange}-{rest}",
        *(f"{area}{between}{exchange}{between}{rest}" for between in "-. "),
    )


def tells(page: str, msisdn: str) -> bool:
    """Whether a page tells a number: in any form, or by its last four digits, which ids and tokens may hold as well."""
    words = IDS.sub(" ", TAGS.sub(" ", page))
    return any(form in page for form in written(msisdn)) or re.search(rf"(?<!\d){msisdn[-4:]}(?!\d)", words) is not None


def whole(response: HttpResponseBase) -> str:
    """All that an answer says: its headers, its body as it is read, and what the signed tokens in it hold."""
    body = b"".join(response) if isinstance(response, Iterator) else response.getvalue()
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    cookies = response.cookies.output(header="", sep="\n")
    text = f"{headers}\n{cookies}\n{body.decode(errors='replace')}"
    opened = [urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode(errors="replace") for part in TOKEN.findall(text)]
    return SPACES.sub(" ", unescape("\n".join([text, *opened]))).lower()


def found(marks: dict[str, tuple[str, ...]], shown: str) -> set[str]:
    """Whose marks stand in what was shown."""
    return {whose for whose, those in marks.items() if any(mark.lower() in shown for mark in those)}
