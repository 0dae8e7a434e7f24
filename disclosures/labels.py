"""Judgements and bases in a page's words, and how much each one should worry."""

from collections.abc import Mapping
from typing import Literal, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from disclosures.models import Basis, Judgement, Outcome

Tone = Literal["good", "warn", "bad", "plain"]

JUDGEMENTS: Mapping[str, Promise] = {
    Judgement.PERMITTED: _("You allowed it"),
    Judgement.AFTER_STOP: _("Looked up after your stop"),
    Judgement.NO_APPROVAL: _("No record that you agreed"),
    Judgement.APPROVAL_UNVERIFIED: _("Only the company says you agreed"),
    Judgement.APPROVAL_EXPIRED: _("Your consent had ended"),
    Judgement.CONTRACT_NOT_IN_FORCE: _("The company's contract was not in force"),
    Judgement.CAMPAIGN_NOT_IN_FORCE: _("This use was not approved at the time"),
    Judgement.JURISDICTION_PROHIBITS: _("Not allowed in your state"),
    Judgement.PRECISION_EXCEEDED: _("More exact than you agreed to"),
    Judgement.PARTNER_SUSPENDED: _("The company was suspended"),
    Judgement.REFUSED: _("Refused: nothing was shared"),
    Judgement.EMERGENCY: _("Emergency call"),
    Judgement.LEGAL_PROCESS: _("Lawful order"),
    Judgement.NETWORK: _("Running the network"),
}
BASES: Mapping[str, Promise] = {
    Basis.APPROVAL: _("your consent"),
    Basis.EMERGENCY: _("an emergency call"),
    Basis.LEGAL_PROCESS: _("a lawful order"),
    Basis.NETWORK: _("running the network"),
}
OUTSIDE = (Basis.EMERGENCY, Basis.LEGAL_PROCESS, Basis.NETWORK)
_GOOD = {Judgement.PERMITTED, Judgement.REFUSED}
_PLAIN = {Judgement.EMERGENCY, Judgement.LEGAL_PROCESS, Judgement.NETWORK}
_WARN = {Judgement.APPROVAL_UNVERIFIED, Judgement.APPROVAL_EXPIRED, Judgement.PRECISION_EXCEEDED}
# What "not allowed by me" asks for: released under the name of an agreement, and it was not permitted.
NOT_ALLOWED = tuple(one.value for one in Judgement if one not in _GOOD | _PLAIN)


class Release(Protocol):
    """What was released, or was asked for and refused."""

    @property
    def judgement(self) -> str: ...
    @property
    def outcome(self) -> str: ...


def describe_outcome(asked: Release) -> str:
    """What is told of it: its judgement; where it was refused, whatever it was to rest on, that it was."""
    return Judgement.REFUSED if asked.outcome == Outcome.REFUSED else asked.judgement


def judgement_in_words(judgement: str) -> str:
    """What a page calls a judgement."""
    return str(JUDGEMENTS.get(judgement, judgement))


def basis_in_words(basis: str) -> str:
    """What a release rested on, to follow "Given out for"."""
    return str(BASES.get(basis, basis))


def tone_of(judgement: str) -> Tone:
    """How a judgement is tinted. The words say it too."""
    if judgement in _GOOD:
        return "good"
    if judgement in _PLAIN:
        return "plain"
    return "warn" if judgement in _WARN else "bad"


# Of the figures for everyone.
FIGURE_TITLES: Mapping[str, Promise] = {
    "choices": _("What people chose"),
    "followed": _("How partners acted on choices"),
    "releases": _("Locations we shared"),
    "phones": _("Phones that each company found"),
    "disputes": _("“I never agreed”"),
    "companies": _("The companies"),
}
CHOICE_KINDS: Mapping[str, Promise] = {
    "stop": _("Stops"),
    "dispute": _("Stops with the words “I never agreed”"),
    "refuse": _("Refusals of a company’s request"),
    "pause": _("Pauses"),
    "allow": _("Uses allowed, by name"),
    "ours": _("Stops we made for a line ourselves"),
}
COMPANY_ROLES: Mapping[str, Promise] = {
    "aggregator": _("Passes locations on for us"),
    "lbs_provider": _("Location service"),
}
COMPANY_STATES: Mapping[str, tuple[Promise, Tone]] = {
    "in force": (_("In force"), "good"),
    "ending": (_("Ends within 30 days"), "warn"),
    "unanswered": (_("Refused: it does not take our messages"), "bad"),
    "suspended": (_("Suspended by us"), "bad"),
    "not yet begun": (_("Not started yet"), "plain"),
    "ended": (_("Ended"), "plain"),
}
