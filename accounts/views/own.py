"""A person's own pages: settings, and where they are signed in."""

from datetime import UTC, datetime

from django.conf import settings as django_settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import queries
from accounts.actions.incoming_texts import choose_texts
from accounts.actions.people import choose_language
from accounts.actions.sign_ins import end_sign_ins
from accounts.domain import auth_factors, sessions
from accounts.forms import EndForm, LanguageForm, TextsForm
from accounts.models import LineReminder, User
from accounts.policies import alerts, delegations
from accounts.policies.permissions import Relation
from accounts.queries import PersonsLine
from accounts.views.access import PersonRequest, SubscriberRequest, person_required, seeing_required


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def settings(request: PersonRequest) -> HttpResponse:
    """Language, and the ways to what else can be set."""
    form = LanguageForm(request.POST or None, initial={"language": translation.get_language()})
    if form.is_valid():
        language = form.cleaned_data["language"]
        choose_language(user=request.user, language=language)
        translation.activate(language)
        messages.success(request, _("Saved."))
        response = redirect("settings")
        secure = django_settings.LANGUAGE_COOKIE_SECURE
        response.set_cookie(
            django_settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax", httponly=True, secure=secure
        )
        return response
    waiting = auth_factors.get_pending_password(user=request.user, at=timezone.now())
    shown = {"form": form, "waiting": waiting, "texts": _texts(request.user)}
    return render(request, "account/settings.html", shown)


@require_POST
@seeing_required
def texts(request: SubscriberRequest) -> HttpResponse:
    """Which texts this person's own line gets."""
    form = TextsForm(request.POST)
    if form.is_valid():
        own = request.known[0].line.pk
        choose_texts(line_id=own, wanted=form.cleaned_data, actor=f"subscriber:{request.user.pk}", at=timezone.now())
        messages.success(request, _("Saved."))
    return redirect("settings")


def _texts(user: User) -> TextsForm | None:
    """The switches as they stand for the person's own line; None for staff, and where no text can come."""
    line = _own_line(user)
    if line is None:
        return None
    own = line.line.pk
    # No text reaches the phone of a line that ended; what it is told goes to its safe contact, if it has one.
    if line.relation == Relation.EX_USER and delegations.contact_of(line_id=own) is None:
        return None
    now = {
        "news": not alerts.has_alerts_off(line_id=own),
        "reminders": not LineReminder.objects.filter(pk=own, off_since__isnull=False).exists(),
        **alerts.find_alert_choices(line_id=own),
    }
    return TextsForm(initial=now)


def _own_line(user: User) -> PersonsLine | None:
    lines = queries.list_lines_of_person(user=user, at=timezone.now()) if user.is_subscriber else []
    return lines[0] if lines else None


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def sign_ins(request: PersonRequest) -> HttpResponse:
    """List where somebody is signed in; one other is ended, or all of them. Whoever has the phone may, held or not.

    By which addresses and browsers is for whoever has shown who they are: with a texted code alone, and while the line
    is held, the page has ages only.
    """
    now = timezone.now()
    form = EndForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        kept, only = sessions.key_hash(request), form.cleaned_data["session"]
        ended = end_sign_ins(user=request.user, kept=kept, only=only, at=now)
        if ended:
            messages.success(request, _("That browser is signed out."))
        return redirect("sign-ins")
    shown, line = (
        auth_factors.list_sign_ins(user=request.user, current=sessions.key_hash(request), at=now),
        _own_line(request.user),
    )
    has_places = _may_see_places(request, line, now)
    with timezone.override(line.zone if line else UTC):
        return render(request, "account/sign_ins.html", {"sign_ins": shown, "has_places": has_places, "line": line})


def _may_see_places(request: PersonRequest, line: PersonsLine | None, at: datetime) -> bool:
    """Whether this session has shown more than a texted code, and no hold stands."""
    if not request.user.is_subscriber:
        return not sessions.next_factor(request, user=request.user)
    is_held = line is not None and queries.get_hold_end(line=line.line, at=at) is not None
    return not is_held and not sessions.next_proof(request, user=request.user)
