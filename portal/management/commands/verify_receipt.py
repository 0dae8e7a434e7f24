"""Check a receipt offline, and what the partners signed about it."""

import hashlib
import json
import re
from argparse import ArgumentParser
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from partners.domain import keys
from partners.labels import sanitise_text
from partners.models import SigningKey
from partners.primitives import tokens
from partners.primitives.tokens import BadToken, Json
from portal import standalone_commands
from revocations.models import Duty

KEYS = (
    "the carrier's published keys, a saved /.well-known/jwks.json, or, for a receipt that is older than a few months, "
    "/.well-known/jwks-archive.json"
)
RECEIPT = re.compile(r"receipt-[A-Z0-9-]+\.json")
type Object = Mapping[str, Any]
# By party and key id: a public key.
type Known = Mapping[tuple[str, str], Json]


class DoesNotVerify(Exception):
    """Why, in one line."""


class Command(BaseCommand):
    help = (
        "Check the signature of a receipt file (JSON or PDF as downloaded, or the token alone), and those of the "
        "partners' confirmations in it, and print what they say. Nothing but the receipt and the carrier's published "
        "keys is needed, named by --jwks or saved beside the receipt as jwks.json: no server, no network, no database. "
        "Without them the keys of the database here are read, where there is one."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--jwks", type=Path, help=KEYS)

    def handle(self, *args: Any, file: Path, jwks: Path | None, **options: Any) -> None:
        try:
            kept = _file(file.read_bytes())
            published = _load_published_keys(kept, jwks or standalone_commands.keys_beside(file=file))
            for line in _check_receipt(kept, published):
                self.stdout.write(line)
        except DatabaseError as error:
            raise CommandError(
                f"our own keys can't be read: {_one_line(error)}. Name the published ones: --jwks FILE"
            ) from error
        except OSError as error:
            raise CommandError(f"can't read {error.filename}: {error.strerror}") from error
        except (DoesNotVerify, JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise CommandError(f"this receipt does not verify: {_one_line(error)}") from error


def _load_published_keys(kept: Object, jwks: Path | None) -> Object:
    """The published keys: of this file, or of our own database where there is one."""
    if jwks:
        return _object(json.loads(jwks.read_text()))
    if standalone_commands.is_offline():
        raise CommandError(
            f"the carrier's published keys are missing: save {_address(kept)} as jwks.json beside the receipt, "
            "or name it with --jwks"
        )
    return keys.archive(at=timezone.now())


def _address(kept: Object) -> str:
    """Where the one who signed a receipt publishes its keys, by the receipt's own word."""
    try:
        issuer = tokens.peek(str(kept.get("token"))).claims.get("iss")
    except BadToken:
        issuer = None
    known = isinstance(issuer, str) and issuer.startswith(("https://", "http://"))
    return f"{sanitise_text(str(issuer), at_most=200) if known else 'https://(the portal)'}/.well-known/jwks.json"


def _check_receipt(kept: Object, published: Object) -> list[str]:
    """What a receipt file says, once every signature in it has been checked. Raises for whatever does not fit."""
    said, kid = _ours(kept.get("token"), published)
    if "completion" in said:
        return [
            json.dumps(said, indent=2, ensure_ascii=False),
            f"Signed by {said.get('iss')} with key {kid}. Our word that a confirmation came verifies.",
        ]
    if "confirmations" in said or "as_of" in said:
        raise DoesNotVerify("this is what we say of the partners' confirmations, and no receipt")
    number = said.get("receipt")
    if "receipt" in kept and kept["receipt"] != number:
        raise DoesNotVerify(f"the file calls itself {kept['receipt']}, and what was signed is {number}")
    lines = [
        json.dumps(said, indent=2, ensure_ascii=False),
        f"Signed by {said.get('iss')} with key {kid}. The receipt verifies.",
    ]
    return [*lines, *_confirmations(kept, number, published), *_standing(kept, number, published)]


def _ours(token: object, published: Object) -> tuple[Object, str]:
    """What we signed as a receipt, and with which key."""
    if not isinstance(token, str):
        raise DoesNotVerify('the file is no receipt: it has no "token"')
    found = jws.deserialize_compact(token, KeySet.import_key_set(_key_set(published)), algorithms=["ES256"])
    if found.headers().get("typ") != SigningKey.Use.RECEIPT.value:
        raise DoesNotVerify("it was signed as something else")
    kid = str(found.headers().get("kid"))
    _check_kept_secret(published, kid)
    return _object(json.loads(found.payload or b"")), kid


def _check_kept_secret(published: Object, kid: str) -> None:
    """What a key signs that others may know, they may have signed, with any date on it."""
    if any("revoked" in key for key in published["keys"] if key.get("kid") == kid):
        raise DoesNotVerify(
            "its key was withdrawn, because others may have known it. Ask the carrier to look it up by its number"
        )


def _confirmations(kept: Object, number: object, published: Object) -> list[str]:
    """What each partner signed, by the keys that we say are theirs: the statement with those keys is signed by us."""
    held = kept.get("partner_receipts") or []
    if not held:
        return []
    stated = _stated_keys(kept, number, published)
    known: Known = {(one["party"], one["kid"]): one["jwk"] for one in stated["keys"]}
    about = {one["sha256"]: one["party"] for one in stated["confirmations"]}
    return [line for one in held for line in _confirmation(_object(one), number, about, known, published)]


def _stated_keys(kept: Object, number: object, published: Object) -> Object:
    if "partner_keys" not in kept:
        raise DoesNotVerify("it holds partners' confirmations, and not the keys to check them by")
    stated, _kid = _ours(kept["partner_keys"], published)
    if stated.get("receipt") != number:
        raise DoesNotVerify("the keys in it belong to another receipt")
    return stated


def _confirmation(one: Object, number: object, about: Mapping[str, str], known: Known, published: Object) -> list[str]:
    token, party = _token_about(one, about)
    event = _confirmed_event(token, party, known)
    return [
        f"{party} signed: {event.get('status')}. The confirmation verifies.",
        *_completion(one, number, party, token, published),
        *_deeds(event),
        *(_below(entry, party, known) for entry in event.get("downstream") or []),
    ]


def _token_about(confirmation: Object, about: Mapping[str, str]) -> tuple[str, str]:
    """A confirmation's token, and the party that signed it by our word. `about`: parties by their tokens' digests."""
    token = confirmation.get("token")
    party = about.get(hashlib.sha256(token.encode()).hexdigest()) if isinstance(token, str) else None
    if not isinstance(token, str) or party is None:
        raise DoesNotVerify("it holds a confirmation that we never took about this choice")
    return token, party


def _confirmed_event(token: str, party: str, known: Known) -> Object:
    try:
        said = _verify_party_claims(token, party, known)
    except BadToken as error:
        raise DoesNotVerify(f"the confirmation of {party}: {error}") from error
    (event,) = _object(said["events"]).values()
    return _object(event)


def _standing(kept: Object, number: object, published: Object) -> list[str]:
    """How far each partner was when the file was made: what the file says of it is what we signed."""
    if "standing" not in kept and "partners" not in kept:
        return []
    stated, _kid = _ours(kept.get("standing"), published)
    if stated.get("receipt") != number or stated.get("partners") != kept.get("partners"):
        raise DoesNotVerify("what it says of how far each company is, is not what we signed")
    lines = [f"As of {stated.get('as_of')}, as {stated.get('iss')} signed. That verifies."]
    lines += [
        f"  {one['id']}: {one['state']}.{_waits(_object(one['below']))}" for one in map(_object, stated["partners"])
    ]
    return lines


def _waits(below: Object) -> str:
    missing = [str(each["id"]) for each in below["not_signed"]]
    missing += ["a company that nobody can name"] if below["not_signed_unnamed"] else []
    return f" Of the companies behind it these have not signed: {', '.join(missing)}." if missing else ""


def _completion(one: Object, number: object, party: str, token: str, published: Object) -> list[str]:
    """Our own word that this very confirmation came."""
    if "completion" not in one:
        return []
    said, _kid = _ours(one["completion"], published)
    about = _object(said.get("completion"))
    fits = (said.get("receipt"), about.get("party"), about.get("sha256"))
    if fits != (number, party, hashlib.sha256(token.encode()).hexdigest()):
        raise DoesNotVerify(f"our word that {party} confirmed is about something else")
    return [f"  It came on {about.get('received_at')}, as {said.get('iss')} signed. That verifies."]


def _deeds(event: Object) -> list[str]:
    """What it says that was done, thing by thing: "completed" alone does not tell of what."""
    said = [_object(one) for one in event.get("actions") or []]
    return [
        f"  {_deed(str(one.get('action')))}: {one.get('status')}, by its word at {one.get('at')}." for one in said
    ] or ["  It does not say of what."]


def _deed(action: str) -> str:
    return str(Duty.Action(action).label) if action in Duty.Action.values else sanitise_text(action, at_most=60)


def _below(entry: object, partner: str, known: Known) -> str:
    """What a company below signed itself; what does not fit its own key is the partner's word alone."""
    said = _object(entry)
    company, receipt = said.get("recipient"), said.get("receipt")
    try:
        _verify_party_claims(receipt if isinstance(receipt, str) else "", str(company), known)
    except BadToken:
        return f"  {company}: {said.get('status')}, by the word of {partner} alone."
    return f"  {company} signed itself: {said.get('status')}. That verifies."


def _verify_party_claims(token: str, party: str, known: Known) -> Mapping[str, Json]:
    """The claims of a token that carries this party's name and fits its key. Raises BadToken."""
    opened = tokens.peek(token)
    if opened.claims.get("iss") != party:
        raise BadToken("it was issued in another name")
    jwk = known.get((party, opened.kid))
    if jwk is None:
        raise BadToken("the key it was signed with is not published any more")
    key = tokens.read_jwk(jwk)
    if tokens.ALGORITHMS[key.key_type] != opened.alg:
        raise BadToken("its key signs by another algorithm")
    tokens.check_signature(token, key)
    return opened.claims


def _file(content: bytes) -> Object:
    """A receipt file: the JSON or the PDF as downloaded, or the token alone."""
    text = (_inside(content) if content.startswith(b"%PDF-") else content).decode().strip()
    return _object(json.loads(text)) if text[:1] in {"{", "["} else {"token": text}


def _inside(printed: bytes) -> bytes:
    """The receipt file that is attached to a PDF. What is printed on its pages is not looked at."""
    try:
        attached = PdfReader(BytesIO(printed)).attachments
        files = [one for name in attached if RECEIPT.fullmatch(name) for one in attached[name]]
    except (PyPdfError, AttributeError) as error:
        raise DoesNotVerify("the PDF can't be read") from error
    if len(files) != 1:
        raise DoesNotVerify("the PDF has no receipt attached, or more than one")
    return files[0]


def _object(value: object) -> Object:
    if not isinstance(value, dict):
        raise DoesNotVerify("something that should be a JSON object is none")
    return value


def _key_set(published: Object) -> Any:
    found = published.get("keys")
    if not isinstance(found, list) or not all(isinstance(key, dict) for key in found):
        raise DoesNotVerify("the published keys are no JWK Set")
    return published


def _one_line(error: Exception) -> str:
    known = isinstance(error, DoesNotVerify | JoseError | ValueError)
    return " ".join(str(error).split()) if known else "it does not have the shape of a receipt"
