"""Rules of states, notices, machines that sign in, streams."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.primitives.json_reader import Unreadable, read_json
from accounts.primitives.zones import STATE_NAMES
from console.forms.terms import DAY, check_visible_characters, purpose_choices
from disclosures.models import AnomalyRule
from disclosures.queries.rules import MOST, TERMS
from partners.actions.notices import check_text
from partners.actions.terms import NO_RULE, NO_SALE, RuleTerms, find_start_fault
from partners.models import Client, JurisdictionRule, NoticeText, Party
from partners.policies.identifiers import check_client_id
from support.forms.acting import ActForm, DayField, midnight

STATES = [(code, f"{name} ({code})") for code, name in sorted(STATE_NAMES.items(), key=lambda one: one[1])]


class RuleForm(ActForm):
    """What is prohibited in a state."""

    state = forms.ChoiceField(label="State", choices=[("", "Choose a state"), *STATES])
    starts_at = forms.DateField(label="In force from", widget=DAY)
    purposes = forms.MultipleChoiceField(
        label="Prohibited purposes", widget=forms.CheckboxSelectMultiple, required=False
    )
    sale_test = forms.BooleanField(label="Also prohibit any paid use", required=False, initial=True)
    consideration = forms.ChoiceField(
        label="What counts as a sale", choices=JurisdictionRule.Consideration.choices, required=False
    )
    max_radius_m = forms.IntegerField(
        label="Only within a radius of (metres)", min_value=0, max_value=1_000_000, required=False,
        help_text="1,750 ft is 534 m. Leave empty to apply at any radius.",
    )  # fmt: skip
    source = forms.CharField(label="Legal source", max_length=300, help_text="Statute and section.")

    def __init__(self, data: Any = None, *, at: datetime) -> None:
        """`at`: now, near which it begins."""
        super().__init__(data)
        self._at = at
        self.fields["consideration"].initial = JurisdictionRule.Consideration.ANY
        field = self.fields["purposes"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = purpose_choices()

    def clean(self) -> dict[str, Any]:
        """That it prohibits something, from a day within reason."""
        said = super().clean() or self.cleaned_data
        if not said.get("sale_test"):
            self._check_without_sale(said)
        if "starts_at" in said and (fault := find_start_fault(midnight(said["starts_at"]), at=self._at)):
            self.add_error("starts_at", fault)
        return said

    def _check_without_sale(self, said: dict[str, Any]) -> None:
        if not said.get("purposes") and "purposes" not in self.errors:
            self.add_error("purposes", NO_RULE)
        if said.get("consideration"):
            self.add_error("consideration", NO_SALE)

    def terms(self) -> RuleTerms:
        """What was typed, as the verb takes it."""
        said = self.cleaned_data
        return RuleTerms(
            **{name: said[name] for name in ("state", "sale_test", "consideration", "max_radius_m", "source")},
            starts_at=midnight(said["starts_at"]),
            purposes=tuple(said["purposes"]),
        )


class NoticeForm(ActForm):
    """The next version of a notice."""

    use = forms.ChoiceField(label="Where people see it", choices=NoticeText.Use.choices)
    language = forms.ChoiceField(label="Language", choices=settings.LANGUAGES)
    starts_at = DayField(label="Shown from", widget=DAY, help_text="0:00 UTC, but not before another officer agrees.")
    body = forms.CharField(
        label="Wording", max_length=2000, widget=forms.Textarea(attrs={"rows": 7}),
        help_text="A notice before allowing must contain {companies}, {purpose}, {precision} and {until}, once each.",
        validators=[check_visible_characters],
    )  # fmt: skip

    def __init__(self, data: Any = None, *, at: datetime) -> None:
        """`at`: now, near which it begins."""
        super().__init__(data)
        self._at = at

    def clean_starts_at(self) -> datetime:
        """The moment at which that day begins."""
        starts_at = midnight(self.cleaned_data["starts_at"])
        if fault := find_start_fault(starts_at, at=self._at):
            raise ValidationError(fault)
        return starts_at

    def clean(self) -> dict[str, Any]:
        """Said before the preview: what the words lack."""
        said = super().clean() or self.cleaned_data
        if {"use", "body"} <= said.keys():
            try:
                check_text(use=said["use"], text=" ".join(said["body"].split()))
            except ValidationError as error:
                self.refuse(error)
        return said


class KeyForm(ActForm):
    """A machine's public key."""

    public_jwk = forms.CharField(
        label="Public key (JWK)", max_length=4000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text="JSON. Never paste a private key.",
    )  # fmt: skip

    def clean_public_jwk(self) -> dict[str, object]:
        """The key; one with a private half is refused, and not shown again."""
        try:
            key = read_json(self.cleaned_data["public_jwk"])
        except Unreadable as error:
            raise ValidationError("This isn't valid JSON.") from error
        if not isinstance(key, dict) or "kty" not in key:
            raise ValidationError("This isn't a key: a JWK needs a kty.")
        if key.keys() & {"d", "p", "q", "k"}:
            raise ValidationError("This contains a private key. Create a new pair and paste only the public key.")
        return key


class ClientForm(KeyForm):
    """A machine that may ask for tokens."""

    client_id = forms.CharField(label="Client ID", max_length=200, validators=[check_client_id])
    kind = forms.ChoiceField(label="Kind", choices=Client.Kind.choices)
    party = forms.ChoiceField(label="Company (aggregators only)", required=False)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["party"]
        if isinstance(field, forms.ChoiceField):
            rows = Party.objects.filter(kind=Party.Kind.AGGREGATOR).order_by("name").values_list("uri", "name")
            field.choices = [("", "The carrier's own"), *rows]
        self.order_fields(["client_id", "kind", "party"])


class CertificateForm(ActForm):
    """The certificate that a machine shows."""

    certificate = forms.CharField(
        label="Certificate (PEM)", max_length=16_000, widget=forms.Textarea(attrs={"rows": 7}),
        help_text="The certificate only, not its key. Tokens work only over connections that present this certificate.",
    )  # fmt: skip


class SinceForm(ActForm):
    """From when on."""

    since = forms.DateTimeField(
        label="Orders since (UTC)", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )  # fmt: skip

    def moment(self) -> datetime:
        """The moment, UTC."""
        said: datetime = self.cleaned_data["since"]
        return said if said.tzinfo else said.replace(tzinfo=UTC)


class AnomalyRuleForm(ActForm):
    """The next version of a rule. What a number may be depends on the kind, and is said where it is not so."""

    threshold = forms.IntegerField(label="Threshold", min_value=1, max_value=MOST)
    window = forms.IntegerField(label="Time window", min_value=1)
    suspend_after_days = forms.IntegerField(
        label="Suspend the company for that line after (days)", min_value=0, required=False,
        help_text="Allows for consent records that arrive late. Leave empty to never suspend.",
    )  # fmt: skip
    enabled = forms.BooleanField(label="Rule is on", required=False)

    def __init__(self, data: Any = None, *, rule: AnomalyRule) -> None:
        names = ("threshold", "window", "suspend_after_days", "enabled")
        super().__init__(data, initial={name: getattr(rule, name) for name in names})
        terms = TERMS[rule.kind]
        self.fields["window"].label = f"Within ({terms.unit})"
        self.fields["window"].help_text = f"{terms.least} to {terms.most}."
        if rule.kind == AnomalyRule.Kind.DISPUTED:
            self.fields["threshold"].label = "Limit per 1,000"
        if not terms.suspends:
            del self.fields["suspend_after_days"]


class AssignForm(ActForm):
    """Whose it is."""

    to = forms.ChoiceField(label="Officer")

    def __init__(self, data: Any = None, *, officers: list[tuple[str, str]]) -> None:
        super().__init__(data)
        field = self.fields["to"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "Choose an officer"), *officers]


class AgentForm(ActForm):
    """What people call it, its key, and where it may be called back."""

    name = forms.CharField(
        label="Name shown to people", max_length=200, help_text="Shown on the page where people confirm."
    )
    key = forms.CharField(
        label="Public key", max_length=100,
        help_text="Ed25519, base64, as listed in the protocol's directory. Verify it through a second channel.",
    )  # fmt: skip
    hosts = forms.CharField(
        label="Callback hosts", required=False, max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}), help_text="One per line. Leave empty if the agent polls us.",
    )  # fmt: skip

    def clean_key(self) -> str:
        """Without what was copied along with it."""
        return "".join(str(self.cleaned_data["key"]).split())

    def clean_hosts(self) -> list[str]:
        """Each host once, in lower case."""
        return sorted({one.strip().lower() for one in str(self.cleaned_data["hosts"]).split() if one.strip()})


class NewAgentForm(AgentForm):
    """An agent that nobody wrote down yet."""

    agent_id = forms.CharField(label="ID in the protocol's directory", max_length=60)

    field_order = ("agent_id", "name", "key", "hosts")
