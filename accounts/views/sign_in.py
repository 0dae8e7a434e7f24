"""Sign in by a line and its texted code, by an invitation, or by the carrier's own provider; and sign out."""

import logging
from datetime import datetime
from urllib.parse import urlencode

from allauth.account.views import logout as allauth_logout
from django.conf import settings as django_settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions import people
from accounts.actions.codes import has_just_used, text_code
from accounts.actions.people import record_passkey_return, sign_in_after_end, sign_in_by_carrier
from accounts.actions.rate_limits import TooManyTries, count_wrong_code
from accounts.actions.staff import NoInvitation, accept_invitation, sign_in_vouched
from accounts.clients import oidc
from accounts.domain import auth_factors, sessions
from accounts.forms import (
    CodeForm,
    EndedForm,
    FirstPasswordForm,
    NumberForm,
    PasskeyForm,
    SignInCodeForm,
    StaffForm,
    get_rate_limit_adapter,
)
from accounts.models import TextedCode, User
from accounts.policies import delegations
from accounts.primitives import browsers
from accounts.primitives.numbers import format_phone_number
from accounts.views.access import (
    delay_response,
    get_hashing_due,
    get_next_path,
    mark_lookup_view,
    pad_response_time,
    skip_delay,
)
from audit.queries import database_clock


def refuse_code(request: HttpRequest, form: CodeForm, *, at: datetime) -> None:
    """Say that a texted code was not right and how many tries are left, or that another has to be asked for."""
    tries = count_wrong_code(code_request_id=sessions.get_code_request_id(request), at=at)
    form.refuse(tries_left=sessions.note_tries(request, tries=tries))


def was_pressed_twice(request: HttpRequest, *, msisdn: str, purpose: TextedCode.Purpose, at: datetime) -> bool:
    """Return whether a code that isn't right any more came with a second press: what it opened is open already."""
    asker = sessions.get_asker(request)
    return sessions.was_replaced(request) or has_just_used(msisdn=msisdn, purpose=purpose, asker=asker, at=at)


def text_code_to(request: HttpRequest, *, msisdn: str, purpose: TextedCode.Purpose) -> None:
    """Text a code to a number, for the browser that asks."""
    asker, network = sessions.get_asker(request), browsers.get_network(request)
    text_code(msisdn=msisdn, purpose=purpose, asker=asker, network=network, at=database_clock())


def text_code_again(request: HttpRequest, *, purpose: TextedCode.Purpose, start: str, then: str) -> HttpResponse:
    """Text the code once more; the same words whether or not one went out. Without a number, back to the `start`."""
    msisdn = sessions.get_remembered_number(request, door=purpose)
    if not msisdn:
        skip_delay(request)
        return redirect(start)
    text_code_to(request, msisdn=msisdn, purpose=purpose)
    sessions.reset_tries(request)
    messages.info(request, CodeForm.sent_again)
    return redirect(then)


logger = logging.getLogger(__name__)

SIGN_IN = TextedCode.Purpose.SIGN_IN
ENDED = "ended"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@pad_response_time
def sign_in(request: HttpRequest) -> HttpResponse:
    """Step one: a number. The same answer for every number."""
    then = get_next_path(request)
    if request.user.is_authenticated:
        skip_delay(request)
        return redirect(then or django_settings.LOGIN_REDIRECT_URL)
    form = NumberForm(request.POST or None)
    if mark_lookup_view(request, form):
        msisdn = form.cleaned_data["number"]
        text_code_to(request, msisdn=msisdn, purpose=SIGN_IN)
        sessions.remember_number(request, door=SIGN_IN, msisdn=msisdn, then=then)
        return redirect("sign-in-code")
    ways = {"by_carrier": oidc.has_provider(oidc.CARRIER), "carrier_query": urlencode({"next": then})}
    return render(request, "account/login.html", {"form": form, "staff_form": StaffForm(), "then": then, **ways})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@pad_response_time
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Step two: the code from the text. It lets its person stop; to see, they prove more."""
    msisdn = sessions.get_remembered_number(request, door=SIGN_IN)
    if not msisdn:
        skip_delay(request)
        return redirect("account_login")
    form = SignInCodeForm(request.POST or None)
    if mark_lookup_view(request, form):
        typed, alone, now = form.cleaned_data["code"], form.cleaned_data["alone"], database_clock()
        user = None
        if sessions.count_tries_left(request):
            user = people.sign_in(
                msisdn=msisdn,
                asker=sessions.get_asker(request),
                typed=typed,
                alone=alone,
                device=browsers.get_device_label(request),
                at=now,
            )
        if user:
            return sessions.sign_in_by_code(request, user=user, redirect_url=sessions.get_return_path(request))
        if was_pressed_twice(request, msisdn=msisdn, purpose=SIGN_IN, at=now):
            return redirect(f"{reverse('account_login')}?{urlencode({'next': sessions.get_return_path(request)})}")
        refuse_code(request, form, at=now)
    return render(request, "account/code.html", {"form": form, "number": format_phone_number(msisdn)})


@require_POST
@pad_response_time
def sign_in_again(request: HttpRequest) -> HttpResponse:
    """Text the code once more."""
    return text_code_again(request, purpose=SIGN_IN, start="account_login", then="sign-in-code")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
@pad_response_time
def sign_in_ended(request: HttpRequest) -> HttpResponse:
    """For lines that have ended: the number that somebody had, and their password. No text can reach them any more."""
    if request.user.is_authenticated:
        skip_delay(request)
        return redirect(django_settings.LOGIN_REDIRECT_URL)
    by_passkey = NumberForm(request.POST) if "passkey" in request.POST else None
    if by_passkey and by_passkey.is_valid():
        sessions.remember_number(request, door=ENDED, msisdn=by_passkey.cleaned_data["number"])
        return redirect("sign-in-ended-passkey")
    form = EndedForm(request.POST or None)
    if mark_lookup_view(request, form):
        user = _after_end(request, form)
        if user:
            return sessions.sign_in_after_line_end(request, user=user, with_code=bool(form.cleaned_data["code"]))
    return render(request, "account/ended.html", {"form": form})


def _after_end(request: HttpRequest, form: EndedForm) -> User | None:
    said, now, due = form.cleaned_data, timezone.now(), get_hashing_due()
    try:
        user = sign_in_after_end(
            msisdn=said["number"],
            password=said["password"],
            code=said["code"],
            source=browsers.get_source(request),
            at=now,
        )
    except TooManyTries as error:
        form.add_error(None, get_rate_limit_adapter().must_wait_error(error.until, now))
        return None
    if user is None:
        form.add_error(None, EndedForm.wrong)
        if said["code"]:
            delay_response(request, due=due)
    return user


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@pad_response_time
def sign_in_ended_passkey(request: HttpRequest) -> HttpResponse:
    """The same by a passkey. A number with none behind it is asked for one just so."""
    msisdn = sessions.get_remembered_number(request, door=ENDED)
    if not msisdn:
        skip_delay(request)
        return redirect("sign-in-ended")
    form = PasskeyForm(request.POST or None)
    if mark_lookup_view(request, form):
        users = [user for user in delegations.users_of_ended(msisdn=msisdn) if user.is_active]
        passkey = sessions.get_used_passkey(users=users, credential=form.cleaned_data["credential"])
        if passkey:
            record_passkey_return(user=passkey.user, at=timezone.now())
            return sessions.sign_in_by_passkey(request, passkey=passkey)
        form.add_error(None, PasskeyForm.wrong)
    asked = {"request_options": sessions.begin_passkey_challenge()}
    return render(request, "account/ended_passkey.html", {"form": PasskeyForm(), "told": form, "js_data": asked})


@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """Sign out; also where a proof in another tab has just replaced the key under which this was sent."""
    response = allauth_logout(request)
    if request.method == "POST":
        sessions.end(request)
    return response


@require_safe
@never_cache
def start_oidc(request: HttpRequest, kind: oidc.Kind) -> HttpResponseBase:
    """On to the carrier's own sign-in, for people or for staff. Where none is named, this address does not exist."""
    if not oidc.has_provider(kind):
        raise Http404
    try:
        return redirect(oidc.start_sign_in(kind=kind, request=request, then=get_next_path(request)))
    except oidc.OidcRefused as error:
        return _render_refusal(request, kind, str(error))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
def carrier_back(request: HttpRequest) -> HttpResponseBase:
    """Back from it. Its word is worth a texted code, or enough to see where it says how strongly it asked.

    A browser that sends the privacy signal first shows a form: any site can have a browser begin a sign-in that nobody
    is asked about, and this one stops sharing.
    """
    if not oidc.has_provider(oidc.CARRIER):
        raise Http404
    if (
        request.method != "POST"
        and browsers.sends_signal(request)
        and oidc.has_answer(kind=oidc.CARRIER, request=request)
    ):
        return render(request, "account/carrier_signal.html")
    now = timezone.now()
    try:
        word, then = oidc.finish_line_sign_in(request=request, at=now)
    except oidc.OidcRefused as error:
        return _render_refusal(request, oidc.CARRIER, str(error))
    user = sign_in_by_carrier(word=word, device=browsers.get_device_label(request), at=now)
    if user is None:
        return _render_refusal(request, oidc.CARRIER, "the line named is not active here, or is somebody else's")
    return sessions.sign_in_by_carrier(request, user=user, strong=word.strong, redirect_url=then)


def _render_refusal(request: HttpRequest, kind: oidc.Kind, reason: str) -> HttpResponse:
    """One page for every refusal: what was wrong is for the log, which names nobody."""
    logger.warning("sign-in by OpenID refused (%s): %s", kind.prefix, reason)
    return render(request, kind.refused, status=403)


@require_safe
@never_cache
@sensitive_post_parameters()
def staff_oidc_back(request: HttpRequest) -> HttpResponseBase:
    """Staff come back from it. Only somebody of staff whom it vouches for is let in, and to the second factor first."""
    if not oidc.has_provider(oidc.STAFF):
        raise Http404
    now = timezone.now()
    try:
        identity, then = oidc.finish_staff_sign_in(request=request, at=now)
    except oidc.OidcRefused as error:
        return _render_refusal(request, oidc.STAFF, str(error))
    user = sign_in_vouched(identity=identity, at=now)
    if user is None:
        return _render_refusal(request, oidc.STAFF, "nobody of staff is who the provider vouches for")
    return sessions.sign_in_vouched_staff(request, user=user, redirect_url=then)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
def invitation(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Somebody new of staff chooses a password, by a link that is good once; then they sign in."""
    invited = auth_factors.find_invited_user(uid=uid, token=token)
    if invited is None:
        raise Http404
    form = FirstPasswordForm(request.POST or None, user=invited)
    if form.is_valid():
        try:
            accept_invitation(uid=uid, token=token, password=form.cleaned_data["password"], at=timezone.now())
        except NoInvitation as error:
            raise Http404 from error
        messages.success(request, _("Your password is set. Sign in with it; then set up an authenticator app."))
        return redirect("sign-in-staff")
    return render(request, "account/invitation.html", {"form": form})
