"""Asks for nothing but the database: named to pytest with `--reuse-db`, it migrates one that stays."""


def test_the_database_is_made(django_db_setup: None) -> None:
    """By the fixture."""
