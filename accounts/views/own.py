"""A person's own pages: settings, and who looked."""

from django.conf import settings as django_settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions, queries, sessions, wording
from accounts.access import (
    PersonRequest,
    SubscriberRequest,
    at_line,
    line_required,
    person_required,
)
from accounts.forms import EndForm, LanguageForm
from accounts.permissions import Action
from audit.queries import events_of_line

PAGE = 50


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
    waiting = queries.new_password_of(user=request.user, at=timezone.now())
    return render(request, "account/settings.html", {"form": form, "waiting": waiting})


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def sign_ins(request: PersonRequest) -> HttpResponse:
    """Where somebody is signed in; one other is ended, or all of them. Whoever has the phone may, held or not."""
    form = EndForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        kept, only = request.session.session_key or "", form.cleaned_data["session"]
        ended = actions.end_sign_ins(user=request.user, kept=kept, only=only, at=timezone.now())
        if ended:
            messages.success(request, _("Signed out there."))
        return redirect("usersessions_list")
    shown = sessions.open_sign_ins(request, user=request.user)
    return render(request, "usersessions/usersession_list.html", {"sessions": shown, "session_count": len(shown)})


@require_safe
@line_required(Action.SEE_LOG)
def access_log(request: SubscriberRequest) -> HttpResponse:
    """Who looked at this line or acted on it, staff included, newest first."""
    # What was asked in confidence is for whoever may ask it, and for no holder of a child's line.
    events = events_of_line(line_id=request.line.line.pk, confidential=request.line.may(Action.SEPARATE))
    page = Paginator(events, PAGE).get_page(request.GET.get("page"))
    entries = [wording.entry(event=event, reader=request.user) for event in page.object_list]
    return render(request, "account/access_log.html", {"page": page, "entries": entries, "at_line": at_line(request)})
