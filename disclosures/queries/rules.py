"""The rules by which anomalies are found, as they are now."""

from collections.abc import Sequence

from disclosures.models import AnomalyRule


def newest_rules() -> Sequence[AnomalyRule]:
    """The version of each kind that counts, in the order of the kinds. One query."""
    newest = AnomalyRule.objects.order_by("kind", "-version").distinct("kind")
    return sorted(newest, key=lambda rule: AnomalyRule.Kind.values.index(rule.kind))


def rules_in_force() -> Sequence[AnomalyRule]:
    """Those of them that are switched on."""
    return [rule for rule in newest_rules() if rule.enabled]
