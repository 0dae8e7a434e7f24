"""What the carrier's files hold: lines, parties, what was agreed, what was released."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from tests.feeds import BRIDGE, LINK, ROAD, TRACK, Row, approval_row, line_row, parties_document, release_row
from tools.sandbox.identity import slug
from tools.sandbox.server import jwks_path

# Each partner's name, and the company below it that signs as well; below NorthLink nobody does.
PARTNERS = {BRIDGE: ("GeoBridge", ROAD), LINK: ("NorthLink", "")}


@dataclass(frozen=True)
class Line:
    """A line as the files name it."""

    line_id: str
    msisdn: str
    account_id: str

    def row(self, **changes: object) -> Row:
        """Its row in the file of lines."""
        mine = {**asdict(self), "activated_at": "2024-01-01T00:00:00Z"}
        return line_row(**{**mine, **changes})


@dataclass(frozen=True)
class Use:
    """What a campaign was agreed for."""

    campaign: str
    aggregator: str
    provider: str
    purpose: str
    scope: str = "location-retrieval:read"
    precision_m: int = 500

    def but(self, campaign: str, *, provider: str = "", purpose: str = "") -> "Use":
        """The same of another campaign, and of another provider or purpose."""
        return replace(self, campaign=campaign, provider=provider or self.provider, purpose=purpose or self.purpose)


ROADSIDE = Use("CMP-road", BRIDGE, ROAD, "dpv:RequestedServiceProvision")
TRACKING = Use("CMP-track", LINK, TRACK, "dpv:IdentityVerification")


def a_line(number: int) -> Line:
    """The line of this number, of an account of its own."""
    return Line(f"L-{number}", f"+1206555{number + 100:04}", f"A-{number}")


def campaign_row(use: Use, contract: str, **changes: object) -> Row:
    """The campaign of a use, for the file of parties."""
    return {
        "id": use.campaign, "contract": contract, "lbs_provider": use.provider, "purpose": use.purpose,
        "description": "Finds you", "consent_flow": "sms", "scope": use.scope, "precision_m": use.precision_m,
        "starts_at": "2024-01-01T00:00:00Z", "ends_at": "2094-01-01T00:00:00Z", **changes,
    }  # fmt: skip


def approval(line: Line, use: Use, **changes: object) -> Row:
    """A yes of the person's, as the carrier saw it."""
    return approval_row(**{"msisdn": line.msisdn, "campaign": use.campaign, "captured_by": use.provider, **changes})


def release(line: Line, use: Use, **changes: object) -> Row:
    """A release for such a use, three days ago if nothing else is said."""
    of_use = {"campaign": use.campaign, "purpose": use.purpose, "path": [use.aggregator, use.provider]}
    mine = {"msisdn": line.msisdn, "occurred_at": ago(3), "aggregator": use.aggregator, **of_use}
    return release_row(**{**mine, **changes})


def ago(days: float) -> str:
    """The moment so many days ago."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def parties(ports: Mapping[str, int], roads: Mapping[str, int]) -> dict[str, list[Row]]:
    """The file of parties: these partners publish their keys on this machine, and are reached there by these roads."""
    document, keys = parties_document(), _keys(ports)
    for party in document["parties"]:
        if party["id"] in keys:
            party["jwks_uri"] = keys[str(party["id"])]
    for contract in document["contracts"]:
        aggregator = str(contract["aggregator"])
        contract["endpoint_url"] = f"http://127.0.0.1:{roads[aggregator]}/events"
        contract["jwks_uri"] = keys[aggregator]
    return document


def _keys(ports: Mapping[str, int]) -> dict[str, str]:
    """Where each company's keys are: its own, or where the sandbox of the partner above it has them."""
    keys = {uri: f"http://127.0.0.1:{port}/jwks.json" for uri, port in ports.items()}
    below = {
        under: f"http://127.0.0.1:{ports[uri]}{jwks_path(slug(under))}" for uri, (_, under) in PARTNERS.items() if under
    }
    return {**keys, **below}
