"""Check a receipt offline, and what the partners signed about it."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from accounts.primitives.json_reader import Unreadable, read_json
from consent.domain.receipt_check import (
    CheckedReceipt,
    Confirmation,
    DoesNotVerify,
    Object,
    StandingOf,
    check_document,
    check_list,
    check_receipt,
    find_list_signature,
    read_receipt_file,
)
from partners.domain import keys
from partners.labels import sanitise_text
from partners.primitives import tokens
from partners.primitives.tokens import BadToken
from portal import standalone_commands
from revocations.models import Duty

KEYS = (
    "the carrier's published keys, a saved /.well-known/jwks.json, or, for a receipt that is older than a few months, "
    "/.well-known/jwks-archive.json"
)


class Command(BaseCommand):
    help = (
        "Check the signature of a receipt file (JSON or PDF as downloaded, or the token alone), and those of the "
        "partners' confirmations in it, and print what they say; or that of a document from the console, or of an "
        "export of the audit log. "
        "Nothing but the receipt and the carrier's published "
        "keys is needed, named by --jwks or saved beside the receipt as jwks.json: no server, no network, no database. "
        "Without them the keys of the database here are read, where there is one."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--jwks", type=Path, help=KEYS)

    def handle(self, *args: Any, file: Path, jwks: Path | None, **options: Any) -> None:
        jwks = jwks or standalone_commands.keys_beside(file=file)
        whose = f"in {jwks}" if jwks else "of the database here; name the carrier's with --jwks if it is another"
        try:
            for line in (*_list_lines(file.read_bytes(), jwks), f"Checked with the keys {whose}."):
                self.stdout.write(line)
        except DatabaseError as error:
            raise CommandError(
                f"our own keys can't be read: {_one_line(error)}. Name the published ones: --jwks FILE"
            ) from error
        except OSError as error:
            raise CommandError(f"can't read {error.filename}: {error.strerror}") from error
        except (DoesNotVerify, Unreadable) as error:
            told = f"this receipt does not verify: {_one_line(error)}. Checked with the keys {whose}."
            raise CommandError(told) from error


def _list_lines(content: bytes, jwks: Path | None) -> Iterator[str]:
    signed, token = find_list_signature(content)
    if token:
        said, kid = check_list(signed=signed, token=token, published=_load_published_keys({"token": token}, jwks))
        return iter([f"Signed by {said.get('iss')} with key {kid}. The export of the {said.get('file')} verifies."])
    kept = read_receipt_file(content)
    published = _load_published_keys(kept, jwks)
    return _list_document(kept, published) if "document" in kept else _list_findings(check_receipt(kept, published))


def _load_published_keys(kept: Object, jwks: Path | None) -> Object:
    """The published keys: of this file, or of our own database where there is one."""
    if jwks:
        found = read_json(jwks.read_bytes())
        if not isinstance(found, dict):
            raise DoesNotVerify("the published keys are no JWK Set")
        return found
    if standalone_commands.is_offline():
        raise CommandError(
            f"the carrier's published keys are missing: save {_address(kept)} as jwks.json beside the receipt, "
            "or name it with --jwks"
        )
    return keys.archive(at=timezone.now())


def _address(kept: Object) -> str:
    """Where the one who signed a receipt publishes its keys, by the receipt's own word."""
    try:
        issuer = tokens.parse_unverified(str(kept.get("token"))).claims.get("iss")
    except BadToken:
        issuer = None
    known = isinstance(issuer, str) and issuer.startswith(("https://", "http://"))
    return f"{sanitise_text(str(issuer), at_most=200) if known else 'https://(the portal)'}/.well-known/jwks.json"


def _list_document(kept: Object, published: Object) -> Iterator[str]:
    said, kid = check_document(kept, published)
    yield json.dumps(said["document"], indent=2, ensure_ascii=False)
    yield f"Signed by {said.get('iss')} with key {kid}. The document verifies."
    yield "Pages of a PDF aren't signed: where they differ from the data above, the data counts."


def _list_findings(checked: CheckedReceipt) -> Iterator[str]:
    """What a receipt proves, line by line."""
    what = "Our word that a confirmation came verifies." if checked.is_completion else "The receipt verifies."
    yield json.dumps(checked.claims, indent=2, ensure_ascii=False)
    yield f"Signed by {checked.claims.get('iss')} with key {checked.kid}. {what}"
    for one in checked.confirmations:
        yield from _list_confirmation(one)
    if checked.as_of:
        moment, issuer = checked.as_of
        yield f"As of {moment}, as {issuer} signed. That verifies."
    for standing in checked.standing:
        yield f"  {standing.party}: {standing.state}.{_waits(standing)}"


def _list_confirmation(one: Confirmation) -> Iterator[str]:
    yield f"{one.party} signed: {one.status}. The confirmation verifies."
    if one.came:
        moment, issuer = one.came
        yield f"  It came on {moment}, as {issuer} signed. That verifies."
    for done in one.actions:
        yield f"  {_deed(str(done.get('action')))}: {done.get('status')}, by its word at {done.get('at')}."
    if not one.actions:
        yield "  It does not say of what."
    for below in one.below:
        if below.itself:
            yield f"  {below.company} signed itself: {below.status}. That verifies."
        else:
            yield f"  {below.company}: {below.status}, by the word of {one.party} alone."


def _deed(action: str) -> str:
    return str(Duty.Action(action).label) if action in Duty.Action.values else sanitise_text(action, at_most=60)


def _waits(standing: StandingOf) -> str:
    missing = [*standing.missing, *(["a company that nobody can name"] if standing.unnamed else [])]
    return f" Of the companies behind it these have not signed: {', '.join(missing)}." if missing else ""


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
