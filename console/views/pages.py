"""Pages of one company, contract, campaign, proposal or purpose."""

import uuid

from django.http import Http404, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

import audit.actions
from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest
from accounts.views.downloads import csv_file, staff_download
from console.actions import terms
from console.forms.terms import LinkForm
from console.queries import pages, proposals
from console.queries.machines import keys_proposed
from console.queries.purposes import list_other_purposes, purpose_page
from console.queries.set_up import get_set_up
from console.views.acts import Act, answer, build_arguments
from console.views.site import show
from partners.labels import precision_in_words, purpose_in_words
from support.forms.acting import ActForm
from support.queries.exports import EXPORTS, as_csv
from support.queries.subjects import list_documents_about


def party(request: PersonRequest, party_id: int) -> HttpResponse:
    """Every chain a party stands in, and what can be done to it."""
    at = timezone.now()
    page = pages.party_page(party_id=party_id, at=at)
    if page is None:
        raise Http404
    known = page.facts.party.uri != "unknown"
    acts = (frozenset({"suspend", "change", "link"}) if known else frozenset[str]()) - pages.list_acts_already_done(
        held=page.held
    )
    words: dict[str, object] = {"of": "party", "target_id": party_id, "acts": acts, "form": ActForm()}
    contracts = [f"contract:{one.contract.pk}" for one, _ in page.contracts]
    campaigns = [f"campaign:{one.facts.campaign.pk}" for one in page.chains]
    words["documents"] = list_documents_about(f"party:{party_id}", *contracts, *campaigns, at=at)
    return show(request, "party.html", title=page.facts.party.name, page=page, at=at, **words)


def contract(request: PersonRequest, contract_id: int) -> HttpResponse:
    """A contract: its facts, its stage and what can follow, its campaigns, its partner's delivery, its history."""
    at = timezone.now()
    page = pages.contract_page(contract_id=contract_id, at=at)
    if page is None:
        raise Http404
    acts = pages.list_possible_acts(stage=page.facts.stage, ended=page.cohort is not None, held=page.held)
    words: dict[str, object] = {"of": "contract", "target_id": contract_id, "acts": acts, "form": ActForm()}
    campaigns = [f"campaign:{one.campaign.pk}" for one in page.campaigns]
    words["documents"] = list_documents_about(f"contract:{contract_id}", *campaigns, at=at)
    purposes = [(term, purpose_in_words(term)) for term in page.facts.contract.purposes]
    return show(request, "contract.html", title=page.facts.contract.ref, page=page, at=at, purposes=purposes, **words)


def campaign(request: PersonRequest, campaign_id: int) -> HttpResponse:
    """A campaign: who asks, what for, behind whom, what can be done to it, its history."""
    at = timezone.now()
    page = pages.campaign_page(campaign_id=campaign_id, at=at)
    if page is None:
        raise Http404
    one = page.facts.campaign
    acts = pages.list_possible_acts(stage=page.facts.stage, ended=page.cohort is not None, held=page.held)
    words: dict[str, object] = {"of": "campaign", "target_id": campaign_id, "acts": acts, "form": ActForm()}
    words["documents"] = list_documents_about(f"campaign:{campaign_id}", f"contract:{one.contract_id}", at=at)
    said = {"purpose": purpose_in_words(one.purpose), "precision": precision_in_words(one.precision_m)}
    return show(request, "campaign.html", title=one.ref, page=page, at=at, **said, **words)


def proposal(request: PersonRequest, proposal_id: uuid.UUID) -> HttpResponse:
    """What is proposed, by whom and why, and the second officer's yes or no."""
    page = proposals.proposal_page(proposal_id=proposal_id, reader=actor_of(request.user), at=timezone.now())
    if page is None:
        raise Http404
    keys = None if page.expired else keys_proposed(proposal=page.proposal)
    # Two forms on one page: the ids of their fields differ.
    forms = {"form": ActForm(), "form_no": ActForm(apart="no")}
    return show(request, "proposal.html", title=page.title, page=page, keys=keys, **forms)


FIRST_YEAR = 2020


def index(request: PersonRequest) -> HttpResponse:
    """What can be taken away, by year."""
    year = timezone.now().year
    years = [year - n for n in range(4)]
    return show(request, "exports.html", title="Exports", exports=list(EXPORTS.items()), years=years)


@staff_download
def download(request: PersonRequest, name: str, year: int) -> HttpResponseBase:
    """One file, streaming; that it was taken is written into the trail."""
    at = timezone.now()
    if name not in EXPORTS or not FIRST_YEAR <= year <= at.year:
        raise Http404
    audit.actions.record(
        action="export.taken", actor=actor_of(request.user), target=f"export:{name}", at=at, detail={"year": year}
    )
    return csv_file(lines=as_csv(export=EXPORTS[name], year=year, at=at), name=f"whereabouts-{name}-{year}")


def check(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Check its addresses, keys and terms now, and show what subscribers read."""
    shown = (
        get_set_up(of=of, target_id=target_id, at=timezone.now()) if of in {"party", "contract", "campaign"} else None
    )
    if shown is None:
        raise Http404
    back = reverse(f"admin:{of}", args=[target_id])
    return show(request, "set_up.html", title=f"Set-up of {shown.name}", set_up=shown, back=back)


def purpose(request: PersonRequest, term: str) -> HttpResponse:
    """Who uses it, where it is prohibited, what it is linked with."""
    at = timezone.now()
    page = purpose_page(term=term, at=at)
    if page is None:
        raise Http404
    return show(request, "purpose.html", title=page.words, page=page, at=at)


def link(request: PersonRequest, term: str) -> HttpResponse:
    """Say that it succeeds another: stops hold across."""
    page = purpose_page(term=term, at=timezone.now())
    if page is None:
        raise Http404
    act = Act(
        title=f"Link {page.words} ({term})",
        lead="From now on, a stop or pause of one purpose also applies to the other, both ways. Consent never carries"
        " over. A link can't be undone.",
        form=LinkForm(request.POST or None, of="purpose", others=list_other_purposes(than=term)),
        verb=lambda form, by: terms.link(of="purpose", ref=term, **build_arguments(form, by)),
        back=reverse("admin:purpose", args=[term]),
        done=lambda new: "Linked. Stops of one now apply to the other." if new else "They are already linked.",
        changed=bool,
        button="Link",
    )
    return answer(request, act)
