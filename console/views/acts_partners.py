"""What an officer does to a party, contract or campaign."""

from datetime import datetime

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from accounts.views.access import PersonRequest
from console.actions import terms as terms_actions
from console.actions.terms import discard_draft, put_in_force, set_consideration
from console.forms import terms
from console.queries import pages
from console.queries.proposals import list_open_proposals
from console.views.acts import Act, answer
from partners.actions import proposals
from partners.actions.guards import Of
from partners.actions.terms import shorten_term
from partners.models import Campaign, Contract, Party, Proposal
from partners.policies.loosening import PAID
from revocations.actions import suspend as suspend_actions
from support.forms.base import ActForm
from support.queries import names

SUSPENDED = "Suspended: every request is denied from this moment on."
TWO = "Proposed, not done yet. It happens when another officer agrees, within 7 days."


def suspend(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Suspend now: one officer, in force at once."""
    one, back = _target(of, target_id)
    act = Act(
        title=f"Suspend {one.name}",
        lead=describe_denial(of),
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: suspend_actions.suspend(
            of=of, target_id=target_id, actor=actor, reason=form.cleaned_data["reason"], at=at
        ),
        back=back,
        done=SUSPENDED,
        button="Suspend now",
        warns=True,
    )
    return answer(request, act)


def lift(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Propose to lift a suspension: another officer must agree."""
    one, back = _target(of, target_id)
    lead = f"{one.name} stays denied until another officer agrees."
    form = ActForm(request.POST or None)
    return answer(request, _proposing(Proposal.Act.LIFT_SUSPENSION, of, target_id, form, back, lead))


def shorten(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """An earlier end: one officer."""
    one, back = _target(of, target_id)
    term = pages.term_of(of=terms_of(of), target_id=target_id, at=timezone.now())
    helped = " and ".join(term.lifelines)
    warning = f" By it people in need are found, by {helped}: that ends too." if helped else ""
    act = Act(
        title=f"End {one.name} earlier",
        lead=f"{_ends(term)} One officer may name an earlier end; a later one is proposed and takes two.{warning}",
        form=terms.EndForm(request.POST or None),
        verb=lambda form, actor, at: shorten_term(
            of=terms_of(of), target_id=target_id, ends_at=form.moment(), reason=form.cleaned_data["reason"],
            actor=actor, at=at,
        ),
        back=back,
        done="The end was moved.",
        warns=bool(helped),
    )  # fmt: skip
    return answer(request, act)


def extend(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Propose a later end."""
    _, back = _target(of, target_id)
    term = pages.term_of(of=terms_of(of), target_id=target_id, at=timezone.now())
    lead = f"{_ends(term)} It goes on for longer when another officer agrees."
    form = terms.EndForm(request.POST or None)
    return answer(request, _proposing(Proposal.Act.EXTEND_TERM, of, target_id, form, back, lead))


def force(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Put a draft in force."""
    one, back = _target(of, target_id)
    act = Act(
        title=f"Put {one.name} in force",
        lead="From then on its wording is frozen. It starts without anybody's yes: nobody is found by it before.",
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: put_in_force(
            of=terms_of(of), target_id=target_id, reason=form.cleaned_data["reason"], actor=actor, at=at
        ),
        back=back,
        done="It is in force.",
    )
    return answer(request, act)


def discard(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Take a draft away."""
    one, back = _target(of, target_id)
    act = Act(
        title=f"Discard the draft {one.name}",
        lead="Its page goes, and its id is free again. The audit log keeps that it was drafted and discarded.",
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: discard_draft(
            of=terms_of(of), target_id=target_id, reason=form.cleaned_data["reason"], actor=actor, at=at
        ),
        back=reverse(f"admin:{of}s"),
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
        lead="Stops and pauses hold across, both ways. An approval never does. It is not taken back.",
        form=terms.LinkForm(request.POST or None, of=of),
        verb=lambda form, actor, at: terms_actions.link(
            of=of, ref=ref, kin_ref=form.cleaned_data["kin_ref"], link=form.cleaned_data["link"],
            reason=form.cleaned_data["reason"], actor=actor, at=at,
        ),
        back=back,
        done=lambda new: "Linked: stops of one hold for the other." if new else "They were linked already.",
    )  # fmt: skip
    return answer(request, act)


def consideration(request: PersonRequest, campaign_id: int) -> HttpResponse:
    """Say what is paid: as much or more by one officer, less by two."""
    one, back = _target("campaign", campaign_id)
    now = get_object_or_404(Campaign, pk=campaign_id).consideration
    form = terms.ConsiderationForm(request.POST or None, now=now)
    act = Act(
        title=f"What is paid for {one.name}",
        lead="That as much or more is paid holds at once. That less is paid is proposed: another officer must agree.",
        form=form,
        verb=lambda form, actor, at: _say_paid(form, campaign_id, actor, at),
        back=back,
        done=lambda made: TWO if isinstance(made, Proposal) else "Written down: it holds from now on.",
        asked=list_open_proposals(of="campaign", target_id=campaign_id, at=timezone.now()),
    )
    return answer(request, act)


def _ends(term: pages.Term) -> str:
    return f"It ends on {term.ends_at:%-d %b %Y} as it is now."


def describe_denial(of: str) -> str:
    """What will be denied, in words."""
    said = {
        "party": "Every request in whose chain this company stands is denied at once, whoever asks.",
        "contract": "Every request under this contract is denied at once, all its campaigns with it.",
        "campaign": "Every request for this campaign is denied at once.",
    }
    return f"{said[of]} Stops, orders and receipts go on. To lift it takes two officers."


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
        verb=lambda form, actor, at: proposals.propose(
            act=act, of=of, target_id=target_id, payload=_payload(form), reason=form.cleaned_data["reason"],
            actor=actor, at=at,
        ),
        back=back,
        done=TWO,
        button="Propose",
        asked=list_open_proposals(of=of, target_id=target_id, at=timezone.now()),
    )  # fmt: skip


def _payload(form: ActForm) -> dict[str, object]:
    return {"ends_at": form.moment().isoformat()} if isinstance(form, terms.EndForm) else {}


def _say_paid(form: terms.ConsiderationForm, campaign_id: int, actor: str, at: datetime) -> object:
    word, reason = form.cleaned_data["consideration"], form.cleaned_data["reason"]
    now = Campaign.objects.get(pk=campaign_id).consideration
    if PAID[word] >= PAID[now]:
        return set_consideration(campaign_id=campaign_id, consideration=word, reason=reason, actor=actor, at=at)
    return _propose_paid_for_less(campaign_id, word, reason, actor, at)


def _propose_paid_for_less(campaign_id: int, word: str, reason: str, actor: str, at: datetime) -> object:
    return proposals.propose(
        act=Proposal.Act.PAID_FOR_LESS, of="campaign", target_id=campaign_id, payload={"consideration": word},
        reason=reason, actor=actor, at=at,
    )  # fmt: skip


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
