"""What the gate is asked over HTTP, by whom, and what its answers have in common."""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from io import BytesIO
from typing import Any

from django.utils import timezone
from joserfc.jwk import ECKey

from accounts.models import Line
from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.models import Campaign
from partners.models import Client as Machine
from tests.factories import NOW

ONE, MANY = "/access/v1/evaluation", "/access/v1/evaluations"


def a_new_key(kind: Machine.Kind = Machine.Kind.GATEWAY) -> Machine:
    return register_client(
        client_id=f"test-{kind}", kind=kind,
        public_jwk=json.loads(json.dumps(ECKey.generate_key("P-256").as_dict(private=False))), party=None,
        actor="system:test", at=NOW,
    )  # fmt: skip


def a_token(scope: str = "decisions:read", kind: Machine.Kind = Machine.Kind.GATEWAY) -> str:
    machine = Machine.objects.filter(client_id=f"test-{kind}").first() or a_new_key(kind)
    issued = issue_access_token(client=machine, scopes=[scope], lifetime=timedelta(minutes=10), at=timezone.now())
    return issued.token


def asked(line: Line, campaign: Campaign, **resource: str) -> dict[str, Any]:
    return {
        "subject": {
            "type": "partner",
            "id": campaign.contract.aggregator.uri,
            "properties": {"on_behalf_of": campaign.lbs_provider.uri, "campaign": campaign.ref},
        },
        "action": {
            "name": campaign.scope,
            "properties": {"purpose": campaign.purpose, "precision_m": campaign.precision_m},
        },
        "resource": resource or {"type": "line", "id": line.carrier_id},
    }


def send(
    app: Callable[..., Iterable[bytes]], path: str, body: bytes, **changed: str | None
) -> tuple[str, dict[str, str], bytes]:
    """A POST as a server hands it on; `changed` adds to its environment, or takes away with None."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST", "PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body),
        "wsgi.url_scheme": "http",
    }  # fmt: skip
    environ = {name: value for name, value in (environ | changed).items() if value is not None}
    said: list[tuple[str, dict[str, str]]] = []

    def start(status: str, headers: list[tuple[str, str]], error: object = None) -> None:
        said.append((status, dict(headers)))

    content = b"".join(app(environ, start))
    return (*said[0], content)


def without_ids(content: bytes) -> object:
    """An answer but for what names this very decision."""
    said = json.loads(content)
    for one in said.get("evaluations", [said]):
        del one["context"]["decision_id"]
    return said
