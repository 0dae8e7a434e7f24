"""A comparison of a partner's books with ours that found one difference of each kind."""

import msgspec

from accounts.models import Line
from consent.actions import choices
from consent.models import DigestFinding, DigestRun
from tests.consent.books import Books


class Compared:
    """A partner that kept what was stopped, lost what is allowed, and holds a name that we never gave."""

    def __init__(self) -> None:
        self.books = Books()
        self.kept: Line = self.books.a_line()
        self.books.hold(self.kept)
        choices.stop(line_id=self.kept.pk, scope="all", actor="subscriber:1", channel="web")
        self.books.acknowledge(self.kept)
        self.lost: Line = self.books.a_line()
        (entry,) = self.books.told(self.lost)
        self.books.held.append(msgspec.structs.replace(entry, sub="k1.nobody", purpose="+12065550199"))
        self.run: DigestRun = self.books.send()
        self.books.answer(self.run)
        self.run.refresh_from_db()

    @property
    def path(self) -> str:
        return f"/admin/reconciliation/{self.run.pk}/"

    def row(self, kind: str) -> DigestFinding:
        return DigestFinding.objects.get(run=self.run, kind=kind)

    def look(self, kind: str) -> str:
        return f"{self.path}{self.row(kind).pk}/"
