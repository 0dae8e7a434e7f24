"""The signed proof of one choice: it says what was chosen, when, and for which line, and verifies without us."""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import connection

from accounts.policies.alerts import LineToText
from accounts.primitives.numbers import mask_number
from accounts.primitives.sealing import unseal
from consent.models import Choice, Origin
from consent.queries.receipts import PartnerReceipt, PartnerStanding, ReceiptView
from partners.domain import keys, keysets
from partners.models import SigningKey

COMPLETED = "completed"
KEEP = """
INSERT INTO consent_choicereceipt (line_id, choice_id, number, token)
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS kept (line_id bigint, choice_id uuid, number text, token text)
"""
# With the receipt: which orders tell of the choice, and that its line was touched. What partners sign is followed: a
# line's newest no begins that anew, first looked at after a while.
WITH_ORDERS = """
WITH named AS (
    INSERT INTO consent_choiceorder (line_id, choice_id, contract_id, order_id)
    SELECT %(line)s::bigint, %(choice)s::uuid, told.contract_id, told.order_id
    FROM unnest(%(contracts)s::bigint[], %(orders)s::uuid[]) AS told (contract_id, order_id)
    ON CONFLICT DO NOTHING
), kept AS (
    INSERT INTO consent_choicereceipt (line_id, choice_id, number, token)
    VALUES (%(line)s::bigint, %(choice)s::uuid, %(number)s, %(token)s)
), awaited AS (
    INSERT INTO consent_awaitedoutcome (line_id, since, look_at)
    SELECT %(line)s::bigint, %(at)s::timestamptz, %(look_at)s::timestamptz
    WHERE %(look_at)s::timestamptz IS NOT NULL
    ON CONFLICT (line_id) DO UPDATE SET since = excluded.since, look_at = excluded.look_at, late_told_at = NULL
)
INSERT INTO consent_touched (line_id, since) VALUES (%(line)s::bigint, %(at)s::timestamptz)
"""
# Of each line how a receipt names it, and of those whose numbers are wanted when it came to have which.
LINES = """
SELECT line.id, line.public_id, number.starts_at, number.msisdn_sealed
FROM accounts_line line
    LEFT JOIN accounts_linenumber number ON number.line_id = line.id AND number.line_id = ANY (%s)
WHERE line.id = ANY (%s) ORDER BY number.starts_at
"""
# No letter or digit that can be read as another; 32 of them, so that five bits draw one.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_number() -> str:
    """Make a number people can read out: `WB-7KQ4-M2`."""
    drawn = "".join(ALPHABET[byte % len(ALPHABET)] for byte in secrets.token_bytes(6))
    return f"WB-{drawn[:4]}-{drawn[4:]}"


def store_receipt(*, choice: Choice) -> str:
    """Sign the proof of a choice that was just written down, and keep it with it. Returns its number."""
    (number,) = store_receipts(choices=[choice])
    return number


def store_with_orders(
    *, choice: Choice, line: LineToText, order_ids: Mapping[int, UUID], look_at: datetime | None
) -> None:
    """Keep the signed proof of a choice that was just written down, and which orders tell of it, in one statement.

    `order_ids`: by contract. `look_at`: when it is first looked at what partners sign; None: that isn't followed.
    """
    number, sealed = new_number(), line.number_sealed
    if sealed:
        named = _Line(line.line.public_id, [(choice.made_at, sealed)])
    else:  # a number that begins later, or none
        named = _lines([choice.line_id], numbers_of=[choice.line_id])[choice.line_id]
    signer = keys.signer(use=SigningKey.Use.RECEIPT)
    values: dict[str, Any] = {
        "line": choice.line_id, "choice": choice.id, "contracts": list(order_ids), "orders": list(order_ids.values()),
        "number": number, "token": signer.sign(_claims(choice, number, named, "")), "at": choice.made_at,
        "look_at": look_at,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(WITH_ORDERS, values)


def store_receipts(*, choices: Sequence[Choice], phones: Mapping[UUID, str] | None = None) -> list[str]:
    """Keep receipts for many choices, with one key and in as many statements as for one. In order.

    `phones`: by choice the number that it was said by, where that is known; a line's own need not be unsealed then.
    """
    known = phones or {}
    unnamed = {choice.line_id for choice in choices if not known.get(choice.id)}
    lines = _lines({choice.line_id for choice in choices}, numbers_of=unnamed)
    signer = keys.signer(use=SigningKey.Use.RECEIPT)
    numbers = [new_number() for _ in choices]
    rows = [
        {
            "line_id": choice.line_id,
            "choice_id": choice.id,
            "number": number,
            "token": signer.sign(_claims(choice, number, lines[choice.line_id], known.get(choice.id, ""))),
        }
        for choice, number in zip(choices, numbers, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [msgspec.json.encode(rows).decode()])
    return numbers


@dataclass
class _Line:
    """A line as receipts name it, and its numbers, sealed, the oldest first."""

    public_id: UUID
    numbers: list[tuple[datetime, bytes]]

    def phone_at(self, at: datetime) -> str:
        """Return the line's number of then, masked; before all we know, its first. "" for none."""
        had = [sealed for starts_at, sealed in self.numbers if starts_at <= at][-1:]
        return "".join(mask_number(unseal(sealed)) for sealed in had or [sealed for _, sealed in self.numbers[:1]])


def _lines(line_ids: Collection[int], *, numbers_of: Collection[int]) -> dict[int, _Line]:
    found: dict[int, _Line] = {}
    with connection.cursor() as cursor:
        cursor.execute(LINES, [list(numbers_of), list(line_ids)])
        for line_id, public_id, starts_at, sealed in cursor.fetchall():
            line = found.setdefault(line_id, _Line(public_id, []))
            if sealed is not None:
                line.numbers.append((starts_at, bytes(sealed)))
    return found


def _claims(choice: Choice, number: str, line: _Line, said_by: str) -> dict[str, object]:
    """What the compact JWS (typ `whereabouts-receipt+jwt`) of one choice says. It has two digits of the number."""
    phone = mask_number(said_by) if said_by else _read_phone(choice, line)
    return {
        "iss": settings.BASE_URL,
        "iat": int(choice.made_at.timestamp()),
        "receipt": number,
        # The digest of what the person read before (`consent.domain.notices.DisplayedNotice.digest`).
        **({"notice": choice.notice} if choice.notice else {}),
        "carrier": settings.CARRIER_NAME,
        "line": str(line.public_id),
        **({"phone": phone} if phone else {}),
        "choice": {
            "id": str(choice.id),
            "kind": choice.kind,
            "scope": choice.scope,
            "ref": choice.ref,
            "made_at": _instant(choice.made_at),
            **({"taken_over_at": _instant(choice.recorded_at)} if _is_imported(choice) else {}),
            # Not pressed by anybody: a browser's Global Privacy Control.
            **({"by": "gpc"} if choice.channel == "gpc" else {}),
            **({"until": _instant(choice.until)} if choice.until else {}),
        },
    }


def _read_phone(choice: Choice, line: _Line) -> str:
    """Return the number, masked. A no stands although no key opens it: its receipt, or a record's, names the line."""
    try:
        return line.phone_at(choice.made_at)
    except InvalidToken:
        if choice.kind == Choice.Kind.ALLOW and choice.origin == Origin.PERSON:
            raise
        return ""


def _is_imported(choice: Choice) -> bool:
    """Whether this line has it from elsewhere: an earlier system, or the line before it."""
    return choice.origin == Origin.FILE or choice.reason == "continued"


def sign_completion(*, number: str, one: PartnerReceipt) -> str:
    """Sign our own word that a partner's confirmation came, when, and what it says: the partner can't take it back.

    Names the confirmation by its digest, and the choice by the number of its receipt; no phone number.
    """
    return keys.sign(
        use=SigningKey.Use.RECEIPT,
        claims={
            "iss": settings.BASE_URL,
            "iat": int(one.received_at.timestamp()),
            "receipt": number,
            "completion": {
                "party": one.uri,
                "status": one.status,
                "received_at": _instant(one.received_at),
                "sha256": hashlib.sha256(one.token.encode()).hexdigest(),
            },
        },
    )


def add_completions(*, receipt: ReceiptView) -> list[tuple[PartnerReceipt, str]]:
    """Add our own word that it came to what each partner signed; "" where it signed nothing as done."""
    return [
        (one, sign_completion(number=receipt.number, one=one) if one.status == COMPLETED else "")
        for one in receipt.partners
    ]


def file_of(*, receipt: ReceiptView, at: datetime) -> dict[str, object]:
    """Build a receipt as a file that verifies offline: ours, what the partners signed, and the keys to check that by.

    With each confirmation that something was done goes our own word that it came. `partners` tells how far each company
    that must sign is, and who behind it has not; `standing` is the same, signed by us.

    The keys are a statement of ours, signed like the receipt: for this one, these confirmations, in these names.
    """
    held = [
        {"party": one.party, "status": one.status, "token": one.token, **({"completion": ours} if ours else {})}
        for one, ours in add_completions(receipt=receipt)
    ]
    body: dict[str, object] = {"receipt": receipt.number, "token": receipt.token, "partner_receipts": held}
    if receipt.standing:
        body["partners"] = partners = [_standing(one) for one in receipt.standing]
        said = {"iss": settings.BASE_URL, "iat": int(at.timestamp()), "receipt": receipt.number}
        body["standing"] = keys.sign(
            use=SigningKey.Use.RECEIPT, claims={**said, "as_of": _instant(at), "partners": partners}
        )
    if receipt.partners:
        claims = {
            "iss": settings.BASE_URL,
            "iat": int(at.timestamp()),
            "receipt": receipt.number,
            "confirmations": [
                {"party": one.uri, "name": one.party, "sha256": hashlib.sha256(one.token.encode()).hexdigest()}
                for one in receipt.partners
            ],
            "keys": keysets.keys_behind(tokens=[one.token for one in receipt.partners]),
        }
        body["partner_keys"] = keys.sign(use=SigningKey.Use.RECEIPT, claims=claims)
    return body


def _standing(one: PartnerStanding) -> dict[str, object]:
    named = {"signed": one.signed, "reported": one.reported, "not_signed": one.missing}
    below = {how: [{"name": each.name, "id": each.uri} for each in them] for how, them in named.items()}
    return {"name": one.party, "id": one.uri, "state": one.state, "below": {**below, "not_signed_unnamed": one.unnamed}}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
