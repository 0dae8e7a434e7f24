"""Show a line's choices, each with its progress and the forms that make new ones; and the lines a person may know of.

Of another adult's line the list says one sentence.
"""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import accounts.queries
from accounts.domain import sessions
from accounts.models import Line
from accounts.policies import delegations
from accounts.policies.permissions import Action
from accounts.queries import PersonsLine
from accounts.views.access import (
    SubscriberRequest,
    allowing_required,
    at_line,
    line_required,
    seeing_required,
    subscriber_required,
    turn_to_line,
)
from accounts.views.looks import record_view
from consent.actions import choices as choices_actions
from consent.actions import signals
from consent.actions.choices import NotAllowable, NotPermitted, PauseOver, RecordedChoice, UnknownRef
from consent.actions.signals import NoOpenSignal, override_signal
from consent.domain import notices
from consent.domain.notices import list_covered_uses, list_ended_uses
from consent.forms import AllowForm, PauseForm, StopForm
from consent.labels import approval_refused_in_words, reason_in_words
from consent.models import Choice, PrivacySignal
from consent.queries import choices as choices_queries
from consent.queries.choice_words import ChoiceState
from consent.queries.choices import (
    NEVER_AGREED,
    ChoiceRow,
    changed_at,
    choice_of,
    choices_page,
    is_outlasted,
    notice_of,
    signal_of,
    stops_by_signal,
)
from consent.queries.current_consent import sharing, use_of
from consent.queries.current_consent_uses import Use
from consent.queries.progress import Progress, progress_of
from consent.queries.receipts import evidence_of

CHANNEL = "web"


@require_safe
@never_cache
@seeing_required
def choices(request: SubscriberRequest) -> HttpResponse:
    """Every choice made on the line, the newest first."""
    line = request.line
    page = choices_page(line_id=line.line.pk, before=request.GET.get("before", ""))
    shown = {"line": line, "at_line": at_line(request), "page": page, "first": "before" not in request.GET}
    return render(request, "choices/list.html", shown)


@require_safe
@never_cache
@seeing_required
def choice(request: SubscriberRequest, choice_id: uuid.UUID) -> HttpResponse:
    """One choice: what is done, how far each partner has come, and what it ended that may be allowed again."""
    shown = shown_choice(request, choice_id)
    if request.line.may_allow and not shown["state"].over and not shown["state"].stopped:
        shown["ended_uses"] = list_ended_uses(choice=shown["choice"], standing=shown["sharing"])
    return render(request, "choices/choice.html", shown)


@require_safe
@never_cache
@seeing_required
def show_dispute(request: SubscriberRequest, choice_id: uuid.UUID) -> HttpResponse:
    """The case that "I never agreed" opened: who was asked for proof, by when, and what came."""
    now = timezone.now()
    found, line = get_own_choice(request, choice_id)
    if not found.disputed:
        raise Http404
    evidence = evidence_of(line_id=found.line_id, choice_id=found.id, at=now)
    shown = {
        "line": line,
        "at_line": at_line(request),
        "choice": found,
        "evidence": evidence,
        "withdrawn": found.withdrawn_at,
        "changed": changed_at(choice=found),
        "may_withdraw": not found.withdrawn_at and found.actor == _actor(request) and line.may(Action.READ_CASES),
    }
    return render(request, "choices/disputed.html", shown)


@require_safe
@never_cache
@seeing_required
def progress(request: SubscriberRequest, choice_id: uuid.UUID) -> HttpResponse:
    """The part of the page that changes, for the script that asks again."""
    shown = shown_choice(request, choice_id)
    if request.GET.get("seen") == shown["mark"]:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)  # what nothing changed keeps its focus, and says nothing
    return render(request, "choices/_progress.html", shown | _count_progress(shown["partners"]))


@require_POST
@subscriber_required
def stop(request: SubscriberRequest) -> HttpResponseBase:
    """Say no from now on: one step, to one company or, from the page that lists them, to several."""
    if "several" in request.POST:
        return _stop_several(request)
    form = StopForm(request.POST)
    if not form.is_valid():
        raise Http404
    return _stop(request, form, reason="")


@require_safe
@never_cache
@seeing_required
def choose_several(request: SubscriberRequest) -> HttpResponse:
    """The companies that can get the location now, each to be ticked; one button stops them all."""
    line = request.line
    if not line.may_stop:
        raise Http404
    shown = {"line": line, "at_line": at_line(request), "sharing": sharing(line=line.line, at=timezone.now())}
    return render(request, "choices/several.html", shown)


@require_POST
@line_required(Action.DISPUTE)
def dispute(request: SubscriberRequest) -> HttpResponseBase:
    """Say "I never agreed": a stop that opens a case with our privacy office."""
    form = StopForm(request.POST)
    if not form.is_valid():
        raise Http404
    return _stop(request, form, reason=NEVER_AGREED)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@line_required(Action.PAUSE)
def pause(request: SubscriberRequest) -> HttpResponseBase:
    """Say no until a day. Asked for without the form, or with a mistake in it, the form is shown."""
    now = timezone.now()
    line = request.line
    initial = {"scope": request.GET.get("scope", "all"), "ref": request.GET.get("ref", "")}
    form = PauseForm(request.POST or None, zone=line.zone, at=now, initial=initial)
    if form.is_valid():
        said = {name: form.cleaned_data[name] for name in ("scope", "ref", "until")}
        try:
            return _redirect_after_choice(
                request, choices_actions.pause(line_id=line.line.pk, channel=CHANNEL, **_by(request), **said)
            )
        except (UnknownRef, NotPermitted) as error:
            raise Http404 from error
        except PauseOver:
            form.add_error("day", _("Choose today or a later day."))
    shown = {"line": line, "at_line": at_line(request), "form": form}
    return render(request, "choices/pause.html", shown | _describe_pause(line.line, form, now))


def _describe_pause(line: Line, form: PauseForm, at: datetime) -> dict[str, object]:
    scope = str(form["scope"].value()), str(form["ref"].value())
    about = choices_queries.describe_scope(scope=scope[0], ref=scope[1])
    if about is None:
        raise Http404
    covered = [one for one in list_covered_uses(standing=sharing(line=line, at=at), scope=scope) if one.allowed]
    return {
        "about": about,
        "lifelines": sorted({use.provider_name for use in covered if use.lifeline}),
        "may_be_noticed": any(use.family_tracking for use in covered),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@line_required(Action.SIGNAL)
def signal(request: SubscriberRequest) -> HttpResponseBase:
    """What the browser's privacy signal did. Sent the answer "keep", a yes of the person's own counts against it."""
    line = request.line
    if request.POST.get("answer") == PrivacySignal.Answer.KEEP:
        try:
            override_signal(line_id=line.line.pk, actor=_actor(request), person=request.user)
        except NoOpenSignal as error:
            raise Http404 from error
        return redirect(f"{reverse('choice-signal')}{at_line(request)}")
    found = signal_of(line_id=line.line.pk)
    shown = {
        "line": line,
        "signal": found,
        "open": found is not None and found.open,
        "sharing": sharing(line=line.line, at=timezone.now()),
        "stops": stops_by_signal(line_id=line.line.pk),
    }
    return render(request, "choices/signal.html", shown)


@require_POST
@subscriber_required
def follow_signal(request: SubscriberRequest) -> HttpResponseBase:
    """The other answer: the signal counts. A stop of everything, in one step as any stop."""
    try:
        made = signals.follow_signal(line_id=request.line.line.pk, channel=CHANNEL, **_by(request))
    except NotPermitted as error:
        raise Http404 from error
    return _redirect_after_choice(request, made, everything=True)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowing_required
def allow(request: SubscriberRequest) -> HttpResponseBase:
    """The second of two steps: read what is allowed, and confirm it."""
    now = timezone.now()
    initial = {name: request.GET.get(name, "") for name in ("campaign", "of", "days", "day")}
    form = AllowForm(request.POST or None, zone=request.line.zone, at=now, initial=initial)
    wanted = request.POST.get("campaign") or request.GET.get("campaign", "")
    use = use_of(line=request.line.line, campaign=wanted, at=now)
    if use is None:
        raise Http404
    notice, changed = notices.build_approval_notice(campaign=wanted), False
    if form.is_valid():
        try:
            return _allow(request, form, notice.read_as(form.cleaned_data["notice"]))
        except notices.NoticeChanged:
            notice, changed = notices.build_approval_notice(campaign=wanted), True
    shown = {"line": request.line, "use": use, "form": form, "notice": notice, "changed": changed}
    shown |= {"at_line": at_line(request), "reason": reason_in_words(use.reason)}
    return render(request, "choices/allow.html", shown)


def _stop(request: SubscriberRequest, form: StopForm, *, reason: str) -> HttpResponseBase:
    said = {name: form.cleaned_data[name] for name in ("scope", "ref")}
    notice = notices.build_stop_notice()
    # A stop is taken whatever was read before it; it is only written down what was.
    read = notice if form.cleaned_data["notice"] == notice.digest else None
    try:
        made = choices_actions.stop(
            line_id=request.line.line.pk, channel=CHANNEL, reason=reason, notice=read, **_by(request), **said
        )
    except (UnknownRef, NotPermitted) as error:
        raise Http404 from error
    return _redirect_after_choice(request, made, everything=said["scope"] == Choice.Scope.ALL)


def _stop_several(request: SubscriberRequest) -> HttpResponseBase:
    """Whoever ticked nothing is asked again. One company is a stop as any other; several stand in the list."""
    forms = [StopForm({"scope": Choice.Scope.PARTY, "ref": uri}) for uri in dict.fromkeys(request.POST.getlist("ref"))]
    if not forms:
        messages.error(request, _("Nothing was stopped. Choose at least one company."))
        return redirect(f"{reverse('choice-stop-several')}{at_line(request)}")
    if not all(form.is_valid() for form in forms):
        raise Http404
    parties = [form.cleaned_data["ref"] for form in forms]
    try:
        made = choices_actions.stop_each(line_id=request.line.line.pk, parties=parties, channel=CHANNEL, **_by(request))
    except (UnknownRef, NotPermitted) as error:
        raise Http404 from error
    return _redirect_after_choice(request, made[0]) if len(made) == 1 else _redirect_after_several(request, len(made))


def _redirect_after_several(request: SubscriberRequest, count: int) -> HttpResponseBase:
    done = ngettext(
        "Done. %(n)s company is blocked from now on.", "Done. %(n)s companies are blocked from now on.", count
    )
    messages.success(request, done % {"n": count})
    return redirect(f"{reverse('choices')}{at_line(request)}" if request.line.may_see else "lines")


def _redirect_after_choice(
    request: SubscriberRequest, made: RecordedChoice, *, everything: bool = False
) -> HttpResponseBase:
    """On to the choice's page. Whoever may not see it yet is told here what was done."""
    if request.held_until or not request.line.may_see or sessions.next_proof(request, user=request.user):
        every_company = _("Done. Every company is blocked from now on.")
        messages.success(request, every_company if everything else _("Done. It is blocked from now on."))
    if not request.line.may_see:
        return redirect("lines")
    return redirect("choice", choice_id=made.choice_id)


def _allow(request: SubscriberRequest, form: AllowForm, notice: notices.DisplayedNotice) -> HttpResponseBase:
    campaign = form.cleaned_data["campaign"]
    try:
        made = choices_actions.allow(
            line_id=request.line.line.pk,
            campaign=campaign,
            until=form.until(at=timezone.now()),
            actor=_actor(request),
            channel=CHANNEL,
            notice=notice,
            person=request.user,
        )
    except NotAllowable as error:
        messages.error(request, approval_refused_in_words(error.reason))
        return redirect("home")
    if of := form.cleaned_data["of"]:
        messages.success(request, _("Allowed. The list below links to its receipt."))
    return redirect("choice", choice_id=of or made.choice_id)


def _actor(request: SubscriberRequest) -> str:
    return f"{'delegate' if request.line.is_delegated else 'subscriber'}:{request.user.pk}"


def _by(request: SubscriberRequest) -> dict[str, Any]:
    """Who says no; `person` where it is on a line that isn't their own, which may be kept from them by then."""
    return {"actor": _actor(request), "person": None if request.line.is_own else request.user}


def get_own_choice(request: SubscriberRequest, choice_id: uuid.UUID) -> tuple[ChoiceRow, PersonsLine]:
    """The choice of this id and its line, if it is one of this person's; else 404."""
    lines = {line.line.pk: line for line in request.known if line.may(request.action)}
    found = choice_of(line_ids=lines.keys(), choice_id=choice_id)
    if found is None:
        raise Http404
    # Whatever line the address named: the page, and the ways on from it, are about the choice's own.
    turn_to_line(request, lines[found.line_id])
    return found, request.line


def shown_choice(request: SubscriberRequest, choice_id: uuid.UUID) -> dict[str, Any]:
    """What the pages about one choice show of it."""
    now = timezone.now()
    found, line = get_own_choice(request, choice_id)
    standing = sharing(line=line.line, at=now)
    changed = changed_at(choice=found)
    since = found.in_force_since
    if found.kind in {Choice.Kind.STOP, Choice.Kind.REFUSE} and not changed:
        since = standing.get_denial_start(scope=found.scope, ref=found.ref, made_at=since)
    partners = progress_of(told=found.orders, asks=found.asks, since=found.in_force_since, at=now)
    undone = found.kind == "allow" and not _counts(found, standing.uses.get(found.ref))
    return {
        "line": line,
        "at_line": at_line(request),
        "choice": found,
        "notice": notice_of(digest=found.notice),
        "partners": partners,
        "sharing": standing,
        "state": ChoiceState(
            choice=found,
            since=since,
            changed=changed,
            undone=undone,
            over=found.over(at=now),
            told=bool(partners),
            stopped=is_outlasted(choice=found),
            may_allow=line.may_allow,
        ),
        "withdrawn": found.withdrawn_at,
        "again": standing.allowed_by_name(since=found.made_at),
        "open": any(one.open for one in partners if not (one.is_replaced and undone)),
        "mark": hashlib.sha256(repr(partners).encode()).hexdigest()[:16],
        "at": now,
    }


def _count_progress(partners: Sequence[Progress]) -> dict[str, Any]:
    """How many partners are how far, for whoever hears the page."""
    to_sign = [one for one in partners if one.shown.owes]
    return {
        "is_update": True,
        "received_count": sum(one.is_received for one in partners),
        "to_sign_count": len(to_sign),
        "signed_count": sum(one.shown.state == "completed" for one in to_sign),
    }


def _counts(choice: ChoiceRow, use: Use | None) -> bool:
    """Whether a yes is one of those for which the gate says yes now."""
    return use is not None and use.allowed and any(one.choice_id == str(choice.id) and one.counts for one in use.proofs)


def _is_read_here(line: PersonsLine, at: datetime) -> bool:
    reads = line.may(Action.SEE) and not line.is_delegated
    return reads and delegations.get_history_hold_end(line=line.line, at=at) is None


@require_safe
@line_required(Action.KNOW)
def lines(request: SubscriberRequest) -> HttpResponse:
    """Every line, the person's own first. Of another adult's nothing is read that could make two pages differ.

    Where a line stands that is looked after is on its own pages, where its person's log says that somebody looked.
    """
    now = timezone.now()
    rows = [(line, sharing(line=line.line, at=now) if _is_read_here(line, now) else None) for line in request.known]
    for line, is_shown in rows:
        if is_shown:
            record_view(request, line=line)
    asked = accounts.queries.list_delegation_requests(line=request.known[0], at=now)
    return render(request, "account/lines.html", {"rows": rows, "asked": asked})
