"""The partners' public keys: fetched through the one door out, kept, and fetched again for a key not seen before."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from django.db import connection, transaction
from joserfc.errors import JoseError

from accounts.primitives.json_reader import Unreadable, read_json
from accounts.primitives.slots import SlotPool
from partners.clients import http
from partners.models import Contract, PartnerKeySet, Party, ReceiptKey
from partners.primitives import tokens
from partners.primitives.tokens import BadToken, Claims, Json, PublicKey, UnknownKey, parse_unverified

REFETCH = timedelta(minutes=1)
KEPT = timedelta(hours=24)
MOST_KEYS = 50
# A company that hands no keys out keeps so many of a process's threads and no more, whatever comes signed by it.
AT_ONCE = 4
fetching = SlotPool()

# Those published now, too: a process of the release before keeps none.
BEHIND = """
SELECT DISTINCT party.uri, held.jwk::text FROM partners_party party JOIN (
    SELECT party_id, jwk FROM partners_receiptkey
    UNION ALL SELECT party_id, jsonb_array_elements(jwks->'keys') FROM partners_partnerkeyset
) held ON held.party_id = party.id WHERE party.uri = ANY(%s) ORDER BY 1, 2
"""


class KeysOnTheirWay(Exception):
    """As many as may are fetching a company's keys already: whoever asks in a moment has them."""


class LookUps:
    """How often this process may be fetching the keys of each company of which others speak, known to us or not."""

    def __init__(self) -> None:
        self._lock, self._ends = Lock(), dict[str, list[float]]()

    def count(self, *, uri: str, until: float) -> None:
        """Count one more until that moment (`time.monotonic`). Raises KeysOnTheirWay where as many as may are there."""
        now = time.monotonic()
        with self._lock:
            self._ends = {name: ends for name, ends in self._ends.items() if ends[-1] > now}
            going = [one for one in self._ends.get(uri, ()) if one > now]
            if len(going) >= AT_ONCE:
                raise KeysOnTheirWay
            self._ends[uri] = [*going, until]

    def clear(self) -> None:
        """Forget them all."""
        self._ends = {}


look_ups = LookUps()


def key_of(*, party: Party, kid: str, at: datetime, token: str = "") -> PublicKey:
    """Return the key under this `kid` that `party` signed this token with, or the first. Raises UnknownKey.

    Several keys may have one `kid`, and a new key that of an old one. May speak HTTP: never inside a transaction. A
    `kid` that is unknown, or of which no key fits the token, leads to a new fetch at most once a minute; a failed fetch
    leaves the known keys standing, and so do a few that are on their way. Raises KeysOnTheirWay.
    """
    known = PartnerKeySet.objects.filter(party=party).first()
    named = _list_named(known.jwks, kid) if known else []
    fits = _find_fitting(token, named) is not None
    if known is None or at - known.fetched_at >= (KEPT if fits else REFETCH):
        named = _fetch_named(party, kid, at, known=named if fits else [])
    if not named:
        raise UnknownKey("no key with this kid is published by its issuer")
    return _find_fitting(token, named) or named[0]


def has_key(*, party: Party, kid: str, token: str) -> bool:
    """Return whether a key of `party` that we keep signed this token. No HTTP."""
    known = PartnerKeySet.objects.filter(party=party).first()
    return known is not None and _find_fitting(token, _list_named(known.jwks, kid)) is not None


def keys_behind(*, tokens: Collection[str]) -> list[dict[str, Json]]:
    """Return the keys by which we accepted these tokens and those nested in them: `party`, `kid`, `jwk`.

    More than one where a party used a `kid` again for another key. One query, no HTTP.
    """
    wanted = {name for token in tokens for name in _signers(token)}
    with connection.cursor() as cursor:
        cursor.execute(BEHIND, [sorted({uri for uri, _ in wanted})])
        held = [(uri, read_json(jwk)) for uri, jwk in cursor.fetchall()]
    return [{"party": uri, "kid": jwk["kid"], "jwk": jwk} for uri, jwk in held if (uri, jwk["kid"]) in wanted]


def keep_receipt_keys(*, keys: Collection[ReceiptKey]) -> None:
    """Keep the keys by which a receipt was accepted, for as long as it: its party may publish others by tomorrow."""
    ReceiptKey.objects.bulk_create(keys, ignore_conflicts=True)


def build_receipt_key(*, party: Party, kid: str, key: PublicKey) -> ReceiptKey:
    """Return the key by which something this party signed was checked, as it is kept once that is accepted."""
    return ReceiptKey(party=party, jwk=_as_jwk(key, kid))


def _signers(token: str) -> set[tuple[str, str]]:
    """In whose name and under which `kid` a token says it was signed, and each one that an event of it repeats."""
    try:
        opened = parse_unverified(token)
    except BadToken:
        return set()
    own = {(str(opened.claims.get("iss")), opened.kid)}
    return own.union(*(_issuer(receipt) for receipt in _receipts_below(opened.claims)))


def _receipts_below(claims: Claims) -> list[str]:
    events = claims.get("events")
    told = [event.get("downstream") for event in _objects(list(events.values()) if isinstance(events, dict) else None)]
    entries = [entry for one in told for entry in _objects(one)]
    return [receipt for entry in entries if isinstance(receipt := entry.get("receipt"), str)]


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _issuer(token: str) -> set[tuple[str, str]]:
    try:
        opened = parse_unverified(token)
    except BadToken:
        return set()
    return {(str(opened.claims.get("iss")), opened.kid)}


def jwks_uri_of(*, party: Party) -> str:
    """Return where the party's keys are: its own address, else its newest contract's; "" where none is written down.

    A draft, which one officer may write, counts for nothing.
    """
    if party.jwks_uri:
        return party.jwks_uri
    agreed = Contract.objects.filter(aggregator=party, is_draft=False).exclude(jwks_uri="")
    return agreed.order_by("-starts_at", "-id").values_list("jwks_uri", flat=True).first() or ""


@contextmanager
def may_move(*, party: Party) -> Iterator[None]:
    """Around what may move the address of the party's keys, in its transaction: those from the old one are let go of.

    They count no longer from the commit on. Who is fetching from there meanwhile keeps nothing either.
    """
    was = jwks_uri_of(party=party) if party.pk else ""
    yield
    if jwks_uri_of(party=_lock_party(party)) != was:
        PartnerKeySet.objects.filter(party=party).delete()


def _lock_party(party: Party) -> Party:
    return Party.objects.select_for_update().get(pk=party.pk)


def on_own_host(*, uri: str, jwks_uri: str) -> bool:
    """Return whether keys are on the host of the company's own address, or below it: nobody else signs in its name.

    In demo and tests loopback is everybody's own host.
    """
    own, theirs = _host(uri), _host(jwks_uri)
    on_own = bool(own) and (theirs == own or theirs.endswith(f".{own}"))
    return on_own or (bool(theirs) and http.loopback_allowed() and http.is_loopback(theirs))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def fetch_published_keys(*, url: str) -> list[dict[str, Json]] | None:
    """Fetch the usable public keys that stand at this address now; None where no JWK Set is there. Keeps nothing.

    Speaks HTTP: never inside a transaction.
    """
    reply = http.get(url=url)
    jwks = _read(reply.body) if reply.status == 200 else None
    return None if jwks is None else [key for key in jwks["keys"] if isinstance(key, dict)]


def _fetch_named(party: Party, kid: str, at: datetime, *, known: list[PublicKey]) -> list[PublicKey]:
    """The keys of this `kid` as they are published now; those `known` where others are fetching."""
    place = fetching.take(AT_ONCE, whose=party.pk)
    if place is None and not known:
        raise KeysOnTheirWay
    if place is None:
        return known
    try:
        return _list_named(_fetch_keyset(party, at), kid)
    finally:
        place.release()


def _fetch_keyset(party: Party, at: datetime) -> dict[str, list[Json]]:
    uri = jwks_uri_of(party=party)
    reply = http.get(url=uri) if uri else None
    jwks = _read(reply.body) if reply is not None and reply.status == 200 else None
    with transaction.atomic():
        if jwks_uri_of(party=_lock_party(party)) != uri:
            return {"keys": []}  # an officer moved them meanwhile: the next who asks fetches from there
        known = PartnerKeySet.objects.filter(party=party).first()
        if jwks is None:
            jwks = known.jwks if known else {"keys": []}
        PartnerKeySet.objects.update_or_create(party=party, defaults={"jwks": jwks, "fetched_at": at})
    return jwks


def _read(body: bytes) -> dict[str, list[Json]] | None:
    """The set as it will be kept: public halves of usable keys only; None if it is no JWK Set."""
    try:
        keys = read_json(body)["keys"]
        if not isinstance(keys, list):
            return None
    except (Unreadable, TypeError, KeyError):
        return None
    return {"keys": [public for key in keys[:MOST_KEYS] if (public := _public(key)) is not None]}


def _public(jwk: Json) -> dict[str, Json] | None:
    if not isinstance(jwk, dict) or not isinstance(kid := jwk.get("kid"), str) or not tokens.storable(kid):
        return None
    try:
        key = tokens.read_jwk(jwk)
    except (BadToken, JoseError):
        return None
    return _as_jwk(key, kid)


def _as_jwk(key: PublicKey, kid: str) -> dict[str, Json]:
    kept: dict[str, Json] = {name: part for name, part in key.as_dict(private=False).items() if isinstance(part, str)}
    return {**kept, "kid": kid}


def _list_named(jwks: dict[str, list[Json]], kid: str) -> list[PublicKey]:
    return [tokens.read_jwk(jwk) for jwk in jwks.get("keys", []) if isinstance(jwk, dict) and jwk.get("kid") == kid]


def _find_fitting(token: str, named: list[PublicKey]) -> PublicKey | None:
    """Find the key of these that signed the token; without a token, the first."""
    return next((key for key in named if not token or tokens.is_signed_by(token, key)), None)
