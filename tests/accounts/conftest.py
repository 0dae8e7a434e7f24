import pytest


@pytest.fixture(autouse=True)
def _texts_in_memory(texts_in_memory: None) -> None:
    """Of every test here."""
