"""Which OAuth scopes a client of which kind may ask for."""

from partners.models import Client

# Anything else is `invalid_scope` (RFC 6749, 5.2).
SCOPES: dict[str, frozenset[str]] = {
    Client.Kind.GATEWAY: frozenset({"decisions:read", "disclosures:write"}),
    Client.Kind.FEED: frozenset({"lines:write"}),
    Client.Kind.AGGREGATOR: frozenset(
        {"ssf.manage", "ssf.read", "receipts:write", "approvals:write", "consent-info:retrieve"}
    ),
}
