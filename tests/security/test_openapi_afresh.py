"""Whatever fits the document of the machine addresses, and whatever does not quite, is answered as the document says.

Requests are made up from the document itself; none may fail on our side. PROPERTIES_AFRESH=1 looks at many more.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction
from django.test import Client as Http
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from joserfc.jwk import ECKey
from pytest_django import Settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core import NOT_SET
from schemathesis.core.result import Ok

from consent.actions.agents import issue_token
from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.models import Client as Machine
from partners.policies.identifiers import SCOPES
from portal.openapi.document import document
from tests.agents import let_in
from tests.factories import a_campaign, a_contract, a_party
from tests.properties import AFRESH
from tests.selection import drawn

pytestmark = pytest.mark.usefixtures("db", "no_broker")
EACH = 60 if AFRESH else 4
# What opens the doors of authorised agents; it is no scope.
AGENTS = "agents"


# As what the maker of requests writes them; they are sent as what they are.
WRITTEN_AS = {"application/x-ndjson": "application/json", "application/secevent+jwt": "text/plain"}


def operations() -> Iterator[tuple[APIOperation[Any, Any, Any, Any], GenerationMode]]:
    """Each operation, once for requests as they should be and, where there is a body, once for others."""
    text = json.dumps(document())
    for kind, written in WRITTEN_AS.items():
        text = text.replace(json.dumps(kind), json.dumps(written))
    for found in schemathesis.openapi.from_dict(json.loads(text)).get_all_operations():
        assert isinstance(found, Ok)
        one = found.ok()
        yield one, GenerationMode.POSITIVE
        if "requestBody" in one.definition.raw:
            yield one, GenerationMode.NEGATIVE


def kind_of(path: str, method: str) -> str:
    """What the document says that this address takes."""
    body = document()["paths"][path][method.lower()].get("requestBody", {"content": {"application/json": {}}})
    return str(next(iter(body["content"])))


@pytest.fixture(autouse=True)
def _agents_may_ask(settings: Settings) -> None:
    settings.DRP_BUSINESS_ID = "CARRIER"


@pytest.fixture
def tokens() -> dict[str, str]:
    """A token for each scope, of a machine of the right kind; the partner has an agreement."""
    contract = a_contract(a_party())
    a_campaign(contract)
    at = timezone.now()
    key = {name: str(part) for name, part in ECKey.generate_key("P-256").as_dict(private=False).items()}
    found: dict[str, str] = {}
    for kind, scopes in SCOPES.items():
        machine = register_client(
            client_id=f"afresh-{kind}", kind=Machine.Kind(kind), public_jwk=key, actor="system:test", at=at,
            party=contract.aggregator if kind == Machine.Kind.AGGREGATOR else None,
        )  # fmt: skip
        issued = issue_access_token(client=machine, scopes=sorted(scopes), lifetime=timedelta(hours=12), at=at)
        found |= dict.fromkeys(scopes, issued.token)
    let_in("SLIP", "Slip", Ed25519PrivateKey.generate())
    return found | {AGENTS: issue_token(agent_id="SLIP", asked_at=at)}


def answered(case: Case[Any], token: str) -> tuple[int, str]:
    """Send one made-up request; nothing of it remains."""
    body = case.body
    if case.path == "/ssf/poll" and isinstance(body, dict):
        body = body | {"returnImmediately": True}
    kind = kind_of(case.path, case.method)
    sent = b"" if body is NOT_SET else body if isinstance(body, bytes) else _written(body)
    headers = {name: str(value) for name, value in (case.headers or {}).items()}
    query = {name: value for name, value in (case.query or {}).items() if value is not None}
    with transaction.atomic():
        answer = Http(raise_request_exception=False).generic(
            case.method, case.formatted_path, sent, content_type=kind, query_params=query,
            headers=headers | ({"Authorization": f"Bearer {token}"} if token else {}),
        )  # fmt: skip
        transaction.set_rollback(True)
    return answer.status_code, answer.headers.get("Content-Type", "")


def _written(body: object) -> bytes:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else json.dumps(body, default=str).encode()


@pytest.mark.parametrize(
    ("operation", "mode"),
    [pytest.param(one, mode, id=f"{one.label} {mode.value}") for one, mode in drawn(operations(), of=6)],
)
def test_no_made_up_request_fails_on_our_side(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, tokens: dict[str, str]
) -> None:
    scope = next(
        (name for one in operation.definition.raw.get("security", []) for name in one.get("oauth2", [AGENTS])), ""
    )
    known = {int(status) for status in operation.definition.raw["responses"]}
    wrong: list[tuple[int, str]] = []
    requests = operation.as_strategy(generation_mode=mode)

    @settings(
        max_examples=EACH, deadline=None, derandomize=not AFRESH, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(requests)
    def look(case: Case[Any]) -> None:
        status, _ = answered(case, tokens.get(scope, ""))
        if status >= 500 or status not in known:
            wrong.append((status, f"{case.method} {case.formatted_path} {case.body!r:.300}"))

    look()
    assert wrong == []
