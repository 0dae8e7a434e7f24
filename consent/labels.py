"""The gate's reasons, and ways to agree, in a page's words."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

# The gate's doors without a database: no answer of the gate's own, and no page has it.
UNAVAILABLE = "unavailable"
REASONS = (
    "line_unknown", "partner_suspended", "partner_unhealthy", "stopped_all", "stopped_party", "stopped_purpose",
    "stopped_campaign", "paused", "no_approval", "approval_unverified", "approval_expired", "contract_not_in_force",
    "campaign_not_in_force", "jurisdiction_prohibits", "restoring", "precision_exceeded",
)  # fmt: skip
# Those that stand in the way of a yes. What a yes does away with is never read.
AGAINST_A_YES: Mapping[str, Promise] = {
    "partner_suspended": _("We have suspended this company. No one can allow it now."),
    "partner_unhealthy": _("This company does not answer our messages, so it is blocked for now."),
    "contract_not_in_force": _("Our contract with the partner it goes through is not in force."),
    "campaign_not_in_force": _("This use is not approved right now."),
    "jurisdiction_prohibits": _("We don't allow this in your state."),
    "restoring": _("We are putting our records back in order after a fault. Until then, no company gets a location."),
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
    """Why no yes counts, as one sentence; "" where one does."""
    return str(AGAINST_A_YES.get(reason, ""))


def approval_refused_in_words(reason: str) -> str:
    """What a page says to whoever said yes where no yes counts."""
    return gettext("Nothing changed. %(why)s") % {"why": reason_in_words(reason)}
