"""The pictures of pages in the docs, and what is read in them."""

from typing import Final, Literal

from tests.conventions.catalogues import in_python, in_templates
from tests.conventions.sources import ROOT

PICTURES = ROOT / "docs" / "pictures"
WORDS = PICTURES / "words.txt"
PAGES = ("home", "progress", "console", "desk")
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


def sentences_said() -> set[str]:
    """Every English sentence that a page can say."""
    return {" ".join(sentence.text.split()) for sentence, _ in (*in_templates(), *in_python())}
