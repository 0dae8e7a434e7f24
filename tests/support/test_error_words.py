"""Forms of staff say which field is wrong and what to do, in the words of whoever reads them."""

from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.utils import translation
from django.utils.datastructures import MultiValueDict

from support.forms.acting import StaffForm


class Every(StaffForm):
    """A field of every kind that our forms have."""

    words = forms.CharField(label="Reason. Keep it short.")
    why = forms.CharField(label="Why", error_messages={"required": "Say why."})
    kind = forms.ChoiceField(label="Kind", choices=[("a", "A")])
    several = forms.MultipleChoiceField(label="100 % sure?", choices=[("a", "A")])
    sure = forms.BooleanField(label="I read it")
    file = forms.FileField(label="File")
    day = forms.DateField(label="From")
    moment = forms.DateTimeField(label="Known at")
    number = forms.IntegerField(label="Days", min_value=1)


EMPTY = {
    "words": "Fill in “Reason”.", "why": "Say why.", "kind": "Choose an answer for “Kind”.",
    "several": "Choose an answer for “100 % sure?”.", "sure": "Tick “I read it”.",
    "file": "Choose a file for “File”.", "day": "Fill in “From”.", "moment": "Fill in “Known at”.",
    "number": "Fill in “Days”.",
}  # fmt: skip
WRONG = {
    "words": "It has characters that no one can see. Type it again instead of pasting it.",
    "kind": "The choice for “Kind” isn't available. Choose another.",
    "several": "The choice for “100 % sure?” isn't available. Choose another.",
    "day": "Enter the day for “From” like this: 2026-05-31.",
    "moment": "Enter the day and time for “Known at” like this: 2026-05-31 14:30.",
    "number": "Enter a whole number for “Days”.",
}
EN_ESPANOL = {
    "words": "Contiene caracteres que nadie puede ver. Escríbalo de nuevo en lugar de pegarlo.",
    "kind": "La opción elegida en «Kind» no está disponible. Elija otra.",
    "several": "La opción elegida en «100 % sure?» no está disponible. Elija otra.",
    "day": "Escriba el día de «From» así: 2026-05-31.",
    "moment": "Escriba el día y la hora de «Known at» así: 2026-05-31 14:30.",
    "number": "Escriba un número entero en «Days».",
}
TYPED = {
    "words": "a\x00b", "why": "x", "kind": "<script>", "several": ["%s"], "sure": "on", "day": "31 May",
    "moment": "noon", "number": "many",
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "typed", "said"), [("en", {}, EMPTY), ("en", TYPED, WRONG), ("es", TYPED, EN_ESPANOL)]
)
def test_each_kind_of_field_says_what_is_wrong(language: str, typed: dict[str, str], said: dict[str, str]) -> None:
    files: MultiValueDict[str, UploadedFile[Any]] = MultiValueDict(
        {"file": [SimpleUploadedFile("f", b"x")]} if typed else {}
    )
    with translation.override(language):
        errors = Every(typed, files).errors
        assert {name: " ".join(map(str, found)) for name, found in errors.items()} == said
