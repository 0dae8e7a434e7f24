"""Let a machine sign in: the location gateway, a carrier feed, an aggregator."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from accounts.primitives.json_reader import Unreadable, read_json
from accounts.primitives.reasons import NoReason, check_optional_reason
from audit.queries import database_clock
from partners.actions.clients import bind_client, disable_client, register_client
from partners.models import Client, Party
from partners.policies.identifiers import SCOPES
from partners.policies.lifecycle import NotNow
from partners.primitives.tokens import BadToken, Json, NoCertificate

ACTOR = "system:register_client"
PRIVATE = ("d", "p", "q")


class Command(BaseCommand):
    help = (
        "Register a machine by the public half of its key (EC P-256 or RSA; a JWK or PEM file), give a known one a new "
        "key, bind one to a certificate, or disable one. Its scopes follow its kind. In the console that takes two "
        "officers: each time it is done here, an incident tells them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id")
        parser.add_argument("--kind", choices=Client.Kind.values, help="gateway, feed or aggregator")
        parser.add_argument("--key", type=Path, help="the public key")
        parser.add_argument("--party", default="", help="an aggregator's URI")
        parser.add_argument("--certificate", type=Path, help="bind its tokens to this certificate (PEM)")
        parser.add_argument("--disable", action="store_true", help="disable it; its tokens end now")
        parser.add_argument("--reason", default="", help="for the audit trail")

    def handle(self, *args: Any, client_id: str, reason: str, **options: Any) -> None:
        known: dict[str, Any] = {"client_id": client_id, "actor": ACTOR, "at": database_clock()}
        try:
            known["reason"] = check_optional_reason(reason)
            if options["disable"]:
                disable_client(**known)
                self.stdout.write(f"{client_id} is disabled.")
                return
            if options["key"] is not None:
                client = register_client(public_jwk=_jwk(options["key"]), **_whose(options), **known)
                self.stdout.write(_outcome(client))
            if options["certificate"] is not None:
                bind_client(certificate=options["certificate"].read_text(), **known)
                self.stdout.write(f"{client_id}'s tokens are bound to its certificate.")
        except OSError as error:
            raise CommandError(f"can't read {error.filename}: {error.strerror}") from error
        except (NoReason, NotNow, NoCertificate, BadToken, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        if options["key"] is None and options["certificate"] is None:
            raise CommandError("give --key FILE, --certificate FILE or --disable")


def _outcome(client: Client) -> str:
    if client.disabled_at is not None:
        return f"{client.client_id} has its new key and stays disabled: two officers let it in again."
    return f"{client.client_id} may ask for {' '.join(sorted(SCOPES[client.kind]))}."


def _whose(options: dict[str, Any]) -> dict[str, Any]:
    kind, uri = options["kind"], options["party"]
    if kind is None or (kind == Client.Kind.AGGREGATOR) != bool(uri):
        raise CommandError("give --kind, and --party URI only for an aggregator")
    party = Party.objects.filter(uri=uri, kind=Party.Kind.AGGREGATOR).first() if uri else None
    if uri and party is None:
        raise CommandError(f"there is no aggregator {uri}: import it first")
    return {"kind": Client.Kind(kind), "party": party}


def _jwk(path: Path) -> dict[str, Json]:
    """The public JWK in a JWK or PEM file. A file with a private key is refused: it has no business here."""
    text = path.read_text()
    jwk = _of_pem(text) if text.lstrip().startswith("-----BEGIN") else _of_json(text)
    if any(name in jwk for name in PRIVATE):
        raise CommandError(f"{path} holds a private key. Give only the public key, and use a new key pair")
    return jwk


def _of_json(text: str) -> dict[str, Json]:
    try:
        jwk = read_json(text)
    except Unreadable as error:
        raise BadToken("the key is neither a JWK nor PEM") from error
    if not isinstance(jwk, dict):
        raise BadToken("a JWK is a JSON object")
    return jwk


def _of_pem(text: str) -> dict[str, Json]:
    kinds: tuple[type[ECKey | RSAKey], ...] = (ECKey, RSAKey)
    for kind in kinds:
        try:
            key = kind.import_key(text)
        except (JoseError, ValueError, TypeError):
            continue
        return {name: str(part) for name, part in key.as_dict(private=key.is_private).items()}
    raise BadToken("only EC P-256 and RSA keys of 2048 bits or more are used")
