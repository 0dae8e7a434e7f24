"""What cases are called in lists and on their own pages, so that two of one kind are told apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from support.models import Ticket
from support.queries.companies import find_companies
from support.queries.pending_tickets import names_of
from support.queries.visible import HiddenCases


@dataclass(frozen=True)
class TitledCase:
    """A case, its subject in words, and the company that it is about ("" for none)."""

    ticket: Ticket
    about: str
    company: str

    @property
    def title(self) -> str:
        """The company and the subject, as an incident's subject has it already."""
        named = f"{self.company}: "
        return self.about if not self.company or self.about.startswith(named) else f"{named}{self.about}"


def title_cases(*, tickets: Sequence[Ticket], hidden: HiddenCases, at: datetime) -> list[TitledCase]:
    """Return these cases with their titles, which say nothing of what is hidden; all are read at once."""
    about = find_companies(tickets=[one for one in tickets if one.pk not in hidden.shared], at=at)
    names = names_of(party_ids=about.values())
    return [TitledCase(one, hidden.get_about(ticket=one), names.get(about.get(one.pk, 0), "")) for one in tickets]
