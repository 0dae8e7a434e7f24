"""A bucket of a store that speaks S3: objects that are written once, whole, and listed in pages.

Of S3 this uses three calls (GET, PUT, ListObjectsV2), signed here (AWS Signature Version 4). An object is written on
the condition that there is none of its name, so that of two writers one fails, and a bucket with versions and Object
Lock keeps each.
"""

import hashlib
import hmac
import re
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from partners.clients import http
from partners.clients.http import Reply

KEY = re.compile(r"<Key>([^<]*)</Key>")
FOLDER = re.compile(r"<CommonPrefixes><Prefix>([^<]*)/</Prefix></CommonPrefixes>")
MORE = re.compile(r"<NextContinuationToken>([^<]+)</NextContinuationToken>")
ALGORITHM, SERVICE, ENDS = "AWS4-HMAC-SHA256", "s3", "aws4_request"
# What a store says that has too much to do, or fails for a moment.
FOR_A_MOMENT = {429, 500, 502, 503, 504}
# So long it is left in peace then. After that whoever asks comes again in their own time.
PAUSES_S = (0.2, 1.0)
THERE_ALREADY = {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT}


class StoreFailed(OSError):
    """The store did not do what it was asked to."""


@dataclass(frozen=True)
class Signer:
    """Signs requests to one store for one key."""

    region: str
    key_id: str
    secret: str

    def sign_headers(
        self, *, method: str, url: str, body: bytes, headers: Mapping[str, str], at: datetime
    ) -> dict[str, str]:
        """Return the headers, with those that say who asks. The query of the URL is sorted and escaped already."""
        parts, moment = urlsplit(url), f"{at:%Y%m%dT%H%M%SZ}"
        digest = hashlib.sha256(body).hexdigest()
        sent = {**headers, "x-amz-content-sha256": digest, "x-amz-date": moment}
        named = {"host": parts.netloc, **{name.lower(): value.strip() for name, value in sent.items()}}
        names = ";".join(sorted(named))
        lines = "".join(f"{name}:{named[name]}\n" for name in sorted(named))
        request = "\n".join((method, parts.path or "/", parts.query, lines, names, digest))
        scope = f"{at:%Y%m%d}/{self.region}/{SERVICE}/{ENDS}"
        to_sign = "\n".join((ALGORITHM, moment, scope, hashlib.sha256(request.encode()).hexdigest()))
        key = f"AWS4{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        who = f"{ALGORITHM} Credential={self.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**sent, "Authorization": who}


class Bucket:
    """Objects below `url` (`https://host/bucket` or `https://host/bucket/folder`), named by their keys below it.

    `called`: what errors call the store. What fails raises StoreFailed, an OSError.
    """

    def __init__(self, *, url: str, signer: Signer, called: str) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        bucket, _, folder = parts.path.strip("/").partition("/")
        self._bucket = f"{parts.scheme}://{parts.netloc}/{bucket}"
        self._folder = f"{folder}/" if folder else ""
        self._signer, self._called = signer, called

    def folders(self) -> list[str]:
        """Return what stands before the first slash of keys, sorted."""
        found = [one for page in self._list_pages(delimiter="/", prefix=self._folder) for one in FOLDER.findall(page)]
        return sorted(unescape(one).removeprefix(self._folder) for one in found)

    def keys(self, *, folder: str = "", after: str = "") -> list[str]:
        """List the keys in a folder, or all, sorted; beyond one of them, if it is named."""
        prefix = self._folder + (f"{folder}/" if folder else "")
        wanted = {"prefix": prefix} | ({"start-after": self._folder + after} if after else {})
        found = [unescape(key) for page in self._list_pages(**wanted) for key in KEY.findall(page)]
        # Consoles mark a folder that somebody made in them, ours or one in it, by an object of its name.
        return sorted(key.removeprefix(self._folder) for key in found if not key.endswith("/"))

    def read(self, key: str) -> bytes:
        """Read an object, whole."""
        reply = self._send_request("GET", self._url(key))
        if reply.status != HTTPStatus.OK or reply.detail:
            raise self._build_error(reply)
        return reply.body

    def put(self, *, key: str, body: bytes) -> None:
        """Put one object, there once however often it is sent; one of somebody else's is never touched."""
        checksum = b64encode(hashlib.sha256(body).digest()).decode()
        only_new = {"If-None-Match": "*", "Content-Type": "application/octet-stream", "x-amz-checksum-sha256": checksum}
        reply = self._send_request("PUT", self._url(key), body, only_new)
        if reply.status in THERE_ALREADY and self.read(key) != body:
            raise StoreFailed(f"{key} is there already, and not ours")
        if reply.status != HTTPStatus.OK and reply.status not in THERE_ALREADY:
            raise self._build_error(reply)

    def _list_pages(self, **wanted: str) -> Iterator[str]:
        more: dict[str, str] = {}
        while True:
            asked = {"list-type": "2", **wanted, **more}
            query = "&".join(f"{quote(name, safe='')}={quote(asked[name], safe='')}" for name in sorted(asked))
            reply = self._send_request("GET", f"{self._bucket}?{query}")
            # A list that broke off would read like an empty place.
            if reply.status != HTTPStatus.OK or reply.detail:
                raise self._build_error(reply)
            page = reply.body.decode()
            yield page
            found = MORE.search(page)
            if found is None:
                return
            more = {"continuation-token": unescape(found.group(1))}

    def _url(self, key: str) -> str:
        return f"{self._bucket}/{quote(self._folder + key)}"

    def _send_request(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        pauses = iter(PAUSES_S)
        while True:
            signed = self._signer.sign_headers(
                method=method, url=url, body=body, headers=headers or {}, at=datetime.now(UTC)
            )
            reply = http.store(method=method, url=url, headers=signed, body=body or None)
            pause = next(pauses, None)
            if pause is None or (reply.status is not None and reply.status not in FOR_A_MOMENT):
                return reply
            time.sleep(pause)

    def _build_error(self, reply: Reply) -> StoreFailed:
        found = re.search(r"<Code>(\w+)</Code>", reply.body.decode(errors="replace"))
        code = f" {found.group(1)}" if found else ""
        what = " ".join(str(part) for part in (reply.status, reply.detail) if part)
        return StoreFailed(f"{self._called} answered {what}{code}")
