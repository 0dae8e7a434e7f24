"""The shape of the table."""

from typing import NamedTuple


class Said(NamedTuple):
    """One sentence or label as it should be read, in English and in Spanish."""

    en: str
    es: str
