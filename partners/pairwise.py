"""The names by which a partner knows our lines. Two partners' names for one line have nothing in common.

A name is written down at first use and never changes; a new version of a partner's key serves new pairs only.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Collection, Mapping

from django.db.models.functions import Now

from accounts.sealing import seal, unseal
from partners.models import PairwiseKey, PairwiseSubject

LENGTH = 18


def subject(*, line_id: int, party_id: int) -> str:
    """This partner's name for this line, written down now if it had none."""
    return subjects(line_ids=[line_id], party_id=party_id)[line_id]


def subjects(*, line_ids: Collection[int], party_id: int) -> Mapping[int, str]:
    """This partner's name for each line, in three statements for any number.

    A number that is not ours is named by its stand-in (`accounts.sealing.stand_in_id`), so that it looks like a line.
    """
    known = known_subjects(line_ids=line_ids, party_id=party_id)
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
    return {**known, **known_subjects(line_ids=new, party_id=party_id)}


def name_line(*, line_id: int, party_ids: Collection[int]) -> None:
    """Write down these partners' names for a line where they had none: in three statements for any number."""
    named = PairwiseSubject.objects.filter(line_id=line_id, party_id__in=party_ids).values_list("party_id", flat=True)
    new = set(party_ids) - set(named)
    if not new:
        return
    keys = PairwiseKey.objects.filter(party_id__in=new).order_by("version")
    newest = {key.party_id: _opened(key) for key in keys}
    PairwiseSubject.objects.bulk_create(
        [
            PairwiseSubject(
                line_id=line_id,
                party_id=party_id,
                sub=_name(*(newest.get(party_id) or _newest_key(party_id)), line_id),
            )
            for party_id in sorted(new)
        ],
        ignore_conflicts=True,
    )


def known_subjects(*, line_ids: Collection[int], party_id: int) -> Mapping[int, str]:
    """The names already written down; writes nothing."""
    return dict(PairwiseSubject.objects.filter(line_id__in=line_ids, party_id=party_id).values_list("line_id", "sub"))


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
    return _opened(key)


def _opened(key: PairwiseKey) -> tuple[int, bytes]:
    return key.version, b64decode(unseal(bytes(key.secret_sealed)))


def _name(version: int, secret: bytes, line_id: int) -> str:
    mac = hmac.digest(secret, str(line_id).encode(), hashlib.sha256)[:LENGTH]
    return f"k{version}.{urlsafe_b64encode(mac).decode()}"
