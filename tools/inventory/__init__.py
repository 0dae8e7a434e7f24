"""Declare what each table holds, for how long, who sees it, and what its fields are, for `docs/reference/data.md`."""

from collections.abc import Mapping

from tools.inventory import choices, companies, desk, orders, people, releases
from tools.inventory.kinds import Kind, Table

__all__ = ["OF_OTHERS", "PARTS", "TABLES", "Kind", "Table"]

PARTS: Mapping[str, Mapping[str, Table]] = {
    "People, lines, what was done": people.TABLES,
    "Choices, approvals, questions": choices.TABLES,
    "Releases": releases.TABLES,
    "Orders and what partners signed": orders.TABLES,
    "Companies, agreements, machines": companies.TABLES,
    "Cases": desk.TABLES,
}
TABLES: Mapping[str, Table] = {label: table for part in PARTS.values() for label, table in part.items()}
# Tables of the libraries that are used.
OF_OTHERS: Mapping[str, str] = {
    "account.EmailAddress": "a staff member's mailbox",
    "account.EmailConfirmation": "the same, to be confirmed",
    "admin.LogEntry": "empty",
    "auth.Group": "empty",
    "auth.Group_permissions": "empty",
    "auth.Permission": "unused",
    "contenttypes.ContentType": "names of tables",
    "mfa.Authenticator": "a passkey's public half; sealed, an app's secret and hashes of recovery codes",
    "socialaccount.SocialAccount": "the carrier's name for a person; a subscriber's hashed",
    "socialaccount.SocialApp": "empty",
    "socialaccount.SocialToken": "empty",
}
