"""The names by which a partner knows our lines. Two partners' names for one line have nothing in common.

A name is written down at first use and never changes; a new version of a partner's key serves new pairs only.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Collection, Mapping

from django.db import connection
from django.db.models.functions import Now

from accounts.primitives.sealing import seal, unseal
from partners.models import PairwiseKey, PairwiseSubject

LENGTH = 18
KNOWN = "SELECT line_id, sub FROM partners_pairwisesubject WHERE party_id = %s AND line_id = ANY (%s::bigint[])"
# Lines that a partner has no name for yet, each with the partner's newest key if it has one.
UNNAMED = """
SELECT asked.line_id, asked.party_id, key.version, key.secret_sealed
FROM unnest(%s::bigint[], %s::bigint[]) AS asked (line_id, party_id)
    LEFT JOIN LATERAL (
        SELECT version, secret_sealed FROM partners_pairwisekey key WHERE key.party_id = asked.party_id
        ORDER BY version DESC LIMIT 1
    ) key ON true
WHERE NOT EXISTS (
    SELECT FROM partners_pairwisesubject known WHERE known.line_id = asked.line_id AND known.party_id = asked.party_id)
ORDER BY asked.line_id, asked.party_id
"""
NAME = """
INSERT INTO partners_pairwisesubject (line_id, party_id, sub)
SELECT named.line_id, named.party_id, named.sub
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS named (line_id, party_id, sub)
ON CONFLICT DO NOTHING
"""


def subject(*, line_id: int, party_id: int) -> str:
    """Return this partner's name for this line, written down now if it had none."""
    return subjects(line_ids=[line_id], party_id=party_id)[line_id]


def subjects(*, line_ids: Collection[int], party_id: int) -> Mapping[int, str]:
    """Return this partner's name for each line, in three statements for any number.

    A number that is not ours is named by its stand-in (`sealing.make_placeholder_id`), so that it looks like a line.
    """
    known = list_subjects(line_ids=line_ids, party_id=party_id)
    new = [line_id for line_id in line_ids if line_id not in known]
    if not new:
        return known
    version, secret = _newest_key(party_id)
    PairwiseSubject.objects.bulk_create(
        [
            PairwiseSubject(line_id=line_id, party_id=party_id, sub=_name(version, secret, line_id))
            for line_id in sorted(set(new))
        ],
        ignore_conflicts=True,
        batch_size=5000,
    )
    # Read again: whoever came first has written the name that stands.
    return {**known, **list_subjects(line_ids=new, party_id=party_id)}


def name_lines(*, pairs: Collection[tuple[int, int]]) -> None:
    """Write down partners' names for lines where they had none. `pairs`: (line, party).

    In two statements for any number.
    """
    if not pairs:
        return
    with connection.cursor() as cursor:
        cursor.execute(UNNAMED, [list(column) for column in zip(*pairs, strict=True)])
        new = cursor.fetchall()
        if not new:
            return
        opened = _open_keys({party_id: (version, sealed) for _, party_id, version, sealed in new})
        named = [(line_id, party_id, _name(*opened[party_id], line_id)) for line_id, party_id, _, _ in new]
        cursor.execute(NAME, [list(column) for column in zip(*named, strict=True)])


def _open_keys(keys: Mapping[int, tuple[int, bytes | memoryview]]) -> dict[int, tuple[int, bytes]]:
    """Each partner's key, made where it has none."""
    return {
        party_id: _unseal_key(version, sealed) if sealed else _newest_key(party_id)
        for party_id, (version, sealed) in keys.items()
    }


def list_subjects(*, line_ids: Collection[int], party_id: int) -> Mapping[int, str]:
    """List the names already written down; writes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [party_id, list(line_ids)])
        return dict(cursor.fetchall())


def lines_of(*, subs: Collection[str], party_id: int) -> Mapping[str, int]:
    """The lines, or stand-ins for numbers that are not ours, that this partner knows by these names."""
    return dict(PairwiseSubject.objects.filter(party_id=party_id, sub__in=subs).values_list("sub", "line_id"))


def _newest_key(party_id: int) -> tuple[int, bytes]:
    newest = PairwiseKey.objects.filter(party_id=party_id).order_by("-version")
    key = newest.first()
    if key is None:
        secret = seal(b64encode(secrets.token_bytes(32)).decode())
        first = PairwiseKey(party_id=party_id, version=1, secret_sealed=secret, made_at=Now())
        PairwiseKey.objects.bulk_create([first], ignore_conflicts=True)
        # Read again: another process may have made the first one.
        key = newest.get()
    return _unseal_key(key.version, key.secret_sealed)


def _unseal_key(version: int, sealed: bytes | memoryview) -> tuple[int, bytes]:
    return version, b64decode(unseal(sealed))


def _name(version: int, secret: bytes, line_id: int) -> str:
    mac = hmac.digest(secret, str(line_id).encode(), hashlib.sha256)[:LENGTH]
    return f"k{version}.{urlsafe_b64encode(mac).decode()}"
