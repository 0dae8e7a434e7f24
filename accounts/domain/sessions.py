"""Keep in a browser's session how its person was proved, and how long that lasts.

Nothing else touches allauth's record of it. A texted code signs in, which is enough to stop. To see takes more in the
same session: a passkey, or the password (with the authenticator app's code, if the person set one up). A sign-in ends
when it lay unused, or lasted in all, for too long.
"""

import json
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records, perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.internal import auth as passkeys
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import SESSION_KEY, update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.domain.session_store import SessionStore, session_key_hash
from accounts.models import BrowserSession, User
from accounts.primitives.sealing import seal, unseal

PROVED_KEY = "may_see"
STEPS_KEY = "steps"
ANSWERED_KEY = "answered"
LINK_KEY = "stopped"
# As many as a short code takes from one browser (`actions.codes`).
TRIES_AT_A_CODE = 5
ASKER_KEY = "asker"
CARRIER = "carrier"
# On the pin of a carrier account: its person has once come by it as strongly as it takes to see.
SEES = "sees"
PROOF_LASTS = timedelta(minutes=15)
# Of the name that a browser gives itself so much is kept.
LONGEST_NAME = 200
CODE_IS_NEW_S = 10.0


@dataclass(frozen=True)
class ProvedLine:
    """A line whose phone is in the hands of whoever is here: enough for what its code was for, not to see.

    `mark`: what a form about it carries. A session proves one line at a time, and pages about another may lie open.
    `is_childs`: whether a child carries the phone, as far as the door needs it; only the account holder allows there.
    """

    line_id: int
    msisdn: str
    mark: str
    is_childs: bool


def get_asker(request: HttpRequest) -> str:
    """Return what tells this browser session from every other that asks for a code; it says nothing of anybody."""
    if ASKER_KEY not in request.session:
        request.session[ASKER_KEY] = uuid4().hex
    found: str = request.session[ASKER_KEY]
    return found


def begin_steps(request: HttpRequest) -> None:
    """Let this request begin a session even under a key that was just replaced: somebody asks for a code.

    Their browser may have missed the answer that named the new key, as after a double tap.
    """
    if isinstance(request.session, SessionStore):
        request.session.begin()


def was_replaced(request: HttpRequest) -> bool:
    """Return whether another request of this browser has just proved something: a button was pressed twice."""
    return isinstance(request.session, SessionStore) and request.session.was_replaced


def remember_number(request: HttpRequest, *, door: str, msisdn: str, then: str = "") -> None:
    """Keep the number somebody typed at a door until they type the code, sealed like every number that is kept.

    What was done before for another number is over: whoever comes next must not be led to it.
    """
    begin_steps(request)
    request.session.pop(LINK_KEY, None)
    request.session[STEPS_KEY] = {"door": door, "number": seal(msisdn).decode(), "then": then, "asked": uuid4().hex}


def get_code_request_id(request: HttpRequest) -> str:
    """Return the id of the newest request for a code in this session. Wrong codes are counted per request."""
    return str(request.session.get(STEPS_KEY, {}).get("asked") or get_asker(request))


def note_tries(request: HttpRequest, *, tries: int) -> int:
    """Keep how many codes were not right, at the door whose steps are being taken. Returns how many tries are left."""
    steps = request.session.get(STEPS_KEY, {})
    request.session[STEPS_KEY] = {**steps, "tries": max(tries, steps.get("tries", 0))}
    return count_tries_left(request)


def count_tries_left(request: HttpRequest) -> int:
    """Return how many more codes count before another is asked for: alike for every number."""
    return max(0, TRIES_AT_A_CODE - int(request.session.get(STEPS_KEY, {}).get("tries", 0)))


def reset_tries(request: HttpRequest) -> None:
    """Count tries anew: a code was asked for once more."""
    request.session[STEPS_KEY] = {**request.session.get(STEPS_KEY, {}), "tries": 0, "asked": uuid4().hex}


def get_remembered_number(request: HttpRequest, *, door: str) -> str:
    """Return the number typed at this door in this session, or ""."""
    steps = request.session.get(STEPS_KEY, {})
    return unseal(steps["number"].encode()) if steps.get("door") == door else ""


def get_return_path(request: HttpRequest) -> str:
    """Return where the person wanted to go when they were asked to sign in, or ""."""
    then: str = request.session.get(STEPS_KEY, {}).get("then", "")
    return then


def forget_steps(request: HttpRequest) -> None:
    """Drop what was typed and proved from the session: the steps are done."""
    request.session.pop(STEPS_KEY, None)


def prove_line(
    request: HttpRequest,
    *,
    door: str,
    line_id: int,
    msisdn: str,
    at: datetime,
    about: str = "",
    is_childs: bool = False,
) -> None:
    """Note that whoever is here has just typed the code texted to this line for this door: good for 15 minutes.

    `about`: the one thing at that door that the code was for.
    """
    request.session.cycle_key()
    request.session[STEPS_KEY] = {
        "proved": door,
        "about": about,
        "line": line_id,
        "number": seal(msisdn).decode(),
        "mark": uuid4().hex,
        "until": (at + PROOF_LASTS).isoformat(),
        "childs": is_childs,
    }


def proved_line(request: HttpRequest, *, door: str, at: datetime, about: str = "") -> ProvedLine | None:
    """Return the line proved by code at this door, about this, in this session within the last 15 minutes, or None."""
    steps = request.session.get(STEPS_KEY, {})
    if steps.get("proved") != door or steps.get("about", "") != about or at >= datetime.fromisoformat(steps["until"]):
        return None
    msisdn = unseal(steps["number"].encode())
    return ProvedLine(steps["line"], msisdn, mark=steps.get("mark", ""), is_childs=steps.get("childs", False))


def key_hash(request: HttpRequest) -> bytes:
    """Hash this browser's own session key, by which it is found among all."""
    return session_key_hash(request.session.session_key or "")


def store_progress_link(request: HttpRequest, *, token: str, at: datetime, msisdn: str = "") -> None:
    """Keep, sealed, the link to what this session has just done: its button may be pressed twice. The steps are over.

    `msisdn`: the number that it was done for. Good for 15 minutes.
    """
    forget_steps(request)
    request.session[LINK_KEY] = {
        "token": seal(token).decode(),
        "number": seal(msisdn).decode() if msisdn else "",
        "until": (at + PROOF_LASTS).isoformat(),
    }


def get_recent_link(request: HttpRequest, *, at: datetime) -> str:
    """Return the link that this session made within the last 15 minutes, or ""."""
    kept = request.session.get(LINK_KEY)
    if not kept or at >= datetime.fromisoformat(kept["until"]):
        return ""
    return unseal(kept["token"].encode())


def number_of_link(request: HttpRequest, *, token: str, at: datetime) -> str:
    """Return the number that this session has just done something for, behind this link; "" for everybody else."""
    if get_recent_link(request, at=at) != token:
        return ""
    sealed: str = request.session[LINK_KEY].get("number", "")
    return unseal(sealed.encode()) if sealed else ""


def record_answered_question(request: HttpRequest, *, about: str) -> None:
    """Note that this session has just answered a question: the steps to it are done."""
    forget_steps(request)
    request.session[ANSWERED_KEY] = about


def has_answered(request: HttpRequest, *, about: str) -> bool:
    """Return whether this session is the one that answered it, and has answered nothing since."""
    return bool(request.session.get(ANSWERED_KEY) == about)


def sign_in_by_code(request: HttpRequest, *, user: User, redirect_url: str) -> HttpResponse:
    """Sign a person in who proved their line with a texted code; the answer sends them on."""
    forget_steps(request)
    record_authentication(request, user, method="code")
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url=redirect_url))
    return response


def sign_in_by_carrier(request: HttpRequest, *, user: User, strong: bool, redirect_url: str) -> HttpResponse:
    """Sign a person in whose line the carrier's own provider named. `strong`: that is enough to see, too."""
    forget_steps(request)
    record_authentication(request, user, method=CARRIER if strong else "code")
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url=redirect_url or None))
    return response


def sign_in_after_line_end(request: HttpRequest, *, user: User, with_code: bool = False) -> HttpResponse:
    """Sign somebody in by their password whose line has ended; their app's code is asked for next, if they have one.

    `with_code`: they gave it with the password.
    """
    forget_steps(request)
    if with_code:
        record_code(request, user=user)
    record_authentication(request, user, method="password")
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url=None))
    return response


def record_code(request: HttpRequest, *, user: User) -> None:
    """Note that this person has just given a right code of their app, or a recovery code, with their password."""
    record_authentication(request, user, method="mfa", type=str(Authenticator.Type.TOTP))


def has_recent_code(request: HttpRequest, *, user: User) -> bool:
    """Return whether this session gave a code of this person's a moment ago: with the password that signs them in."""
    given = [one for one in get_authentication_records(request, user) if one["method"] == "mfa"]
    return bool(given) and time.time() - float(given[-1]["at"]) < CODE_IS_NEW_S


def begin_passkey_challenge() -> dict[str, object]:
    """Return what a browser is asked to sign by any passkey it has for us; the session keeps the question.

    It names no passkey, and so tells nothing of the number that was typed: who unlocks the phone picks one there.
    """
    return dict(passkeys.begin_authentication())


def get_used_passkey(*, users: Collection[User], credential: dict[str, object]) -> Authenticator | None:
    """Return the passkey of one of these people that signed what was asked; None: nobody's did."""
    for user in users:
        with suppress(ValidationError, KeyError, TypeError, ValueError):
            passkeys.parse_authentication_response(credential)
            found: Authenticator = passkeys.complete_authentication(user, credential)
            return found
    return None


def sign_in_by_passkey(request: HttpRequest, *, passkey: Authenticator) -> HttpResponse:
    """Sign its person in, whose line has ended."""
    forget_steps(request)
    login = Login(user=passkey.user, redirect_url=None)
    response: HttpResponse = perform_passwordless_login(request, passkey, login)
    return response


def sign_in_vouched_staff(request: HttpRequest, *, user: User, redirect_url: str) -> HttpResponse:
    """Sign somebody of staff in whom the carrier's provider vouched for; a second factor of ours is asked for next."""
    record_authentication(request, user, method="oidc")
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url=redirect_url or None))
    return response


def record_password(request: HttpRequest, *, user: User) -> None:
    """Note in the session that its person has just chosen their password. It goes on under another key."""
    update_session_auth_hash(request, user)
    record_authentication(request, user, method="password", reauthenticated=True)


def next_proof(request: HttpRequest, *, user: User) -> str:
    """Return the address of the proof that is still missing before this session may see, or "" when none is."""
    if request.session.get(PROVED_KEY) == user.pk:
        return ""
    given = {_kind(record) for record in get_authentication_records(request, user)}
    owned = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    missing = _missing(given, owned, has_password=user.has_usable_password())
    if missing and must_wait(request, user=user):
        return reverse("password-forgotten")
    if not missing:
        request.session[PROVED_KEY] = user.pk
    return missing


def next_factor(request: HttpRequest, *, user: User) -> str:
    """Return where staff give the passkey or code that this session lacks, or set one up; "" when it has one."""
    if any(record["method"] == "mfa" for record in get_authentication_records(request, user)):
        return ""
    owned = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    if Authenticator.Type.TOTP in owned:
        return reverse("mfa_reauthenticate")
    if Authenticator.Type.WEBAUTHN in owned:
        return reverse("mfa_reauthenticate_webauthn")
    return reverse("mfa_activate_totp")


def has_own_proof(*, user: User, but_carrier: bool = False) -> bool:
    """Return whether this person has a password or passkey already, or has seen by the carrier's sign-in.

    The first proof of a tenure is taken by code alone. `but_carrier`: that sign-in aside, because they came by it.
    """
    return has_password_or_passkey(user=user) or (not but_carrier and _may_see_by_carrier(user))


def must_wait(request: HttpRequest, *, user: User) -> bool:
    """Return whether this person sees by the carrier's sign-in alone and came otherwise: the phone alone waits a day.

    Until then they set up no password and no other factor.
    """
    if has_password_or_passkey(user=user) or not _may_see_by_carrier(user):
        return False
    return not is_signed_in_by_carrier(request, user=user)


def is_signed_in_by_carrier(request: HttpRequest, *, user: User) -> bool:
    """Return whether this session came by the carrier's sign-in as strongly as it takes to see."""
    return any(record["method"] == CARRIER for record in get_authentication_records(request, user))


def has_password_or_passkey(*, user: User) -> bool:
    """Return whether something that only this person knows or has opens their pages."""
    passkeys = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    return user.has_usable_password() or passkeys.exists()


def uses_own_factor(request: HttpRequest, *, user: User) -> bool:
    """Return whether a password or passkey of theirs is what this session gave, or what it will be asked for.

    Not the carrier's sign-in, which goes by the same phone.
    """
    given = {_kind(record) for record in get_authentication_records(request, user)}
    return has_password_or_passkey(user=user) and (CARRIER not in given or bool(given & {"password", "webauthn"}))


def _may_see_by_carrier(user: User) -> bool:
    return SocialAccount.objects.filter(user=user, **{f"extra_data__{SEES}": True}).exists()


def _kind(record: dict[str, str]) -> str:
    return record.get("type", record["method"]) if record["method"] == "mfa" else record["method"]


def _missing(given: set[str], owned: set[str], *, has_password: bool) -> str:
    if given & {"webauthn", CARRIER}:
        return ""
    if not has_password:
        return _missing_without_password(given, owned)
    if "password" not in given:
        return reverse("account_reauthenticate")
    if "totp" in owned and not given & {"totp", "recovery_codes"}:
        return reverse("mfa_reauthenticate")
    return ""


def _missing_without_password(given: set[str], owned: set[str]) -> str:
    if "recovery_codes" in given:
        return ""
    return reverse("mfa_reauthenticate_webauthn" if "webauthn" in owned else "account_set_password")


def get_person_awaiting_second_factor(request: HttpRequest) -> User | None:
    """Return who has given a password here and must give a second factor before they are signed in, or None."""
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    user = stage.login.user if stage else None
    return user if isinstance(user, User) else None


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


def end(request: HttpRequest) -> None:
    """End this browser's session, under whichever key it goes on by now."""
    request.session.flush()


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
