"""Pages of an officer's acts on a party, contract or campaign; termination with its plan before and progress after."""

import uuid
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest
from consent.actions.lines import terminate
from consent.queries import termination
from consent.workers.cohorts import PlanChanged
from console.actions import terms as terms_actions
from console.actions.agreements import add_agreement
from console.actions.notes import add_note
from console.actions.proposals import propose_termination
from console.actions.terms import discard_draft, put_in_force, set_consideration
from console.forms import terms
from console.forms.acts import TerminateForm
from console.forms.agreements import AgreementForm
from console.forms.incidents import TargetNoteForm
from console.queries import pages
from console.queries.proposals import list_open_proposals
from console.queries.set_up import get_set_up
from console.queries.terminations import termination_page
from console.views.acts import PROPOSED, REFUSED, Act, By, answer, build_arguments
from console.views.site import show
from partners.actions import proposals, suspensions
from partners.actions.guards import Of
from partners.actions.terms import shorten_term
from partners.models import Campaign, Contract, Party, Proposal
from partners.policies.lifecycle import NotNow, running
from partners.policies.loosening import PAID
from revocations.models import Cohort
from support.forms.acting import ActForm
from support.queries import names

SUSPENDED = "Suspended. Every request is now denied."
# What a suspension does, by what it is of.
DENIED = {
    "party": "Every request that involves this company is denied immediately, whoever makes it.",
    "contract": "Every request under this contract and its campaigns is denied immediately.",
    "campaign": "Every request for this campaign is denied immediately.",
}
TAKES_TWO = "Lifting the suspension takes two officers."
ALREADY = "It was suspended already. Nothing was changed, and your reason wasn't kept."
ENDED_ALREADY = "It has already ended. Nothing was changed."
# Of an extended term.
ASKED_AGAIN = "A consent given on our pages ends when its page said: those people must be asked again."


def suspend(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Suspend now: one officer, in force at once."""
    one, back = _target(of, target_id)
    at = timezone.now()
    denied = pages.list_campaigns_under(of=of, target_id=target_id, at=at)
    says = pages.describe_suspension_impact(facts=denied, at=at)
    before = set(running(at=at).filter(of=of, target_id=target_id))
    act = Act(
        title=f"Suspend {one.name}",
        lead=DENIED[of],
        facts=[*says, "Stops, orders and receipts continue.", TAKES_TWO],
        form=ActForm(request.POST or None),
        verb=lambda _, by: suspensions.suspend(of=of, target_id=target_id, **by),
        back=back,
        done=lambda made: ALREADY if made in before else SUSPENDED,
        changed=lambda made: made not in before,
        button="Suspend now",
        warns=True,
    )
    return answer(request, act)


def note(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Add a note, say who looks after it, and when to be reminded."""
    one, back = _target(of, target_id)
    act = Act(
        title=f"Add a note on {one.name}",
        lead="Every officer and auditor can read it in the history.",
        form=TargetNoteForm(request.POST or None, of=of),
        verb=lambda form, by: add_note(
            of=of, target_id=target_id, note=by["reason"], owner=form.new_owner, remind_on=form.reminder,
            mentions=form.cleaned_data["mentions"], actor=by["actor"], at=by["at"],
        ),
        back=back,
        done="Note added.",
        button="Add note",
    )  # fmt: skip
    return answer(request, act)


def agreement(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Upload the agreement behind a contract or campaign, as the next version."""
    one, back = _target(terms_of(of), target_id)
    act = Act(
        title=f"Upload the agreement of {one.name}",
        lead="Officers and auditors can download it, with a reason. Earlier versions stay.",
        form=AgreementForm(request.POST or None, request.FILES),
        verb=lambda form, by: add_agreement(
            of=terms_of(of), target_id=target_id, content=form.cleaned_data["file"], **by
        ),
        back=back,
        done="Uploaded. Nothing harmful was found in it.",
        button="Upload",
    )
    return answer(request, act)


def lift(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Propose to lift a suspension: another officer must agree."""
    one, back = _target(of, target_id)
    lead = f"{one.name} stays suspended until another officer agrees."
    form = ActForm(request.POST or None)
    return answer(request, _proposing(Proposal.Act.LIFT_SUSPENSION, of, target_id, form, back, lead))


def shorten(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """An earlier end: one officer."""
    one, back = _target(of, target_id)
    at = timezone.now()
    term = pages.term_of(of=terms_of(of), target_id=target_id, at=at)
    helped = " and ".join(term.lifelines)
    warning = f" This ends a lifeline, which finds people in an emergency: {helped}." if helped else ""
    impact = pages.describe_impact(facts=pages.list_campaigns_under(of=of, target_id=target_id, at=at), at=at)
    act = Act(
        title=f"End {one.name} earlier",
        lead=f"{_ends(term)} One officer can set an earlier end. A later one takes two officers.{warning} {impact}",
        form=terms.EndForm(request.POST or None),
        verb=lambda form, by: shorten_term(of=terms_of(of), target_id=target_id, ends_at=form.moment(), **by),
        back=back,
        done="Saved. The end date was moved.",
        warns=bool(helped),
    )
    return answer(request, act)


def extend(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Propose a later end."""
    _, back = _target(of, target_id)
    at = timezone.now()
    term = pages.term_of(of=terms_of(of), target_id=target_id, at=at)
    impact = pages.describe_impact(facts=pages.list_campaigns_under(of=of, target_id=target_id, at=at), at=at)
    again = "" if impact == pages.NO_ONE_YET else f" {ASKED_AGAIN}"
    lead = f"{_ends(term)} It is extended when another officer agrees. {impact}{again}"
    form = terms.EndForm(request.POST or None)
    return answer(request, _proposing(Proposal.Act.EXTEND_TERM, of, target_id, form, back, lead))


def force(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Put a draft in force."""
    one, back = _target(of, target_id)
    set_up = get_set_up(of=terms_of(of), target_id=target_id, at=timezone.now())
    act = Act(
        title=f"Put {one.name} in force",
        lead="Its wording can't be changed after that. It starts with no consents: no one can be located under it"
        " until they allow it.",
        form=terms.ForceForm(request.POST or None, failing=set_up.failing if set_up else {}),
        verb=lambda form, by: put_in_force(
            of=terms_of(of), target_id=target_id, despite=form.cleaned_data.get("despite", ()), **by
        ),
        back=back,
        done="Now in force.",
        set_up=set_up,
        about=(Contract if of == "contract" else Campaign).objects.filter(pk=target_id),
    )
    return answer(request, act)


def discard(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Take a draft away."""
    one, back = _target(of, target_id)
    act = Act(
        title=f"Discard the draft {one.name}",
        lead="The draft is deleted and its ID can be used again. The audit log keeps a record of it.",
        form=ActForm(request.POST or None),
        verb=lambda _, by: discard_draft(of=terms_of(of), target_id=target_id, **by),
        back=reverse(f"admin:{terms_of(of)}s"),
        done=f"{one.name} was discarded.",
        button="Discard",
        cancel=back,
    )
    return answer(request, act)


def link(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Say that it succeeds, or is the same as, another: stops hold across."""
    one, back = _target(of, target_id)
    ref = _ref(of, target_id)
    act = Act(
        title=f"Link {one.name}",
        lead="Stops and pauses apply to both. Consent never carries over. A link can't be undone.",
        form=terms.LinkForm(request.POST or None, of=of),
        verb=lambda form, by: terms_actions.link(of=of, ref=ref, **build_arguments(form, by)),
        back=back,
        done=lambda new: "Linked. Stops of one now apply to the other." if new else "They are already linked.",
        changed=bool,
    )
    return answer(request, act)


def consideration(request: PersonRequest, campaign_id: int) -> HttpResponse:
    """Say what is paid: as much or more by one officer, less by two."""
    one, back = _target("campaign", campaign_id)
    now = get_object_or_404(Campaign, pk=campaign_id).consideration
    form = terms.ConsiderationForm(request.POST or None, now=now)
    act = Act(
        title=f"Payment for {one.name}",
        lead="Recording the same or a higher payment takes effect immediately. Recording a lower one needs another"
        " officer's agreement.",
        form=form,
        verb=lambda form, by: _change_consideration(form, campaign_id, by),
        back=back,
        done=lambda made: PROPOSED if isinstance(made, Proposal) else "Saved. It applies from now on.",
        asked=list_open_proposals(of="campaign", target_id=campaign_id, at=timezone.now()),
    )
    return answer(request, act)


def _ends(term: pages.Term) -> str:
    return f"It currently ends on {term.ends_at:%-d %b %Y}."


def terms_of(of: str) -> Of:
    """A contract or a campaign: what has a term."""
    if of not in {"contract", "campaign"}:
        raise Http404
    return "contract" if of == "contract" else "campaign"


def _proposing[F: ActForm](act: str, of: str, target_id: int, form: F, back: str, lead: str) -> Act[F]:
    return Act(
        title=f"Propose: {Proposal.Act(act).label.lower()}",
        lead=lead,
        form=form,
        verb=lambda form, by: proposals.propose(act=act, of=of, target_id=target_id, payload=_payload(form), **by),
        back=back,
        done=PROPOSED,
        button="Propose",
        asked=list_open_proposals(of=of, target_id=target_id, at=timezone.now()),
    )


def _payload(form: ActForm) -> dict[str, object]:
    return {"ends_at": form.moment().isoformat()} if isinstance(form, terms.EndForm) else {}


def _change_consideration(form: terms.ConsiderationForm, campaign_id: int, by: By) -> object:
    word = form.cleaned_data["consideration"]
    if PAID[word] >= PAID[Campaign.objects.get(pk=campaign_id).consideration]:
        return set_consideration(campaign_id=campaign_id, consideration=word, **by)
    return _propose_paid_for_less(campaign_id, word, by)


def _propose_paid_for_less(campaign_id: int, word: str, by: By) -> object:
    act = Proposal.Act.PAID_FOR_LESS
    return proposals.propose(act=act, of="campaign", target_id=campaign_id, payload={"consideration": word}, **by)


def _target(of: str, target_id: int) -> tuple[names.NamedTarget, str]:
    if of not in {"party", "contract", "campaign"}:
        raise Http404
    one = names.targets(wanted={(of, target_id)})[of, target_id]
    if not one.known:
        raise Http404
    return one, reverse(f"admin:{of}", args=[target_id])


def _ref(of: str, target_id: int) -> str:
    if of == "party":
        return get_object_or_404(Party, pk=target_id).uri
    if of == "contract":
        return get_object_or_404(Contract, pk=target_id).ref
    return get_object_or_404(Campaign, pk=target_id).ref


def plan(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """What would end, for whom, and the form that ends it."""
    at = timezone.now()
    before = Cohort.objects.filter(of=of, target_id=target_id).first()
    if before is not None:
        return _go_to_end(request, before, new=False)
    try:
        seen = termination.plan(of=of, target_id=target_id, at=at)
    except NotNow as error:
        raise Http404 from error
    form = TerminateForm(request.POST or None, ref=seen.ref, plan=seen.digest)
    if request.method == "POST" and form.is_valid():
        made = _end(form, of, target_id, actor_of(request.user), at)
        if isinstance(made, Proposal):
            messages.success(request, PROPOSED)
            return redirect("admin:proposal", made.pk)
        if made is not None:
            return _go_to_end(request, made, new=made.recorded_at == at)
        form.with_plan(seen.digest)
    back = reverse(f"admin:{of}", args=[target_id])
    return show(request, "terminate.html", title=f"Terminate {seen.ref}", plan=seen, form=form, back=back)


def _go_to_end(request: PersonRequest, made: Cohort, *, new: bool) -> HttpResponse:
    """Where the progress is; what was asked for and had been done before is said to be so."""
    level, told = (messages.SUCCESS, "Terminated.") if new else (messages.INFO, ENDED_ALREADY)
    messages.add_message(request, level, told)
    return redirect("admin:termination", made.pk)


def progress(request: PersonRequest, cohort_id: uuid.UUID) -> HttpResponse:
    """How far it is, to the last deletion receipt."""
    page = termination_page(cohort_id=cohort_id, at=timezone.now())
    if page is None:
        raise Http404
    return show(request, "termination.html", title=f"End of {page.target.name}", page=page)


def _end(form: TerminateForm, of: str, target_id: int, actor: str, at: datetime) -> Cohort | Proposal | None:
    """End it, or propose to. None where it was refused, and the form says why."""
    plan, reason = form.cleaned_data["plan"], form.cleaned_data["reason"]
    try:
        if form.proposes:
            return _propose_end(form, of, target_id, actor, at)
        return terminate(of=of, target_id=target_id, actor=actor, reason=reason, plan_digest=plan, at=at)
    except (*REFUSED, PlanChanged) as error:
        form.add_error(None, str(error) or "You don't have permission to do this.")
    return None


def _propose_end(form: TerminateForm, of: str, target_id: int, actor: str, at: datetime) -> Proposal:
    plan, reason = form.cleaned_data["plan"], form.cleaned_data["reason"]
    return propose_termination(of=of, target_id=target_id, plan=plan, reason=reason, actor=actor, at=at)
