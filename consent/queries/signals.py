"""What a browser's privacy signal did for a line, and whether its person is still asked about it."""

from dataclasses import dataclass
from datetime import datetime

from consent.models import Choice, PrivacySignal
from consent.queries.choices import ChoiceRow, rows_of

MOST = 50


@dataclass(frozen=True)
class SignalView:
    """When the signal came, and what was answered where it met a yes; `open`: nothing was, yet."""

    first_at: datetime
    newest_at: datetime
    answer: str
    answered_at: datetime | None
    open: bool


def signal_of(*, line_id: int) -> SignalView | None:
    """The signal as it stands for a line, or None where it never came."""
    found = PrivacySignal.objects.filter(pk=line_id).first()
    if found is None:
        return None
    still = found.asked_at is not None and not found.answer
    return SignalView(found.first_at, found.newest_at, found.answer, found.answered_at, still)


def stops_by_signal(*, line_id: int) -> tuple[ChoiceRow, ...]:
    """The newest stops that the signal made."""
    made = Choice.objects.filter(line_id=line_id, channel="gpc").order_by("-made_at", "-id")
    return rows_of(choices=list(made[:MOST]))
