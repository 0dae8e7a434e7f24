"""A person's own pages: settings, and who looked."""

from django.conf import settings as django_settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions, wording
from accounts.access import (
    PersonRequest,
    SubscriberRequest,
    at_line,
    person_required,
    seeing_required,
)
from accounts.forms import LanguageForm
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
    return render(request, "account/settings.html", {"form": form})


@require_safe
@seeing_required
def access_log(request: SubscriberRequest) -> HttpResponse:
    """Who looked at this line or acted on it, staff included, newest first."""
    events = events_of_line(line_id=request.line.line.pk)
    page = Paginator(events, PAGE).get_page(request.GET.get("page"))
    entries = [wording.entry(event=event, reader=request.user) for event in page.object_list]
    return render(request, "account/access_log.html", {"page": page, "entries": entries, "at_line": at_line(request)})
