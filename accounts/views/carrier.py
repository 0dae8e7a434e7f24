"""Subscribers come by the carrier's own sign-in: it names their line."""

import logging

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from accounts.actions.people import sign_in_by_carrier
from accounts.clients import oidc
from accounts.domain import sessions
from accounts.primitives import browsers
from accounts.views.access import get_next_path

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def carrier(request: HttpRequest) -> HttpResponseBase:
    """On to the carrier's own sign-in. Where none is named, this address does not exist."""
    if not oidc.has_provider(oidc.CARRIER):
        raise Http404
    try:
        return redirect(oidc.start_sign_in(kind=oidc.CARRIER, request=request, then=get_next_path(request)))
    except oidc.OidcRefused as error:
        return _render_refusal(request, str(error))


@require_safe
@never_cache
@sensitive_post_parameters()
def carrier_back(request: HttpRequest) -> HttpResponseBase:
    """Back from it. Its word is worth a texted code, or enough to see where it says how strongly it asked."""
    if not oidc.has_provider(oidc.CARRIER):
        raise Http404
    now = timezone.now()
    try:
        word, then = oidc.finish_line_sign_in(request=request, at=now)
    except oidc.OidcRefused as error:
        return _render_refusal(request, str(error))
    user = sign_in_by_carrier(word=word, device=browsers.get_device_label(request), at=now)
    if user is None:
        return _render_refusal(request, "the line named is not active here, or is somebody else's")
    return sessions.sign_in_by_carrier(request, user=user, strong=word.strong, redirect_url=then)


def _render_refusal(request: HttpRequest, reason: str) -> HttpResponse:
    """One page for every refusal: what was wrong is for the log, which names nobody."""
    logger.warning("sign-in by the carrier's OpenID provider refused: %s", reason)
    return render(request, "account/carrier_refused.html", status=403)
