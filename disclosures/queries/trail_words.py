"""The stops of a path in words: who, and what they did there."""

from collections.abc import Mapping
from typing import Final, Literal

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.domain import message_templates
from accounts.domain.sentences import sentence
from disclosures.queries.flow import Kind
from disclosures.queries.history_days import Day
from disclosures.queries.trails import Hop

NAMES_SHOWN: Final = 3
UNNAMED: Final[Mapping[Kind, Promise]] = {
    "carrier": gettext_lazy("Your carrier"),
    "next": gettext_lazy("we don't know who received it next"),
    "lost": gettext_lazy("a company we can't name"),
}
ROLES: Final[Mapping[Literal["carrier", "aggregator", "service", "next"], Promise]] = {
    "carrier": gettext_lazy("knows where the phone is"),
    "aggregator": gettext_lazy("sells access to others"),
    "service": gettext_lazy("asked for it"),
    "next": gettext_lazy("received it next"),
}


def place_name(*, kind: Kind) -> SafeString:
    """Say who stands at a place that has no company's name."""
    return sentence(UNNAMED[kind])


def hop_name(*, hop: Hop) -> SafeString:
    """Say who was at a stop."""
    if hop.role == "carrier":
        return place_name(kind="carrier")
    if hop.lost:
        return place_name(kind="next" if hop.role == "next" else "lost")
    return format_html('<bdi class="name">{}</bdi>', hop.name)


def hop_role(*, hop: Hop) -> str:
    """Say what they did there."""
    if hop.lost and hop.role not in {"carrier", "aggregator"}:
        return _("the record does not say")
    return str(ROLES[hop.role])


def day_names(*, day: Day) -> SafeString:
    """Name the first companies of a day."""
    names = day.names[:NAMES_SHOWN]
    between = message_templates.join_words(["", ""])
    listed = format_html_join(between, '<bdi class="name">{}</bdi>', ((name,) for name in names))
    return format_html("{} …", listed) if len(day.names) > NAMES_SHOWN else listed
