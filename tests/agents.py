"""An authorised agent that asks for a stop in somebody's name."""

from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils import timezone

from accounts.models import Line, Message
from accounts.sealing import unseal
from consent import actions
from consent.agents import Exercise
from partners.models import AuthorizedAgent
from tests.people import newest_text, number_of

AGENT = "PERMISSION_SLIP"
LATER = datetime(2099, 1, 1, tzinfo=UTC)


def an_agent_asks(line: Line, name: str = "Permission Slip") -> str:
    """The path of the link that its person was texted."""
    now = timezone.now()
    key = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    actions.register_agent(
        agent_id=AGENT, name=name, verify_key=key, hosts=[], actor="officer:1", reason="joined", at=now
    )
    said = Exercise(
        agent_id=AGENT, business_id="CARRIER", issued_at=now, expires_at=LATER, version="1.0", exercise="sale:opt_out",
        phone_number=number_of(line),
    )  # fmt: skip
    agent = AuthorizedAgent.objects.get(pk=AGENT)
    actions.take_request(agent=agent, said=said, body=str(line.pk).encode(), at=now)
    return texted_link(line)


def texted_link(line: Line) -> str:
    """The path of the link in the newest text that asks a line about an agent."""
    message = Message.objects.filter(line=line, kind=Message.Kind.AGENT).latest("made_at")
    # By night it waits; by day it was taken, and its words were wiped.
    words = unseal(message.words_sealed) if message.words_sealed else newest_text(number_of(line)).text
    return next(word for word in words.split() if "/authorized/" in word).removeprefix("http://localhost:8000")
