"""Texts go out after the commit, and an outage troubles nobody but the log."""

import pytest
from django.db import transaction
from pytest_django import Settings

from accounts.clients import texts
from accounts.clients.texts import MemoryBackend, Text


class BrokenBackend:
    waits_for_network = False

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        raise RuntimeError(msisdn)


@pytest.mark.usefixtures("committed_db")
def test_a_text_is_refused_inside_a_transaction() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        texts.send_text(msisdn="+12065550142", text="hello")
    assert MemoryBackend.outbox == []


@pytest.mark.usefixtures("db")
def test_an_outage_never_reaches_the_person(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.SMS_BACKEND = "tests.accounts.test_texts.BrokenBackend"
    texts.send_text(msisdn="+12065550142", text="hello")
    assert "5550142" not in caplog.text


@pytest.mark.usefixtures("db")
def test_a_backend_is_found_by_its_dotted_path() -> None:
    texts.send_text(msisdn="+12065550142", text="hello", code="123456")
    assert MemoryBackend.outbox == [Text("+12065550142", "localhost: hello", "123456")]
