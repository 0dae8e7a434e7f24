"""Where an uploaded carrier file is kept while it is received."""

from collections.abc import Mapping
from typing import IO, Any, override

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import QueryDict
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from console.domain.carrier_files import LARGEST


class CarrierFileHandler(MemoryFileUploadHandler):
    """Keeps a carrier file in memory alone, so that none of it is written to a disk unsealed.

    What is beyond the largest size is counted and dropped: the form refuses such a file. Other addresses have the other
    handlers.
    """

    @override
    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: Mapping[str, Any],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> "tuple[QueryDict, MultiValueDict[str, Any]] | None":
        self.activated = self.request is not None and self.request.path == reverse("admin:import-add")
        return None

    @override
    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if self.activated and start > LARGEST:
            return None
        return super().receive_data_chunk(raw_data, start)
