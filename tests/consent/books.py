"""A partner's books for tests of their comparison: what it was told, and what it made of that."""

import re
import uuid
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from accounts.models import Line
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.digests import Progress, compare_buckets, receive_digest
from consent.domain.digest_books import Entry, bucket_of
from consent.models import DigestRun
from partners.domain import pairwise
from partners.models import Campaign, Contract, Party
from revocations.actions.orders import enqueue_order
from revocations.domain.wire import Agreement
from revocations.models import Order, Standing, State
from tests.factories import ADS, a_campaign, a_contract, a_line, a_party, an_approval
from tests.orders import bring_to

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "digest.md").read_text()
# A digest is of a moment a little after the last acknowledgement: clocks may differ by seconds.
LATER = timedelta(seconds=20)


def guide() -> Mapping[str, Callable[..., Any]]:
    """The functions that the guide gives to partners."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/guides/digest.md", "exec"), names)
    return names


@dataclass
class Books:
    """One partner with two uses under one contract, and the entries it holds."""

    party: Party = field(default_factory=a_party)
    held: list[Entry] = field(default_factory=list)
    names_recipient: bool = False

    def __post_init__(self) -> None:
        self.contract: Contract = a_contract(self.party)
        self.campaign: Campaign = a_campaign(self.contract, names_recipient=self.names_recipient)
        self.other: Campaign = a_campaign(self.contract, a_party("AdReach", "lbs_provider"), purpose=ADS)

    def a_line(self) -> Line:
        """A line that agreed to both, and stopped the second: so the first was told as allowed."""
        line = a_line()
        an_approval(line, self.campaign)
        an_approval(line, self.other)
        choices.stop(line_id=line.pk, scope="campaign", ref=self.other.ref, actor="subscriber:1", channel="web")
        self.acknowledge(line)
        return line

    def sub(self, line: Line) -> str:
        return pairwise.subject(line_id=line.pk, party_id=self.party.pk)

    def acknowledge(self, line: Line, at: datetime | None = None, state: State = State.ACKNOWLEDGED) -> None:
        """The partner stored all that waits for it."""
        at = at or database_clock()
        waiting = Order.objects.filter(line_id=line.pk, next_attempt_at__isnull=False)
        bring_to(state, waiting, acknowledged_at=at, completed_at=at if state == State.COMPLETED else None)

    def told(self, line: Line) -> list[Entry]:
        """The entries of the newest order to this partner."""
        standing = Standing.objects.get(pk=(line.pk, self.contract.pk))
        snapshot = Order.objects.get(pk=(line.pk, standing.order_id)).snapshot
        return [
            Entry(
                sub=self.sub(line),
                agreement=snapshot["agreement"],
                epoch=snapshot["epoch"],
                version=snapshot["version"],
                recipient=entry["recipient"],
                purpose=entry["purpose"],
                scope=scope,
                excepted=tuple(entry.get("except", ())),
            )
            for entry in snapshot["state"]
            for scope in entry["scopes"]
        ]

    def hold(self, line: Line) -> None:
        """Write down what the newest order allows."""
        self.held += self.told(line)

    def hold_unordered(self, line: Line) -> None:
        """Write down the first use without any order."""
        self.held.append(
            Entry(
                sub=self.sub(line),
                agreement=f"http://localhost:8000/agreements/{self.contract.ref}",
                epoch=0,
                version=0,
                recipient=self.campaign.lbs_provider.uri,
                purpose=self.campaign.purpose,
                scope=self.campaign.scope,
            )
        )

    def tell_directly(self, line: Line, **more: object) -> None:
        """Tell a state past the verbs, as it may have been told once."""
        self.sub(line)
        state = {
            "scopes": [self.campaign.scope],
            "purpose": self.campaign.purpose,
            "recipient": self.campaign.lbs_provider.uri,
            "status": "granted",
            **more,
        }
        self._tell(line, [state])

    def tell_nothing_directly(self, line: Line) -> None:
        """Tell past the verbs that nothing is allowed."""
        self.sub(line)
        self._tell(line, [])

    def _tell(self, line: Line, states: list[dict[str, object]]) -> None:
        agreement = Agreement(self.contract, states, ())
        enqueue_order(line_id=line.pk, agreements=[agreement], by="user", at=database_clock())
        self.acknowledge(line)

    def send(self, as_of: datetime | None = None, held: Iterable[Entry] | None = None) -> DigestRun:
        entries = list(self.held if held is None else held)
        as_of = as_of or database_clock() + LATER
        return receive_digest(
            party=self.party,
            entries=len(entries),
            buckets=b64decode(guide()["buckets"]([msgspec.to_builtins(entry) for entry in entries])),
            as_of=as_of,
            at=as_of,
        )

    def answer(self, run: DigestRun, as_of: datetime | None = None) -> Progress:
        """Send the entries of every differing bucket, as the guide says."""
        buckets: dict[int, list[Entry]] = {int(name, 16): [] for name in run.differing}
        for entry in self.held:
            if bucket_of(entry.sub) in buckets:
                buckets[bucket_of(entry.sub)].append(entry)
        as_of = as_of or database_clock() + LATER
        return compare_buckets(party=self.party, run_id=run.id, buckets=buckets, as_of=as_of, at=as_of)

    def compare(self, as_of: datetime | None = None) -> dict[str, int]:
        """A whole run. Returns its findings."""
        as_of = as_of or database_clock() + LATER
        run = self.send(as_of)
        return dict(self.answer(run, as_of).findings) if run.differing else dict(run.findings)

    def versions(self) -> Mapping[int, int]:
        """By line: the version that stands."""
        found: dict[int, int] = defaultdict(int)
        for standing in Standing.objects.filter(contract_id=self.contract.pk):
            found[standing.line_id] = standing.version
        return found


def a_name_of_nobody() -> str:
    return f"k1.{uuid.uuid4().hex[:24]}"
