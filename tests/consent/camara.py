"""CAMARA's question as a test asks it, and what it hears."""

from typing import Any

from tests.consent.claiming import Partner

NUMBER = "+12065550142"
PENDING = {"statusValidForProcessing": False, "statusReason": "PENDING"}
REQUESTED = {"statusValidForProcessing": False, "statusReason": "REQUESTED"}
DENIED = {"statusValidForProcessing": False, "statusReason": "DENIED"}


def ask(partner: Partner, **changes: object) -> dict[str, Any]:
    """A good answer."""
    status, body = partner.retrieve(**changes)
    assert status == 200, body
    return body


def info(partner: Partner, **changes: object) -> dict[str, Any]:
    """The one status in a good answer, without what was asked."""
    (only,) = ask(partner, **changes)["statusInfo"]
    assert (only.pop("scopes"), only.pop("purpose")) == ([partner.campaign.scope], partner.campaign.purpose)
    assert isinstance(only, dict)
    return only


def refusal(partner: Partner, **changes: object) -> tuple[int, str]:
    """The status and CAMARA's code of an answer that is none."""
    status, body = partner.retrieve(**changes)
    return status, str(body.get("code"))
