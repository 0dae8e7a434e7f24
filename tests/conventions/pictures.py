"""The pictures of pages in the docs, and what is read in them."""

from collections.abc import Mapping
from typing import Literal

from tests.conventions.catalogues import in_python, in_templates
from tests.conventions.sources import ROOT

PICTURES = ROOT / "docs" / "pictures"
WORDS = PICTURES / "words.txt"
# By page. In the console each member of staff chooses light or dark for themselves.
SCHEMES: Mapping[str, tuple[Literal["light", "dark"], ...]] = {
    "home": ("light", "dark"),
    "progress": ("light", "dark"),
    "console": ("light",),
    "desk": ("light", "dark"),
}


def sentences_said() -> set[str]:
    """Every English sentence that a page can say."""
    return {" ".join(sentence.text.split()) for sentence, _ in (*in_templates(), *in_python())}
