"""Companies, drafts of contracts and campaigns, and where a partner is spoken to."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from accounts.views.access import PersonRequest
from console.forms import terms
from console.queries.machines import KeyReplacement, keys_moved
from console.queries.proposals import OpenProposal, list_open_proposals
from console.views.acts import PROPOSED, Act, answer, build_arguments
from partners.actions import drafts, parties
from partners.actions.drafts import change_draft
from partners.actions.terms import set_endpoints
from partners.domain.keysets import jwks_uri_of
from partners.models import Campaign, Contract, Party, Proposal

KEYS_PROPOSED = "Saved. The new key address takes effect when another officer agrees, within 7 days."
DRAFT = "A draft has no effect until it is put in force."
FIXED = "It was put in force, which fixed its terms. This page shows what you can still do."


def add_party(request: PersonRequest) -> HttpResponse:
    """Write a company down."""
    act = Act(
        title="Add a company",
        lead="Its URI identifies it in tokens, paths and stops, and can't be changed later.",
        form=terms.PartyForm(request.POST or None),
        verb=lambda form, by: parties.add_party(**build_arguments(form, by)),
        back=lambda made: _page("party", made),
        done="Saved.",
        cancel=reverse("admin:parties"),
    )
    return answer(request, act)


def change_party(request: PersonRequest, party_id: int) -> HttpResponse:
    """Change what a company is called, and where its keys are."""
    party = get_object_or_404(Party, pk=party_id)
    initial = {name: getattr(party, name) for name in ("name", "website", "about", "jwks_uri")}
    act = Act(
        title=f"Change {party.name}",
        lead="A first key address takes effect immediately. Replacing it takes effect when a second officer agrees.",
        form=terms.PartyForm(request.POST or None, initial=initial, known=True),
        verb=lambda form, by: parties.change_party(party_id=party_id, **build_arguments(form, by)),
        back=reverse("admin:party", args=[party_id]),
        done=lambda made: KEYS_PROPOSED if isinstance(made, Proposal) else "Saved.",
        button="Save",
        shows=lambda form: _party_keys_moved(party, form.cleaned_data["jwks_uri"]),
        asked=_list_act_proposals(Proposal.Act.MOVE_KEYS, Proposal.Of.PARTY, party_id),
        about=Party.objects.filter(pk=party_id),
    )
    return answer(request, act)


def draft_contract(request: PersonRequest, contract_id: int = 0) -> HttpResponse:
    """Write a contract down as a draft; it may begin with the terms of another."""
    copied = get_object_or_404(Contract.objects.select_related("aggregator"), pk=contract_id) if contract_id else None
    act = Act(
        title="Draft a contract",
        lead=DRAFT,
        form=terms.ContractForm(request.POST or None, at=timezone.now(), initial=terms.copy_contract(copied)),
        verb=lambda form, by: drafts.draft_contract(
            ref=form.cleaned_data["ref"], aggregator=form.cleaned_data["aggregator"], terms=form.terms(), **by
        ),
        back=lambda made: _page("contract", made),
        done="Draft saved.",
        cancel=reverse("admin:contracts"),
    )
    return answer(request, act)


def copy_campaign(request: PersonRequest, campaign_id: int) -> HttpResponse:
    """The same, beginning with the terms of another of its contract."""
    campaign = get_object_or_404(Campaign.objects.select_related("lbs_provider"), pk=campaign_id)
    return draft_campaign(request, campaign.contract_id, campaign)


def draft_campaign(request: PersonRequest, contract_id: int, copied: Campaign | None = None) -> HttpResponse:
    """Write a campaign down as a draft. `copied`: the one with whose terms it begins."""
    contract = get_object_or_404(Contract, pk=contract_id)
    act = Act(
        title=f"Draft a campaign under {contract.ref}",
        lead=DRAFT,
        form=terms.CampaignForm(request.POST or None, contract=contract, initial=terms.copy_campaign(copied)),
        verb=lambda form, by: drafts.draft_campaign(
            ref=form.cleaned_data["ref"], contract=contract.ref, terms=form.terms(), **by
        ),
        back=lambda made: _page("campaign", made),
        done="Draft saved.",
        cancel=reverse("admin:contract", args=[contract_id]),
    )
    return answer(request, act)


def change_contract(request: PersonRequest, contract_id: int) -> HttpResponse:
    """Put other terms into a draft."""
    contract = get_object_or_404(Contract, pk=contract_id)
    if not contract.is_draft:
        return _redirect_to_page(request, contract)
    act = Act(
        title=f"Change the draft {contract.ref}",
        lead=DRAFT,
        form=terms.ContractForm(
            request.POST or None, at=timezone.now(), initial=terms.contract_initial(contract), drafted=True
        ),
        verb=lambda form, by: change_draft(of="contract", target_id=contract_id, terms=form.terms(), **by),
        about=Contract.objects.filter(pk=contract_id),
        back=reverse("admin:contract", args=[contract_id]),
        done="Draft saved.",
    )
    return answer(request, act)


def change_campaign(request: PersonRequest, campaign_id: int) -> HttpResponse:
    """Put other terms into a draft."""
    campaign = get_object_or_404(Campaign.objects.select_related("lbs_provider", "contract"), pk=campaign_id)
    if not campaign.is_draft:
        return _redirect_to_page(request, campaign)
    act = Act(
        title=f"Change the draft {campaign.ref}",
        lead=DRAFT,
        form=terms.CampaignForm(
            request.POST or None, contract=campaign.contract, initial=terms.campaign_initial(campaign), drafted=True
        ),
        verb=lambda form, by: change_draft(of="campaign", target_id=campaign_id, terms=form.terms(), **by),
        about=Campaign.objects.filter(pk=campaign_id),
        back=reverse("admin:campaign", args=[campaign_id]),
        done="Draft saved.",
    )
    return answer(request, act)


def _redirect_to_page(request: PersonRequest, row: Contract | Campaign) -> HttpResponse:
    """Lead to the page of what is no draft any more, or never was."""
    messages.info(request, FIXED)
    return redirect(_page("contract" if isinstance(row, Contract) else "campaign", row))


def endpoints(request: PersonRequest, contract_id: int) -> HttpResponse:
    """Where a partner is spoken to, and where its keys are."""
    contract = get_object_or_404(Contract.objects.select_related("aggregator"), pk=contract_id)
    initial = {"endpoint_url": contract.endpoint_url, "jwks_uri": contract.jwks_uri, "hosts": "\n".join(contract.hosts)}
    act = Act(
        title=f"Endpoints of {contract.ref}",
        lead="We connect only to these hosts. A first address takes effect with the next order. Replacing an address,"
        " or polling, takes effect when a second officer agrees.",
        form=terms.EndpointsForm(request.POST or None, initial=initial),
        verb=lambda form, by: set_endpoints(
            contract_id=contract_id, **build_arguments(form, by) | {"hosts": terms.lines_of(form.cleaned_data["hosts"])}
        ),
        back=reverse("admin:contract", args=[contract_id]),
        done=lambda made: PROPOSED if isinstance(made, Proposal) else "Saved.",
        button="Save",
        shows=lambda form: _contract_keys_moved(contract, form.cleaned_data["jwks_uri"]),
        asked=_list_act_proposals(Proposal.Act.SET_ENDPOINTS, Proposal.Of.CONTRACT, contract_id),
        about=Contract.objects.filter(pk=contract_id),
    )
    return answer(request, act)


def _list_act_proposals(act: str, of: str, target_id: int) -> Sequence[OpenProposal]:
    return [
        one for one in list_open_proposals(of=of, target_id=target_id, at=timezone.now()) if one.proposal.act == act
    ]


def _party_keys_moved(party: Party, typed: str) -> KeyReplacement | None:
    """Without an address of its own its keys are where its contract says."""
    address = jwks_uri_of(party=Party(pk=party.pk, jwks_uri=typed))
    return keys_moved(party=party, was=jwks_uri_of(party=party), address=address, own_host=bool(typed))


def _contract_keys_moved(contract: Contract, typed: str) -> KeyReplacement | None:
    was = contract.jwks_uri or ("" if contract.is_draft else jwks_uri_of(party=contract.aggregator))
    return keys_moved(party=contract.aggregator, was=was, address=typed, own_host=False)


def _page(of: str, made: object) -> str:
    return reverse(f"admin:{of}", args=[getattr(made, "pk", 0)])
