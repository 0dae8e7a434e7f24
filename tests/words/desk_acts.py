"""What the desk says of each act: before it, once it is done, and where it is refused."""

import re
from collections.abc import Iterator

from accounts.models import LineNumber, User
from consent.actions import choices
from support.models import Reveal, Ticket
from tests.factories import a_line
from tests.people import newest_text, number_of
from tests.support.officers import Member, staff
from tests.words.pages import changes
from tests.words.seldom_cases import EVERYWHERE, WHY, Desk
from tests.words.transcripts import NUMBERED, masked, transcript

type Read = Iterator[tuple[str, list[str]]]
type Act = tuple[str, str, dict[str, str]]


class Acts:
    """Acts on cases of a desk's. `ben`: another agent."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.ben = staff(User.Role.AGENT, name="ben")

    def pages(self) -> Read:
        """Every act, by its title."""
        yield from self.done()
        yield from self.to_see()
        yield from self.refused()
        yield from self.whose()
        yield from self.seldom()

    def done(self) -> Read:
        """Each act that changes a case: what is asked, and what the case says then."""
        line = self.desk.line()
        ticket = self.desk.about(self.desk.looked(line, judgement="no_approval"), line)
        choices.stop(line_id=line.pk, scope="all", actor=f"subscriber:{line.pk}", channel="web")
        company = {"company": str(self.desk.campaign.contract.aggregator_id)}
        acts: tuple[Act, ...] = (
            ("evidence", "evidence/", {}), ("resend", "resend/", company), ("suspend", "suspend/", company),
            ("priority", "priority/", {"priority": "1"}), ("lowest priority", "priority/", {"priority": "4"}),
            ("move", "move/", {"to": "open"}), ("escalate", "escalate/", {}),
        )  # fmt: skip
        for title, path, form in acts:
            yield f"{title}: before", self.desk.read(f"{ticket.code}/{path}")
            yield f"{title}: done", self.differs(self.desk.ana, ticket, path, form)
        for title in ("protect", "end of a protection"):
            yield f"{title}: before", self.desk.read(f"{ticket.code}/protect/", self.desk.officer)
            yield f"{title}: done", self.differs(self.desk.officer, ticket, "protect/", {})
        code = self.desk.ana.client.post(f"/desk/{ticket.code}/stop/code/", follow=True)
        yield "a code to stop: texted", transcript(code.content.decode())
        typed = newest_text(number_of(line)).code
        stops = {"what": "all", "days": "0", "proof": "code", "typed": typed}
        yield "stopped by the code: done", self.differs(self.desk.ana, ticket, "stop/", stops)

    def to_see(self) -> Read:
        """Whose a case is: shown to one, and by two."""
        ticket = self.desk.case(self.desk.line())
        yield "to see: done", self.differs(self.desk.ana, ticket, "reveal/", {"kind": "fault"})
        ticket = self.desk.case(self.desk.line())
        self.desk.officer.client.post(f"/desk/{ticket.code}/protect/", {"reason": WHY})
        yield "to see by two: before", self.desk.read(f"{ticket.code}/reveal/")
        yield "to see by two: done", self.differs(self.desk.ana, ticket, "reveal/", {"kind": "fault"})
        path = f"reveal/{Reveal.objects.latest('pk').pk}/"
        yield "to agree: before", self.desk.read(f"{ticket.code}/{path}", self.ben)
        yield "to agree to one's own", self.says(self.desk.ana, ticket, path)
        yield "to agree: done", self.differs(self.ben, ticket, path, {})
        yield "to agree again: before", self.desk.read(f"{ticket.code}/{path}", self.ben)
        yield "to agree again", self.says(self.ben, ticket, path)

    def refused(self) -> Read:
        """Acts that a case allows no more, or not yet."""
        line = self.desk.line()
        ticket, of_nobody = self.desk.about(self.desk.looked(line, judgement="no_approval"), line), self.desk.case()
        company = {"company": str(self.desk.campaign.lbs_provider_id)}
        for title, path, form in (
            ("nobody to ask for proof", "evidence/", {}),
            ("to see whose nobody's is", "reveal/", {"kind": "fault"}),
        ):
            yield title, self.says(self.desk.ana, of_nobody, path, **form)
        for path, form in (("evidence/", {}), ("suspend/", company), ("escalate/", {})):
            for time in ("", " again"):
                yield f"refused: {path}{time}", self.says(self.desk.ana, ticket, path, **form)
        for path, form in (
            ("move/", {"to": "solved"}), ("move/", {"to": "waiting"}), ("priority/", {"priority": "2"}),
            ("stop/", {"what": "all", "days": "0", "proof": "code", "typed": ""}),
            ("stop/", {"what": "all", "days": "0", "proof": "code", "typed": "0000000"}),
            ("stop/", {"what": "all", "days": "0", "proof": "call", "typed": ""}),
            ("reveal/", {"reason": WHY}), ("reveal/", {"kind": "other", "reason": ""}),
        ):  # fmt: skip
            yield f"refused: {path} {form}", self.says(self.desk.ana, ticket, path, **form)

    def whose(self) -> Read:
        """Whose a case is: taken, given, handed over and merged, and where that is refused."""
        line, ana, officer = self.desk.line(), self.desk.ana, self.desk.officer
        mine, other, alien, done = (self.desk.case(one) for one in (line, line, self.desk.line(), line))
        Ticket.objects.filter(pk=done.pk).update(state="solved", solved_at=self.desk.at)
        whole: tuple[tuple[str, Member, str, dict[str, str]], ...] = (
            ("taken", ana, "claim/", {}), ("taken again", ana, "claim/", {}),
            ("taken by another", self.ben, "claim/", {}),
            ("handed over by another", self.ben, "hand-over/", {"to": str(ana.user.pk), "note": "Mind it."}),
            ("handed over without a word", ana, "hand-over/", {"to": str(self.ben.user.pk), "note": "…"}),
            ("merged with itself", ana, "merge/", {"into": mine.code}),
            ("merged with another's", ana, "merge/", {"into": alien.code}),
            ("merged with one that is done", ana, "merge/", {"into": done.code}),
            ("merged with none", ana, "merge/", {"into": "T-000000"}),
            ("given back", officer, "assign/", {"to": ""}),
            ("given to a colleague", officer, "assign/", {"to": str(self.ben.user.pk)}),
            ("handed over", self.ben, "hand-over/", {"to": str(ana.user.pk), "note": "Mind it."}),
            ("merged", ana, "merge/", {"into": other.code}),
            ("written in after the merge", ana, "escalate/", {}),
        )  # fmt: skip
        for title, who, path, form in whole:
            yield title, self.says(who, mine, path, **form)
        yield "taken when it is done", self.says(officer, done, "claim/")
        next_one = ana.client.post("/desk/claim/?kind=dispute", follow=True)
        yield "nothing to take", changes(self.desk.read(""), transcript(next_one.content.decode(), but=EVERYWHERE))

    def seldom(self) -> Read:
        """What hardly anybody does: before it, and what is said then."""
        line, ana, officer = self.desk.line(), self.desk.ana, self.desk.officer
        ticket, other = self.desk.case(line), self.desk.case(line)
        for path in ("reveal/", "copy/"):
            yield f"{path}: before", self.desk.read(f"{ticket.code}/{path}")
        ended = a_line(deactivated_at=self.desk.at)
        LineNumber.objects.filter(line=ended).update(ends_at=self.desk.at)
        gone = self.desk.case(ended)
        whole: tuple[tuple[str, Member, Ticket, str, dict[str, str]], ...] = (
            ("looked for nothing", ana, ticket, "reveal/", {"kind": "none"}),
            ("nothing to ask for proof of", ana, ticket, "evidence/", {}),
            ("a code for a line without a number", ana, gone, "stop/code/", {}),
        )
        for title, who, case, path, form in whole:
            yield title, self.says(who, case, path, **form)
        shown = {"body": "Dear you", "then": "solved"}
        ana.client.post(f"/desk/{other.code}/write/", {**shown, "send": ""})
        yield "an answer taken back", self.says(ana, other, "write/undo/")
        named = {"key": "No Key", "language": "en", "title": "A reply", "body": "Hello."}
        wrong = officer.client.post("/desk/replies/new/", named)
        yield "a reply whose key is none", transcript(wrong.content.decode(), but=("said",))

    def differs(self, who: Member, ticket: Ticket, path: str, form: dict[str, str]) -> list[str]:
        """Do it; what the case says otherwise then."""
        before = self.desk.read(f"{ticket.code}/", who)
        answer = who.client.post(f"/desk/{ticket.code}/{path}", {"reason": WHY, **form}, follow=True)
        assert answer.redirect_chain, (path, transcript(answer.content.decode()))
        return changes(before, transcript(answer.content.decode(), but=EVERYWHERE))

    def says(self, who: Member, ticket: Ticket, path: str, **form: str) -> list[str]:
        """Where it led, and what is read there that neither the case nor the form says before."""
        before = {*self.desk.read(f"{ticket.code}/", who, but=()), *self._form(who, ticket, path)}
        answer = who.client.post(f"/desk/{ticket.code}/{path}", {"reason": WHY, **form}, follow=True)
        read = transcript(answer.content.decode(), but=(*EVERYWHERE, "case-list"), links=False)
        where = re.sub(NUMBERED, "‹n›", answer.request["PATH_INFO"])
        return [masked(where), *(line for line in read if line not in before)]

    def _form(self, who: Member, ticket: Ticket, path: str) -> list[str]:
        shown = who.client.get(f"/desk/{ticket.code}/{path}")
        if shown.status_code != 200:
            shown = who.client.get(f"/desk/{ticket.code}/handling/")
        return transcript(shown.content.decode(), but=(*EVERYWHERE, "case-list"))
