"""Every page that a visitor or a subscriber may open, by its name in the URLconf, and who opens it.

`Walk.visits` leads through all of them. An address that is none of them stands in a set that says why: a new one that
stands nowhere fails.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.webauthn.internal.auth import WebAuthn
from cryptography.hazmat.primitives.asymmetric import ec
from django.db.models import F
from django.utils import timezone
from fido2.cose import ES256
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

from accounts.actions import delegations
from accounts.models import Line, NewPassword
from consent.actions import choices
from consent.queries.choices import NEVER_AGREED
from disclosures.workers import publishing
from support.actions import asking
from support.actions.asking import IncomingMessage
from support.actions.incoming import IncomingMail, receive_mail
from support.domain import tickets
from support.domain.files import build_upload
from support.models import Ticket
from support.primitives.tokens import READ, token_of
from tests.agents import an_agent_asks
from tests.consent.claiming import a_partner, asked, link_in, prove, say_no, text_now
from tests.factories import a_line
from tests.figures import when_counted
from tests.people import (
    PASSWORD,
    Browser,
    asked_for_new_password,
    newest_text,
    number_of,
    sign_in,
    sign_in_by_code,
    user_of,
)
from tests.support.desk import PNG
from tests.walks.addresses import filled, patterns
from tests.world import World, a_world

MISSING = "/nothing-here/"
NOBODY, SUBSCRIBER, EVERY_FACTOR = "nobody", "a subscriber", "a subscriber with every factor"
TEXTED, TYPED = "somebody who was texted a code", "somebody who typed it"
FORGETFUL, WAITED = "somebody who waits for a new password", "somebody who has waited"
ANSWERED, WITHOUT_PASSWORD = "somebody who answered a question", "a subscriber without a password"
MOVED = "somebody whose number has changed"
# By who opens them.
PAGES: Mapping[str, tuple[str, ...]] = {
    NOBODY: (
        "front", "help", "safety", "case-by-mail", "invited", "sign-in-ended",
        "transparency", "check-receipt", "stop", "away", "account_login", "sign-in-staff", "account_inactive",
        "stop-progress", "ask", "new-password-cancel", "agent-asked", "agent-request", "stop-ended",
    ),
    TEXTED: ("stop-code", "sign-in-code", "ask-code", "sign-in-ended-passkey"),
    TYPED: ("stop-all", "ask-yes"),
    ANSWERED: ("ask-answered",),
    WITHOUT_PASSWORD: ("account_set_password",),
    FORGETFUL: ("password-forgotten",),
    WAITED: ("password-new",),
    MOVED: ("safe-code",),
    SUBSCRIBER: (
        "home", "history", "history-times", "company", "choices", "choice", "choice-receipt", "choice-pause",
        "choice-allow", "choice-stop-several", "choice-signal", "dispute", "lines",
        "delegates", "delegation", "safe-contact", "separation", "settings", "access-log", "access-log-companies",
        "archive", "account_logout",
        "help-write", "help-ask", "help-sent", "case",
        "account_reauthenticate", "account_change_password", "mfa_index", "mfa_activate_totp",
        "mfa_list_webauthn", "mfa_add_webauthn", "sign-ins",
    ),
    EVERY_FACTOR: (
        "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_deactivate_totp", "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes", "mfa_edit_webauthn", "mfa_remove_webauthn",
    ),
}  # fmt: skip
# What is asked for of a page: of one more than once.
QUERIES: Mapping[str, tuple[str, ...]] = {
    "history": ("", "?not_allowed=on"),
    "choice-allow": ("?campaign=CMP-securetrack",),
}

VERBS = {
    "choice-stop", "choice-dispute", "help-dispute-withdraw", "choice-signal-stop",
    "stop-again", "ask-text", "ask-no", "sign-in-again", "leave",
    "set_language", "password-keep", "invite", "delegate-end", "safe-contact-code", "safe-contact-remove",
    "safe-code-text",
    "separation-back", "choice-receipt-mail", "choice-receipt-text", "settings-texts", "archive-ask", "case-reply",
    "case-rate",
}  # fmt: skip
FILES = {
    "history-csv", "history-json", "choice-receipt-file", "choice-receipt-pdf", "stop-receipt", "stop-receipt-pdf",
    "archive-file", "mfa_download_recovery_codes", "transparency-csv", "transparency-svg",
    "transparency-month-csv", "transparency-month-svg", "case-download", "case-file",
}  # fmt: skip
# The page of the newest figures, with those of another month.
OTHER_MONTHS = {"transparency-month"}
PARTS_OF_A_PAGE = {"choice-progress", "archive-progress"}
SENDS_ON = {"/accounts/", "help-dispute"}
STAFF_ALONE = {"sign-in-staff-oidc", "sign-in-staff-oidc-back", "staff-invitation", "mfa_authenticate"}
# The desk has a walk of its own.
DESK = {
    "desk", "desk-counts", "desk-search", "desk-claim-next", "desk-figures", "desk-figures-csv", "desk-complaints",
    "desk-complaints-csv", "desk-many", "desk-many-reply", "desk-many-reply-progress", "desk-many-reply-undo",
    "desk-claim", "desk-handling", "desk-assign", "desk-hand-over", "desk-merge", "desk-case", "desk-reveal",
    "desk-agree", "desk-stop", "desk-stop-code", "desk-evidence", "desk-resend", "desk-suspend", "desk-move",
    "desk-priority", "desk-escalate", "desk-protect", "desk-copy", "desk-replies", "desk-reply-new", "desk-reply",
    "desk-views", "desk-reply-retire", "desk-write", "desk-canned", "desk-canned-search", "desk-preview", "desk-draft",
    "desk-undo", "desk-note", "desk-file", "desk-file-remove", "desk-notifications",
}  # fmt: skip
# They only lead to another site and back.
ELSEWHERE = {"sign-in-carrier", "sign-in-carrier-back"}
DEVELOPERS_ALONE = {"gallery", "demo_phones", "openapi_page"}
MACHINES = {
    "evaluation", "evaluations", "authzen_configuration", "api-disclosures", "api-approvals", "api-texts",
    "consent-info", "api-lines", "oauth_token", "oauth_authorization_server", "jwks", "jwks_archive",
    "ssf_receipts", "ssf_poll", "ssf_manifest", "ssf_digest", "ssf_streams", "ssf_status", "ssf_verify",
    "ssf_configuration", "healthz", "readyz", "metrics", "security_txt", "openapi", "gpc", "drp-agent",
    "drp-exercise", "drp-request", "canary-events", "api-calls", "api-mail",
}  # fmt: skip
NOT_VISITED = (
    VERBS
    | ELSEWHERE
    | FILES
    | OTHER_MONTHS
    | PARTS_OF_A_PAGE
    | SENDS_ON
    | STAFF_ALONE
    | DESK
    | DEVELOPERS_ALONE
    | MACHINES
)

type Cookies = Mapping[str, str]


@dataclass(frozen=True)
class Visit:
    """One page as one visitor opens it."""

    name: str
    path: str
    cookies: Cookies


@dataclass(frozen=True)
class Walk:
    """What everybody has come by: cookies, by who they are or by page; links of their own, by page; other ids."""

    world: World
    cookies: Mapping[str, Cookies]
    tokens: Mapping[str, str]
    ids: Mapping[str, object]

    def visits(self, *who: str) -> Iterator[Visit]:
        """The pages of these people, or of everybody; then the one that is not there."""
        routes = dict(patterns())
        for one in who or PAGES:
            for name in PAGES[one]:
                path = filled(routes[name], {**self.ids, "token": self.tokens.get(name, "")})
                cookies = self.cookies.get(name, self.cookies[one])
                yield from (Visit(name, path + query, cookies) for query in QUERIES.get(name, ("",)))
        if not who:
            yield Visit("404", MISSING, {})


def a_walk(*, at: datetime | None = None) -> Walk:
    """The whole world's data, a choice on its way, a link of each kind, and somebody at every step of every door.

    `at`: when its look-ups were; now, if not given.
    """
    world = a_world(at=at or timezone.now())
    subscriber = sign_in(world.line)
    choice = choices.stop(
        line_id=world.line.pk, scope="party", ref="https://securetrack.example",
        actor=f"subscriber:{user_of(world.line).pk}", channel="web", reason=NEVER_AGREED,
    )  # fmt: skip
    opened, answered = _asked_twice()
    publishing.make(at=when_counted(timezone.now()))
    subscriber.post("/accounts/reauthenticate/", {"password": PASSWORD})
    every_factor, passkey = _with_every_factor()
    case, mailed = _cases(world.line)
    return Walk(
        world=world,
        cookies={
            NOBODY: {},
            TEXTED: _cookies(_texted(opened)),
            "stop-code": _cookies(_number_given("/stop/")),
            "sign-in-ended-passkey": _cookies(_number_given("/accounts/login/ended/", passkey="1")),
            "sign-in-code": _cookies(_number_given("/accounts/login/")),
            TYPED: _cookies(prove(opened.path, opened.msisdn)[0]),
            "stop-all": _cookies(_through_the_stop_door()),
            ANSWERED: _cookies(_answered(answered)),
            WITHOUT_PASSWORD: _cookies(sign_in_by_code(a_line())),
            FORGETFUL: _cookies(_forgetful(ago=timedelta(0))[0]),
            WAITED: _cookies(_forgetful(ago=timedelta(hours=25))[0]),
            MOVED: _cookies(_moved()),
            SUBSCRIBER: _cookies(subscriber),
            EVERY_FACTOR: _cookies(every_factor),
        },
        tokens={"stop-progress": _stopped()}
        | dict.fromkeys(("ask", "ask-code", "ask-yes"), opened.token)
        | {"agent-asked": an_agent_asks(a_line()).split("/")[-2]}
        | {"case-by-mail": mailed}
        | {"ask-answered": answered.token, "new-password-cancel": _forgetful(ago=timedelta(0))[1]},
        ids={
            "choice_id": choice.choice_id,
            "code": case,
            "kind": "company",
            "ref": world.roadaid.lbs_provider_id,
            "party_id": world.roadaid.lbs_provider_id,
            "pk": passkey,
            "request_id": choice.choice_id,
            "delegation_id": _asked_to_look_after(world.line),
        },
    )


def _moved() -> Browser:
    """Signed in by a texted code, a moment after the line got another number."""
    line = a_line()
    browser = sign_in_by_code(line)
    Line.objects.filter(pk=line.pk).update(number_changed_at=timezone.now())
    return browser


def _cases(line: Line) -> tuple[str, str]:
    """A case of the subscriber's that was answered, with a file; and the link to one that came by mail."""
    now = timezone.now()
    files = [build_upload(name="photo.png", content=PNG)]
    said = IncomingMessage("Who looked at my phone?\n\nI was at home that day.", files, "me@example.net")
    ticket = asking.open_case(
        user=user_of(line), line=line, topic=Ticket.Kind.OTHER, subject=None, message=said, at=now
    )
    tickets.answer(ticket=ticket, body="A tow truck did.", actor="agent:1", then=Ticket.State.SOLVED, at=now)
    came = IncomingMail("<1@example.net>", "somebody@example.net", ["help@mail.example"], "Hello", "How do I stop it?")
    receive_mail(mail=came, at=now)
    mailed = Ticket.objects.exclude(pk=ticket.pk).latest("opened_at")
    return ticket.code, token_of(code=mailed.code, purpose=READ)


def _asked_to_look_after(line: Line) -> UUID:
    """What the subscriber was asked; and whom they asked themselves."""
    now = timezone.now()
    friend = a_line()
    sign_in_by_code(friend)
    until = now + timedelta(days=30)
    delegations.delegate(
        line_id=line.pk, user=user_of(line), msisdn=number_of(a_line()), may="see", ends_at=until, at=now
    )
    return delegations.delegate(
        line_id=friend.pk, user=user_of(friend), msisdn=number_of(line), may="both", ends_at=until, at=now
    )


@dataclass(frozen=True)
class Asked:
    """A question texted to a number: its page, and the last part of that."""

    msisdn: str
    path: str

    @property
    def token(self) -> str:
        return self.path.split("/")[2]


def _asked_twice() -> list[Asked]:
    partner = a_partner()
    numbers = [number_of(a_line()) for _ in range(2)]
    for n, number in enumerate(numbers):
        assert partner.one(partner.claim(id=f"c-{n}", msisdn=number))[1]["status"] == "accepted"
    assert text_now() == len(numbers)
    return [Asked(number, link_in(asked(number)[0])) for number in numbers]


def _texted(about: Asked) -> Browser:
    browser = Browser()
    browser.post(f"{about.path}text/")
    return browser


def _number_given(door: str, **besides: str) -> Browser:
    browser = Browser()
    browser.post(door, {"number": number_of(a_line()), **besides})
    return browser


def _answered(about: Asked) -> Browser:
    browser, _ = prove(about.path, about.msisdn)
    say_no(browser, about.path)
    return browser


def _stopped() -> str:
    """The link that a stop without an account gives."""
    return _through_the_stop_door().post("/stop/all/", {"stop-all": "1"}).url.split("/")[3]


def _through_the_stop_door() -> Browser:
    browser, number = Browser(), number_of(a_line())
    browser.post("/stop/", {"number": number})
    assert browser.post("/stop/code/", {"code": newest_text(number).code}).url == "/stop/all/"
    return browser


def _forgetful(*, ago: timedelta) -> tuple[Browser, str]:
    """A browser of somebody who asked for a new password some time ago, and the token of the link that ends it."""
    line = a_line()
    sign_in(line)
    token = asked_for_new_password(line).split("/")[-2]
    NewPassword.objects.filter(user=user_of(line)).update(
        asked_at=F("asked_at") - ago, counts_from=F("counts_from") - ago, expires_at=F("expires_at") - ago
    )
    return sign_in_by_code(line), token


def _with_every_factor() -> tuple[Browser, int]:
    """A browser of somebody with a passkey, an app and codes on paper, and the passkey's id."""
    line = a_line()
    browser = sign_in(line)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    user = user_of(line)
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    WebAuthn.add(user, "My key", a_passkey())
    return browser, Authenticator.objects.get(user=user, type=Authenticator.Type.WEBAUTHN).pk


def a_passkey() -> dict[str, object]:
    """What a browser sends of a new passkey, as it is kept."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    # A COSE key (RFC 9053): elliptic curve with both coordinates, ES256, on P-256.
    public = ES256({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    kept = AttestedCredentialData.create(Aaguid(bytes(16)), b"credential-0001", public)
    data = AuthenticatorData.create(hashlib.sha256(b"127.0.0.1").digest(), flags, 0, kept)
    client = {"type": "webauthn.create", "challenge": "AAAA", "origin": "https://127.0.0.1"}
    return {
        "type": "public-key",
        "id": _web64(b"credential-0001"),
        "rawId": _web64(b"credential-0001"),
        "response": {
            "clientDataJSON": _web64(json.dumps(client).encode()),
            "attestationObject": _web64(bytes(AttestationObject.create("none", data, {}))),
        },
        "clientExtensionResults": {},
    }


def _web64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _cookies(browser: Browser) -> Cookies:
    return {name: morsel.value for name, morsel in browser.client.cookies.items() if morsel.value}
