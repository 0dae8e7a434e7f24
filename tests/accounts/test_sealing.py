"""Numbers are sealed at rest and found by a keyed hash, and keys can be rotated."""

import pytest
from cryptography.fernet import Fernet, InvalidToken
from pytest_django import Settings

from accounts.primitives.sealing import derived_secret, number_hash, seal, unseal

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_a_newer_key_in_front_seals(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    sealed, found_by = seal("+12065550142"), number_hash("+12065550142")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert unseal(sealed) == "+12065550142"
    assert number_hash("+12065550142") == found_by
    newer = seal("+12065550142")
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    with pytest.raises(InvalidToken):
        unseal(newer)


def test_secrets_of_two_purposes_differ() -> None:
    assert derived_secret("a") != derived_secret("b")
    assert len(derived_secret("a")) == 32


def test_the_same_text_seals_differently_each_time() -> None:
    assert seal("same") != seal("same")
