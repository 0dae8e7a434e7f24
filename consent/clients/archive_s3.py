"""The archive in a store of objects that speaks S3: each append is an object of its own, which nothing ever overwrites.

`2026-11-26/00000042.jws` below STOP_ARCHIVE_S3_URL, numbered within its day.
"""

import re
from collections.abc import Iterator, Sequence

from django.conf import settings

from partners.clients.s3 import Bucket, Signer, StoreFailed

OBJECT = re.compile(r"(\d{4}-\d\d-\d\d)/(\d{8})\.jws")


class S3Sink:
    """A STOP_ARCHIVE_BACKEND: objects below STOP_ARCHIVE_S3_URL (`https://host/bucket` or `https://host/bucket/folder`).

    What fails raises StoreFailed, an OSError.
    """

    # The newest object that this process knows of, by store: a list that begins there is short.
    _newest: dict[str, str] = {}

    def __init__(self) -> None:
        signer = Signer(
            settings.STOP_ARCHIVE_S3_REGION, settings.STOP_ARCHIVE_S3_KEY_ID, settings.STOP_ARCHIVE_S3_SECRET
        )
        self._bucket = Bucket(url=settings.STOP_ARCHIVE_S3_URL, signer=signer, called="the archive's store")

    def __str__(self) -> str:
        return self._bucket.url

    def days(self) -> list[str]:
        """List what stands before the first slash below our folder."""
        return self._bucket.folders()

    def lines(self, *, day: str) -> Iterator[str]:
        """Object by object, each as it is needed."""
        for key in self._keys(day):
            yield from self._read(key).splitlines(keepends=True)

    def newest_first(self, *, day: str) -> Iterator[str]:
        """Object by object, from the newest on."""
        for key in reversed(self._keys(day)):
            yield from self._read(key).splitlines(keepends=True)

    def last(self) -> str:
        """Return the last line of the newest object: each was written whole."""
        for day in reversed(self.days()):
            key = self._newest_of(day)
            if key:
                return (self._read(key).splitlines() or [""])[-1]
        return ""

    def append(self, *, day: str, lines: Sequence[str]) -> None:
        """Write one object, there once however often it is sent; one of somebody else's is never touched."""
        before = self._newest_of(day)
        number = int(before.removesuffix(".jws")[-8:]) + 1 if before else 1
        key = f"{day}/{number:08d}.jws"
        self._bucket.put(key=key, body="".join(f"{line}\n" for line in lines).encode())
        self._newest[self._bucket.url] = key

    def _newest_of(self, day: str) -> str:
        """The newest object of a day, or ""."""
        known = self._newest.get(self._bucket.url, "")
        after = known if known.startswith(f"{day}/") else ""
        newer = self._keys(day, after=after)
        return newer[-1] if newer else after

    def _keys(self, day: str, *, after: str = "") -> list[str]:
        """The objects of a day, the oldest first; beyond one of them, if it is named."""
        keys = self._bucket.keys(folder=day, after=after)
        strange = [key for key in keys if not OBJECT.fullmatch(key)]
        if strange:
            raise StoreFailed(f"{len(strange)} objects of {day} are not the archive's")
        return keys

    def _read(self, key: str) -> str:
        return self._bucket.read(key).decode("ascii", errors="replace")
