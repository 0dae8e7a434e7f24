"""What an order means: what may be used, and what must go. Whatever is not understood is denied."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tools.sandbox.clock import instant
from tools.sandbox.orders import Order, Record

ACTIONS = {"stop_use", "delete_held", "notify_downstream"}
SCOPES = {"location-retrieval:read", "location-verification:verify", "geofencing-subscriptions:read"}
PURPOSES = {
    f"dpv:{term}"
    for term in (
        "AccountManagement", "Advertising", "AgeVerification", "CombatClimateChange", "CommercialResearch",
        "CounterMoneyLaundering", "CreditChecking", "CustomerCare", "DeliveryOfGoods", "DirectMarketing",
        "EnforceSecurity",
        "FraudPreventionAndDetection", "HumanResourceManagement", "IdentityVerification", "LegalCompliance",
        "Marketing", "Personalisation", "PersonalisedAdvertising", "PersonnelManagement",
        "ProvideEventRecommendations", "ProvidePersonalisedRecommendations", "PublicBenefit",
        "RequestedServiceProvision", "ResearchAndDevelopment", "SellDataToThirdParties", "SellProducts",
        "ServiceOptimisation", "ServiceProvision", "SocialMediaMarketing", "TargetedAdvertising", "VehicleTracking",
    )
}  # fmt: skip
# `since` is rounded down to the minute; all of that minute goes.
ROUNDING = timedelta(minutes=1)

type Place = tuple[str, str]


def unknown_actions(order: Order) -> list[str]:
    return [action for action in order.required_actions if action not in ACTIONS]


def list_allowed_uses(order: Order, at: datetime) -> list[Record]:
    """What may be used at this moment: `[{"recipient","purpose","scopes"}]`, of known scopes and purposes only."""
    if unknown_actions(order):
        return []
    return [
        {"recipient": entry["recipient"], "purpose": entry["purpose"], "scopes": [*_filter_scopes(entry)]}
        for entry in order.state
        if _grants(entry, at)
    ]


def allowed_places(order: Order, at: datetime) -> set[Place]:
    return {place(entry) for entry in list_allowed_uses(order, at)}


def place(entry: Record) -> Place:
    """For whom and what for; "" for what is not a text."""
    recipient, purpose = (
        value if isinstance(value := entry.get(name), str) else "" for name in ("recipient", "purpose")
    )
    return recipient, purpose


def to_delete(order: Order) -> list[tuple[Record, datetime]]:
    """For each duty to delete: its scope, and the moment before which what was received must go."""
    if "delete_held" not in order.required_actions:
        return []
    found = [
        (scope if isinstance(scope := duty.get("scope"), dict) else {}, _until(order, duty))
        for duty in order.duties
        if duty.get("action") == "delete_held"
    ]
    return found or [({}, _until(order, {}))]


def covers(scope: Record, held: Place) -> bool:
    """Return whether a duty of this scope is about data held for this recipient and purpose. In doubt it is."""
    named = {name: scope[name] for name in ("recipient", "purpose") if isinstance(scope.get(name), str)}
    if scope.get("all") is True or not named:
        return True
    recipient, purpose = held
    return named.get("recipient", recipient) == recipient and named.get("purpose", purpose) == purpose


def _grants(entry: Record, at: datetime) -> bool:
    recipient, purpose = place(entry)
    ends = entry.get("expires_at")
    still = ends is None or ((until := instant(ends)) is not None and until > at)
    return bool(
        entry.get("status") == "granted" and recipient and purpose in PURPOSES and [*_filter_scopes(entry)] and still
    )


def _filter_scopes(entry: Record) -> Iterator[str]:
    scopes = entry.get("scopes")
    return (one for one in (scopes if isinstance(scopes, list) else []) if isinstance(one, str) and one in SCOPES)


def _until(order: Order, duty: Record) -> datetime:
    return (instant(duty.get("since")) or datetime.fromtimestamp(order.iat, UTC)) + ROUNDING
