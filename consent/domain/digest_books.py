"""What a partner ought to hold as allowed: what it has acknowledged, without what has ended since.

An entry is one use of one line. Its text is its fields joined by line feeds, its digest the first 8 bytes of the
SHA-256 of that; a bucket, the first two bytes of the SHA-256 of the partner's name for the line, holds the exclusive or
of the digests of its entries. SQL below and Python here do the same; a test compares them.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from struct import pack
from typing import Any

import msgspec
from django.db import connection

BUCKETS = 65_536
WIDTH = 8
# A partner's clock may be this far from ours.
AS_OF_SKEW = timedelta(seconds=5)

type Place = tuple[str, str, str]

OUR_DIGEST = """
WITH live AS MATERIALIZED (
    SELECT DISTINCT c.contract_id, provider.uri::text AS recipient, c.purpose::text, c.scope::text
    FROM partners_campaign c
        JOIN partners_contract k ON k.id = c.contract_id
        JOIN partners_party provider ON provider.id = c.lbs_provider_id
    WHERE k.aggregator_id = %(party)s AND NOT c.is_draft AND NOT k.is_draft
        AND c.starts_at <= %(as_of)s AND %(as_of)s < c.ends_at AND k.starts_at <= %(as_of)s AND %(as_of)s < k.ends_at
)
SELECT consent_digest_bucket(told.sub), bit_xor(('x' || encode(substr(sha256(convert_to(concat_ws(E'\\n',
    told.sub, told.agreement, told.epoch, told.version, live.recipient, live.purpose, live.scope,
    (SELECT string_agg(name, E'\\n' ORDER BY name COLLATE "C")
        FROM jsonb_array_elements_text(entry -> 'except') AS name)
    ), 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint)
FROM (
        -- OFFSET 0: each order is looked up once, not once for every use that is in force.
        SELECT subject.sub, contract.id AS contract_id, newest.*
        FROM partners_pairwisesubject subject
            CROSS JOIN partners_contract contract
            CROSS JOIN LATERAL (
                SELECT o.epoch, o.version, o.snapshot ->> 'agreement' AS agreement, o.snapshot -> 'state' AS state
                FROM revocations_order o
                WHERE o.line_id = subject.line_id AND o.contract_id = contract.id AND o.acknowledged_at <= %(had)s
                ORDER BY o.epoch DESC, o.version DESC LIMIT 1
            ) newest
        WHERE subject.party_id = %(party)s AND contract.aggregator_id = %(party)s
        OFFSET 0
    ) told
    CROSS JOIN LATERAL jsonb_array_elements(told.state) AS entry
    CROSS JOIN LATERAL jsonb_array_elements_text(entry -> 'scopes') AS one_scope
    JOIN live ON live.contract_id = told.contract_id AND live.recipient = entry ->> 'recipient'
        AND live.purpose = entry ->> 'purpose' AND live.scope = one_scope
WHERE entry ->> 'expires_at' IS NULL OR (entry ->> 'expires_at')::timestamptz > %(as_of)s
GROUP BY 1
"""

# By line and contract: the newest order that the partner has, and the states of those it may have had since.
TOLD = """
SELECT standing.line_id, standing.contract_id, had.epoch, had.version, had.state,
    coalesce((
        SELECT jsonb_agg(later.snapshot -> 'state' ORDER BY later.epoch, later.version) FROM revocations_order later
        WHERE later.line_id = standing.line_id AND later.contract_id = standing.contract_id
            AND (had.epoch IS NULL OR (later.epoch, later.version) > (had.epoch, had.version))), '[]')
FROM revocations_standing standing
    JOIN partners_contract contract ON contract.id = standing.contract_id AND contract.aggregator_id = %(party)s
    LEFT JOIN LATERAL (
        SELECT o.epoch, o.version, o.snapshot -> 'state' AS state FROM revocations_order o
        WHERE o.line_id = standing.line_id AND o.contract_id = standing.contract_id AND o.acknowledged_at <= %(had)s
        ORDER BY o.epoch DESC, o.version DESC LIMIT 1
    ) had ON true
WHERE standing.line_id = ANY (%(lines)s)
"""

IN_BUCKETS = """
SELECT sub, line_id FROM partners_pairwisesubject
WHERE party_id = %s AND consent_digest_bucket(sub) = ANY (%s)
"""


class Entry(msgspec.Struct, frozen=True):
    """One use that is held as allowed for one line. `excepted`: companies to which it must not go (`except`)."""

    sub: str
    agreement: str
    epoch: int
    version: int
    recipient: str
    purpose: str
    scope: str
    excepted: tuple[str, ...] = msgspec.field(default=(), name="except")

    @property
    def place(self) -> Place:
        """Which use it is."""
        return self.recipient, self.purpose, self.scope


@dataclass(frozen=True)
class Use:
    """A use in a state that we told: until when (None: no end of its own), and to whom not."""

    ends_at: datetime | None
    excepted: frozenset[str]


type State = Mapping[Place, Use]


@dataclass(frozen=True)
class PartnerState:
    """Where a partner stands with one line under one agreement.

    `had`: the newest state it had acknowledged by then, with its number; None if there was none. `since`: the states of
    the orders after that one, which it may have stored without our knowing.
    """

    number: tuple[int, int] | None
    had: State
    since: Sequence[State]

    def may_hold(
        self, place: Place, *, excepted: Collection[str], as_of: datetime, unordered: Sequence[Use] = ()
    ) -> bool:
        """Return whether the partner is right to hold this, as orders were still on their way.

        Nothing on its way: False. `unordered`: what it may hold without any order of ours; that counts until it has
        acknowledged the first one.
        """
        if not self.since:
            return False
        uses = [state[place] for state in (self.had, *self.since) if place in state]
        if self.number is None:
            uses += unordered
        return any((use.ends_at is None or use.ends_at > as_of) and use.excepted <= {*excepted} for use in uses)


def bucket_of(sub: str) -> int:
    """Return the bucket that a name falls into."""
    return int.from_bytes(hashlib.sha256(sub.encode()).digest()[:2])


def name_of(bucket: int) -> str:
    """Return a bucket as it is written."""
    return f"{bucket:04x}"


def our_digest(*, party_id: int, as_of: datetime) -> bytes:
    """Return the digests of all buckets as this partner's ought to be, one after the other. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(OUR_DIGEST, {"party": party_id, "as_of": as_of, "had": as_of - AS_OF_SKEW})
        digest = bytearray(BUCKETS * WIDTH)
        for bucket, value in cursor.fetchall():
            digest[bucket * WIDTH : (bucket + 1) * WIDTH] = pack(">q", value)
    return bytes(digest)


def get_bucket_lines(*, party_id: int, buckets: Collection[int]) -> dict[str, int]:
    """Return the lines of these buckets by this partner's names for them."""
    with connection.cursor() as cursor:
        cursor.execute(IN_BUCKETS, [party_id, list(buckets)])
        return dict(cursor.fetchall())


def list_partner_states(
    *, party_id: int, line_ids: Collection[int], as_of: datetime
) -> dict[tuple[int, int], PartnerState]:
    """Return, by line and contract, the partner's states of those that were told anything."""
    with connection.cursor() as cursor:
        cursor.execute(TOLD, {"party": party_id, "lines": sorted(line_ids), "had": as_of - AS_OF_SKEW})
        return {
            (line_id, contract_id): PartnerState(
                number=None if epoch is None else (epoch, version),
                had=_state(_read(state) or ()),
                since=[_state(later) for later in _read(since)],
            )
            for line_id, contract_id, epoch, version, state, since in cursor.fetchall()
        }


def _read(value: Any) -> Any:
    """Django reads jsonb as text in a plain cursor."""
    return msgspec.json.decode(value) if isinstance(value, str) else value


def _state(entries: Sequence[Mapping[str, Any]]) -> State:
    return {
        (entry["recipient"], entry["purpose"], scope): Use(
            ends_at=datetime.fromisoformat(entry["expires_at"]) if "expires_at" in entry else None,
            excepted=frozenset(entry.get("except", ())),
        )
        for entry in entries
        for scope in entry["scopes"]
    }
