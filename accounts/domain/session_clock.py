"""How long a sign-in lasts: it ends when it lay unused, or lasted in all, for too long."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest

from accounts.domain.sessions import ASKER_KEY, LINK_KEY, LONGEST_NAME, STEPS_KEY, key_hash
from accounts.models import BrowserSession, User
from accounts.primitives.sealing import seal

CLOCK_KEY = "clock"
# How long a sign-in lasts unused, and in all. Staff see many people; a subscriber's phone is theirs, they may lay it
# down in the middle of a form, and a stop needs no sign-in at all.
STAFF_UNUSED, STAFF_IN_ALL = timedelta(minutes=30), timedelta(hours=12)
OWN_UNUSED, OWN_IN_ALL = timedelta(hours=12), timedelta(days=7)
# A use is noted so much later than the one before it, at least: not each page is worth a write.
NOTED_AFTER = timedelta(minutes=1)


def is_over(request: HttpRequest, *, by_hand: bool, stops: bool, at: datetime) -> bool:
    """Return whether this sign-in has lasted or lain unused too long; then end it, so that nobody is signed in.

    `by_hand`: this is a use of it, and not a page that asks by itself how things stand. `stops`: a stop that a
    subscriber sends from a page that lay open is taken, however long it lay; of staff none is, they have no line.
    Half-done steps to a stop without an account are not lost.
    """
    clock = _running_clock(request, at)
    if clock is None:
        return False
    if _has_run_out(clock, at) and (clock["staff"] or not stops):
        _end_sign_in(request)
        return True
    if by_hand and at >= datetime.fromisoformat(clock["seen"]) + NOTED_AFTER:
        request.session[CLOCK_KEY] = {**clock, "seen": at.isoformat()}
    return False


def _has_run_out(clock: Mapping[str, Any], at: datetime) -> bool:
    unused, in_all = (STAFF_UNUSED, STAFF_IN_ALL) if clock["staff"] else (OWN_UNUSED, OWN_IN_ALL)
    began, seen = datetime.fromisoformat(clock["began"]), datetime.fromisoformat(clock["seen"])
    return at >= began + in_all or at >= seen + unused


def _running_clock(request: HttpRequest, at: datetime) -> dict[str, Any] | None:
    """The clock of this person's sign-in; None if nobody is signed in, or if it only starts now."""
    person, clock = request.session.get(SESSION_KEY), request.session.get(CLOCK_KEY)
    if person is None:
        return None
    if clock is None or clock["of"] != person:
        start_clock(request, at=at)
        return None
    return dict(clock)


def _end_sign_in(request: HttpRequest) -> None:
    steps = {key: request.session[key] for key in (ASKER_KEY, STEPS_KEY, LINK_KEY) if key in request.session}
    request.session.flush()
    request.session.update(steps)


def start_clock(request: HttpRequest, *, at: datetime) -> None:
    """Note when somebody signed in, unless that is noted. Where this request signed them in it costs no write more."""
    person, clock = request.session.get(SESSION_KEY), request.session.get(CLOCK_KEY)
    if person is None or (clock is not None and clock["of"] == person) or not isinstance(request.user, User):
        return
    now, staff = at.isoformat(), not request.user.is_subscriber
    request.session[CLOCK_KEY] = {"of": person, "staff": staff, "began": now, "seen": now}
    place = {
        "address": get_adapter().get_client_ip(request),
        "browser": request.headers.get("User-Agent", "")[:LONGEST_NAME],
    }
    BrowserSession.objects.filter(key_hash=key_hash(request)).update(began_at=at, origin_sealed=seal(json.dumps(place)))
