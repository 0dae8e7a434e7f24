"""Upload the agreement behind a contract or campaign."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from support.domain.files import LARGEST
from support.forms.acting import ActForm


class AgreementForm(ActForm):
    """One PDF."""

    file = forms.FileField(
        label="PDF", help_text="As both sides signed it, 5 MB at most. It is scanned, then kept for good."
    )

    def __init__(
        self, data: Mapping[str, Any] | None, files: "MultiValueDict[str, UploadedFile[bytes]] | None"
    ) -> None:
        super().__init__(data)
        self.files = files or MultiValueDict()

    def clean_file(self) -> bytes:
        """The bytes of the file, unless it is too large."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST:
            raise ValidationError("The file is larger than 5 MB. Scan it in fewer dots per inch, or split it.")
        read: bytes = file.read()
        return read
