"""What partners were told, as a case's page has it."""

import re
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.utils import timezone


@pytest.mark.parametrize(
    ("status", "words"),
    [("in_progress", "Signed as begun"), ("completed", "Signed as done"), ("rejected", "The partner refused")],
)
def test_what_a_partner_signed_is_said_in_words(status: str, words: str) -> None:
    at = timezone.now()
    sent = SimpleNamespace(
        state="sent", queued_at=at, sent_at=None, acknowledged_at=None, complete_by=None, completed_at=None
    )
    told = SimpleNamespace(
        party=SimpleNamespace(name="GeoBridge", pk=1), sent=sent,
        events=[("queued", at, None), ("signed", at, SimpleNamespace(status=status, at=at))],
    )  # fmt: skip
    steps = render_to_string("desk/_told.html", {"case": {"told": [told]}}).partition("<ol")[2]
    assert re.findall(r"<li>([^,<]*),", steps) == [words]
    assert status not in steps
