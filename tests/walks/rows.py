"""What every address answers to whom, by every method."""

from collections.abc import Iterator
from dataclasses import dataclass

WHO = ("nobody", "owner", "stranger", "holder", "ex-holder", "new holder", "agent", "other partner")
METHODS = ("get", "head", "post", "options", "put", "patch", "delete")

type Row = tuple[int, ...]

# In the order of WHO but for the other partner: its token opens no page, so there it is told what nobody is.
EVERYBODY: Row = (200,) * 7
NOT_SO: Row = (405,) * 7
NOT_HERE: Row = (404,) * 7
SENT_ON: Row = (302,) * 7
NO_TOKEN: Row = (401,) * 7
UNREADABLE: Row = (400,) * 7
OWN_ONLY: Row = (302, 200, 200, 200, 302, 200, 403)
OWNER_ONLY: Row = (302, 200, 404, 404, 302, 404, 403)
UNREADABLE_TO_OWNER: Row = (302, 400, 404, 404, 302, 404, 403)
OWNER_SENT_ON: Row = (302, 302, 404, 404, 302, 404, 403)
OWN_SENT_ON: Row = (302, 302, 302, 302, 302, 302, 403)
NOTHING_NAMED: Row = (302, 404, 404, 404, 302, 404, 403)
PERSON: Row = (302, 200, 200, 200, 302, 200, 200)
CHOOSING: Row = (302, 200, 200, 200, 302, 200, 403)
CHOOSING_SENT_ON: Row = (302, 302, 302, 302, 302, 302, 403)
SIGN_IN: Row = (200, 302, 302, 302, 200, 302, 302)
PASSKEYS: Row = (302, 200, 200, 200, 302, 200, 302)
KEY: Row = (302, 200, 404, 404, 302, 404, 302)
KEY_TAKEN: Row = (302, 302, 404, 404, 302, 404, 302)
PASSKEY_ASKED: Row = (302, 200, 302, 302, 302, 302, 302)
CODES_MADE: Row = (302, 302, 200, 200, 302, 200, 302)
NO_FACTOR: Row = (302, 404, 404, 404, 302, 404, 404)
NOT_SO_INSIDE: Row = (302, 405, 405, 405, 302, 405, 405)
PASSKEYS_NOT_SO: Row = (302, 405, 405, 405, 302, 405, 302)
PASSKEY_NOT_SO: Row = (302, 405, 302, 302, 302, 302, 302)
SIGN_IN_NOT_SO: Row = (405, 302, 302, 302, 405, 302, 302)
OPEN_LINK: Row = (200, 200, 404, 404, 200, 404, 200)
LINK_SENT_ON: Row = (302, 302, 404, 404, 302, 404, 302)
NO_LINE_TO_INVITE: Row = (302, 403, 403, 403, 302, 403, 403)
OWNER_ENDS: Row = (302, 302, 404, 404, 302, 404, 403)
OWNER_ASKED: Row = (302, 404, 200, 404, 302, 404, 403)
LINK_OWNER: Row = (302, 200, 404, 404, 302, 404, 302)
DESK: Row = (302, 403, 403, 403, 302, 403, 200)
DESK_OFFICERS: Row = (302, 403, 403, 403, 302, 403, 403)
DESK_UNREADABLE: Row = (302, 403, 403, 403, 302, 403, 400)
DESK_SENT_ON: Row = (302, 403, 403, 403, 302, 403, 302)
DESK_NOTHING: Row = (302, 403, 403, 403, 302, 403, 404)
LEADS: Row = (302, 403, 403, 403, 302, 403, 403)

# name: (what GET and HEAD answer, what POST answers). Every other method is refused, but where OTHERWISE says how.
ROWS: dict[str, tuple[Row, Row]] = {
    "front": (EVERYBODY, NOT_SO),
    "help": (EVERYBODY, NOT_SO),
    "safety": (EVERYBODY, NOT_SO),
    "check-receipt": (EVERYBODY, UNREADABLE),
    "gallery": (NOT_HERE, NOT_SO),
    "home": (OWN_ONLY, NOT_SO),
    "history": (OWN_ONLY, NOT_SO),
    "history-times": (OWN_ONLY, NOT_SO),
    "history-csv": (OWN_ONLY, NOT_SO),
    "history-json": (OWN_ONLY, NOT_SO),
    "company": (OWNER_ONLY, NOT_SO),
    "choices": (OWN_ONLY, NOT_SO),
    "choice": (OWNER_ONLY, NOT_SO),
    "choice-progress": (OWNER_ONLY, NOT_SO),
    "choice-receipt": (OWNER_ONLY, NOT_SO),
    "choice-receipt-file": (OWNER_ONLY, NOT_SO),
    "choice-receipt-pdf": (OWNER_ONLY, NOT_SO),
    "choice-receipt-mail": (NOT_SO, UNREADABLE_TO_OWNER),
    "choice-receipt-text": (NOT_SO, OWNER_SENT_ON),
    "choice-stop": (NOT_SO, NOTHING_NAMED),
    "choice-stop-several": (OWN_ONLY, NOT_SO),
    "choice-dispute": (NOT_SO, NOTHING_NAMED),
    "choice-pause": (OWN_ONLY, OWN_ONLY),
    "dispute": (NOTHING_NAMED, NOT_SO),
    "choice-signal": (OWN_ONLY, OWN_ONLY),
    "choice-signal-stop": (NOT_SO, OWN_SENT_ON),
    "choice-allow": (NOTHING_NAMED, NOTHING_NAMED),
    "stop": (EVERYBODY, EVERYBODY),
    "stop-code": (SENT_ON, SENT_ON),
    "stop-again": (NOT_SO, SENT_ON),
    "stop-all": (SENT_ON, SENT_ON),
    "stop-ended": (EVERYBODY, EVERYBODY),
    "stop-progress": (NOT_HERE, NOT_SO),
    "stop-receipt": (NOT_HERE, NOT_SO),
    "stop-receipt-pdf": (NOT_HERE, NOT_SO),
    "ask": (NOT_HERE, NOT_SO),
    "ask-text": (NOT_SO, NOT_HERE),
    "ask-code": (NOT_HERE, NOT_HERE),
    "ask-yes": (NOT_HERE, NOT_HERE),
    "ask-no": (NOT_SO, NOT_HERE),
    "ask-answered": (NOT_HERE, NOT_SO),
    "lines": (OWN_ONLY, NOT_SO),
    "invited": (EVERYBODY, NOT_SO),
    "invite": (NOT_SO, NO_LINE_TO_INVITE),
    "delegates": (OWN_ONLY, OWN_ONLY),
    "delegate-end": (NOT_SO, OWNER_ENDS),
    "delegation": (OWNER_ASKED, NOTHING_NAMED),
    "safe-contact": (OWN_ONLY, OWN_ONLY),
    "safe-contact-code": (NOT_SO, OWN_ONLY),
    "safe-contact-remove": (NOT_SO, CHOOSING_SENT_ON),
    "separation": (OWN_ONLY, OWN_ONLY),
    "separation-back": (NOT_SO, CHOOSING_SENT_ON),
    "settings": (PERSON, PERSON),
    "settings-texts": (NOT_SO, OWN_SENT_ON),
    "access-log": (OWN_ONLY, NOT_SO),
    "access-log-companies": (OWN_ONLY, NOT_SO),
    "archive": (OWN_ONLY, NOT_SO),
    "archive-ask": (NOT_SO, OWN_SENT_ON),
    "archive-progress": (OWN_ONLY, NOT_SO),
    "archive-file": (NOTHING_NAMED, NOT_SO),
    "leave": (NOT_SO, (303,) * 7),
    "away": (EVERYBODY, SENT_ON),
    "account_login": (SIGN_IN, SIGN_IN),
    "sign-in-code": (SENT_ON, SENT_ON),
    "sign-in-again": (NOT_SO, SENT_ON),
    "sign-in-ended": (SIGN_IN, SIGN_IN),
    "sign-in-ended-passkey": (SENT_ON, SENT_ON),
    "sign-in-staff": (SIGN_IN, SIGN_IN),
    "sign-in-staff-oidc": (NOT_HERE, NOT_SO),
    "sign-in-staff-oidc-back": (NOT_HERE, NOT_SO),
    "sign-in-carrier": (NOT_HERE, NOT_SO),
    "sign-in-carrier-back": (NOT_HERE, NOT_HERE),
    "staff-invitation": (NOT_HERE, NOT_HERE),
    "account_logout": (PERSON, SENT_ON),
    "account_inactive": (EVERYBODY, NOT_SO),
    "account_reauthenticate": (PERSON, PERSON),
    "account_set_password": (OWN_ONLY, OWN_ONLY),
    "account_change_password": (PERSON, PERSON),
    "safe-code": (CHOOSING_SENT_ON, CHOOSING_SENT_ON),
    "safe-code-text": (NOT_SO, CHOOSING_SENT_ON),
    "password-forgotten": (CHOOSING, CHOOSING_SENT_ON),
    "password-new": (CHOOSING_SENT_ON, CHOOSING_SENT_ON),
    "password-keep": (NOT_SO, CHOOSING_SENT_ON),
    "new-password-cancel": (NOT_HERE, NOT_HERE),
    "mfa_index": (PERSON, NOT_SO_INSIDE),
    "mfa_authenticate": (SENT_ON, SENT_ON),
    "mfa_reauthenticate": (SENT_ON, SENT_ON),
    "mfa_activate_totp": (PASSKEYS, PASSKEYS),
    "mfa_deactivate_totp": (NO_FACTOR, NO_FACTOR),
    "mfa_view_recovery_codes": (NO_FACTOR, NOT_SO_INSIDE),
    "mfa_generate_recovery_codes": (PASSKEYS, CODES_MADE),
    "mfa_download_recovery_codes": (NO_FACTOR, NO_FACTOR),
    "mfa_list_webauthn": (PERSON, NOT_SO_INSIDE),
    "mfa_add_webauthn": (PASSKEYS, PASSKEYS),
    "mfa_reauthenticate_webauthn": (PASSKEY_ASKED, PASSKEY_ASKED),
    "mfa_remove_webauthn": (KEY, KEY_TAKEN),
    "mfa_edit_webauthn": (KEY, KEY),
    "sign-ins": (PERSON, SENT_ON),
    "set_language": (SENT_ON, SENT_ON),
    "help-write": (OWN_ONLY, OWN_ONLY),
    "help-ask": (OWNER_ONLY, OWNER_ONLY),
    "help-dispute": (OWN_SENT_ON, NOT_SO),
    "help-dispute-withdraw": (NOT_SO, NOTHING_NAMED),
    "help-sent": (OWNER_ONLY, NOT_SO),
    "case-by-mail": (NOT_HERE, NOT_SO),
    "case": (OWNER_ONLY, NOT_SO),
    "case-reply": (NOT_SO, UNREADABLE_TO_OWNER),
    "case-rate": (NOT_SO, UNREADABLE_TO_OWNER),
    "case-download": (OWNER_ONLY, NOT_SO),
    "case-file": (NOTHING_NAMED, NOT_SO),
    "api-mail": (NOT_SO, NOT_HERE),
    "desk-replies": (DESK, DESK),
    **dict.fromkeys(("desk-reply-new", "desk-reply"), (DESK_OFFICERS, DESK_OFFICERS)),
    "desk-reply-retire": (NOT_SO, DESK_OFFICERS),
    "desk-write": (DESK, DESK_UNREADABLE),
    "desk-canned": (NOT_SO, DESK),
    "desk-canned-search": (NOT_SO, DESK),
    **dict.fromkeys(("desk-preview", "desk-note"), (NOT_SO, DESK_UNREADABLE)),
    **dict.fromkeys(("desk-undo", "desk-file-remove"), (NOT_SO, DESK_SENT_ON)),
    "desk-draft": (NOT_SO, DESK_NOTHING),
    "desk-file": (DESK_NOTHING, NOT_SO),
    "desk": (DESK, NOT_SO),
    "desk-counts": (DESK, NOT_SO),
    "desk-views": (DESK, DESK),
    "desk-notifications": (DESK, DESK),
    "desk-search": (DESK_SENT_ON, DESK_SENT_ON),
    "desk-claim-next": (NOT_SO, DESK_SENT_ON),
    "desk-figures": (DESK, NOT_SO),
    "desk-figures-csv": (DESK, NOT_SO),
    "desk-complaints": (LEADS, NOT_SO),
    "desk-complaints-csv": (LEADS, NOT_SO),
    "desk-many": (DESK, DESK),
    "desk-many-reply": (DESK_NOTHING, NOT_SO),
    "desk-many-reply-progress": (DESK_NOTHING, NOT_SO),
    "desk-many-reply-undo": (NOT_SO, DESK_SENT_ON),
    "desk-claim": (NOT_SO, DESK_SENT_ON),
    "desk-handling": (DESK, NOT_SO),
    "desk-assign": (NOT_SO, LEADS),
    "desk-hand-over": (NOT_SO, DESK),
    "desk-merge": (NOT_SO, DESK),
    "desk-case": (DESK, NOT_SO),
    "desk-reveal": (DESK, DESK),
    "desk-agree": (DESK, DESK),
    "desk-stop": (DESK, DESK),
    "desk-stop-code": (NOT_SO, DESK_SENT_ON),
    "desk-evidence": (DESK, DESK),
    "desk-resend": (DESK, DESK),
    "desk-suspend": (DESK, DESK),
    "desk-move": (DESK, DESK),
    "desk-priority": (DESK, DESK),
    "desk-escalate": (DESK, DESK),
    "desk-protect": (DESK_OFFICERS, DESK_OFFICERS),
    "desk-copy": (DESK, DESK),
    "api-calls": (NOT_SO, NOT_HERE),
    "evaluation": (NOT_SO, NO_TOKEN),
    "evaluations": (NOT_SO, NO_TOKEN),
    "authzen_configuration": (EVERYBODY, NOT_SO),
    "api-disclosures": (NOT_SO, NO_TOKEN),
    "api-approvals": (NOT_SO, NO_TOKEN),
    "api-texts": (NOT_SO, NOT_HERE),
    "drp-agent": (NOT_HERE, NOT_HERE),
    "drp-exercise": (NOT_SO, NOT_HERE),
    "drp-request": (NOT_HERE, NOT_SO),
    "agent-request": (EVERYBODY, NOT_SO),
    "agent-asked": (NOT_HERE, NOT_HERE),
    "consent-info": (NOT_SO, NO_TOKEN),
    "api-lines": (NOT_SO, NO_TOKEN),
    "oauth_token": (NOT_SO, UNREADABLE),
    "oauth_authorization_server": (EVERYBODY, NOT_SO),
    "jwks": (EVERYBODY, NOT_SO),
    "jwks_archive": (EVERYBODY, NOT_SO),
    "transparency": (EVERYBODY, NOT_SO),
    "transparency-csv": (EVERYBODY, NOT_SO),
    "transparency-svg": (NOT_HERE, NOT_SO),
    "transparency-month": (NOT_HERE, NOT_SO),
    "transparency-month-csv": (NOT_HERE, NOT_SO),
    "transparency-month-svg": (NOT_HERE, NOT_SO),
    "ssf_receipts": (NOT_SO, NO_TOKEN),
    "ssf_poll": (NOT_SO, NO_TOKEN),
    "ssf_manifest": (NO_TOKEN, NOT_SO),
    "ssf_digest": (NOT_SO, NOT_SO),
    "ssf_streams": (NO_TOKEN, NO_TOKEN),
    "ssf_status": (NO_TOKEN, NO_TOKEN),
    "ssf_verify": (NOT_SO, NO_TOKEN),
    "ssf_configuration": (EVERYBODY, NOT_SO),
    "canary-events": (NOT_SO, UNREADABLE),
    "healthz": (EVERYBODY, NOT_SO),
    "metrics": (NOT_HERE, NOT_SO),
    "security_txt": (EVERYBODY, NOT_SO),
    "openapi": (EVERYBODY, NOT_SO),
    "openapi_page": (EVERYBODY, NOT_SO),
    "gpc": (EVERYBODY, NOT_SO),
    "demo_phones": (NOT_HERE, NOT_SO),
}
# In the order of options, put, patch, delete: forms that are allauth's or Django's own take a put as a post.
OTHERWISE: dict[str, tuple[Row, Row, Row, Row]] = {
    # Without a name of ours in the agents' network there are no such doors.
    "drp-request": (NOT_SO, NOT_SO, NOT_SO, NOT_HERE),
    "sign-in-staff": (SIGN_IN, SIGN_IN, SIGN_IN_NOT_SO, SIGN_IN_NOT_SO),
    "account_inactive": (EVERYBODY, NOT_SO, NOT_SO, NOT_SO),
    "account_reauthenticate": (PERSON, PERSON, NOT_SO_INSIDE, NOT_SO_INSIDE),
    "account_change_password": (PERSON, PERSON, NOT_SO_INSIDE, NOT_SO_INSIDE),
    "mfa_index": (PERSON, NOT_SO_INSIDE, NOT_SO_INSIDE, NOT_SO_INSIDE),
    "mfa_authenticate": (SENT_ON,) * 4,
    "mfa_reauthenticate": (SENT_ON,) * 4,
    "mfa_activate_totp": (PASSKEYS, PASSKEYS, PASSKEYS_NOT_SO, PASSKEYS_NOT_SO),
    "mfa_deactivate_totp": (NO_FACTOR,) * 4,
    "mfa_view_recovery_codes": (PERSON, NOT_SO_INSIDE, NOT_SO_INSIDE, NOT_SO_INSIDE),
    "mfa_generate_recovery_codes": (PASSKEYS, CODES_MADE, PASSKEYS_NOT_SO, PASSKEYS_NOT_SO),
    "mfa_download_recovery_codes": (NO_FACTOR,) * 4,
    "mfa_list_webauthn": (PERSON, NOT_SO_INSIDE, NOT_SO_INSIDE, NOT_SO_INSIDE),
    "mfa_add_webauthn": (PASSKEYS, PASSKEYS, PASSKEYS_NOT_SO, PASSKEYS_NOT_SO),
    "mfa_reauthenticate_webauthn": (PASSKEY_ASKED, PASSKEY_ASKED, PASSKEY_NOT_SO, PASSKEY_NOT_SO),
    "mfa_remove_webauthn": (PASSKEYS, PASSKEYS_NOT_SO, PASSKEYS_NOT_SO, KEY_TAKEN),
    "mfa_edit_webauthn": (PASSKEYS, KEY, PASSKEYS_NOT_SO, PASSKEYS_NOT_SO),
    "set_language": (SENT_ON,) * 4,
    "ssf_digest": (NOT_SO, NO_TOKEN, NOT_SO, NOT_SO),
    "ssf_streams": (NOT_SO, NO_TOKEN, NO_TOKEN, NO_TOKEN),
}
# What the other partner's token is told where it opens something: by method, an empty body and others' ids.
OTHER_PARTNER: dict[str, dict[str, int]] = {
    "evaluation": {"post": 403},
    "evaluations": {"post": 403},
    "api-disclosures": {"post": 403},
    "api-approvals": {"post": 415},
    "consent-info": {"post": 415},
    "api-lines": {"post": 403},
    "ssf_receipts": {"post": 400},
    "ssf_poll": {"post": 415},
    "ssf_manifest": {"get": 404, "head": 404},
    "ssf_digest": {"put": 400},
    "ssf_streams": {"get": 200, "head": 200, "post": 415, "put": 400, "patch": 400, "delete": 404},
    "ssf_status": {"get": 404, "head": 404, "post": 415},
    "ssf_verify": {"post": 415},
}
# Whose marks a page may show to whom: an account holder knows the number of every line that they pay for, and whoever
# has the link of a question sees which company asks.
ASKED_BY = frozenset({"asking"})
ALSO_SHOWN: dict[tuple[str, str], frozenset[str]] = {
    ("lines", "holder"): frozenset({"owner's number"}),
    # Whom the owner asked to look after the line.
    ("lines", "stranger"): frozenset({"owner's number"}),
    ("delegation", "stranger"): frozenset({"owner's number"}),
    ("delegates", "owner"): frozenset({"stranger"}),
    # Whom of their colleagues they may give a case to, and whose cases they may look through.
    **{(page, "agent"): frozenset({"invited"}) for page in ("desk", "desk-handling", "desk-hand-over")},
    # What the person wrote and which companies they could have stopped, and colleagues to mention, on their case.
    ("desk-case", "agent"): frozenset({"owner", "invited"}),
    ("desk-stop", "agent"): frozenset({"owner", "asking"}),
    # What the owner wrote, to whoever answers it, and which colleagues a note may mention.
    **{
        (page, "agent"): frozenset({"owner", "invited"})
        for page in ("desk-write", "desk-canned", "desk-canned-search", "desk-preview", "desk-note")
    },
}


@dataclass(frozen=True)
class Linked:
    """What a bearer link opens: its path below the link's, what GET and HEAD and what POST answer, what it shows."""

    link: str
    below: str
    get: Row
    post: Row
    shows: frozenset[str] = frozenset()


LINKS = (
    Linked("stop", "", EVERYBODY, NOT_SO),
    Linked("stop", "receipt.json", EVERYBODY, NOT_SO),
    Linked("stop", "receipt.pdf", EVERYBODY, NOT_SO),
    Linked("agent", "", EVERYBODY, EVERYBODY),
    Linked("mailed", "", EVERYBODY, NOT_SO),
    *(
        one
        for link in ("texted", "shown")
        for one in (
            Linked(link, "", OPEN_LINK, NOT_SO, ASKED_BY),
            Linked(link, "text/", NOT_SO, LINK_SENT_ON),
            Linked(link, "code/", OPEN_LINK, OPEN_LINK),
            Linked(link, "yes/", LINK_OWNER, LINK_OWNER),
            Linked(link, "no/", NOT_SO, LINK_SENT_ON),
            Linked(link, "answered/", NOT_HERE, NOT_SO),
        )
    ),
    Linked("invitation", "", EVERYBODY, EVERYBODY),
    Linked("cancel", "", EVERYBODY, EVERYBODY),
)


def expected(name: str) -> Iterator[tuple[str, str, int]]:
    """For every method and everybody: what this address answers."""
    get, post = ROWS[name]
    rows = (get, get, post, *OTHERWISE.get(name, (NOT_SO,) * 4))
    for method, row in zip(METHODS, rows, strict=True):
        yield from zip([method] * len(WHO), WHO, (*row, OTHER_PARTNER.get(name, {}).get(method, row[0])), strict=True)


def expected_of(linked: Linked) -> Iterator[tuple[str, str, int]]:
    """The same for what a bearer link opens."""
    rows = (linked.get, linked.get, linked.post, *(NOT_SO,) * 4)
    for method, row in zip(METHODS, rows, strict=True):
        yield from zip([method] * len(WHO), WHO, (*row, row[0]), strict=True)
