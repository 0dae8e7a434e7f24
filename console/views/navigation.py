"""The way round the console, by role."""

from dataclasses import dataclass, replace

from django.http import HttpRequest
from django.urls import reverse

from accounts.domain.view_as import get_shown_role
from accounts.models import User


@dataclass(frozen=True)
class Place:
    """One entry: the name of its address, what it is called, its sign, and whether the reader is there.

    `key`: what is pressed after "g" to go there.
    """

    name: str
    label: str
    icon: str
    key: str = ""
    href: str = ""
    here: bool = False


GROUPS: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "",
        (
            Place("index", "Dashboard", "dashboard", "d"),
            Place("notifications", "Notifications", "notifications_active", "n"),
            Place("desk", "Support desk", "support_agent", "q"),
        ),
    ),
    (
        "Partners",
        (
            Place("parties", "Companies", "apartment", "c"),
            Place("contracts", "Contracts", "contract"),
            Place("campaigns", "Campaigns", "campaign"),
            Place("purposes", "Purposes", "category"),
            Place("authorized-agents", "Authorized agents", "handshake"),
        ),
    ),
    (
        "Decisions",
        (
            Place("suspensions", "Suspensions", "block"),
            Place("suspend-requests", "Suspension requests", "contact_support"),
            Place("proposals", "Proposals", "how_to_vote", "p"),
            Place("terminations", "Terminations", "cancel"),
        ),
    ),
    (
        "Delivery",
        (
            Place("streams", "Streams", "cell_tower"),
            Place("orders", "Unsigned orders", "pending_actions"),
            Place("breaches", "Missed deadlines", "running_with_errors"),
            Place("reconciliation", "Reconciliation", "difference"),
            Place("keys", "Signing keys", "key"),
            Place("clients", "API clients", "smart_toy"),
        ),
    ),
    (
        "Rules",
        (
            Place("rules", "State rules", "gavel"),
            Place("anomaly-rules", "Anomaly rules", "troubleshoot"),
            Place("notices", "Notices", "description"),
        ),
    ),
    (
        "Oversight",
        (
            Place("incidents", "Incidents", "warning", "i"),
            Place("imports", "Imports", "upload_file"),
            Place("test-lines", "Test lines", "biotech"),
            Place("separations", "Line separations", "call_split"),
            Place("trail", "Audit log", "history", "l"),
            Place("roles", "Roles", "badge"),
            Place("documents", "Documents", "inventory_2"),
            Place("exports", "Exports", "download"),
        ),
    ),
)
LEGAL: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "",
        (
            Place("delayed", "Delayed notices", "visibility_off", "d"),
            Place("notifications", "Notifications", "notifications_active", "n"),
            Place("documents", "Documents", "inventory_2"),
            Place("imports", "Imports", "upload_file"),
            Place("trail", "Audit log", "history", "l"),
        ),
    ),
)
OFFICERS_ALONE = frozenset({"separations"})
ELSEWHERE = frozenset({"desk"})
# Acts that stand beside the list they belong to. All else is below its list, as its address says.
BESIDE = {"suspend": "suspensions", "lift": "suspensions", "terminate": "terminations", "campaign-draft": "campaigns"}

# Pages about a company, a contract or a campaign, as their address says.
ABOUT_ANY = frozenset({"set-up", "target-note", "shorten", "extend", "force", "discard", "link", "agreement-add"})
LISTS = {"party": "parties", "contract": "contracts", "campaign": "campaigns"}


def context(request: HttpRequest) -> dict[str, object]:
    """`places`: the groups of the way round; `may_act`: whether act buttons are shown at all; `can_search`: by name."""
    role = get_shown_role(request)
    at = _page_of(request)
    groups = LEGAL if role == User.Role.LEGAL else GROUPS
    return {
        "places": [(title, [_place(one, at) for one in places if _is_for(one, role)]) for title, places in groups],
        "home": reverse("admin:delayed" if role == User.Role.LEGAL else "admin:index"),
        "can_search": role != User.Role.LEGAL,
        "may_act": role in {User.Role.OFFICER, User.Role.LEGAL},
        "role": dict(User.Role.choices).get(role, ""),
    }


def _page_of(request: HttpRequest) -> str:
    """The page of the navigation that this one belongs to."""
    match = request.resolver_match
    name = (match.url_name if match else "") or ""
    if match and name in ABOUT_ANY:
        return LISTS.get(match.kwargs["of"], name)
    return BESIDE.get(name) or (match.route.split("/")[1] if match else "") or name


def _is_for(place: Place, role: str) -> bool:
    return role == User.Role.OFFICER or place.name not in OFFICERS_ALONE


def _place(place: Place, at: str) -> Place:
    href = reverse(place.name if place.name in ELSEWHERE else f"admin:{place.name}")
    return replace(place, href=href, here=place.name == at)
