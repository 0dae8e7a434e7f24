"""Rules by which anomalies are found, and whose an incident is."""

from typing import Any

from django import forms

from disclosures.models import AnomalyRule
from disclosures.queries.rules import MOST, TERMS
from support.forms.base import ActForm


class AnomalyRuleForm(ActForm):
    """The next version of a rule. What a number may be depends on the kind, and is said where it is not so."""

    threshold = forms.IntegerField(label="From how many on", min_value=1, max_value=MOST)
    window = forms.IntegerField(label="Within", min_value=1)
    suspend_after_days = forms.IntegerField(
        label="Suspend the company for the line after (days)", min_value=0, required=False,
        help_text="Time for an approval that comes late. Empty: never.",
    )  # fmt: skip
    enabled = forms.BooleanField(label="Look for it", required=False)

    def __init__(self, data: Any = None, *, rule: AnomalyRule) -> None:
        names = ("threshold", "window", "suspend_after_days", "enabled")
        super().__init__(data, initial={name: getattr(rule, name) for name in names})
        terms = TERMS[rule.kind]
        self.fields["window"].label = f"Within ({terms.unit})"
        self.fields["window"].help_text = f"{terms.least} to {terms.most}."
        if rule.kind == AnomalyRule.Kind.DISPUTED:
            self.fields["threshold"].label = "More than how many in 1,000"
        if not terms.suspends:
            del self.fields["suspend_after_days"]


class AssignForm(ActForm):
    """Whose it is."""

    to = forms.ChoiceField(label="Whose it is")

    def __init__(self, data: Any = None, *, officers: list[tuple[str, str]]) -> None:
        super().__init__(data)
        field = self.fields["to"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "Choose an officer"), *officers]
