"""Every operation says what to know of it and has an example, and each example is what really happens.

One small world is set up; each example is sent to the real address, with real keys, ids and signatures in the place of
those that stand in it, and answered as it says. What differs each time (tokens, ids) is compared by its kind alone.
"""

import hmac
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings as configured
from django.db import transaction
from django.test import Client as Http
from django.utils import timezone
from jsonschema import Draft202012Validator
from pytest_django import Settings

from consent.actions.lines import terminate
from consent.queries import termination
from consent.workers.cohorts import build_manifests
from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.domain import pairwise
from partners.models import Client as Machine
from partners.policies.identifiers import SCOPES
from portal.openapi import examples
from portal.openapi.document import document
from portal.openapi.examples import EXAMPLES, Example
from portal.openapi.operations import OPERATIONS, Operation
from revocations.models import Order
from tests.agents import let_in
from tests.clocks import standing_still
from tests.factories import FRAUD, a_campaign, a_contract, a_line, a_party, an_approval
from tests.partners.fixtures import serving
from tests.partners.outside import Outside, Signer
from tests.revocations.scenes import deliver, stop_all
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("no_broker")
NOON = datetime.fromisoformat("2026-11-25T12:00:00Z")
GUIDE = (configured.BASE_DIR / "docs" / "guides" / "gateway.md").read_text()
SECRET = "s" * 32
SECRETS = {"X-Text-Signature": "SMS_INBOUND_SECRETS", "X-Call-Signature": "CALL_LOG_SECRETS",
           "X-Mail-Signature": "MAIL_INBOUND_SECRETS"}  # fmt: skip
# Whatever these say is said anew each time.
FORM, SECEVENT, TEXT = "application/x-www-form-urlencoded", "application/secevent+jwt", "text/plain"
ANEW = {
    "decision_id", "record_id", "subject_ref", "captureUrl", "stream_id", "request_id", "user_verification_url",
    "token", "sub", "consent_record_id", "x", "y", "kid",
}  # fmt: skip


class World:
    """The carrier of the examples: four lines, one partner and its agreement, machines of each kind, and an agent.

    `real`: what stands in an example, and what stands there in this world.
    """

    def __init__(self, outside: Outside) -> None:
        self.real: dict[str, str] = {}
        self.http, self.signer = Http(raise_request_exception=False), Signer(examples.AGGREGATOR, outside)
        self.party = a_party("LocAgg", jwks_uri=f"{outside.url}/jwks.json")
        contract = a_contract(
            self.party, ref="AGR-2026-0042", purposes=[FRAUD], endpoint_url=f"{outside.url}/events",
            hosts=["app.locagg.example"],
        )  # fmt: skip
        self.campaign = a_campaign(contract, a_party("LBS-A", "lbs_provider"), ref=examples.CAMPAIGN, purpose=FRAUD)
        lines = [a_line(msisdn=f"+1253555010{number}", carrier_id=f"L-{number}") for number in (1, 2, 3)]
        for line in lines[:2]:
            an_approval(line, self.campaign)
            pairwise.subject(line_id=line.pk, party_id=self.party.pk)
        at = timezone.now()
        self.tokens, self.keys = dict[str, str](), dict[str, Signer]()
        for kind, scopes in SCOPES.items():
            self.keys[kind] = Signer(f"{kind}-1")
            machine = register_client(
                client_id=f"{kind}-1", kind=Machine.Kind(kind), public_jwk=dict(self.keys[kind].public), at=at,
                party=self.party if kind == Machine.Kind.AGGREGATOR else None, actor="system:test",
            )  # fmt: skip
            issued = issue_access_token(client=machine, scopes=sorted(scopes), lifetime=timedelta(hours=1), at=at)
            self.tokens |= dict.fromkeys(scopes, issued.token)
        self.agent = Ed25519PrivateKey.generate()
        let_in("SLIP", "Permission Slip", self.agent)
        (self.order_id,) = stop_all(lines[1])
        order = Order.objects.get(id=self.order_id)
        self.real |= {examples.JTI: order.jti, str(examples.RECEIPT["txn"]): order.txn, examples.YES: self._allowed()}

    def _allowed(self) -> str:
        _, told = self.run("POST /access/v1/evaluation")
        return str(told["context"]["decision_id"])

    def run(self, name: str, example: Example | None = None) -> tuple[Any, Any]:
        """Send an example, the first unless another is named: the answer, and its body as it was written."""
        operation = next(one for one in OPERATIONS if f"{one.method} {one.path}" == name)
        example = example or EXAMPLES[name][0]
        kind = example.takes or (operation.takes[0][0] if operation.takes else "")
        values = {place: self.as_here(value) for place, value in example.values.items()}
        path = re.sub(r"\{(\w+)\}", lambda place: values[place[1]], operation.path)
        body = self._body(example.sends, kind)
        headers = {place: values[place] for place in operation.headers if place in values and place not in SECRETS}
        for place in SECRETS.keys() & operation.headers.keys():
            moment = re.match(r"t=(\d+)", example.values[place])
            assert moment is not None
            mac = hmac.new(SECRET.encode(), f"{moment[1]}.".encode() + body, sha256).hexdigest()
            headers[place] = f"{moment[0]},v1={mac}"
        bearer = self.tokens.get(operation.scope or ("agents" if operation.agents else operation.path))
        query = {place: values[place] for place in operation.query if place in values}
        answer = self.http.generic(
            operation.method, path, body, content_type=kind or "application/octet-stream", query_params=query,
            headers=headers | ({"Authorization": f"Bearer {bearer}"} if bearer else {}),
        )  # fmt: skip
        told = answer.content.decode() if answer.headers.get("Content-Type", "").startswith("text/") else answer.content
        return answer, json.loads(told) if "json" in answer.headers.get("Content-Type", "") else told

    def _body(self, sends: object, kind: str) -> bytes:
        """What is sent: signed by whoever signs it here, and with the ids that stand here."""
        if kind == FORM and isinstance(sends, dict):
            assertion = self.keys["gateway"].sign(claims_of(sends["client_assertion"]), typ="JWT")
            return urlencode(sends | {"client_assertion": assertion}).encode()
        if kind == SECEVENT:
            claims = json.loads(self.as_here(json.dumps(claims_of(str(sends)))))
            return self.signer.sign(claims).encode()
        if kind == TEXT:
            plain = b64decode(str(sends))[64:]
            return b64encode(self.agent.sign(plain) + plain)
        return b"" if sends is None else self.as_here(json.dumps(sends)).encode()

    def as_here(self, text: str) -> str:
        for written, here in self.real.items():
            text = text.replace(written, here)
        return text

    def has_a_stream(self) -> None:
        self.real[examples.STREAM] = self.run("POST /ssf/streams")[1]["stream_id"]

    def has_an_agent_signed_in(self) -> None:
        self.tokens["agents"] = self.run("POST /drp/v1/agent/{agent_id}")[1]["token"]

    def was_asked_by_an_agent(self) -> None:
        self.has_an_agent_signed_in()
        self.real[examples.REQUEST] = self.run("POST /drp/v1/data-rights-request")[1]["request_id"]

    def compared_books(self) -> None:
        buckets = bytearray(8 * 65_536)
        buckets[8 * 0x62CC] = 1  # anything: we hold nothing there
        whole = {"as_of": examples.NOON, "entries": 1, "buckets": b64encode(buckets).decode()}
        self.real[examples.RUN] = self.run("PUT /ssf/digest", Example("all", whole))[1]["run"]

    def ended_the_agreement(self) -> None:
        of, target_id, at = "contract", self.campaign.contract_id, timezone.now()
        seen = termination.plan(of=of, target_id=target_id, at=at)
        ended = terminate(of=of, target_id=target_id, at=at, actor=an_actor(), reason="It is over.",
                          plan_digest=seen.digest)  # fmt: skip
        build_manifests(now=at + timedelta(minutes=2))
        self.real[examples.COHORT] = str(ended.pk)


BEFORE: Mapping[str, Callable[[World], None]] = {
    **dict.fromkeys(
        ("GET /ssf/streams", "PATCH /ssf/streams", "PUT /ssf/streams", "DELETE /ssf/streams", "GET /ssf/status",
         "POST /ssf/status", "POST /ssf/verify"), World.has_a_stream,
    ),
    "GET /drp/v1/agent/{agent_id}": World.has_an_agent_signed_in,
    "POST /drp/v1/data-rights-request": World.has_an_agent_signed_in,
    "GET /drp/v1/data-rights-request/{request_id}": World.was_asked_by_an_agent,
    "DELETE /drp/v1/data-rights-request/{request_id}": World.was_asked_by_an_agent,
    "PUT /ssf/digest": World.compared_books,
    "GET /ssf/manifests/{cohort_id}/{number}": World.ended_the_agreement,
}  # fmt: skip


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def as_said(said: Any, real: Any, name: str = "", *, in_part: bool) -> Any:
    """An answer with the words of its example wherever it says the same. `in_part`: it may say more than the example.

    What is new each time (a token, an id, what "…" stands for) says the same if it is of the same kind.
    """
    if isinstance(said, dict) and isinstance(real, dict):
        names = real.keys() & said.keys() if in_part else real.keys()
        return {key: as_said(said.get(key), real[key], key, in_part=in_part) for key in names}
    if isinstance(said, list) and isinstance(real, list):
        kept = real[: len(said)] if in_part else real
        return [as_said(*pair, in_part=in_part) for pair in zip(said, kept, strict=False)] + kept[len(said) :]
    if isinstance(said, str):
        pattern = ".+" if name in ANEW else "eyJ.*" if said.startswith("eyJ") else ".*".join(
            map(re.escape, said.split("…"))
        )  # fmt: skip
        return (
            said if re.fullmatch(pattern, real.decode() if isinstance(real, bytes) else str(real), re.DOTALL) else real
        )
    return real


def faults_of(world: World, operation: Operation, example: Example) -> Iterator[str]:
    """What is not as this example, and the document, say."""
    name = f"{operation.method} {operation.path}"
    if name in BEFORE:
        BEFORE[name](world)
    answer, told = world.run(name, example)
    good = min(operation.answers)
    if answer.status_code != good:
        yield f"{answer.status_code}: {told!r}"
        return
    contents = operation.answers[good]
    kind = answer.headers.get("Content-Type", "").partition(";")[0] if contents else ""
    if contents and kind not in {each for each, _ in contents}:
        yield f"{kind} is no kind that it says"
    if example.answers is not None:
        said = json.loads(world.as_here(json.dumps(example.answers)))
        found = as_said(said, told, in_part=("application/json", "document") in contents)
        if found != said:
            yield f"{said!r}\n  but {found!r}"
    elif contents:
        yield "its answer is not told"


def test_every_example_is_answered_as_it_says(committed_db: None, settings: Settings) -> None:
    for name in SECRETS.values():
        setattr(settings, name, [SECRET])
    settings.DRP_BUSINESS_ID, settings.METRICS_TOKEN, settings.DOOR_OUT_LOOPBACK = "CARRIER", "figures", True
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    wrong, ran = list[str](), 0
    with serving() as outside, standing_still(NOON):
        world = World(outside)
        world.tokens["/metrics"] = settings.METRICS_TOKEN
        for operation in OPERATIONS:
            for example in EXAMPLES[f"{operation.method} {operation.path}"]:
                real, tokens = dict(world.real), dict(world.tokens)
                block = transaction.atomic()
                # As the transactions of Django's own tests: what refuses to run within another one runs within this.
                vars(block)["_from_testcase"] = True
                with block:
                    for fault in faults_of(world, operation, example):
                        wrong.append(f"{operation.method} {operation.path}, {example.name}: {fault}")
                    transaction.set_rollback(True)
                world.real, world.tokens = real, tokens
                ran += 1
        deliver([world.order_id])
        pushed = [asked for asked in outside.posted if asked.path == "/events"]
        said = json.loads(world.as_here(json.dumps(claims_of(examples.PUSHED))))
        real = claims_of(pushed[-1].body.decode())
        assert as_said(said, real, in_part=False) == said, f"{said}\n{real}"
    assert not wrong, "\n".join(wrong)
    assert ran == sum(len(each) for each in EXAMPLES.values()) >= len(OPERATIONS)


def test_every_example_fits_the_schemas_beside_it() -> None:
    found, wrong = document(), list[str]()
    schemas = {"components": {"schemas": found["components"]["schemas"]}}
    for path, methods in [*found["paths"].items(), *found["webhooks"].items()]:
        for method, one in methods.items():
            for body in (one.get("requestBody", {}), *one["responses"].values()):
                for kind, content in body.get("content", {}).items():
                    for name, each in content.get("examples", {}).items():
                        wrong += [f"{method} {path} {kind} {name}: {error.message}" for error in Draft202012Validator(
                            content["schema"] | schemas).iter_errors(each["value"])]  # fmt: skip
    assert not wrong, "\n".join(wrong)


def test_every_operation_has_a_description_and_an_example() -> None:
    """Each body that it takes, or answers well with, has one; where it has neither, its parameters do."""
    without = list[str]()
    found = document()
    for path, methods in [*found["paths"].items(), *found["webhooks"].items()]:
        for method, one in methods.items():
            good = one["responses"][min(one["responses"])]
            bodies = [body for body in (one.get("requestBody"), good) if body and "content" in body]
            shown = [any("examples" in kind for kind in body["content"].values()) for body in bodies]
            given = ["example" in each for each in one.get("parameters", ()) if each["in"] == "path" or not bodies]
            if not one["description"].endswith(".") or not all(shown + given) or not shown + given:
                without.append(f"{method.upper()} {path}")
    assert without == []


def test_the_gateways_guide_shows_these_very_examples() -> None:
    shown = re.findall(
        r'^```json "([^"]+)" (?:"([^"]+)"|(\w+)) (sends|answers)\n(.*?)^```$', GUIDE, re.MULTILINE | re.DOTALL
    )
    assert GUIDE.count("```json") == len(shown)
    for name, quoted, plain, side, text in shown:
        (example,) = [one for one in EXAMPLES[name] if one.name == (quoted or plain)]
        assert json.loads(text) == (example.sends if side == "sends" else example.answers), (name, example.name, side)
    gate = {
        "POST /oauth/token", "POST /access/v1/evaluation", "POST /access/v1/evaluations", "POST /api/v1/disclosures",
    }  # fmt: skip
    assert {name for name, *_ in shown} == gate


def test_the_gateways_guide_names_every_field_every_obligation_and_only_chapters_that_it_has() -> None:
    schemas = document()["components"]["schemas"]
    names = {
        name
        for each in ("ReportedRelease", "SubjectProperties", "ActionProperties")
        for name in schemas[each]["properties"]
    }
    names |= {
        *schemas["report"]["properties"]["outcome"]["enum"],
        "execute_all",
        "deny_on_first_deny",
        "permit_on_first_permit",
    }
    allowed: Any = EXAMPLES["POST /access/v1/evaluation"][0].answers
    names |= {one["id"] for one in allowed["context"]["obligations"]}
    assert sorted(name for name in names if not re.search(rf"`[^`]*\b{name}\b[^`]*`", GUIDE)) == []
    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
                for line in GUIDE.splitlines() if line.startswith("#")}  # fmt: skip
    assert {*re.findall(r"\]\(#([\w-]+)\)", GUIDE)} <= headings
    guides = configured.BASE_DIR / "docs" / "guides"
    assert [name for name in re.findall(r"\]\(([\w./-]+\.md)", GUIDE) if not (guides / name).exists()] == []
