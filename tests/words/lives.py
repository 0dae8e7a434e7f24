"""A line with one company at most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import Line
from tests.factories import a_line
from tests.feeds import Row, approval_row, take_approvals, told
from tests.people import number_of
from tests.words.crowd import noon
from tests.words.partners import Market

AID, ASH = "Alder Aid", "Ash Exchange"


@dataclass
class Life:
    """A line, its person at a browser, and the one company that may find it."""

    market: Market
    line: Line
    now: datetime

    @classmethod
    def begin(cls, market: Market, **line: Any) -> "Life":
        if ASH not in market.partners:
            market.a_partner(ASH, service=AID)
        return cls(market, a_line(**line), timezone.now())

    def noon(self, days: int) -> datetime:
        return noon(days, self.now)

    def agrees(self) -> None:
        """A record of the carrier's says so, of three months ago."""
        campaign = self.market.partners[ASH].campaign
        row = approval_row(
            msisdn=number_of(self.line), campaign=campaign.ref, captured_by=campaign.lbs_provider.uri,
            captured_at=self.noon(90).isoformat(),
        )  # fmt: skip
        assert told(take_approvals(row)) == [("accepted",)]

    def looked(self, *days: int) -> None:
        """The company got the location at noon of so many days ago."""
        ash, aid = self.market.partners[ASH], self.market.companies[AID]
        self.market.reports(*(ash.release(self.line, aid, at=self.noon(one)) for one in days))

    def outside(self, basis: str, *days: int, path: Sequence[str] = ("urn:psap",)) -> None:
        """It was given out without an agreement ever being asked for."""
        about: Row = {"basis": basis, "campaign": "", "purpose": "dpv:LegalCompliance", "path": list(path)}
        rows = [
            self.market.partners[ASH].release(self.line, at=self.noon(one), **(about | {"aggregator": path[0]}))
            for one in days
        ]
        self.market.reports(*rows)

    def path(self) -> str:
        return f"/companies/{self.market.companies[AID].party.pk}/"
