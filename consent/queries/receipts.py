"""The signed proofs of one choice: our own, and what each partner signed about the orders that told it."""

import hashlib
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from consent.queries.progress import carried_on
from partners.models import Party
from partners.words import party_name
from revocations.models import Receipt

OWN = "SELECT number, token FROM consent_choicereceipt WHERE line_id = %s AND choice_id = %s"
SIGNED = """
SELECT line_id, order_id, jti, party_id, received_at, status, token, token_hash FROM revocations_receipt
WHERE line_id = %s AND order_id = ANY (%s::uuid[]) ORDER BY received_at
"""
STATUSES: Mapping[str, Promise] = {
    "in_progress": gettext_lazy("It signed that it has begun"),
    "completed": gettext_lazy("It signed that it is done"),
    "rejected": gettext_lazy("It signed that it will not do it"),
}


@dataclass(frozen=True)
class PartnerReceipt:
    """What a partner signed, word for word."""

    party: str
    uri: str
    status: str
    received_at: datetime
    token: str

    @property
    def in_words(self) -> str:
        """What it signed, in a page's words."""
        return str(STATUSES.get(self.status, self.status))

    @property
    def digest(self) -> str:
        """By which our own word names it (SHA-256, in hexadecimal)."""
        return hashlib.sha256(self.token.encode()).hexdigest()


@dataclass(frozen=True)
class ReceiptView:
    """Our receipt for one choice, and the partners' about it so far."""

    number: str
    token: str
    partners: tuple[PartnerReceipt, ...]


def receipt_of(
    *, line_id: int, choice_id: uuid.UUID, order_ids: Collection[uuid.UUID], follow: bool
) -> ReceiptView | None:
    """The receipts of a choice; None for one that has none (it came from a file).

    `follow`: also those of the order that took the place of a replaced one, as the choice's own page does: a stop's
    duties are carried on, a yes is not.
    """
    with connection.cursor() as cursor:
        cursor.execute(OWN, [line_id, choice_id])
        own = cursor.fetchone()
    if own is None:
        return None
    number, token = own
    told = {*order_ids, *(carried_on(line_id=line_id, order_ids=order_ids) if follow else ())}
    signed = list(Receipt.objects.raw(SIGNED, [line_id, list(told)]))
    parties = Party.objects.in_bulk({one.party_id for one in signed})
    return ReceiptView(
        number=number,
        token=token,
        partners=tuple(
            PartnerReceipt(
                party=party_name(parties[one.party_id].name, parties[one.party_id].uri),
                uri=parties[one.party_id].uri,
                status=one.status,
                received_at=one.received_at,
                token=one.token,
            )
            for one in signed
        ),
    )
