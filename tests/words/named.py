"""Whose page a link leads to: the name of a company, contract, campaign or incident in the place of its number."""

import re
from collections.abc import Callable, Mapping

from audit.models import Incident
from partners.models import Campaign, Contract, Party

COMPANY = r"(?P<company>(?:companies|parties|streams|company|party)/|(?<=[?&])company=)"
NUMBERED_ONES = re.compile(
    rf"(?:{COMPANY}|(?P<contract>contracts?/|(?<=[?&])contract=)|(?P<campaign>campaigns?/)|(?P<incident>incidents/))(?P<own>\d+)\b"
)


def _party(own: int) -> str:
    return Party.objects.filter(pk=own).values_list("name", flat=True).first() or ""


def _contract(own: int) -> str:
    return Contract.objects.filter(pk=own).values_list("ref", flat=True).first() or ""


def _campaign(own: int) -> str:
    return Campaign.objects.filter(pk=own).values_list("ref", flat=True).first() or ""


def _incident(own: int) -> str:
    one = Incident.objects.filter(pk=own).first()
    return one.get_kind_display() if one else ""


NAMES: Mapping[str, Callable[[int], str]] = {
    "company": _party, "contract": _contract, "campaign": _campaign, "incident": _incident,
}  # fmt: skip


def named(address: str) -> str:
    """The address with such names instead of numbers; one of something that is gone as it is."""
    return re.sub(NUMBERED_ONES, _name, address)


def _name(found: re.Match[str]) -> str:
    kind = next(name for name in NAMES if found[name])
    name = NAMES[kind](int(found["own"]))
    return f"{found[kind]}‹{name}›" if name else found[0]
