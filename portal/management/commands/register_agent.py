"""`register_agent ID`: let an authorised agent ask for stops, or end it."""

from argparse import ArgumentParser
from base64 import b64decode
from binascii import Error
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from consent import actions

ACTOR = "command:register_agent"


class Command(BaseCommand):
    help = (
        "Let an authorised agent ask for stops in people's names (Data Rights Protocol 1.0), or give it another key, "
        "which ends its token. With --end it may ask for nothing any more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("agent_id", help="its id in the protocol's directory")
        parser.add_argument("--name", help="what people call it")
        parser.add_argument("--key", help="its public Ed25519 key, base64, as the directory has it")
        parser.add_argument("--host", action="append", default=[], help="a host where it may be called back")
        parser.add_argument("--end", action="store_true")
        parser.add_argument("--reason", required=True, help="why; kept in the trail")

    def handle(self, *args: Any, agent_id: str, reason: str, **options: Any) -> None:
        now = timezone.now()
        if options["end"]:
            if not actions.end_agent(agent_id=agent_id, actor=ACTOR, reason=reason, at=now):
                raise CommandError("there is no such agent that may ask")
            return
        if not options["name"] or not options["key"]:
            raise CommandError("--name and --key are needed")
        try:
            key = b64decode(options["key"], validate=True)
            Ed25519PublicKey.from_public_bytes(key)
        except (Error, ValueError) as error:
            raise CommandError("--key is not a public Ed25519 key in base64") from error
        actions.register_agent(
            agent_id=agent_id, name=options["name"], verify_key=key, hosts=options["host"], actor=ACTOR, reason=reason,
            at=now,
        )  # fmt: skip
