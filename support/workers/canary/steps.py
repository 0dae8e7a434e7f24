"""Make the trial's world (a line, a company, a machine) and take its steps, each through the door that others use.

A step that fails says why.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from joserfc import jwt
from joserfc.jwk import ECKey

import audit.actions
from accounts.actions.people import get_or_create_person
from accounts.models import Account, Line, LineNumber, LineState, TextedCode
from accounts.primitives import numbers
from accounts.primitives.json_reader import Unreadable, read_json
from accounts.primitives.sealing import number_hash, seal, unseal
from consent.actions import choices
from consent.actions.choices import NotAllowable
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.models import Choice, ChoiceOrder
from partners.actions import guards
from partners.actions.sign_in import issue_access_token
from partners.clients import http
from partners.clients.http import Reply
from partners.domain import keys
from partners.models import Campaign, Client, Contract, PartnerKeySet, Party, SigningKey
from partners.primitives.tokens import BadToken
from revocations.models import Order

ACTOR = "system:canary"
PURPOSE = "dpv:RequestedServiceProvision"
# A state without a law against selling; nothing is paid for it anyway.
STATE, LANGUAGE = "WA", "en"
LASTS = timedelta(days=365 * 50)
KINDS = {Client.Kind.GATEWAY: "gateway", Client.Kind.AGGREGATOR: "aggregator"}


@dataclass(frozen=True)
class World:
    """Everything the trial acts with. `actor`: the line's own person, as the ledger names them."""

    line: Line
    actor: str
    campaign: Campaign
    gateway: Client
    aggregator: Client

    @property
    def party(self) -> Party:
        """The company that is told."""
        return self.campaign.contract.aggregator


@transaction.atomic
def ensure_world(*, at: datetime) -> World:
    """It, made the first time. Where people reach us may have changed since: it is told at the address of now."""
    line = Line.objects.filter(carrier_id=numbers.CANARY_NAME).first() or _line(at)
    campaign = (
        Campaign.objects.select_related("contract__aggregator", "lbs_provider").filter(ref=numbers.CANARY_NAME).first()
    ) or _campaign(at)
    endpoint = f"{settings.BASE_URL}{numbers.CANARY_EVENTS}"
    Contract.objects.filter(pk=campaign.contract_id).exclude(endpoint_url=endpoint).update(endpoint_url=endpoint)
    return World(
        line=line,
        actor=f"subscriber:{get_or_create_person(line=line, at=at).pk}",
        campaign=campaign,
        gateway=_client(Client.Kind.GATEWAY, None, at),
        aggregator=_client(Client.Kind.AGGREGATOR, campaign.contract.aggregator, at),
    )


def _line(at: datetime) -> Line:
    line = Line.objects.create(
        carrier_id=numbers.CANARY_NAME,
        account=Account.objects.get_or_create(carrier_id=numbers.CANARY_NAME)[0],
        holder_name_sealed=seal(numbers.CANARY_PARTY_NAME),
        user_role=Line.UserRole.HOLDER,
        state=STATE,
        language=LANGUAGE,
        activated_at=at,
    )
    LineNumber.objects.create(
        line=line,
        msisdn_hash=number_hash(numbers.CANARY_NUMBER),
        msisdn_sealed=seal(numbers.CANARY_NUMBER),
        starts_at=at,
    )
    LineState.objects.create(line=line, state=STATE, since=at)
    audit.actions.record(action="canary.made", actor=ACTOR, target=f"line:{line.pk}", at=at, line_id=line.pk)
    return line


def _campaign(at: datetime) -> Campaign:
    party, _ = Party.objects.get_or_create(
        uri=numbers.CANARY_PARTY, defaults={"name": numbers.CANARY_PARTY_NAME, "kind": Party.Kind.AGGREGATOR}
    )
    term = {"starts_at": at, "ends_at": at + LASTS}
    contract = Contract.objects.create(
        ref=numbers.CANARY_NAME, aggregator=party, signed_at=at, purposes=[PURPOSE], **term
    )
    return Campaign.objects.create(
        ref=numbers.CANARY_NAME, contract=contract, lbs_provider=party, purpose=PURPOSE,
        description="Our own trial: nobody is found by it", consent_flow="our own trial",
        scope="location-retrieval:read", precision_m=10_000, consideration=Campaign.Consideration.NONE, **term,
    )  # fmt: skip


def _client(kind: Client.Kind, party: Party | None, at: datetime) -> Client:
    """Return a machine that nobody can sign in as: it has no key. Its tokens are made where they are used."""
    client_id = f"{numbers.CANARY_NAME}-{KINDS[kind]}"
    known = Client.objects.select_related("party").filter(client_id=client_id).first()
    if known is not None:
        return known
    client = Client.objects.create(client_id=client_id, kind=kind, party=party, public_jwk={}, disabled_at=at)
    client.disabled_at = None
    client.save(update_fields=["disabled_at"])
    audit.actions.record(action="canary.made", actor=ACTOR, target=guards.machine_target(number=client.number), at=at)
    return client


TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')
FORM = "application/x-www-form-urlencoded"


class Visitor:
    """One browser at the address that people use."""

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}
        self._page, self._token = "/", ""

    def get(self, path: str) -> Reply:
        """Open a page."""
        sent = {**self._headers(), "Accept": "text/html"}
        reply = http.get(url=f"{settings.BASE_URL}{path}", headers=sent, is_ours=True)
        self._page = path
        return self._store_cookies(reply)

    def post(self, path: str, form: Mapping[str, str]) -> Reply:
        """Send the form of the page that is open."""
        body = urlencode({**form, "csrfmiddlewaretoken": self._token}).encode()
        sent = {**self._headers(), "Accept": "text/html"}
        return self._store_cookies(
            http.post(url=f"{settings.BASE_URL}{path}", body=body, content_type=FORM, headers=sent, is_ours=True)
        )

    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {"Referer": f"{settings.BASE_URL}{self._page}", **({"Cookie": cookies} if cookies else {})}

    def _store_cookies(self, reply: Reply) -> Reply:
        for header in reply.cookies:
            try:
                self._cookies |= {name: one.value for name, one in SimpleCookie(header).items()}
            except CookieError:
                continue
        found = TOKEN.search(reply.body)
        self._token = found[1].decode("ascii", "replace") if found else self._token
        return reply


MINUTE = timedelta(minutes=1)
OK, MOVED, KEPT = 200, 302, 202
CHANNEL = "canary"
SECEVENT = "application/secevent+jwt"


class StepFailed(Exception):
    """A step did not come out as it must. The message names no person and no token."""


def allow(*, world: World, at: datetime) -> None:
    """Its person says yes, where they had said no: a trial that stopped half way may have left it so."""
    if gate_allows(world=world, at=at):
        return
    try:
        choices.allow(line_id=world.line.pk, campaign=world.campaign.ref, actor=world.actor, channel=CHANNEL)
    except NotAllowable as error:
        raise StepFailed(f"no yes would count: {error.reason}") from error
    if not gate_allows(world=world, at=at):
        raise StepFailed("the gate says no after its person said yes")


def stop_by_page(*, world: World, visitor: Visitor) -> str:
    """A number, the code texted to it, the button. Returns the path of the page that shows how far the stop is."""
    _page(visitor.get(reverse("stop")))
    _leads(visitor.post(reverse("stop"), {"number": numbers.CANARY_NUMBER}), reverse("stop-code"))
    _page(visitor.get(reverse("stop-code")))
    _leads(visitor.post(reverse("stop-code"), {"code": _code(world)}), reverse("stop-all"))
    _page(visitor.get(reverse("stop-all")))
    progress = _leads(visitor.post(reverse("stop-all"), {"stop-all": "1"}), reverse("stop-progress", args=["-"])[:-2])
    _page(visitor.get(progress))
    return progress


def gate_denies(*, world: World, at: datetime) -> None:
    """Check that the gate says no from then on."""
    if gate_allows(world=world, at=at):
        raise StepFailed("the gate says yes after its person stopped everything")


def gate_allows(*, world: World, at: datetime) -> bool:
    """What the gate answers at its own door, or by a call where that door wants a certificate that we have not."""
    if settings.MTLS_CLIENT_CERTIFICATES:
        asked = as_agreed(campaign=world.campaign, line=world.line.carrier_id)
        (answer,) = deciding.evaluate(questions=[asked], for_release=True)
        return answer.allowed
    reply = http.post(
        url=f"{settings.BASE_URL}{reverse('evaluation')}",
        body=json.dumps(_question(world)).encode(),
        content_type="application/json",
        headers=_bearer(world.gateway, "decisions:read", at),
        is_ours=True,
    )
    said = _json(reply) if reply.status == OK else {}
    if not isinstance(said.get("decision"), bool):
        raise StepFailed(f"the gate's door: {_describe_reply(reply)}")
    return bool(said["decision"])


def receipt_holds(*, world: World, visitor: Visitor, progress: str) -> Order:
    """Check that the signed receipt is there and is of this stop. Returns the order that tells of it."""
    choice = Choice.objects.filter(line_id=world.line.pk).exclude(kind=Choice.Kind.ALLOW).latest("recorded_at")
    reply = visitor.get(f"{progress}receipt.json")
    token = _json(reply).get("token") if reply.status == OK else None
    if not isinstance(token, str):
        raise StepFailed(_describe_reply(reply))
    try:
        claims = keys.verify_own(use=SigningKey.Use.RECEIPT, token=token)
    except BadToken as error:
        raise StepFailed("it does not verify") from error
    if str(choice.id) not in json.dumps(claims):
        raise StepFailed("it is of another choice")
    told = ChoiceOrder.objects.filter(line_id=world.line.pk, choice_id=choice.id).values("order_id")
    order = Order.objects.filter(line_id=world.line.pk, id__in=told, party_id=world.party.pk).first()
    if order is None:
        raise StepFailed("no order tells of it")
    return order


def sign_for(*, world: World, order: Order, at: datetime) -> None:
    """Sign as the company that all is done, which completes the order. Its key is used only this once."""
    key = ECKey.generate_key("P-256", private=True)
    kid = key.thumbprint()
    public = {**key.as_dict(private=False), "kid": kid}
    PartnerKeySet.objects.update_or_create(party=world.party, defaults={"jwks": {"keys": [public]}, "fetched_at": at})
    token = jwt.encode({"typ": "secevent+jwt", "alg": "ES256", "kid": kid}, _claims(world, order, at), key)
    reply = http.post(
        url=f"{settings.BASE_URL}{reverse('ssf_receipts')}",
        body=token.encode(),
        content_type=SECEVENT,
        headers=_bearer(world.aggregator, "receipts:write", at),
        is_ours=True,
    )
    if reply.status != KEPT:
        raise StepFailed(_describe_reply(reply))
    if Order.objects.get(line_id=order.line_id, id=order.id).completed_at is None:
        raise StepFailed("it was taken, and the order is not done")


def _claims(world: World, order: Order, at: datetime) -> dict[str, object]:
    moment = int(at.timestamp())
    done = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    event = {
        "event_timestamp": moment,
        "status": "completed",
        "applied": {"epoch": order.epoch, "version": order.version},
        "actions": [
            {"action": action, "status": "completed", "at": done} for action in order.snapshot["required_actions"]
        ],
    }
    return {
        "iss": world.party.uri, "aud": settings.BASE_URL, "jti": f"canary-{secrets.token_hex(12)}", "iat": moment,
        "toe": moment, "txn": order.txn,
        "sub_id": {"format": "jwt_id", "iss": settings.BASE_URL, "jti": order.jti},
        "events": {f"{settings.BASE_URL}/schemas/secevent/consent/event-type/revocation-receipt": event},
    }  # fmt: skip


def _question(world: World) -> dict[str, object]:
    asked = as_agreed(campaign=world.campaign, line=world.line.carrier_id)
    return {
        "subject": {
            "type": "partner", "id": asked.aggregator,
            "properties": {"on_behalf_of": asked.provider, "campaign": asked.campaign},
        },
        "action": {"name": asked.scope, "properties": {"purpose": asked.purpose, "precision_m": asked.precision_m}},
        "resource": {"type": "line", "id": world.line.carrier_id},
    }  # fmt: skip


def _code(world: World) -> str:
    """Return the code that was texted. No text goes to a number of stories: it is read where it waits."""
    codes = TextedCode.objects.filter(line=world.line, purpose=TextedCode.Purpose.STOP, used_at__isnull=True)
    newest = codes.order_by("-sent_at").first()
    if newest is None:
        raise StepFailed("no code was made")
    return unseal(newest.code_sealed)


def _bearer(machine: Client, scope: str, at: datetime) -> dict[str, str]:
    issued = issue_access_token(client=machine, scopes=[scope], lifetime=MINUTE, at=at)
    return {"Authorization": f"Bearer {issued.token}"}


def _page(reply: Reply) -> None:
    if reply.status != OK:
        raise StepFailed(_describe_reply(reply))


def _leads(reply: Reply, path: str) -> str:
    """Return the path that a form led to, if it is this one or below."""
    found = urlsplit(reply.location).path
    if reply.status != MOVED or not found.startswith(path):
        raise StepFailed(_describe_reply(reply))
    return found


def _describe_reply(reply: Reply) -> str:
    return f"it answered {reply.status}" if reply.status is not None else reply.detail


def _json(reply: Reply) -> dict[str, object]:
    try:
        found = read_json(reply.body)
    except Unreadable:
        return {}
    return found if isinstance(found, dict) else {}
