"""One case: its thread, what is on record beside it, and what can be done from there."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.domain.view_as import get_shown_role
from accounts.policies.permissions import StaffAction, actor_of, staff_may
from accounts.primitives.reasons import NoReason
from accounts.views.access import PersonRequest
from audit.queries import database_clock
from support.actions.cases import escalate, export_case, move_case, see_case, set_priority
from support.actions.escalation import ask_for_evidence, request_suspension, resend_orders
from support.actions.protected_lines import agree_to_reveal, propose_end_of_protection, protect, reveal
from support.actions.stop_for import stop_for_person, text_code_for_stop
from support.forms.acting import Act, CompanyForm, MoveForm, PriorityForm, RevealForm, StopForForm, WhyForm
from support.models import Reveal, Ticket
from support.policies.lifecycle import NEXT, UNDER_WAY, NotNow, is_late
from support.queries.case import find_reveal_to_agree, list_orders_about, list_suspendable
from support.queries.names import find_officer_mark, takes_two
from support.queries.queue import is_free
from support.queries.subjects import list_documents_about, stoppable
from support.views.access import answer, at_the_desk
from support.views.writing import composing

FORM = ("GET", "HEAD", "POST")
EXPORTED = "desk/print.html"


@require_safe
@at_the_desk(StaffAction.SEE_TICKETS)
def case(request: PersonRequest, code: str) -> HttpResponse:
    """The case. The look is in its person's own log."""
    found = see_case(code=code, actor=actor_of(request.user), at=database_clock())
    if found is None:
        raise Http404
    role = get_shown_role(request)
    shown: dict[str, object] = {
        "case": found,
        "ticket": found.ticket,
        "may_work": staff_may(role, StaffAction.WORK_TICKETS) and found.ticket.state != Ticket.State.MERGED,
        "may_reveal": staff_may(role, StaffAction.REVEAL_PERSON),
        "may_document": staff_may(role, StaffAction.MAKE_DOCUMENTS),
        "may_protect": staff_may(role, StaffAction.PROTECT_LINES),
        "sees_terms": staff_may(role, StaffAction.SEE_TERMS),
        "late": is_late(ticket=found.ticket, at=timezone.now()),
        "takes": _takes(found.ticket, role),
    }
    if staff_may(role, StaffAction.READ_DOCUMENTS):
        shown["documents"] = list_documents_about(f"ticket:{found.ticket.code}", at=timezone.now())
    if shown["may_work"]:
        shown |= composing(ticket=found.ticket, user=request.user, at=timezone.now())
    return render(request, "desk/case.html", shown)


@require_http_methods(FORM)
@at_the_desk(StaffAction.REVEAL_PERSON)
def reveal_person(request: PersonRequest, code: str) -> HttpResponse:
    """See whose case it is, for 15 minutes."""

    pressed = database_clock()

    def say(made: object) -> str:
        if isinstance(made, Reveal) and made.asked_at < pressed:
            return _("Asked for already. Nothing was changed, and your reason wasn't kept.")
        waits = isinstance(made, Reveal) and made.until is None
        return _("A colleague must agree now, on this case's page.") if waits else _("Shown for 15 minutes.")

    def act(ticket: Ticket) -> Act:
        two = ticket.line_id is not None and takes_two(line_id=ticket.line_id, at=pressed)
        return Act(
            title=_("See whose case this is"),
            lead=_("You see the number and the account holder's name for 15 minutes. The person's log shows right away "
                   "that you saw them, and why.")
            + (" " + _("This line is protected. A colleague must agree first.") if two else ""),
            button=_("Ask a second person") if two else _("Show them"),
            done=say,
            form=RevealForm(request.POST or None),
            verb=reveal,
        )  # fmt: skip

    return answer(request, code, act)


@require_http_methods(FORM)
@at_the_desk(StaffAction.WORK_TICKETS)
def agree(request: PersonRequest, code: str, reveal_id: int) -> HttpResponse:
    """Say yes to what somebody else asked to see."""

    def act(ticket: Ticket) -> Act:
        asked = find_reveal_to_agree(ticket=ticket, reveal_id=reveal_id, user_id=request.user.pk, at=database_clock())
        return Act(
            title=_("Agree that a colleague sees whose case this is"),
            lead=_("%(who)s asks, because: %(why)s") % {"who": asked.user.email, "why": asked.reason}
            if asked
            else _("This request is no longer open."),
            button=_("Agree"),
            done=_("Agreed. They see it for 15 minutes."),
            form=WhyForm(request.POST or None),
            verb=partial(agree_to_reveal, reveal_id=reveal_id),
        )

    return answer(request, code, act)


@require_http_methods(FORM)
@at_the_desk(StaffAction.WORK_TICKETS)
def stop_for(request: PersonRequest, code: str) -> HttpResponse:
    """Stop or pause for the person, on their proved word."""

    def act(ticket: Ticket) -> Act:
        return Act(
            title=_("Stop for the person"),
            lead=_("Do this only if the person asks you to, now. It takes effect right away, and we text their phone "
                   "how to undo it. No staff member can turn sharing on."),
            button=_("Stop for them"),
            done=_("Done. It is in effect, and we texted their phone."),
            form=StopForForm(request.POST or None, what=stoppable(ticket=ticket, at=timezone.now())),
            verb=stop_for_person,
            extra="desk/_code.html",
        )  # fmt: skip

    return answer(request, code, act)


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def stop_code(request: PersonRequest, code: str) -> HttpResponse:
    """Have the code texted that the person reads out."""
    try:
        text_code_for_stop(code=code, actor=actor_of(request.user), at=database_clock())
    except NotNow as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Texted to the phone of this line. Ask the person to read the code to you."))
    return redirect(reverse("desk-stop", args=[code]))


@require_http_methods(FORM)
@at_the_desk(StaffAction.WORK_TICKETS)
def evidence(request: PersonRequest, code: str) -> HttpResponse:
    """Ask the partners concerned for their proof."""
    return answer(request, code, lambda _ticket: Act(
        title=_("Ask for proof that the person agreed"),
        lead=_("We ask each partner involved over its stream. It has 7 days, and its signed answer appears in this "
               "case."),
        button=_("Ask them"),
        done=_("Request sent. The case is waiting for the partner."),
        form=WhyForm(request.POST or None),
        verb=ask_for_evidence,
    ))  # fmt: skip


@require_http_methods(FORM)
@at_the_desk(StaffAction.WORK_TICKETS)
def resend(request: PersonRequest, code: str) -> HttpResponse:
    """Send a partner its orders about this person again."""

    def act(ticket: Ticket) -> Act:
        partners = {str(one.party.pk): one.party.name for one in list_orders_about(ticket=ticket, at=timezone.now())}
        return Act(
            title=_("Send the order again"),
            lead=_("We send the partner everything it has not signed yet, in its newest state, without waiting for the "
                   "next try. Sending it twice does no harm."),
            button=_("Resend"),
            done=_("On its way."),
            form=CompanyForm(
                request.POST or None, companies=list(partners.items()), initial=request.GET.get("company", "")
            ),
            verb=resend_orders,
        )  # fmt: skip

    return answer(request, code, act)


@require_http_methods(FORM)
@at_the_desk(StaffAction.WORK_TICKETS)
def ask_suspension(request: PersonRequest, code: str) -> HttpResponse:
    """Ask the privacy office to suspend a company."""
    return answer(request, code, lambda ticket: Act(
        title=_("Ask for a company to be suspended"),
        lead=_("An officer decides. Once a company is suspended, we refuse all its requests, for everyone, from that "
               "moment. You'll see the decision in this case."),
        button=_("Ask the privacy office"),
        done=_("Asked. The privacy office decides."),
        form=CompanyForm(
            request.POST or None,
            companies=[(str(pk), name) for pk, name in list_suspendable(ticket=ticket, at=timezone.now()).items()],
            initial=request.GET.get("company", "")
        ),
        verb=request_suspension,
    ))  # fmt: skip


@require_http_methods(FORM)
@at_the_desk(StaffAction.WORK_TICKETS)
def move(request: PersonRequest, code: str) -> HttpResponse:
    """Move the case on."""

    def act(ticket: Ticket) -> Act:
        allowed = NEXT[Ticket.State(ticket.state)] & {*UNDER_WAY, Ticket.State.SOLVED}
        states = [(state.value, str(state.label)) for state in Ticket.State if state in allowed]
        return Act(
            title=_("Change the case's status"),
            lead=_("A case is solved by an answer that the person can read. A case that is done can be opened again."),
            button=_("Change status"),
            done=_("Moved."),
            form=MoveForm(request.POST or None, states=states, initial=request.GET.get("to", "")),
            verb=move_case,
        )  # fmt: skip

    return answer(request, code, act)


@require_http_methods(FORM)
@at_the_desk(StaffAction.WORK_TICKETS)
def priority(request: PersonRequest, code: str) -> HttpResponse:
    """Say how urgent it is."""
    return answer(request, code, lambda ticket: Act(
        title=_("Change the priority"),
        lead=_("Urgent cases are due within 1 business day, high-priority ones within 3, if that is sooner. A date "
               "that the person was told never moves back."),
        button=_("Change it"),
        done=_("Changed."),
        form=PriorityForm(request.POST or None, initial={"priority": ticket.priority}),
        verb=set_priority,
    ))  # fmt: skip


@require_http_methods(FORM)
@at_the_desk(StaffAction.WORK_TICKETS)
def hand_up(request: PersonRequest, code: str) -> HttpResponse:
    """Hand the case to the privacy office."""
    return answer(request, code, lambda _ticket: Act(
        title=_("Escalate this case to the privacy office"),
        lead=_("The case has no owner until an officer takes it. Its priority is now high."),
        button=_("Escalate"),
        done=_("The privacy office has it."),
        form=WhyForm(request.POST or None),
        verb=escalate,
    ))  # fmt: skip


@require_http_methods(FORM)
@at_the_desk(StaffAction.PROTECT_LINES)
def protection(request: PersonRequest, code: str) -> HttpResponse:
    """Have two of staff agree before one sees whose line it is, or end that."""

    def act(ticket: Ticket) -> Act:
        ends = ticket.line_id is not None and find_officer_mark(line_id=ticket.line_id) is not None
        return Act(
            title=_("Propose to end the protection of this line") if ends else _("Protect this line"),
            lead=_("A day after another officer agrees, one of us alone may see whose line it is, unless something "
                   "else protects it.")
            if ends
            else _("From now on, two of our staff must agree before anyone sees whose line this is. No account "
                   "holder is told."),
            button=_("Propose it") if ends else _("Protect it"),
            done=_("Proposed. Another officer must agree within 7 days.") if ends else _("Protected."),
            form=WhyForm(request.POST or None),
            verb=propose_end_of_protection if ends else protect,
        )  # fmt: skip

    return answer(request, code, act)


@require_http_methods(FORM)
@at_the_desk(StaffAction.SEE_TICKETS)
def export(request: PersonRequest, code: str) -> HttpResponse:
    """The case on paper, marked with who took it and when. Asks why first."""
    form, now = WhyForm(request.POST or None), timezone.now()
    if request.method == "POST" and form.is_valid():
        try:
            found = export_case(code=code, reason=form.cleaned_data["reason"], actor=actor_of(request.user), at=now)
        except NoReason as error:
            form.add_error(None, str(error))
        else:
            if found is None:
                raise Http404
            return render(request, EXPORTED, {"case": found, "ticket": found.ticket, "by": request.user, "at": now})
    return answer(request, code, lambda ticket: Act(
        title=_("Take a copy of the case"),
        lead=(
            _("A page to print. Each sheet names who made it and when, and so does the audit log.")
            if ticket.line_id is None
            else _("A page to print, with the person masked. Each sheet names who made it and when, and so does the "
                   "person's log.")
        ),
        button=_("Create the copy"),
        done="",
        form=form,
        verb=export_case,
    ))  # fmt: skip


def _takes(ticket: Ticket, role: str) -> bool:
    """Whether somebody of this role may take it now."""
    action = StaffAction.WORK_TICKETS if ticket.escalated_at is None else StaffAction.LEAD_DESK
    return is_free(ticket=ticket) and staff_may(role, action)
