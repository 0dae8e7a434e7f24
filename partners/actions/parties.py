"""Companies: write one down, and what it is called."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from partners import client, identifiers, keysets
from partners.actions import guards
from partners.lifecycle import NotNow
from partners.models import Party
from partners.words import link as linkable


@transaction.atomic
def add_party(
    *,
    uri: str,
    name: str,
    kind: str,
    website: str = "",
    about: str = "",
    jwks_uri: str = "",
    reason: str,
    actor: str,
    at: datetime,
) -> Party:
    """Write a company down under the URI that names it everywhere, or name one that was only seen in a path.

    Raises ValidationError (by field), NotNow where it is known already, NotForThem.
    """
    who = guards.officer(actor=actor, reason=reason)
    faults = guards.Faults()
    faults.check("kind", identifiers.check_kind, kind)
    faults.check("uri", identifiers.check_uri, uri)
    party = Party.objects.select_for_update().filter(uri=uri).first()
    if party is not None and (party.kind != Party.Kind.UNNAMED or uri == "unknown"):
        raise NotNow(f"{party.name} is written down already. Change it instead.")
    party = party or Party(uri=uri)
    party.kind = kind
    with guards.first(else_said="It was written down a moment ago, by you or another officer. Change it instead."):
        _put(party, faults, name=name, website=website, about=about, jwks_uri=jwks_uri)
    guards.note_on(action="party.added", actor=who, row=party, at=at, reason=reason)
    return party


@transaction.atomic
def change_party(
    *, party_id: int, name: str, website: str, about: str, jwks_uri: str, reason: str, actor: str, at: datetime
) -> Party:
    """Change what a company is called, what is said of it, and where its keys are. What it is stays as it is.

    Raises ValidationError (by field), NotNow, NotForThem.
    """
    who = guards.officer(actor=actor, reason=reason)
    party = Party.objects.select_for_update().filter(pk=party_id).exclude(uri="unknown").first()
    if party is None:
        raise NotNow("There is no such company.")
    if party.kind == Party.Kind.UNNAMED:
        raise NotNow("It was only seen in a path: add it as a company first.")
    wanted = {"name": name, "website": website, "about": about, "jwks_uri": jwks_uri}
    changed = sorted(field for field, value in wanted.items() if getattr(party, field) != value)
    if not changed:
        raise NotNow(guards.THE_SAME)
    _put(party, guards.Faults(), **wanted)
    guards.note_on(
        action="party.changed",
        actor=who,
        row=party,
        at=at,
        reason=reason,
        detail={"fields": changed},
    )
    return party


def _put(party: Party, faults: guards.Faults, *, name: str, website: str, about: str, jwks_uri: str) -> None:
    with keysets.may_move(party=party):
        party.name, party.website, party.about, party.jwks_uri = name, website, about, jwks_uri
        try:
            party.full_clean(validate_unique=False)
        except ValidationError as error:
            faults.add(error)
        if website and not linkable(website):
            faults.note("website", "A web address that may be linked: https://…")
        if jwks_uri:
            faults.note("jwks_uri", _keys_fault(party.uri, jwks_uri))
        faults.raise_if_any()
        party.save()


def _keys_fault(uri: str, jwks_uri: str) -> str:
    """The keys of a company stand on its own host: whoever holds another can't sign for it."""
    refused = client.refused(url=jwks_uri)
    if refused:
        return f"We would not speak to it: {refused}."
    if not keysets.on_own_host(uri=uri, jwks_uri=jwks_uri):
        return "Its keys must be on its own host, the one of its address."
    return ""
