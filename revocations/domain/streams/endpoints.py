"""Where each partner receives its events, and where it may want to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import connection

from accounts.primitives.sealing import unseal
from partners.clients import http
from partners.models import Contract
from partners.policies.hosts import hosts_of, on_list
from revocations.models import Stream

ENDS = """
SELECT party_id, method, endpoint_url, authorization_sealed, status, algorithm FROM revocations_stream
WHERE party_id = ANY (%s::bigint[])
"""


@dataclass(frozen=True)
class Endpoint:
    """`url` "": the contract's own. `authorization`: the header to send, "" for none. `algorithm`: ES256 or RS256."""

    pushed: bool = True
    url: str = ""
    authorization: str = ""
    enabled: bool = True
    algorithm: str = "ES256"


CONTRACTS_OWN = Endpoint()


def endpoints(*, party_ids: Collection[int]) -> Mapping[int, Endpoint]:
    """The end of each partner's stream, in one statement; a partner without a stream has its contract's own."""
    with connection.cursor() as cursor:
        cursor.execute(ENDS, [list(party_ids)])
        found = {
            party_id: Endpoint(
                pushed=method == Stream.Method.PUSH,
                url=url,
                authorization=unseal(authorization) if authorization else "",
                enabled=status == Stream.Status.ENABLED,
                algorithm=algorithm,
            )
            for party_id, method, url, authorization, status, algorithm in cursor.fetchall()
        }
    return {party_id: found.get(party_id, CONTRACTS_OWN) for party_id in party_ids}


def allows(*, url: str, party_id: int) -> bool:
    """Whether events may be pushed to this host: one that any of the partner's agreements lists.

    Where the door out may speak to this very machine, in the demo and in tests, any of its ports will do.
    """
    if http.loopback_allowed() and http.is_loopback(urlsplit(url).hostname or ""):
        return True
    contracts = Contract.objects.filter(aggregator_id=party_id, is_draft=False)
    return any(on_list(url=url, hosts=hosts_of(contract)) for contract in contracts)
