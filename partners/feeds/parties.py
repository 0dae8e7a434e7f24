"""The parties file: one JSON document of parties, contracts and campaigns. A bad entry spoils only itself."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.db import transaction

from accounts.primitives import json_reader
from partners.clients import http
from partners.feeds import terms
from partners.feeds.checking import (
    Fate,
    FreeText,
    Instant,
    Metres,
    Ref,
    RowRefused,
    Text,
    build_accepted_fate,
    build_rejected_fate,
    build_repeated_fate,
    convert,
    instant,
    metres,
    refuse_nul,
)
from partners.feeds.command import Feed
from partners.feeds.reading import BOM, NumberedLine, Record

SECTIONS = ("parties", "contracts", "campaigns")
LOOK_UP_S = 2.0
# So often an entry is judged anew whose row an officer changed meanwhile.
TRIES = 5

type Verb = Callable[[Any, datetime, terms.Changes], bool]


class Unreadable(Exception):
    """The file is not a JSON document of parties, contracts and campaigns."""


class ReportedParty(msgspec.Struct, frozen=True):
    """One party as it stands in the file."""

    id: Text
    name: Text
    kind: Literal["aggregator", "lbs_provider", "end_customer"]
    website: FreeText | None = None
    about: FreeText | None = None
    jwks_uri: FreeText | None = None
    succeeds: list[Text] | None = None
    same_as: list[Text] | str | None = None


class ReportedContract(msgspec.Struct, frozen=True):
    """One contract as it stands in the file."""

    id: Ref
    aggregator: Text
    signed_at: Instant
    starts_at: Instant
    ends_at: Instant
    purposes: Annotated[list[Ref], msgspec.Meta(min_length=1)]
    ack_within_s: Annotated[int, msgspec.Meta(ge=0, le=2_147_483_647)]
    complete_within_days: Annotated[int, msgspec.Meta(ge=0, le=32_767)]
    endpoint_url: FreeText | None = None
    jwks_uri: FreeText | None = None


class ReportedCampaign(msgspec.Struct, frozen=True):
    """One campaign as it stands in the file."""

    id: Ref
    contract: Ref
    lbs_provider: Text
    purpose: Ref
    description: FreeText
    consent_flow: FreeText
    scope: Ref
    precision_m: Metres
    starts_at: Instant
    ends_at: Instant
    recipients: list[Text] | None = None
    names_recipient: bool | None = None
    lifeline: bool | None = None
    family_tracking: bool | None = None
    consideration: Literal["none", "monetary", "other"] | None = None
    succeeds: list[Ref] | None = None


class PartiesFeed(Feed):
    """Imports a parties file. Each change is queued where past judgements rest on it (`terms.enqueue_term_change`)."""

    name = "parties"
    header = ""
    chunk = 1

    def __init__(self) -> None:
        # Where entries that were taken say that their partner is: place in the file, field, address.
        self.addresses: list[tuple[str, str, str]] = []

    def look_at_addresses(self) -> tuple[list[str], int]:
        """Say which of the addresses taken in the door out would refuse, and why, and how many were not looked up.

        Never inside a transaction.
        """
        found = http.find_resolved_url_refusals(urls=[url for *_, url in self.addresses], seconds=LOOK_UP_S)
        refused = [
            f"{place} {name}: {found[url]}. Nothing is sent there until it is changed."
            for place, name, url in self.addresses
            if found.get(url)
        ]
        return refused, sum(url not in found for *_, url in self.addresses)

    def take(self, *, lines: Sequence[NumberedLine | Record], at: datetime) -> list[Fate]:
        """Take in the whole document, which is one line here. Raises Unreadable."""
        return [fate for line in lines if isinstance(line, NumberedLine) for fate in self._document(line.content, at)]

    def _document(self, content: bytes, at: datetime) -> list[Fate]:
        sections = sections_of(content)
        verbs: dict[str, Verb] = {"parties": self._party, "contracts": self._contract, "campaigns": self._campaign}
        return [
            self._entry(f"{section}[{place}]", entry, verbs[section], at)
            for section in SECTIONS
            for place, entry in enumerate(sections[section])
        ]

    def _entry(self, place: str, entry: Any, verb: Verb, at: datetime, tries: int = TRIES) -> Fate:
        changes = terms.Changes()
        try:
            with transaction.atomic():
                new = verb(entry, at, changes)
                terms.enqueue_term_change(changes=changes, at=at)
        except terms.ConcurrentChange:
            if tries == 1:
                raise
            return self._entry(place, entry, verb, at, tries - 1)
        except RowRefused as refused:
            return build_rejected_fate(place, refused.field, refused.reason)
        for name in ("endpoint_url", "jwks_uri"):
            if isinstance(entry, dict) and (url := entry.get(name)):
                self.addresses.append((place, name, str(url)))
        warnings = tuple(changes.warnings)
        return build_accepted_fate(place, warnings=warnings) if new else build_repeated_fate(place, warnings=warnings)

    def _party(self, entry: Any, at: datetime, changes: terms.Changes) -> bool:
        told = _convert_entry(entry, ReportedParty)
        same_as = [told.same_as] if isinstance(told.same_as, str) else told.same_as
        fields = {
            "name": told.name,
            "kind": told.kind,
            "website": told.website,
            "about": told.about,
            "jwks_uri": told.jwks_uri,
        }
        changed = terms.put_party(uri=told.id, fields=fields, changes=changes)
        links = [*self._links("succeeds", told.succeeds), *self._links("same_as", same_as)]
        return terms.put_links(of="party", ref=told.id, others=links, at=at, changes=changes) or changed

    def _contract(self, entry: Any, at: datetime, changes: terms.Changes) -> bool:
        told = _convert_entry(entry, ReportedContract)
        fields = {
            "signed_at": instant("signed_at", told.signed_at),
            "starts_at": instant("starts_at", told.starts_at),
            "ends_at": instant("ends_at", told.ends_at),
            "purposes": list(dict.fromkeys(told.purposes)),
            "ack_within_s": told.ack_within_s,
            "complete_within_days": told.complete_within_days,
            "endpoint_url": told.endpoint_url,
            "jwks_uri": told.jwks_uri,
        }
        return terms.put_contract(ref=told.id, aggregator=told.aggregator, fields=fields, changes=changes, at=at)

    def _campaign(self, entry: Any, at: datetime, changes: terms.Changes) -> bool:
        told = _convert_entry(entry, ReportedCampaign)
        fields = {
            "purpose": told.purpose,
            "description": told.description,
            "consent_flow": told.consent_flow,
            "scope": told.scope,
            "precision_m": metres("precision_m", told.precision_m),
            "starts_at": instant("starts_at", told.starts_at),
            "ends_at": instant("ends_at", told.ends_at),
            "names_recipient": told.names_recipient,
            "lifeline": told.lifeline,
            "family_tracking": told.family_tracking,
            "consideration": told.consideration,
        }
        counted = terms.is_campaign_in_force(ref=told.id)
        changed = terms.put_campaign(
            ref=told.id, contract=told.contract, provider=told.lbs_provider, fields=fields, changes=changes
        )
        reached = terms.put_recipients(ref=told.id, recipients=told.recipients or [], told_apart=not counted)
        links = self._links("succeeds", told.succeeds)
        linked = terms.put_links(of="campaign", ref=told.id, others=links, at=at, changes=changes)
        return changed or reached or linked

    def _links(self, link: str, refs: Sequence[str] | None) -> list[tuple[str, str]]:
        return [(link, ref) for ref in refs or []]


def sections_of(content: bytes) -> dict[str, list[Any]]:
    """Return the document's three lists; one that is missing is empty. Raises Unreadable."""
    try:
        document = json_reader.read_json(content.removeprefix(BOM), max_bytes=len(content))
    except json_reader.Unreadable as error:
        raise Unreadable("the file is not JSON") from error
    if not isinstance(document, dict):
        raise Unreadable("the file is not a JSON object with parties, contracts and campaigns")
    for section in SECTIONS:
        if not isinstance(document.get(section, []), list):
            raise Unreadable(f"{section} is not a list")
    return {section: document.get(section, []) for section in SECTIONS}


def _convert_entry[T: msgspec.Struct](entry: Any, kind: type[T]) -> T:
    told = convert(entry, kind)
    refuse_nul(told)
    return told
