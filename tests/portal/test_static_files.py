"""The demo collects its static files when one of them changed, and only then."""

from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tools.demo.processes import StaticFiles


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Path:
    """A folder with one style sheet in it, which was collected."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "site.css").write_text("a{}")
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STATICFILES_DIRS = [own]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    files = StaticFiles(data_dir=tmp_path)
    assert files.due
    call_command("collectstatic", interactive=False, verbosity=0)
    files.note_collected()
    return own


def test_what_was_collected_is_not_collected_again(own: Path, tmp_path: Path) -> None:
    assert not StaticFiles(data_dir=tmp_path).due


def test_a_changed_a_new_and_a_removed_file_are(own: Path, tmp_path: Path) -> None:
    (own / "site.css").write_text("a{color:red}")
    assert StaticFiles(data_dir=tmp_path).due
    StaticFiles(data_dir=tmp_path).note_collected()
    (own / "other.css").write_text("")
    assert StaticFiles(data_dir=tmp_path).due
    StaticFiles(data_dir=tmp_path).note_collected()
    (own / "other.css").unlink()
    assert StaticFiles(data_dir=tmp_path).due


def test_so_is_everything_where_nothing_lies_any_more(own: Path, tmp_path: Path) -> None:
    (tmp_path / "collected" / "staticfiles.json").unlink()
    assert StaticFiles(data_dir=tmp_path).due
