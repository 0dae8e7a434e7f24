"""One worried person's data, and everybody who might reach for it: people at browsers, and partners' machines."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone
from fido2.cose import ES256
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)

from accounts.actions import delegations
from accounts.actions.people import end_tenures
from accounts.actions.staff import make_staff
from accounts.domain import auth_factors
from accounts.models import Line, User
from consent.actions import choices, without_account
from consent.models import Choice
from disclosures.models import Disclosure
from partners.actions.sign_in import issue_access_token
from partners.models import Client as Machine
from partners.models import Dealing, Party
from partners.policies.identifiers import SCOPES
from support.actions import asking
from support.actions.asking import IncomingMessage
from support.actions.incoming import IncomingMail, receive_mail
from support.models import Ticket
from support.primitives.tokens import READ, token_of
from tests.agents import an_agent_asks
from tests.consent.claiming import a_partner, asked, link_in, text_now
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import asked_for_new_password, signed_in, user_of
from tests.staff import an_actor
from tests.walks.marks import whole, written

MARK = "Zebrafinch"
READS = frozenset({"get", "head", "options"})
PASSKEY = "My blue key"
ASKING = ("Kittiwake", "Dotterel")
NUMBERS = {"owner": "+12065550101", "holder": "+12065550102", "stranger": "+12065550103", "ended": "+12065550104"}
NAMES = {"owner": MARK, "holder": "Halcyonid", "stranger": "Strixaluco", "ended": "Quaggamire", "new": "Newtimber"}


@dataclass
class World:
    """`ids` are real ids of others' by the names the URLconf gives its arguments, `links` the paths of bearer links.

    `marks`: by what each person and company is known; `own`: which of these somebody may be shown anywhere.
    """

    people: dict[str, Client]
    line: Line
    ids: dict[str, object]
    links: dict[str, str]
    marks: dict[str, tuple[str, ...]]
    own: dict[str, set[str]]

    def foreign(self, who: str) -> dict[str, tuple[str, ...]]:
        """The marks of everybody but this one."""
        return {whose: marks for whose, marks in self.marks.items() if whose not in self.own[who]}

    def ask(self, who: str, method: str, path: str, form: Mapping[str, str] | None = None) -> tuple[int, str]:
        """What this one is answered: the status, and all that the answer says. Nothing that a form changed remains."""
        client = self.people[who]
        with nullcontext() if method in READS else undone(client):
            response: HttpResponseBase = getattr(client, method)(path, *([dict(form)] if form else []))
            return response.status_code, whole(response)


@contextmanager
def undone(client: Client) -> Iterator[Client]:
    """A request of which nothing remains: no row, no session, no cookie."""
    cookies, here = deepcopy(client.cookies), transaction.savepoint_create()
    yield client
    transaction.savepoint_rollback(here)
    client.cookies = cookies


def build() -> World:
    """Everybody signed in, each with a name, a number and companies that nobody else has."""
    now = timezone.now()
    owner = a_line(
        msisdn=NUMBERS["owner"], role="user", account="A-family", holder_name=f"{MARK} Person", carrier_id=f"{MARK}-1"
    )
    holder = a_line(msisdn=NUMBERS["holder"], account="A-family", holder_name=f"{NAMES['holder']} Person")
    stranger = a_line(msisdn=NUMBERS["stranger"], holder_name=f"{NAMES['stranger']} Person")
    ended = a_line(msisdn=NUMBERS["ended"], holder_name=f"{NAMES['ended']} Person")
    people = {
        "nobody": Client(),
        "owner": signed_in(owner).client,
        "holder": signed_in(holder).client,
        "stranger": signed_in(stranger).client,
        "ex-holder": signed_in(ended).client,
        "agent": _agent(),
        "other partner": a_machine(a_partner("Otherwhile", provider="Otherwhile Finder").client),
    }
    for line, name in ((owner, MARK), (holder, NAMES["holder"]), (ended, NAMES["ended"])):
        _data(line, name)
    # A pause: whoever has said no to anything is asked nothing for a year.
    choice = choices.pause(
        line_id=owner.pk,
        scope="campaign",
        ref=f"CMP-{MARK}",
        until=now + timedelta(days=30),
        actor="subscriber:1",
        channel="web",
    )
    asked = delegations.delegate(
        line_id=owner.pk, user=user_of(owner), msisdn=NUMBERS["stranger"], may="both", ends_at=now + timedelta(days=30),
        at=now,
    )  # fmt: skip
    said = IncomingMessage(f"{MARK} asks")
    case = asking.open_case(
        user=user_of(owner), line=owner, topic=Ticket.Kind.OTHER, subject=None, message=said, at=now
    )
    links = {**_links(owner, holder), "invitation": _invitation(), "cancel": asked_for_new_password(owner)}
    _end(ended)
    new = a_line(msisdn=NUMBERS["ended"], activated_at=now - timedelta(minutes=1), holder_name=f"{NAMES['new']} Person")
    people["new holder"] = signed_in(new).client
    return World(
        people=people,
        line=owner,
        ids={
            "name": "all",
            "month": "2020-01",
            "choice_id": choice.choice_id,
            "code": case.code,
            "kind": "company",
            "ref": Party.objects.get(uri__contains=MARK.lower(), kind="lbs_provider").pk,
            "file_id": uuid.uuid4(),
            "reply_id": 1,
            "party_id": Party.objects.get(uri__contains=MARK.lower(), kind="lbs_provider").pk,
            "token": "no-such-token",
            "cohort_id": uuid.uuid4(),
            "request_id": uuid.uuid4(),
            "agent_id": "AGENT",
            "number": 0,
            "uid": "MQ",
            "delegation_id": asked,
            "pk": a_passkey(owner),
            "many_id": uuid.uuid4(),
            "year": 2026,
            "reveal_id": 0,
        },
        links=links,
        marks={
            "owner": (MARK,),
            "owner's number": written(NUMBERS["owner"]),
            "passkey": (PASSKEY,),
            "holder": (NAMES["holder"],),
            "holder's number": written(NUMBERS["holder"]),
            "stranger": (NAMES["stranger"], *written(NUMBERS["stranger"])),
            "ended": (NAMES["ended"],),
            "ended number": written(NUMBERS["ended"]),
            "new holder": (NAMES["new"],),
            "agent": ("agent@carrier.example",),
            "invited": ("invited@carrier.example",),
            "asking": ASKING,
            "other partner": ("Otherwhile",),
        },
        own={
            "nobody": set(),
            "owner": {"owner", "owner's number", "passkey", "asking"},
            "stranger": {"stranger"},
            "holder": {"holder", "holder's number"},
            "ex-holder": set(),
            "new holder": {"new holder", "ended number"},
            "agent": {"agent"},
            "other partner": {"other partner"},
        },
    )


def choices_of(line: Line) -> int:
    """How many choices the line's ledger holds."""
    return Choice.objects.filter(line_id=line.pk).count()


def _data(line: Line, mark: str) -> None:
    now = timezone.now()
    aggregator = a_party(f"{mark} Aggregate")
    provider = a_party(f"{mark} Finder", "lbs_provider")
    campaign = a_campaign(a_contract(aggregator), provider, ref=f"CMP-{mark}")
    an_approval(line, campaign, at=now - timedelta(days=90))
    for days in range(1, 8):
        Disclosure.objects.create(
            line_id=line.pk, occurred_at=now - timedelta(days=days), id=uuid.uuid4(), source_id=f"{mark}-{days}",
            aggregator=aggregator.uri, path=[aggregator.uri, provider.uri], campaign=campaign.ref,
            purpose=campaign.purpose, scope=campaign.scope, precision_m=500, basis="approval", outcome="released",
            judgement="permitted", recorded_at=now,
        )  # fmt: skip
    Dealing.objects.create(line_id=line.pk, aggregator=aggregator, party=provider, last_at=now - timedelta(days=1))


def _links(owner: Line, holder: Line) -> dict[str, str]:
    """The paths that a bearer link opens: the holder's stop, and two questions put to the owner's phone."""
    now = timezone.now()
    token = without_account.stop_all_by_line(line_id=holder.pk, at=now)
    texting, showing = (a_partner(name, provider=f"{name} Roads") for name in ASKING)
    assert texting.one(texting.claim(msisdn=NUMBERS["owner"]))[0] == 200
    assert text_now() == 1
    status, told = showing.retrieve(phoneNumber=NUMBERS["owner"], requestCaptureUrl=True)
    assert status == 200, told
    return {
        "stop": f"/stop/progress/{token}/",
        "texted": link_in(asked(NUMBERS["owner"])[0]),
        "shown": link_in(json.dumps(told)),
        "agent": an_agent_asks(holder),
        "mailed": _mailed(now),
    }


def _mailed(now: datetime) -> str:
    """The link to a case that came by mail from nobody we know."""
    receive_mail(mail=IncomingMail("<1@example.net>", "somebody@example.net", [], "Hello", "How do I stop it?"), at=now)
    code = Ticket.objects.get(line_id=None).code
    return f"/help/mail/{token_of(code=code, purpose=READ)}/"


def _invitation() -> str:
    user = make_staff(email="invited@carrier.example", role=User.Role.AGENT, actor=an_actor(), at=timezone.now())
    return auth_factors.invitation_path(user=user)


def a_passkey(line: Line) -> int:
    """A passkey of the line's person, by the name they gave it."""
    at = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    key = ES256({1: 2, 3: -7, -1: 1, -2: at.x.to_bytes(32), -3: at.y.to_bytes(32)})
    credential = AttestedCredentialData.create(Aaguid.NONE, b"passkey", key)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    shown = AuthenticatorData.create(sha256(b"localhost").digest(), flags, 0, bytes(credential))
    client_data = CollectedClientData.create("webauthn.create", b"challenge", "http://localhost")
    response = AuthenticatorAttestationResponse(
        client_data=client_data, attestation_object=AttestationObject.create("none", shown, {})
    )
    registered = RegistrationResponse(raw_id=b"passkey", response=response)
    made: Authenticator = Authenticator.objects.create(
        user=user_of(line), type=Authenticator.Type.WEBAUTHN, data={"name": PASSKEY, "credential": dict(registered)}
    )
    return int(made.pk)


def _end(line: Line) -> None:
    at = timezone.now() - timedelta(minutes=5)
    line.numbers.update(ends_at=at)
    line.deactivated_at = at
    line.save()
    end_tenures(line_ids=[line.pk], at=at)


def _agent() -> Client:
    client = Client()
    agent = User.objects.create_user("agent", "agent@carrier.example", "three quiet words", role=User.Role.AGENT)
    client.force_login(agent, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    # Long ago: what asks for a proof anew asks for it.
    session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": 0}]
    session["account_authentication_methods_user"] = str(agent.pk)
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
    return client


def a_machine(client: Machine) -> Client:
    """A program with a token for all that its kind may do, as long as a walk may take."""
    issued = issue_access_token(
        client=client, scopes=SCOPES[client.kind], lifetime=timedelta(hours=12), at=timezone.now()
    )
    return Client(headers={"Authorization": f"Bearer {issued.token}"})
