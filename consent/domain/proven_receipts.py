"""What a checked receipt proves, in a page's words. Names are those that we signed; nothing is looked up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.domain.receipt_check import CheckedReceipt, Confirmation, Fault, Object
from consent.queries.receipts import STATUSES
from partners.labels import UNKNOWN, purpose_in_words, sanitise_text

TITLES: dict[tuple[str, str], Promise] = {
    ("stop", "all"): gettext_lazy("Stop all sharing"),
    ("stop", "party"): gettext_lazy("Stop sharing with %(ref)s"),
    ("stop", "purpose"): gettext_lazy("Stop this use by every company: %(ref)s"),
    ("stop", "campaign"): gettext_lazy("Stop one use by one company: %(ref)s"),
    ("pause", "all"): gettext_lazy("Pause all sharing"),
    ("pause", "party"): gettext_lazy("Pause sharing with %(ref)s"),
    ("pause", "purpose"): gettext_lazy("Pause this use by every company: %(ref)s"),
    ("pause", "campaign"): gettext_lazy("Pause one use by one company: %(ref)s"),
    ("allow", "campaign"): gettext_lazy("Allow one use by one company: %(ref)s"),
    ("refuse", "campaign"): gettext_lazy("Refuse one use by one company: %(ref)s"),
}


@dataclass(frozen=True)
class SignedByPartner:
    """What one company signed, and of the companies behind it: who signed too, and whom it only speaks for."""

    company: str
    in_words: str
    came_at: datetime | None
    signed_below: tuple[str, ...]
    reported_below: tuple[str, ...]


@dataclass(frozen=True)
class ProvenReceipt:
    """A genuine receipt. `not_signed`: the companies that had not signed at `as_of`, those behind partners too."""

    number: str
    carrier: str
    phone: str
    title: str
    made_at: datetime | None
    until: datetime | None
    partners: tuple[SignedByPartner, ...]
    as_of: datetime | None
    not_signed: tuple[str, ...]


def describe_receipt(*, checked: CheckedReceipt, kept: Object) -> ProvenReceipt | Fault:
    """Describe a receipt of a choice; a Fault for what is genuine and no receipt of a choice."""
    choice = checked.claims.get("choice")
    if not isinstance(choice, dict):
        return Fault.NO_RECEIPT
    names = _names(kept)
    return ProvenReceipt(
        number=_sanitise(checked.claims.get("receipt")),
        carrier=_sanitise(checked.claims.get("carrier") or urlsplit(str(checked.claims.get("iss"))).hostname),
        phone=_sanitise(checked.claims.get("phone")),
        title=_title(choice),
        made_at=_instant(choice.get("made_at")),
        until=_instant(choice.get("until")),
        partners=tuple(_describe_confirmation(one, names) for one in checked.confirmations),
        as_of=_instant(checked.as_of[0]) if checked.as_of else None,
        not_signed=_list_unsigned(checked, names),
    )


def _describe_confirmation(one: Confirmation, names: Mapping[str, str]) -> SignedByPartner:
    below = [(names.get(each.company, _sanitise(each.company)), each.itself) for each in one.below]
    return SignedByPartner(
        company=names.get(one.party, _sanitise(one.party)),
        in_words=str(STATUSES.get(one.status, _sanitise(one.status))),
        came_at=_instant(one.came[0]) if one.came else None,
        signed_below=tuple(company for company, itself in below if itself),
        reported_below=tuple(company for company, itself in below if not itself),
    )


def _names(kept: Object) -> dict[str, str]:
    """Names by URI, from what we signed of how far each company is."""
    found: dict[str, str] = {}
    for partner in kept.get("partners") or []:
        below = partner["below"]
        for one in (partner, *below["signed"], *below["reported"], *below["not_signed"]):
            found[str(one["id"])] = _sanitise(one.get("name") or one["id"])
    return found


def _list_unsigned(checked: CheckedReceipt, names: Mapping[str, str]) -> tuple[str, ...]:
    """Each company once, also where it is behind several partners."""
    missing: list[str] = []
    for one in checked.standing:
        missing += [one.party] if one.state not in {"completed", "partial", "contradicted"} else []
        missing += [*one.missing, *([UNKNOWN] if one.unnamed else [])]
    return tuple(_("a company we can't name") if each == UNKNOWN else names[each] for each in dict.fromkeys(missing))


def _title(choice: dict[str, Any]) -> str:
    kind, scope, ref = str(choice.get("kind")), str(choice.get("scope")), str(choice.get("ref") or "")
    words = TITLES.get((kind, scope))
    about = purpose_in_words(ref) if scope == "purpose" else _sanitise(ref)
    return str(words) % {"ref": about} if words else _sanitise(f"{kind} {scope}")


def _sanitise(text: object) -> str:
    return sanitise_text(str(text or ""), at_most=120)


def _instant(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
