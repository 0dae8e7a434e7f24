"""Feed words for people: purposes and precision at a twelve-year-old's level, and names made harmless.

Names, descriptions and wordings come from partners. They are kept as they came; what pages show of them has passed
`sanitise_text`: no control characters, no bidirectional overrides, no towers of combining marks, one line.
"""

import re
import unicodedata
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.primitives.reasons import has_visible_text

MOST_MARKS = 2
INLINE = 80
UNKNOWN = "unknown"
KEPT_FORMATS = {"\u200c", "\u200d"}  # joiners, without which some scripts and emoji fall apart
PURPOSES: dict[str, Promise] = {
    "AccountManagement": _("To manage your account"),
    "Advertising": _("To show you ads"),
    "AgeVerification": _("To check how old you are"),
    "CombatClimateChange": _("For work on the climate"),
    "CommercialResearch": _("To study customers"),
    "CounterMoneyLaundering": _("To spot money laundering"),
    "CreditChecking": _("To decide if you get credit"),
    "CustomerCare": _("To help you as a customer"),
    "DeliveryOfGoods": _("To bring you something you ordered"),
    "DirectMarketing": _("To send you ads"),
    "EnforceSecurity": _("To keep things secure"),
    "FraudPreventionAndDetection": _("To spot fraud"),
    "HumanResourceManagement": _("So that an employer can manage its staff"),
    "IdentityVerification": _("To check who you are"),
    "LegalCompliance": _("To follow a law"),
    "Marketing": _("To advertise"),
    "PersonalisedAdvertising": _("To show you ads picked for you"),
    "Personalisation": _("To fit a service to you"),
    "PersonnelManagement": _("To show an employer where its staff are"),
    "ProvideEventRecommendations": _("To suggest things to do"),
    "ProvidePersonalisedRecommendations": _("To suggest things to you"),
    "PublicBenefit": _("For the public good"),
    "RequestedServiceProvision": _("To give you a service you asked for"),
    "ResearchAndDevelopment": _("For research"),
    "SellDataToThirdParties": _("To sell it to others"),
    "SellProducts": _("To sell you things"),
    "ServiceOptimisation": _("To make a service better"),
    "ServiceProvision": _("To run a service"),
    "SocialMediaMarketing": _("To advertise on social media"),
    "TargetedAdvertising": _("To show you ads by where you go"),
    "VehicleTracking": _("To follow a vehicle"),
}


def purpose_in_words(term: str) -> str:
    """A W3C DPV term, `dpv:FraudPreventionAndDetection`, as a plain "why". An unlisted one is taken apart."""
    bare = term.rpartition(":")[2]
    if bare in PURPOSES:
        return str(PURPOSES[bare])
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", sanitise_text(bare, at_most=INLINE)).lower()
    return apart.capitalize() or gettext("No reason given")


def precision_in_words(metres: int) -> str:
    """How exact a position was: "within about 1 km". Nought: the exact spot."""
    if metres <= 0:
        return gettext("the exact spot")
    if metres < 1000:
        return gettext("within about %(n)s m") % {"n": metres}
    kilometres = metres / 1000
    return gettext("within about %(n)s km") % {"n": f"{kilometres:.0f}" if kilometres >= 10 else f"{kilometres:.2g}"}


def state_limit_in_words(metres: int) -> str:
    """What a state lets pass of a use that was agreed more exactly, as a sentence."""
    return gettext("Your state now allows only %(how)s.") % {"how": precision_in_words(metres)}


def sanitise_text(text: str, *, at_most: int = 1000) -> str:
    """Free text from a feed, harmless to lay out: one line, no controls, no overrides, shortened with an ellipsis."""
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if marks > MOST_MARKS or (kind in {"Cf", "Co", "Cs", "Cn"} and char not in KEPT_FORMATS):
            continue
        kept.append(" " if kind in {"Cc", "Zl", "Zp"} else char)
    clean = " ".join("".join(kept).split())
    return clean if len(clean) <= at_most else clean[: at_most - 1].rstrip() + "…"


def party_name(name: str, uri: str) -> str:
    """What to call a party: its name; where none can be seen, its address; of a hop nobody knows, that it has none."""
    if uri == UNKNOWN:
        return gettext("a company we can't name")
    shown = (sanitise_text(text, at_most=INLINE) for text in (name, uri))
    return next(filter(has_visible_text, shown), "") or gettext("a company without a name")


def link(website: str) -> str:
    """A website that may be linked: http or https with a host, printable ASCII. Anything else gives ""."""
    if not website.isascii() or not website.isprintable() or " " in website:
        return ""
    try:
        parts = urlsplit(website)
    except ValueError:
        return ""
    return website if parts.scheme in {"http", "https"} and parts.hostname and not parts.username else ""
