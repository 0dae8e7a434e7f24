"""Acts as pages: a form with its reason, one verb, and back; what an officer typed is never lost."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypedDict

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect

from accounts.actions.line_separation import NotOpen
from accounts.policies.permissions import actor_of
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest
from audit.queries import database_clock
from console.queries.proposals import OpenProposal
from console.queries.set_up import SetUp
from console.views.site import show
from disclosures.actions import NothingHidden
from partners.policies.lifecycle import NotNow
from partners.policies.loosening import BadProposal
from support.forms.acting import ActForm, LookForm
from support.policies import lifecycle as cases

# What an officer is told who proposed something.
PROPOSED = "Proposed. It takes effect when another officer agrees, within 7 days."
CHANGED = "Someone changed this after you opened the page, so we saved nothing. Open it again to see it as it is now."
REFUSED = (NotOpen, NotNow, cases.NotNow, StaffOnly, BadProposal, NoReason, NothingHidden)


class ActPreview(Protocol):
    """What is shown before an act is done: by which template, and what stands for having seen this very thing."""

    @property
    def template(self) -> str: ...
    @property
    def seal(self) -> Sequence[object]: ...


def _preview_nothing(_: ActForm) -> ActPreview | None:
    return None


class By(TypedDict):
    """Why, by whom and when: what every action of staff is told besides what it is about."""

    reason: str
    actor: str
    at: datetime


def build_arguments(form: ActForm, by: By) -> dict[str, Any]:
    """Return all that the form asks for, and by whom and when: for an action whose keywords are the form's fields."""
    return {**form.cleaned_data, **by}


@dataclass(frozen=True)
class Act[F: ActForm]:
    """One act: its words, its form, its verb, and where it leads.

    `verb` gets the valid form, and why, by whom and when; `back` is an address, or made of the verb's result, and
    so is `done`, what the officer is told then. `changed`: whether the result says that anything was done.
    `cancel`: where to go without doing it, if that is another address. `shows`: what the form would do, where an
    officer has to see that first: keys in the place of others, campaigns and people that a rule concerns. It is shown,
    and done once the officer says yes to what was shown. `asked`: what is proposed about the same thing already.
    `facts`: what it does, one by one. `set_up`: checks that were made for this page. `about`: the rows that the officer
    reads here or has read before; a form that lay open while they changed does nothing.
    """

    title: str
    form: F
    verb: Callable[[F, By], object]
    back: str | Callable[[object], str]
    done: str | Callable[[object], str]
    changed: Callable[[object], bool] = lambda _: True
    lead: str = ""
    facts: Sequence[str] = ()
    button: str = ""
    warns: bool = False
    cancel: str = ""
    shows: Callable[[F], ActPreview | None] = _preview_nothing
    asked: Sequence[OpenProposal] = ()
    set_up: SetUp | None = None
    about: QuerySet[Any] | None = None


def answer[F: ActForm](request: PersonRequest, act: Act[F]) -> HttpResponse:
    """Show the form, or do the act and go back. A refusal is said in the form, with all that was typed in it."""
    cancel = act.back if isinstance(act.back, str) else act.cancel
    button, was = act.button or act.title, _refuse_outdated(request, act)
    if request.method == "POST" and act.form.is_valid():
        first = act.shows(act.form)
        if first is not None and request.POST.get("seen") != (seen := _seal(first)):
            words = {"shown": first, "seen": seen, "cancel": cancel, "button": button}
            return show(request, first.template, title=act.title, form=act.form, **words)
        done, result = _perform_act(act, actor_of(request.user))
        if done:
            return _go_back(request, act, result)
    words = {
        "lead": act.lead,
        "facts": act.facts,
        "button": button,
        "warns": act.warns,
        "cancel": cancel,
        "asked": act.asked,
        "set_up": act.set_up,
        "was": was,
    }
    return show(request, "act.html", title=act.title, form=act.form, **words)


def look[Found](request: PersonRequest, form: LookForm, verb: Callable[..., Found]) -> tuple[Found] | None:
    """Look at what is one person's, and return what there was; None until a reason that can be kept is given."""
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        return (verb(actor=actor_of(request.user), at=database_clock(), **form.build_arguments()),)
    except (StaffOnly, NoReason) as error:
        form.add_error(None, str(error))
        return None


def _refuse_outdated[F: ActForm](request: PersonRequest, act: Act[F]) -> str:
    """Return what stands for the rows as this page showed them, and note in the form that they have changed since."""
    now = "" if act.about is None else hashlib.sha256(repr(list(act.about.values())).encode()).hexdigest()
    was = request.POST.get("was", now)
    if was != now:
        act.form.add_error(None, CHANGED)
    return was


def _go_back[F: ActForm](request: PersonRequest, act: Act[F], result: object) -> HttpResponse:
    told = act.done if isinstance(act.done, str) else act.done(result)
    messages.add_message(request, messages.SUCCESS if act.changed(result) else messages.INFO, told)
    return redirect(act.back if isinstance(act.back, str) else act.back(result))


def _seal(shown: ActPreview) -> str:
    """What stands for what was shown: if that is another by now, it is shown again."""
    return hashlib.sha256(json.dumps(list(shown.seal)).encode()).hexdigest()


def _perform_act[F: ActForm](act: Act[F], actor: str) -> tuple[bool, object]:
    try:
        return True, act.verb(
            act.form, {"reason": act.form.cleaned_data["reason"], "actor": actor, "at": database_clock()}
        )
    except ValidationError as error:
        act.form.refuse(error)
    except REFUSED as error:
        act.form.add_error(None, str(error) or "You don't have permission to do this.")
    return False, None
