"""The doors of people: sign in, prove it, leave, settings, and who looked."""

import logging

from allauth.account.forms import LoginForm
from django.conf import settings as django_settings
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, oidc, queries, sessions, wording
from accounts.access import (
    PersonRequest,
    SubscriberRequest,
    at_line,
    person_required,
    same_time,
    seeing_required,
    subscriber_required,
)
from accounts.forms import CodeForm, FirstPasswordForm, LanguageForm, NumberForm
from accounts.models import TextedCode
from accounts.numbers import shown
from audit.queries import events_of_line

logger = logging.getLogger(__name__)
SIGN_IN = TextedCode.Purpose.SIGN_IN
PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@same_time
def sign_in(request: HttpRequest) -> HttpResponse:
    """Step one: a number. The same answer for every number."""
    then = _way_on(request)
    if request.user.is_authenticated:
        return redirect(then or django_settings.LOGIN_REDIRECT_URL)
    form = NumberForm(request.POST or None)
    if form.is_valid():
        msisdn = form.cleaned_data["number"]
        actions.text_code(msisdn=msisdn, purpose=SIGN_IN, asker=sessions.asker(request), at=timezone.now())
        sessions.remember_number(request, door=SIGN_IN, msisdn=msisdn, then=then)
        return redirect("sign-in-code")
    return render(
        request, "account/login.html", {"form": form, "staff_form": LoginForm(), "then": then, "oidc": oidc.configured}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@same_time
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Step two: the code from the text. It lets its person stop; to see, they prove more."""
    msisdn = sessions.remembered_number(request, door=SIGN_IN)
    if not msisdn:
        return redirect("account_login")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        typed, now = form.cleaned_data["code"], timezone.now()
        user = actions.sign_in(msisdn=msisdn, asker=sessions.asker(request), typed=typed, at=now)
        if user:
            return sessions.start_by_code(request, user=user, redirect_url=sessions.remembered_way(request))
        form.add_error("code", CodeForm.wrong)
    return render(request, "account/code.html", {"form": form, "number": shown(msisdn)})


@require_POST
@same_time
def sign_in_again(request: HttpRequest) -> HttpResponse:
    """Text the code once more; the same words whether or not one went out."""
    msisdn = sessions.remembered_number(request, door=SIGN_IN)
    if not msisdn:
        return redirect("account_login")
    actions.text_code(msisdn=msisdn, purpose=SIGN_IN, asker=sessions.asker(request), at=timezone.now())
    messages.info(request, CodeForm.sent_again)
    return redirect("sign-in-code")


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@subscriber_required
def first_password(request: SubscriberRequest) -> HttpResponse:
    """The first password of a tenure, taken at once after the code. Later it is asked for, not chosen."""
    then = _way_on(request) or django_settings.LOGIN_REDIRECT_URL
    form = FirstPasswordForm(request.POST or None)
    if form.is_valid():
        password = form.cleaned_data["password"]
        try:
            user = actions.set_first_password(user=request.user, password=password, at=timezone.now())
        except actions.HasProofAlready:
            return redirect("account_reauthenticate")
        update_session_auth_hash(request, user)
        sessions.record_password(request, user=user)
        return redirect(then)
    return render(request, "account/first_password.html", {"form": form, "then": then})


@require_safe
@never_cache
def staff_oidc(request: HttpRequest) -> HttpResponseBase:
    """Staff go to the carrier's own provider. Where none is named, this address does not exist."""
    if not oidc.configured():
        raise Http404
    try:
        return redirect(oidc.start(request=request, then=_way_on(request)))
    except oidc.OidcRefused as error:
        return _not_vouched(request, str(error))


@require_safe
@never_cache
@sensitive_post_parameters()
def staff_oidc_back(request: HttpRequest) -> HttpResponseBase:
    """Staff come back from it. Only somebody of staff whom it vouches for is let in, and to the second factor first."""
    if not oidc.configured():
        raise Http404
    now = timezone.now()
    try:
        identity, then = oidc.finish(request=request, at=now)
    except oidc.OidcRefused as error:
        return _not_vouched(request, str(error))
    user = actions.sign_in_vouched(identity=identity, at=now)
    if user is None:
        return _not_vouched(request, "nobody of staff is who the provider vouches for")
    return sessions.start_vouched(request, user=user, redirect_url=then)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
def invitation(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Somebody new of staff chooses a password, by a link that is good once; then they sign in."""
    if queries.invited(uid=uid, token=token) is None:
        raise Http404
    form = FirstPasswordForm(request.POST or None)
    if form.is_valid():
        try:
            actions.accept_invitation(uid=uid, token=token, password=form.cleaned_data["password"], at=timezone.now())
        except actions.NoInvitation as error:
            raise Http404 from error
        messages.success(request, _("Your password is set. Sign in with it; then set up an authenticator app."))
        return redirect("sign-in-staff")
    return render(request, "account/invitation.html", {"form": form})


@csrf_exempt  # Leaving must work even when the page is stale, and forging it harms nobody.
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Leave quickly: the session ends, the browser forgets the site, and a page that says nothing takes its place."""
    logout(request)
    response = redirect("away")
    response.status_code = 303
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return sessions.forget_all(request, response)


@csrf_exempt  # As above: the worst that is forged is the way back to the front page.
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def away(request: HttpRequest) -> HttpResponse:
    """A page that says nothing about where somebody was. Back leads nowhere else, until the person goes on from it."""
    if request.method == "POST":
        return sessions.forget_left(redirect("front"))
    response = render(request, "account/away.html")
    # Nobody is sent away by a link of somebody else's.
    return response if request.headers.get("Sec-Fetch-Site") == "cross-site" else sessions.note_left(response)


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def settings(request: PersonRequest) -> HttpResponse:
    """Language, and the ways to what else can be set."""
    form = LanguageForm(request.POST or None, initial={"language": translation.get_language()})
    if form.is_valid():
        language = form.cleaned_data["language"]
        actions.choose_language(user=request.user, language=language)
        translation.activate(language)
        messages.success(request, _("Saved."))
        response = redirect("settings")
        response.set_cookie(django_settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax", httponly=True)
        return response
    return render(request, "account/settings.html", {"form": form})


@require_safe
@seeing_required
def access_log(request: SubscriberRequest) -> HttpResponse:
    """Who looked at this line or acted on it, staff included, newest first."""
    events = events_of_line(line_id=request.line.line.pk)
    page = Paginator(events, PAGE).get_page(request.GET.get("page"))
    entries = [wording.entry(event=event, reader=request.user) for event in page.object_list]
    return render(request, "account/access_log.html", {"page": page, "entries": entries, "at_line": at_line(request)})


def _way_on(request: HttpRequest) -> str:
    then = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(then, {request.get_host()}, require_https=request.is_secure())
    return then if safe else ""


def _not_vouched(request: HttpRequest, reason: str) -> HttpResponse:
    """One page for every refusal: what was wrong is for the log, which names nobody."""
    logger.warning("staff sign-in by OpenID refused: %s", reason)
    return render(request, "account/not_vouched.html", status=403)
