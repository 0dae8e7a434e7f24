"""Who looks after a line: asked, taken on, texted; and the end of a line."""

from datetime import timedelta

from django.utils import timezone

from accounts.actions.people import end_tenures
from accounts.models import Delegation, Line, Message
from accounts.primitives.sealing import unseal
from tests.people import Browser, number_of, signed_in


def waiting(line: Line) -> list[tuple[str, str]]:
    """The texts that wait for a line, but those about its sign-in: their kind and words."""
    found = Message.objects.filter(line=line).exclude(kind="way_in").order_by("made_at", "kind")
    return [(one.kind, unseal(one.words_sealed)) for one in found]


def asked(person: Browser, number: str, may: str = "both", days: int = 9) -> Delegation:
    day = (timezone.now() + timedelta(days=days)).date()
    answer = person.post("/lines/delegates/", {"number": number, "may": may, "day": day.isoformat()})
    assert (answer.status_code, answer.url) == (302, "/lines/delegates/"), answer.text
    return Delegation.objects.latest("asked_at")


def taken_on(line: Line, friend: Line, may: str = "both") -> tuple[Browser, Browser, Delegation]:
    """The person, and a friend of theirs who has said yes."""
    person, other = signed_in(line), signed_in(friend)
    made = asked(person, number_of(friend), may)
    assert other.post(f"/lines/asked/{made.pk}/", {"answer": "yes"}).url == "/lines/"
    return person, other, made


def end(line: Line) -> None:
    at = timezone.now()
    line.numbers.update(ends_at=at)
    Line.objects.filter(pk=line.pk).update(deactivated_at=at)
    end_tenures(line_ids=[line.pk], at=at)
