"""Make the demo's people and machines, and tell whoever runs it who they are.

Subscribers come in as anybody does, by a texted code; staff are made. `demo.json` is for programs, a table for people.
"""

import base64
import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from django.urls import reverse
from joserfc.jwk import ECKey

from accounts.actions.codes import text_code
from accounts.actions.people import sign_in
from accounts.actions.sign_ins import set_first_password
from accounts.models import LineUser, TextedCode, User
from accounts.policies.permissions import actor_of
from consent.actions import choices
from consent.gate import deciding
from consent.gate.shapes import Question
from partners.actions.clients import propose_key, register_machine
from partners.actions.proposals import carry_out, mark_agreed
from partners.actions.sign_in import issue_access_token
from partners.models import Client, Proposal
from partners.policies.identifiers import SCOPES
from partners.primitives.tokens import Json
from partners.queries import thumbprint_of
from partners.workers import rotation
from portal import demo_phone
from tools.demo import world

TOKEN_LIFETIME = timedelta(days=30)


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in to the demo, and what for."""

    name: str
    role: str
    about: str
    line_id: str = ""
    email: str = ""


@dataclass(frozen=True)
class Login:
    """How a person signs in. `totp_secret`: staff only."""

    person: Person
    phone: str
    password: str
    totp_secret: str


@dataclass(frozen=True)
class Machine:
    """A client that may ask for tokens, and one token that lasts while the demo runs."""

    client_id: str
    party: str
    scopes: tuple[str, ...]
    private_key_file: Path
    access_token: str


PEOPLE = (
    Person("Dana Whitfield", "subscriber", "worried; 3 lines, 14 months of history", world.DANA),
    Person("Mia Whitfield", "subscriber", "Dana's daughter, a minor", world.MIA),
    Person("Sam Okafor", "subscriber", "nothing was ever shared", world.SAM),
    Person("Ruth Delgado", "subscriber", "pays for her adult son's line", world.RUTH),
    Person("Leo Delgado", "subscriber", "Ruth's son, an adult on her account", world.LEO),
    Person("Priya Nair", "subscriber", "has a number that was somebody else's", world.PRIYA),
    Person("Ana Brooks", "agent", "answers tickets", email="ana@carrier.example"),
    Person("Omar Vance", "officer", "privacy officer", email="omar@carrier.example"),
    Person("Judith Stone", "officer", "the second officer", email="judith@carrier.example"),
    Person("Eve Marlow", "auditor", "reads, changes nothing", email="eve@carrier.example"),
    Person("Nia Holt", "legal", "keeps orders of court that delay a notice", email="nia@carrier.example"),
)
CLIENTS = (
    ("location-gateway", Client.Kind.GATEWAY, ""),
    ("carrier-feed", Client.Kind.FEED, ""),
    (world.MERIDIAN, Client.Kind.AGGREGATOR, world.MERIDIAN),
    (world.WAYPOINT, Client.Kind.AGGREGATOR, world.WAYPOINT),
)


def sign_up(*, data_dir: Path, at: datetime) -> list[Login]:
    """Make who is not there yet, and return how each signs in. Passwords are kept in DATA_DIR, for its owner alone."""
    rotation.ensure(now=at)
    path = data_dir / "people.json"
    kept: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}
    for person in (person for person in PEOPLE if person.name not in kept):
        kept[person.name] = _subscriber(person, at) if person.line_id else _member_of_staff(person)
        if person.line_id == world.RUTH:
            _dispute(person)
        _keep(path, json.dumps(kept))
    return [Login(person=person, **kept[person.name]) for person in PEOPLE]


def register(*, data_dir: Path, at: datetime) -> list[Machine]:
    """Give each machine its key (kept in DATA_DIR), by the two officers, who are there, and a fresh token."""
    return [
        _machine(data_dir / "keys" / f"{client_id}.pem", client_id, kind, party, at)
        for client_id, kind, party in CLIENTS
    ]


def _subscriber(person: Person, at: datetime) -> dict[str, str]:
    phone = next(line.msisdn for line in world.LINES if line.line_id == person.line_id and line.until is None)
    purpose = TextedCode.Purpose.SIGN_IN
    asker = uuid4().hex
    text_code(msisdn=phone, purpose=purpose, asker=asker, at=at)
    typed = demo_phone.texts(number=phone)[0]["code"]
    user = sign_in(msisdn=phone, asker=asker, typed=typed, at=at)
    if user is None:
        raise RuntimeError(f"{person.name} could not sign in")
    if user.has_usable_password():  # made in a run that was cut off before it could keep the password
        user.set_unusable_password()
        user.save(update_fields=["password"])
    password = _password()
    set_first_password(user=user, password=password, at=at)
    return {"phone": phone, "password": password, "totp_secret": ""}


def _dispute(person: Person) -> None:
    """She never agreed to be found by collectors, and says so: something for the desk."""
    used = LineUser.objects.get(line__carrier_id=person.line_id, until__isnull=True)
    choices.stop(
        line_id=used.line_id,
        scope="campaign",
        ref="CMP-SKIPFIND-M",
        actor=f"subscriber:{used.user_id}",
        channel="web",
        reason="never_agreed",
    )


def _member_of_staff(person: Person) -> dict[str, str]:
    first, last = person.name.split()
    password, secret = _password(), base64.b32encode(secrets.token_bytes(20)).decode()
    user, _ = User.objects.get_or_create(
        username=person.email,
        defaults={"email": person.email, "first_name": first, "last_name": last, "role": person.role},
    )
    user.is_staff = person.role == User.Role.OFFICER
    user.set_password(password)
    user.save()
    EmailAddress.objects.get_or_create(user=user, email=person.email, defaults={"verified": True, "primary": True})
    Authenticator.objects.update_or_create(
        user=user, type=Authenticator.Type.TOTP, defaults={"data": {"secret": get_mfa_adapter().encrypt(secret)}}
    )
    return {"phone": "", "password": password, "totp_secret": secret}


def _machine(path: Path, client_id: str, kind: Client.Kind, party: str, at: datetime) -> Machine:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        _keep(path, ECKey.generate_key("P-256").as_pem(private=True).decode())
    key = ECKey.import_key(path.read_text())
    public = {name: str(part) for name, part in key.as_dict(private=False).items()}
    client = _let_in(client_id, kind, f"https://{party}.example" if party else "", public, at)
    issued = issue_access_token(client=client, scopes=SCOPES[client.kind], lifetime=TOKEN_LIFETIME, at=at)
    return Machine(client_id, party, issued.scopes, path, issued.token)


def _let_in(client_id: str, kind: Client.Kind, party: str, public_jwk: Mapping[str, Json], at: datetime) -> Client:
    first, second = (actor_of(one) for one in User.objects.filter(role=User.Role.OFFICER).order_by("pk")[:2])
    about: dict[str, Any] = {"public_jwk": public_jwk, "reason": "A machine of the demo.", "actor": first, "at": at}
    known = Client.objects.filter(client_id=client_id).first()
    if known is None:
        known = register_machine(client_id=client_id, kind=kind, party=party, **about)
    elif known.public_jwk != public_jwk:
        propose_key(number=known.number, was=thumbprint_of(machine=known), **about)
    for waiting in Proposal.objects.filter(of=Proposal.Of.MACHINE, target_id=known.number, decision=""):
        agreed = mark_agreed(proposal_id=waiting.pk, reason="Seen.", actor=second, at=at)
        carry_out(proposal=agreed, at=at)
    known.refresh_from_db()
    return known


def lines_of(*, names: Iterable[str]) -> dict[str, list[world.Line]]:
    """Return the lines that each of these subscribers sees in the demo, their own first."""
    found: dict[str, list[world.Line]] = {}
    for person in PEOPLE:
        if person.name in names and person.line_id:
            own = next(line for line in world.LINES if line.line_id == person.line_id)
            found[person.name] = [own, *(_others_seen_by_holder(own) if own.user_role == "holder" else ())]
    return found


def _others_seen_by_holder(own: world.Line) -> list[world.Line]:
    others = [line for line in world.LINES if line.account_id == own.account_id and line.line_id != own.line_id]
    return [line for line in others if line.user_role != "user"]


def _password() -> str:
    return secrets.token_urlsafe(12)


def _keep(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


PARTY_OF = {party.key: party for party in world.PARTIES}
# Programs know these; whoever has another role is told under a key of its own.
PEOPLE_ROLES = frozenset({"subscriber", "agent", "officer"})


def list_allowed_campaigns(*, line: world.Line) -> list[dict[str, str | int]]:
    """Return the campaigns for which the gate says yes for this line, now."""
    questions = [_question(line, campaign) for campaign in world.CAMPAIGNS]
    answers = deciding.evaluate(questions=questions)
    return [
        {
            "aggregator": question.aggregator,
            "lbs_provider": question.provider,
            "campaign": question.campaign,
            "purpose": question.purpose,
            "precision_m": question.precision_m or 0,
        }
        for question, answer in zip(questions, answers, strict=True)
        if answer.allowed
    ]


def manifest(
    *, base_url: str, partners: Sequence[Mapping[str, str]], logins: Iterable[Login], machines: Iterable[Machine]
) -> dict[str, Any]:
    """The content of `demo.json`. `people` have one of `PEOPLE_ROLES`; `others`, of the same shape, any other role."""
    logins = list(logins)
    lines = lines_of(names=[login.person.name for login in logins])
    known = [(login.person.role in PEOPLE_ROLES, _person(login, lines.get(login.person.name, []))) for login in logins]
    return {
        "ready": True,
        "base_url": base_url,
        "partners": list(partners),
        "people": [person for is_known, person in known if is_known],
        "others": [person for is_known, person in known if not is_known],
        "clients": [
            {
                "client_id": machine.client_id,
                "private_key_file": str(machine.private_key_file),
                "scopes": list(machine.scopes),
                "access_token": machine.access_token,
            }
            for machine in machines
        ],
        "database_url": os.environ["DATABASE_URL"],
        "redis_url": os.environ["REDIS_URL"],
    }


def write(*, path: Path, content: Mapping[str, Any]) -> None:
    """Put the file there whole, readable by its owner alone: it holds passwords and tokens."""
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
    fresh.replace(path)


def table(*, base_url: str, partners: Sequence[Mapping[str, str]], logins: Iterable[Login]) -> str:
    """Return where everything is and how each person signs in."""
    places = [
        ("Two doors", f"{base_url}/"),
        ("Stop without an account", f"{base_url}/stop/"),
        ("See who has your location", base_url + reverse("account_login")),
        ("Staff sign in", base_url + reverse("sign-in-staff")),
        ("Texts that were sent", base_url + reverse("demo_phones")),
        *((f"Sandbox: {partner['name']}", partner["base_url"]) for partner in partners),
    ]
    lines = ["", *(f"  {what:<28} {where}" for what, where in places), ""]
    lines.append(f"  {'who':<16} {'signs in with':<22} {'password':<18} about")
    for login in logins:
        who = login.phone or login.person.email
        about = login.person.about + (f"; authenticator secret {login.totp_secret}" if login.totp_secret else "")
        lines.append(f"  {login.person.name:<16} {who:<22} {login.password:<18} {about}")
    lines += [
        "",
        "  By phone: type the number, read the code below or at /demo/phone/, then the password.",
        "  Staff: type email and password, then the code of an authenticator app to which you gave the secret; or run",
        "         oathtool --totp --base32 SECRET",
        "",
    ]
    return "\n".join(lines)


def _question(line: world.Line, campaign: world.Campaign) -> Question:
    return Question(
        aggregator=PARTY_OF[campaign.aggregator].uri,
        provider=PARTY_OF[campaign.provider].uri,
        campaign=campaign.ref,
        purpose=campaign.purpose,
        scope=world.READ,
        precision_m=campaign.precision_m,
        line=line.line_id,
    )


def _person(login: Login, lines: Sequence[world.Line]) -> dict[str, Any]:
    person: dict[str, Any] = {
        "name": login.person.name,
        "role": login.person.role,
        "phone": login.phone,
        "email": login.person.email,
        "password": login.password,
        "lines": [
            {"line_id": line.line_id, "msisdn": line.msisdn, "allowed": list_allowed_campaigns(line=line)}
            for line in lines
        ],
    }
    if login.totp_secret:
        person["totp_secret"] = login.totp_secret
    return person
