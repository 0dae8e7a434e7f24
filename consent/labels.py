"""The gate's reasons, and ways to agree, in a page's words."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

# The gate's doors without a database: no answer of the gate's own, and no page has it.
UNAVAILABLE = "unavailable"
REASONS: Mapping[str, Promise] = {
    "line_unknown": _("This number is not an active line with us."),
    "partner_suspended": _("We have suspended this company. No one can allow it now."),
    "partner_unhealthy": _("This company does not answer our messages, so it is blocked for now."),
    "stopped_all": _("You stopped all sharing."),
    "stopped_party": _("You stopped this company."),
    "stopped_purpose": _("You stopped this kind of use."),
    "stopped_campaign": _("You stopped this use."),
    "paused": _("You paused this."),
    "no_approval": _("There is no record that you agreed."),
    "approval_unverified": _("Only the company says you agreed. That is not enough."),
    "approval_expired": _("Your consent has ended."),
    "contract_not_in_force": _("Our contract with the partner it goes through is not in force."),
    "campaign_not_in_force": _("This use is not approved right now."),
    "jurisdiction_prohibits": _("We don't allow this in your state."),
    "restoring": _("We are putting our records back in order after a fault. Until then, no company gets a location."),
    "precision_exceeded": _("It asks for a more exact location than you agreed to."),
}
METHODS: Mapping[str, Promise] = {
    "sms": pgettext_lazy("agreed", "by text"),
    "ivr": pgettext_lazy("agreed", "by phone"),
    "web": pgettext_lazy("agreed", "on a web page"),
    "app": pgettext_lazy("agreed", "in an app"),
    "paper": pgettext_lazy("agreed", "on paper"),
}


def method_in_words(method: str) -> str:
    """How an agreement was taken down: "by text"; "" for a way without words."""
    return str(METHODS.get(method, ""))


def reason_in_words(reason: str) -> str:
    """Why the gate says no, as one sentence; "" when it says yes."""
    return str(REASONS.get(reason, "")) if reason else ""


def approval_refused_in_words(reason: str) -> str:
    """What a page says to whoever said yes where no yes counts."""
    return gettext("Nothing changed. %(why)s") % {"why": reason_in_words(reason)}
