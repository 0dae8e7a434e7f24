"""Pages of one party, contract or campaign, and of one proposal."""

import uuid

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

import audit.actions
from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest
from accounts.views.downloads import staff_download
from console.queries import pages, proposals
from console.queries.machines import keys_proposed
from console.views.site import show
from partners.labels import precision_in_words, purpose_in_words
from support.forms.base import ActForm
from support.queries.documents import list_documents_about
from support.queries.exports import EXPORTS, as_csv


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
    words["documents"] = list_documents_about(about=f"party:{party_id}", at=at)
    return show(request, "party.html", title=page.facts.party.name, page=page, at=at, **words)


def contract(request: PersonRequest, contract_id: int) -> HttpResponse:
    """A contract: its facts, its stage and what can follow, its campaigns, its partner's delivery, its history."""
    at = timezone.now()
    page = pages.contract_page(contract_id=contract_id, at=at)
    if page is None:
        raise Http404
    acts = pages.list_possible_acts(stage=page.facts.stage, ended=page.cohort is not None, held=page.held)
    words = {"of": "contract", "target_id": contract_id, "acts": acts, "form": ActForm()}
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
    words = {"of": "campaign", "target_id": campaign_id, "acts": acts, "form": ActForm()}
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
    response = StreamingHttpResponse(
        as_csv(export=EXPORTS[name], year=year, at=at), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="whereabouts-{name}-{year}.csv"'
    return response
