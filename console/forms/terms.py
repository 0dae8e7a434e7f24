"""Terms of contracts and campaigns, and of companies."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from partners.actions.addresses import check_addresses, keys_fault
from partners.actions.drafts import NOT_SIGNED_YET, CampaignTerms, ContractTerms, find_recipient_fault
from partners.actions.parties import find_website_fault
from partners.labels import PURPOSES, party_name, sanitise_text
from partners.models import Campaign, Contract, Party, Reach
from partners.policies.identifiers import check_consent_flow, check_id, check_scope, check_uri
from support.forms.acting import ActForm, DayField, midnight

DAY = forms.DateInput(attrs={"type": "date"})
LINES = forms.Textarea(attrs={"rows": 3})
EVENTS = "Where we post orders, starting with https://. Leave empty if the partner polls us."
KEYS = "Where the partner publishes its public keys, starting with https://. We check its signatures with them."


def purpose_choices() -> list[tuple[str, str]]:
    """Every DPV purpose we have words for."""
    return [(f"dpv:{name}", f"{words} ({name})") for name, words in PURPOSES.items()]


def party_choices(kinds: Sequence[str]) -> list[tuple[str, str]]:
    """The companies of these kinds, by URI."""
    rows = Party.objects.filter(kind__in=kinds).order_by("name").values_list("uri", "name")
    return [("", "Choose a company"), *((uri, party_name(name, uri)) for uri, name in rows)]


def paid_choices(*, now: str) -> list[tuple[str, str]]:
    """What may be paid. Where nothing was said, none of it is the answer until an officer chooses."""
    unsaid = [] if now else [("", "Choose a payment")]
    return [*unsaid, *((value, str(word)) for value, word in Campaign.Consideration.choices)]


def check_visible_characters(text: str) -> None:
    """Raise ValidationError for words for subscribers with signs that nobody sees, or that turn others around."""
    shown = sanitise_text(text, at_most=2 * len(text))
    if shown != " ".join(unicodedata.normalize("NFC", text).split()):
        raise ValidationError("It has characters that no one can see. Type it again instead of pasting it.")


def _refuse_taken(rows: type[Contract | Campaign], ref: str) -> str:
    if rows.objects.filter(ref=ref).exists():
        raise ValidationError(f"{ref} already exists. Choose another ID.")
    return ref


class TermForm(ActForm):
    """From when, until when. Days begin and end at midnight UTC."""

    starts_at = DayField(label="From", widget=DAY, help_text="Midnight UTC at the start of that day.")
    ends_at = DayField(label="Until", widget=DAY, help_text="The first day it no longer applies.")

    def clean(self) -> dict[str, Any]:
        """Whatever hangs together, said beside what is wrong by itself."""
        said = super().clean() or self.cleaned_data
        starts_at, ends_at = said.get("starts_at"), said.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", "The end must be after the start.")
        return said


class ContractForm(TermForm):
    """What is agreed with an aggregator."""

    sections = (
        ("Agreement", ("ref", "aggregator", "signed_at", "starts_at", "ends_at")),
        ("What it may be used for", ("purposes",)),
        ("Stops", ("ack_within_s", "complete_within_days")),
        ("Delivery", ("endpoint_url", "jwks_uri", "hosts")),
    )
    ref = forms.CharField(
        label="Contract", max_length=200, help_text="A permanent ID, like AGR-2026-07.", validators=[check_id]
    )
    aggregator = forms.ChoiceField(label="Aggregator", help_text="The company that asks us. Add it first.")
    signed_at = DayField(label="Signed on", widget=DAY, help_text="Today or earlier.")
    purposes = forms.MultipleChoiceField(
        label="Permitted purposes",
        widget=forms.CheckboxSelectMultiple,
        help_text="In the words subscribers read. Its campaigns may have no others.",
    )
    ack_within_s = forms.IntegerField(
        label="Must acknowledge within (seconds)",
        min_value=1,
        max_value=86_400,
        initial=900,
        help_text="Each order. 900 is 15 minutes.",
    )
    complete_within_days = forms.IntegerField(
        label="Must complete a stop within (days)", min_value=1, max_value=21, initial=10, help_text="At most 21."
    )
    endpoint_url = forms.CharField(label="Event address", max_length=1000, required=False, help_text=EVENTS)
    jwks_uri = forms.CharField(label="Key address (JWKS)", max_length=1000, required=False, help_text=KEYS)
    hosts = forms.CharField(
        label="Other allowed hosts", required=False, widget=LINES, help_text="One per line: name, or name:port."
    )

    def __init__(
        self, data: Any = None, *, at: datetime, initial: dict[str, Any] | None = None, drafted: bool = False
    ) -> None:
        """`at`: now, before which it was signed."""
        super().__init__(data, initial=initial)
        self._at = at
        _choices(self, "purposes", purpose_choices())
        if drafted:
            del self.fields["ref"], self.fields["aggregator"]
            return
        _choices(self, "aggregator", party_choices([Party.Kind.AGGREGATOR]))
        self.order_fields(["ref", "aggregator"])

    def clean(self) -> dict[str, Any]:
        """And addresses that we would speak to."""
        said = super().clean()
        _add_address_faults(self)
        return said

    def clean_ref(self) -> str:
        """An ID that no contract has."""
        return _refuse_taken(Contract, self.cleaned_data["ref"])

    def clean_signed_at(self) -> date:
        """A day that has come."""
        day: date = self.cleaned_data["signed_at"]
        if midnight(day) > self._at:
            raise ValidationError(NOT_SIGNED_YET)
        return day

    def terms(self) -> ContractTerms:
        """What was typed, as the verb takes it."""
        said = self.cleaned_data
        return ContractTerms(
            signed_at=midnight(said["signed_at"]),
            starts_at=midnight(said["starts_at"]),
            ends_at=midnight(said["ends_at"]),
            purposes=tuple(said["purposes"]),
            ack_within_s=said["ack_within_s"],
            complete_within_days=said["complete_within_days"],
            endpoint_url=said["endpoint_url"],
            jwks_uri=said["jwks_uri"],
            hosts=lines_of(said["hosts"]),
        )


class CampaignForm(TermForm):
    """What is agreed about one use by one location service."""

    sections = (
        ("What subscribers read", ("ref", "lbs_provider", "purpose", "precision_m", "description")),
        ("Term", ("starts_at", "ends_at")),
        ("Consent and access", ("consent_flow", "scope", "consideration")),
        ("Special uses", ("lifeline", "family_tracking")),
        ("Who receives it", ("names_recipient", "recipients")),
    )
    ref = forms.CharField(
        label="Campaign", max_length=200, help_text="A permanent ID, like CMP-ROADAID-1.", validators=[check_id]
    )
    lbs_provider = forms.ChoiceField(label="Location service", help_text="The company subscribers deal with.")
    purpose = forms.ChoiceField(label="Purpose", help_text="One that the contract permits.")
    description = forms.CharField(
        label="Description, as subscribers read it", max_length=1000, widget=LINES,
        validators=[check_visible_characters], help_text="What the service does for them, in plain words.",
    )  # fmt: skip
    consent_flow = forms.CharField(
        label="Consent flow", max_length=200, validators=[check_consent_flow],
        help_text="Starts with sms, ivr, web, app or paper, like sms-double-opt-in.",
    )  # fmt: skip
    scope = forms.CharField(
        label="Scope", max_length=200, initial="location-retrieval:read", validators=[check_scope],
        help_text="The API it may use, as CAMARA names it.",
    )  # fmt: skip
    precision_m = forms.IntegerField(
        label="Best precision allowed (metres)", min_value=0, max_value=1_000_000, help_text="500 means within 500 m."
    )
    consideration = forms.ChoiceField(label="Payment for the data", help_text="Some states prohibit any sale.")
    lifeline = forms.BooleanField(
        label="Lifeline: medical or roadside help", required=False,
        help_text="We warn people before they stop it.",
    )  # fmt: skip
    family_tracking = forms.BooleanField(
        label="Family tracking", required=False, help_text="One person follows another's phone."
    )
    names_recipient = forms.BooleanField(
        label="Each request names its recipient", required=False, help_text="Who gets it next is named each time."
    )
    recipients = forms.CharField(label="Other recipients", required=False, widget=LINES, help_text="One URI per line.")

    def __init__(
        self, data: Any = None, *, contract: Contract, initial: dict[str, Any] | None = None, drafted: bool = False
    ) -> None:
        """`contract`: under which it stands; what that does not allow is no choice here."""
        super().__init__(data, initial=initial)
        self._contract = contract
        allowed = [choice for choice in purpose_choices() if choice[0] in contract.purposes]
        _choices(self, "purpose", [("", "Choose a purpose"), *allowed])
        self.fields[
            "ends_at"
        ].help_text = f"The first day it no longer applies: {contract.ends_at:%-d %b %Y} at the latest."
        _choices(self, "consideration", paid_choices(now=""))
        _choices(self, "lbs_provider", party_choices([Party.Kind.LBS_PROVIDER, Party.Kind.AGGREGATOR]))
        if drafted:
            del self.fields["ref"]
        self.order_fields(["ref", "lbs_provider", "purpose", "description"])

    def clean_ref(self) -> str:
        """An ID that no campaign has."""
        return _refuse_taken(Campaign, self.cleaned_data["ref"])

    def clean_recipients(self) -> str:
        """Addresses of companies, one on each line."""
        typed: str = self.cleaned_data["recipients"]
        if fault := next(filter(None, map(find_recipient_fault, lines_of(typed))), ""):
            raise ValidationError(fault)
        return typed

    def clean(self) -> dict[str, Any]:
        """And that it stays within the term of its contract."""
        said = super().clean()
        first = self._contract.starts_at.date()
        if said.get("starts_at") and said["starts_at"] < first:
            self.add_error(
                "starts_at", f"Its contract {self._contract.ref} starts on {first:%-d %b %Y}. Choose that day or later."
            )
        if said.get("ends_at") and midnight(said["ends_at"]) > self._contract.ends_at:
            latest = f"{self._contract.ends_at:%-d %b %Y}"
            self.add_error(
                "ends_at", f"Its contract {self._contract.ref} ends on {latest}. Choose that day or earlier."
            )
        return said

    def terms(self) -> CampaignTerms:
        """What was typed, as the verb takes it."""
        said = self.cleaned_data
        return CampaignTerms(
            **{name: said[name] for name in (
                "lbs_provider", "purpose", "description", "consent_flow", "scope", "precision_m", "names_recipient",
                "lifeline", "family_tracking", "consideration",
            )},
            starts_at=midnight(said["starts_at"]),
            ends_at=midnight(said["ends_at"]),
            recipients=lines_of(said["recipients"]),
        )  # fmt: skip


class EndpointsForm(ActForm):
    """Where a partner is spoken to."""

    endpoint_url = forms.CharField(label="Event address", max_length=1000, required=False, help_text=EVENTS)
    jwks_uri = forms.CharField(label="Key address (JWKS)", max_length=1000, required=False, help_text=KEYS)
    hosts = forms.CharField(
        label="Other allowed hosts", required=False, widget=LINES, help_text="One per line: name, or name:port."
    )

    def clean(self) -> dict[str, Any]:
        """Addresses that we would speak to."""
        said = super().clean() or self.cleaned_data
        _add_address_faults(self)
        return said


class ForceForm(ActForm):
    """Putting a draft in force. `failing`: checks that fail now, by name, each of which takes a yes of its own."""

    despite = forms.MultipleChoiceField(
        label="Put it in force although this fails",
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Tick each check. The audit log keeps that you did.",
    )

    def __init__(self, data: Any = None, *, failing: Mapping[str, str]) -> None:
        super().__init__(data)
        self.failing = failing
        if failing:
            _choices(self, "despite", [(name, f"{name}: {says}") for name, says in failing.items()])
        else:
            del self.fields["despite"]

    def clean_despite(self) -> list[str]:
        """Each, or none: a check that began to fail since the page was shown is asked about anew."""
        agreed: list[str] = self.cleaned_data["despite"]
        if missing := [name for name in self.failing if name not in agreed]:
            names = " and ".join(missing)
            raise ValidationError(f"Still a draft: {names} can't be used now. Tick it, or mend it first.")
        return agreed


class EndForm(ActForm):
    """Another end."""

    ends_at = DayField(label="New end", widget=DAY, help_text="The first day it no longer applies.")

    def moment(self) -> datetime:
        """The midnight at which it ends."""
        return midnight(self.cleaned_data["ends_at"])


class ConsiderationForm(ActForm):
    """What is paid for a campaign's data. It starts at what is written down; where nothing is, at no answer."""

    consideration = forms.ChoiceField(label="Payment for the data")

    def __init__(self, data: Any = None, *, now: str) -> None:
        super().__init__(data, initial={"consideration": now})
        _choices(self, "consideration", paid_choices(now=now))


class PartyForm(ActForm):
    """A company."""

    sections = (
        ("Company", ("uri", "kind")),
        ("What subscribers read", ("name", "website", "about")),
        ("Keys", ("jwks_uri",)),
    )
    uri = forms.CharField(
        label="URI (permanent identifier)", max_length=1000, validators=[check_uri],
        help_text="Its own address, like https://geobridge.example.",
    )  # fmt: skip
    name = forms.CharField(
        label="Name", max_length=1000, help_text="As people know it.", validators=[check_visible_characters]
    )
    kind = forms.ChoiceField(
        label="Kind", choices=[one for one in Party.Kind.choices if one[0] != Party.Kind.UNNAMED],
        help_text="An aggregator asks us; a location service deals with people; an end customer gets it from them.",
    )  # fmt: skip
    website = forms.CharField(label="Website", max_length=1000, required=False, help_text="Starting with https://.")
    about = forms.CharField(
        label="What it does, as subscribers read it", max_length=1000, required=False, widget=LINES,
        validators=[check_visible_characters],
    )  # fmt: skip
    jwks_uri = forms.CharField(
        label="Key address (JWKS)",
        max_length=1000,
        required=False,
        help_text="On the company's own host, starting with https://.",
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None, known: bool = False) -> None:
        super().__init__(data, initial=initial)
        if known:
            del self.fields["uri"], self.fields["kind"]

    def clean(self) -> dict[str, Any]:
        """A website that may be linked, and keys on the company's own host."""
        said = super().clean() or self.cleaned_data
        if fault := find_website_fault(said.get("website", "")):
            self.add_error("website", fault)
        if "uri" in said and (fault := keys_fault(uri=said["uri"], jwks_uri=said.get("jwks_uri", ""))):
            self.add_error("jwks_uri", fault)
        return said


class LinkForm(ActForm):
    """That one succeeds, or is the same as, another. `others`: what it may be linked with, where that is a list."""

    kin_ref = forms.CharField(label="The other", max_length=1000, help_text="Its URI or ID.")
    link = forms.ChoiceField(label="Type of link")

    def __init__(self, data: Any = None, *, of: str, others: Mapping[str, str] | None = None) -> None:
        super().__init__(data)
        if others is not None:
            listed = [("", "Choose a purpose"), *((term, f"{words} ({term})") for term, words in others.items())]
            self.fields["kin_ref"] = forms.ChoiceField(label="The other", choices=listed)
            self.order_fields(["kin_ref", "link"])
        same = [("same_as", "They are the same company")] if of == "party" else []
        _choices(self, "link", [("succeeds", "This one succeeds the other"), *same])


def contract_initial(contract: Contract) -> dict[str, Any]:
    """A draft's terms as the form shows them."""
    return {
        **{name: getattr(contract, name) for name in (
            "purposes", "ack_within_s", "complete_within_days", "endpoint_url", "jwks_uri",
        )},
        **{name: getattr(contract, name).date() for name in ("signed_at", "starts_at", "ends_at")},
        "hosts": "\n".join(contract.hosts),
    }  # fmt: skip


def campaign_initial(campaign: Campaign) -> dict[str, Any]:
    """A draft's terms as the form shows them. Recipients are added, never taken away: the field starts empty."""
    return {
        **{name: getattr(campaign, name) for name in (
            "purpose", "description", "consent_flow", "scope", "precision_m", "names_recipient", "lifeline",
            "family_tracking", "consideration",
        )},
        **{name: getattr(campaign, name).date() for name in ("starts_at", "ends_at")},
        "lbs_provider": campaign.lbs_provider.uri,
    }  # fmt: skip


def _add_address_faults(form: ActForm) -> None:
    """Say beside the fields what is wrong with a contract's addresses, whatever else is wrong."""
    typed = {name: form.cleaned_data.get(name, "") for name in ("endpoint_url", "jwks_uri", "hosts")}
    try:
        check_addresses(**{**typed, "hosts": lines_of(typed["hosts"])})
    except ValidationError as error:
        form.refuse(error)


# What another one has of its own: its dates, and its id outside.
DATES = ("signed_at", "starts_at", "ends_at")


def copy_contract(contract: Contract | None) -> dict[str, Any]:
    """The terms of a contract as those of another begin: without its dates. Nothing where there is none."""
    if contract is None:
        return {}
    kept = {name: value for name, value in contract_initial(contract).items() if name not in DATES}
    return {**kept, "aggregator": contract.aggregator.uri}


def copy_campaign(campaign: Campaign | None) -> dict[str, Any]:
    """The same of a campaign, with those whom it reaches."""
    if campaign is None:
        return {}
    kept = {name: value for name, value in campaign_initial(campaign).items() if name not in DATES}
    reached = Reach.objects.filter(campaign=campaign).order_by("party__uri").values_list("party__uri", flat=True)
    return {**kept, "recipients": "\n".join(reached)}


def lines_of(text: str) -> tuple[str, ...]:
    """What was typed one a line."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _choices(form: forms.Form, name: str, choices: Sequence[tuple[str, str]]) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        field.choices = list(choices)
