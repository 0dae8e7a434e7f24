"""Check a receipt file by the published keys alone: what we signed, and what partners signed about it.

It needs no database, so that the command can check a receipt offline and the page can check one without keeping it.
"""

import hashlib
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import KeySet

from accounts.primitives.json_reader import read_json
from partners.models import SigningKey
from partners.primitives import tokens
from partners.primitives.tokens import BadToken, Json, UnknownKey

# A real one has less than a tenth of it.
LARGEST_FILE = 2_000_000
# What tells a receipt file from any other JSON.
RECEIPT = b'"token"'
# A token alone: a JWS in its compact form, which still looks so where it was cut off or changed.
# Begins the last line of an export of the audit log.
LIST_SIGNATURE = b"\r\nSignature: "
TOKEN = re.compile(r"eyJ[\w.-]*", re.ASCII)
OTHERS = "it holds other confirmations than we put into it"
type Object = Mapping[str, Any]
# By party and key id: public keys, more than one where the party used the id again.
type Known = Mapping[tuple[str, str], Sequence[Json]]


class Fault(StrEnum):
    """Why a receipt proves nothing, as far as whoever holds it has to know."""

    NO_RECEIPT = "no_receipt"  # the file is something else, or can't be read
    KEY_WITHDRAWN = "key_withdrawn"  # others may have known the key
    KEY_UNKNOWN = "key_unknown"  # it names a partner's key that we had no more when it was saved
    NOT_AS_SIGNED = "not_as_signed"  # something in it is not what was signed, or not by whom it says


class DoesNotVerify(Exception):
    """Why, in one line; `fault` is the kind."""

    def __init__(self, message: str, fault: Fault = Fault.NOT_AS_SIGNED) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True)
class SignedBelow:
    """What a company behind a partner did: by its own signature (`itself`), or by the partner's word alone."""

    company: str
    status: str
    itself: bool


@dataclass(frozen=True)
class Confirmation:
    """What one partner signed. `came`: when and by whose signature it came to us; None where that is not said."""

    party: str
    status: str
    came: tuple[str, str] | None
    actions: tuple[Object, ...]
    below: tuple[SignedBelow, ...]


@dataclass(frozen=True)
class StandingOf:
    """How far a partner was when the file was made. `missing`: URIs of companies behind it that have not signed."""

    party: str
    state: str
    missing: tuple[str, ...]
    unnamed: bool


@dataclass(frozen=True)
class CheckedReceipt:
    """A receipt whose every signature fits. `claims`: the claims that we signed; `kid`: with which key.

    `is_completion`: it is our word that one confirmation came, and no receipt of a choice.
    """

    claims: Object
    kid: str
    is_completion: bool = False
    confirmations: tuple[Confirmation, ...] = ()
    as_of: tuple[str, str] | None = None
    standing: tuple[StandingOf, ...] = ()


def read_receipt_file(content: bytes) -> Object:
    """Read a receipt file: the JSON or the PDF as downloaded, or the token alone. Raises DoesNotVerify."""
    try:
        text = (_find_attached_receipt(content) if content.startswith(b"%PDF-") else content).decode().strip()
        return {"token": text} if TOKEN.fullmatch(text) else _object(read_json(text))
    except ValueError as error:
        raise DoesNotVerify(str(error), Fault.NO_RECEIPT) from error


def check_receipt(kept: Object, published: Object) -> CheckedReceipt:
    """Check every signature in a receipt file by the published keys (a JWK Set). Raises DoesNotVerify."""
    try:
        return _check(kept, published)
    except BadSignatureError as error:
        raise DoesNotVerify("a signature doesn't fit what it signs") from error
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        known = isinstance(error, JoseError | ValueError)
        raise DoesNotVerify(str(error) if known else "it does not have the shape of a receipt") from error


def check_document(kept: Object, published: Object) -> tuple[Object, str]:
    """Check a document of ours by the published keys. Returns what it says, and the key's id. Raises DoesNotVerify."""
    try:
        said, kid = _open_own_token(kept.get("token"), published, SigningKey.Use.MANIFEST)
        document = _object(said.get("document"))
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DoesNotVerify("it does not have the shape of a document, or is not as we signed it") from error
    if document.get("id") != kept.get("document"):
        raise DoesNotVerify("what was signed is another document")
    return said, kid


def find_list_signature(content: bytes) -> tuple[bytes, str]:
    """Return what an export of the audit log signs, and the token in its last line; "" where it is no such file."""
    lines, mark, token = content.rpartition(LIST_SIGNATURE)
    return (lines + b"\r\n", token.decode(errors="replace").strip()) if mark else (content, "")


def check_list(*, signed: bytes, token: str, published: Object) -> tuple[Object, str]:
    """Check an export of the audit log by the published keys, as `check_document` does. Raises DoesNotVerify."""
    try:
        said, kid = _open_own_token(token, published, SigningKey.Use.MANIFEST)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DoesNotVerify("its last line is not as we signed it") from error
    if said.get("sha256") != hashlib.sha256(signed).hexdigest():
        raise DoesNotVerify("its lines are not those that were signed")
    return said, kid


def _check(kept: Object, published: Object) -> CheckedReceipt:
    said, kid = _open_own_token(kept.get("token"), published)
    if "completion" in said:
        return CheckedReceipt(said, kid, is_completion=True)
    if "confirmations" in said or "as_of" in said:
        raise DoesNotVerify("this is what we say of the partners' confirmations, and no receipt", Fault.NO_RECEIPT)
    number = said.get("receipt")
    if "receipt" in kept and kept["receipt"] != number:
        raise DoesNotVerify(f"the file calls itself {kept['receipt']}, and what was signed is {number}")
    as_of, standing = _check_standing(kept, number, published)
    return CheckedReceipt(
        said, kid, confirmations=_check_confirmations(kept, number, published), as_of=as_of, standing=standing
    )


def _open_own_token(
    token: object, published: Object, use: SigningKey.Use = SigningKey.Use.RECEIPT
) -> tuple[Object, str]:
    """What we signed as a receipt, or for another use, and with which key."""
    if not isinstance(token, str):
        raise DoesNotVerify('the file is no receipt: it has no "token"', Fault.NO_RECEIPT)
    found = jws.deserialize_compact(token, KeySet.import_key_set(_key_set(published)), algorithms=["ES256"])
    if found.headers().get("typ") != use.value:
        raise DoesNotVerify("it was signed as something else")
    kid = str(found.headers().get("kid"))
    _refuse_withdrawn_key(published, kid)
    return _object(read_json(found.payload or b"")), kid


def _refuse_withdrawn_key(published: Object, kid: str) -> None:
    """What a key signs that others may know, they may have signed, with any date on it."""
    if any("revoked" in key for key in published["keys"] if key.get("kid") == kid):
        raise DoesNotVerify(
            "its key was withdrawn, because others may have known it. Ask the carrier to look it up by its number",
            Fault.KEY_WITHDRAWN,
        )


def _check_confirmations(kept: Object, number: object, published: Object) -> tuple[Confirmation, ...]:
    """What each partner signed, by the keys that we say are theirs: the statement with those keys is signed by us."""
    held = kept.get("partner_receipts") or []
    if not held and "partner_keys" not in kept:
        return ()
    stated = _open_stated_keys(kept, number, published)
    known = _list_keys(stated)
    about = {one["sha256"]: one for one in stated["confirmations"]}
    confirmations = tuple(_check_confirmation(_object(one), number, about, known, published) for one in held)
    if sorted(_digest(one["token"]) for one in held) != sorted(about):
        raise DoesNotVerify(OTHERS)
    return confirmations


def _list_keys(stated: Object) -> Known:
    known = defaultdict[tuple[str, str], list[Json]](list)
    for one in stated["keys"]:
        known[one["party"], one["kid"]].append(one["jwk"])
    return known


def _open_stated_keys(kept: Object, number: object, published: Object) -> Object:
    if "partner_keys" not in kept:
        raise DoesNotVerify("it holds partners' confirmations, and not the keys to check them by")
    stated, _kid = _open_own_token(kept["partner_keys"], published)
    if stated.get("receipt") != number:
        raise DoesNotVerify("the keys in it belong to another receipt")
    # A file may hold one confirmation a thousand times: that shows before any is checked.
    if len(kept.get("partner_receipts") or ()) > len(stated["confirmations"]):
        raise DoesNotVerify(OTHERS)
    return stated


def _check_confirmation(
    one: Object, number: object, about: Mapping[str, Object], known: Known, published: Object
) -> Confirmation:
    token = one.get("token")
    stated = about.get(_digest(token)) if isinstance(token, str) else None
    if not isinstance(token, str) or stated is None:
        raise DoesNotVerify("it holds a confirmation that we never took about this choice")
    party = str(stated["party"])
    event = _open_confirmed_event(token, party, known)
    _check_labels(one, stated, event)
    return Confirmation(
        party=party,
        status=str(event.get("status")),
        came=_check_completion(one, number, party, token, published),
        actions=tuple(_object(done) for done in event.get("actions") or []),
        below=tuple(_check_below(_object(entry), known) for entry in event.get("downstream") or []),
    )


def _check_labels(one: Object, stated: Object, event: Object) -> None:
    """What stands beside a token, for people to read. Of files from before we signed names, no name is checked."""
    signed = {"party": stated.get("name", one.get("party")), "status": event.get("status")}
    if any(one.get(name, word) != word for name, word in signed.items()):
        raise DoesNotVerify(f"what it says of the confirmation of {stated['party']} is not what was signed")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _open_confirmed_event(token: str, party: str, known: Known) -> Object:
    try:
        said = _verify_party_claims(token, party, known)
    except BadToken as error:
        fault = Fault.KEY_UNKNOWN if isinstance(error, UnknownKey) else Fault.NOT_AS_SIGNED
        raise DoesNotVerify(f"the confirmation of {party}: {error}", fault) from error
    (event,) = _object(said["events"]).values()
    return _object(event)


def _check_completion(one: Object, number: object, party: str, token: str, published: Object) -> tuple[str, str] | None:
    """Our own word that this very confirmation came: when, and who signed that."""
    if "completion" not in one:
        return None
    said, _kid = _open_own_token(one["completion"], published)
    about = _object(said.get("completion"))
    fits = (said.get("receipt"), about.get("party"), about.get("sha256"))
    if fits != (number, party, _digest(token)):
        raise DoesNotVerify(f"our word that {party} confirmed is about something else")
    return str(about.get("received_at")), str(said.get("iss"))


def _check_below(entry: Object, known: Known) -> SignedBelow:
    """What a company below signed itself; what does not fit its own key is the partner's word alone."""
    company, receipt = str(entry.get("recipient")), entry.get("receipt")
    try:
        _verify_party_claims(receipt if isinstance(receipt, str) else "", company, known)
    except BadToken:
        return SignedBelow(company, str(entry.get("status")), itself=False)
    return SignedBelow(company, str(entry.get("status")), itself=True)


def _check_standing(
    kept: Object, number: object, published: Object
) -> tuple[tuple[str, str] | None, tuple[StandingOf, ...]]:
    """How far each partner was when the file was made: what the file says of it is what we signed."""
    if "standing" not in kept and "partners" not in kept:
        return None, ()
    stated, _kid = _open_own_token(kept.get("standing"), published)
    if stated.get("receipt") != number or stated.get("partners") != kept.get("partners"):
        raise DoesNotVerify("what it says of how far each company is, is not what we signed")
    return (str(stated.get("as_of")), str(stated.get("iss"))), tuple(map(_standing_of, stated["partners"]))


def _standing_of(partner: Object) -> StandingOf:
    below = _object(partner["below"])
    return StandingOf(
        party=str(partner["id"]),
        state=str(partner["state"]),
        missing=tuple(str(each["id"]) for each in below["not_signed"]),
        unnamed=bool(below["not_signed_unnamed"]),
    )


def _verify_party_claims(token: str, party: str, known: Known) -> Mapping[str, Json]:
    """The claims of a token that carries this party's name and fits its key. Raises BadToken."""
    opened = tokens.parse_unverified(token)
    if opened.claims.get("iss") != party:
        raise BadToken("it was issued in another name")
    keys = known.get((party, opened.kid), ())
    if not keys:
        raise UnknownKey("the key it was signed with was not known any more when this file was saved")
    if not any(_is_signed_by(opened.alg, token, jwk) for jwk in keys):
        raise BadToken("its signature does not fit its key")
    return opened.claims


def _is_signed_by(alg: str, token: str, jwk: Json) -> bool:
    key = tokens.read_jwk(jwk)
    try:
        tokens.check_signature(token, key)
    except BadToken:
        return False
    return tokens.ALGORITHMS[key.key_type] == alg


def _find_attached_receipt(printed: bytes) -> bytes:
    """The receipt file that is attached to a PDF. What is printed on its pages is not looked at.

    The PDF is not parsed, because anyone may send one: a few hundred bytes can have a parser unpack gigabytes.
    """
    found, left = list[bytes](), LARGEST_FILE
    for stream in _streams_in(printed):
        content, is_whole = _unpack_json(stream, left)
        left -= len(content)
        found += [content] if is_whole and RECEIPT in content else []
    if len(found) != 1:
        raise DoesNotVerify("the PDF has no receipt attached, or more than one", Fault.NO_RECEIPT)
    return found[0]


def _streams_in(printed: bytes) -> Iterator[bytes]:
    end = 0
    while (start := printed.find(b"stream", end)) >= 0 and (end := printed.find(b"endstream", start)) >= 0:
        yield printed[start + len(b"stream") : end].lstrip()
        end += len(b"endstream")


def _unpack_json(stream: bytes, at_most: int) -> tuple[bytes, bool]:
    """What a stream holds that begins like JSON, packed or not, and whether that is all of it; nothing of any other."""
    if stream.startswith(b"{"):
        return stream, True
    try:
        is_json = zlib.decompressobj().decompress(stream, 1) == b"{"
    except zlib.error:
        return b"", False
    return _unpack(stream, max(1, at_most)) if is_json else (b"", False)


def _unpack(stream: bytes, at_most: int) -> tuple[bytes, bool]:
    unpacks = zlib.decompressobj()
    try:
        return unpacks.decompress(stream, at_most), unpacks.eof
    except zlib.error as error:
        raise DoesNotVerify("what is attached to the PDF is damaged", Fault.NO_RECEIPT) from error


def _object(value: object) -> Object:
    if not isinstance(value, dict):
        raise DoesNotVerify("something that should be a JSON object is none", Fault.NO_RECEIPT)
    return value


def _key_set(published: Object) -> Any:
    found = published.get("keys")
    if not isinstance(found, list) or not all(isinstance(key, dict) for key in found):
        raise DoesNotVerify("the published keys are no JWK Set")
    return published
