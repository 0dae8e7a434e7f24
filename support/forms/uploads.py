"""Receive files that people and staff upload: in memory alone, so that none of them is written to a disk unsealed."""

from typing import IO, Any, override

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from support.domain.files import LARGEST, MOST


class InMemoryUploadHandler(MemoryFileUploadHandler):
    """Keeps each file in memory.

    What is beyond the largest size that any form takes is counted and dropped, as is what all files of a request have
    beyond what a case takes: the form refuses such a file, or so many.
    """

    @override
    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, str],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> "tuple[QueryDict, MultiValueDict[str, Any]] | None":
        self.activated = True
        self._left = (LARGEST + 1) * MOST
        return None

    @override
    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        kept = raw_data[: max(0, min(self._left, LARGEST + 1 - start))]
        self._left -= len(kept)
        return super().receive_data_chunk(kept, start)
