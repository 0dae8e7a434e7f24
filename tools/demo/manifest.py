"""What a running demo tells: `demo.json` for programs, a table for people."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.urls import reverse

from consent.gate import deciding
from consent.gate.shapes import Question
from tools.demo import world
from tools.demo.people import Login, Machine, lines_of

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
    lines += ["", "  By phone: type the number, read the code below or at /demo/phone/, then the password.", ""]
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
