"""Checkpoints in a store of objects that speaks S3: an object for each, which nothing ever overwrites.

`2026-11-26/20261126T143000000000Z.jws` below CHECKPOINT_S3_URL. By days, because there are 52,000 in a year: the newest
are found in a list of days and a list of one day.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched

from django.conf import settings

from partners.clients.checkpoint_places import INTERIM, Place, day
from partners.clients.s3 import Bucket, Signer, StoreFailed

DAY = re.compile(r"\d{4}-\d\d-\d\d")
OBJECT = re.compile(r"(\d{4})-(\d\d)-(\d\d)/\1\2\3T\d{12}Z\.jws")
# Where all are read, so many at once; and so many are kept in memory for who takes them one by one.
AT_ONCE, IN_MEMORY = 8, 400


class S3Place:
    """A CHECKPOINT_BACKEND: objects below CHECKPOINT_S3_URL (`https://host/bucket` or `https://host/bucket/folder`).

    What fails raises StoreFailed, an OSError, and so does an object that is none of ours.
    """

    def __init__(self, *, below: str = "") -> None:
        signer = Signer(settings.CHECKPOINT_S3_REGION, settings.CHECKPOINT_S3_KEY_ID, settings.CHECKPOINT_S3_SECRET)
        url = f"{settings.CHECKPOINT_S3_URL.rstrip('/')}/{below}"
        self._bucket = Bucket(url=url, signer=signer, called="the checkpoints' store")

    def __str__(self) -> str:
        return self._bucket.url

    def oldest_first(self) -> Iterator[tuple[str, bytes]]:
        """Some are read at once: a year's, one after the other, would take a quarter of an hour."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="read-checkpoints") as readers:
            for one in self._days():
                for keys in batched(self._of(one), IN_MEMORY, strict=False):
                    yield from zip(map(_name, keys), readers.map(self._bucket.read, keys), strict=True)

    def newest_first(self) -> Iterator[tuple[str, bytes]]:
        """Day by day, and object by object."""
        for one in reversed(self._days()):
            for key in reversed(self._of(one)):
                yield _name(key), self._bucket.read(key)

    def put(self, *, name: str, token: bytes) -> None:
        """Put an object, there whole or not at all, and once however often it is sent."""
        self._bucket.put(key=f"{day(name)}/{name}", body=token)

    def interim(self) -> Place:
        """Below CHECKPOINT_S3_URL."""
        return S3Place(below=INTERIM)

    def _days(self) -> Sequence[str]:
        days = [one for one in self._bucket.folders() if one != INTERIM]
        strange = [one for one in days if not DAY.fullmatch(one)]
        if strange:
            raise StoreFailed(f"{len(strange)} folders are no days of checkpoints")
        return days

    def _of(self, one: str) -> Sequence[str]:
        """The keys of a day."""
        keys = self._bucket.keys(folder=one)
        strange = [key for key in keys if not OBJECT.fullmatch(key)]
        if strange:
            raise StoreFailed(f"{len(strange)} objects are no checkpoints of ours")
        return keys


def _name(key: str) -> str:
    return key.rpartition("/")[2]
