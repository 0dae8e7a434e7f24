"""Staff come in: by invitation, and by the carrier's own provider."""

import logging

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actions.staff import NoInvitation, accept_invitation, sign_in_vouched
from accounts.clients import oidc
from accounts.domain import auth_factors, sessions
from accounts.forms import FirstPasswordForm
from accounts.views.access import get_next_path

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def staff_oidc(request: HttpRequest) -> HttpResponseBase:
    """Staff go to the carrier's own provider. Where none is named, this address does not exist."""
    if not oidc.has_staff_provider():
        raise Http404
    try:
        return redirect(oidc.start_sign_in(kind=oidc.STAFF, request=request, then=get_next_path(request)))
    except oidc.OidcRefused as error:
        return _not_vouched(request, str(error))


@require_safe
@never_cache
@sensitive_post_parameters()
def staff_oidc_back(request: HttpRequest) -> HttpResponseBase:
    """Staff come back from it. Only somebody of staff whom it vouches for is let in, and to the second factor first."""
    if not oidc.has_staff_provider():
        raise Http404
    now = timezone.now()
    try:
        identity, then = oidc.finish_staff_sign_in(request=request, at=now)
    except oidc.OidcRefused as error:
        return _not_vouched(request, str(error))
    user = sign_in_vouched(identity=identity, at=now)
    if user is None:
        return _not_vouched(request, "nobody of staff is who the provider vouches for")
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


def _not_vouched(request: HttpRequest, reason: str) -> HttpResponse:
    """One page for every refusal: what was wrong is for the log, which names nobody."""
    logger.warning("staff sign-in by OpenID refused: %s", reason)
    return render(request, "account/not_vouched.html", status=403)
