"""Upload a carrier file."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from console.domain.carrier_files import LARGEST
from support.forms.acting import ActForm


class UploadForm(ActForm):
    """A file, and what is in it."""

    feed = forms.ChoiceField()
    file = forms.FileField(
        label="File",
        help_text="In the form that the carrier files reference describes, 2.5 MB at most. It is kept encrypted, and"
        " deleted after the import.",
        allow_empty_file=True,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        files: "MultiValueDict[str, UploadedFile[bytes]] | None",
        *,
        feeds: Sequence[tuple[str, str]],
    ) -> None:
        super().__init__(data)
        self.files = files or MultiValueDict()
        self.fields["feed"] = forms.ChoiceField(label="What the file has", choices=feeds)

    def clean_file(self) -> "UploadedFile[bytes]":
        """The file, unless it is too large: its size is known before it is read."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST:
            raise ValidationError("The file is larger than 2.5 MB. Split it, or ask the operator to import it.")
        return file

    def content(self) -> bytes:
        """The bytes of the file."""
        read: bytes = self.cleaned_data["file"].read()
        return read
