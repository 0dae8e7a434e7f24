"""Upload a carrier file."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from support.forms.base import ActForm


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

    def content(self) -> bytes:
        """The bytes of the file."""
        read: bytes = self.cleaned_data["file"].read()
        return read
