"""Pages of the desk in states that are seldom, each with its title, word for word.

Every act is one that somebody at a browser could do; only the answers of partners are written down as they stand.
"""

import re
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

import audit.actions
from accounts.models import Line, User
from audit.models import Incident
from consent.actions import choices as choices_actions
from consent.labels import METHODS
from consent.queries.choices import NEVER_AGREED
from consent.workers import archive_comparison
from disclosures.models import Basis, Disclosure
from partners.models import Campaign
from revocations.models import EvidenceRequest, Order, State
from support.actions.escalation import ask_for_evidence, decide_request, request_suspension
from support.actions.replies import begin_reply, undo_reply
from support.models import Attachment, BulkReply, Entry, SavedReply, SuspendRequest, Ticket
from support.workers.sending import send_replies
from tests.factories import a_campaign, a_contract, a_line, a_party, a_safe_contact, an_approval
from tests.feeds import as_at_commit
from tests.orders import bring_to
from tests.people import signed_in
from tests.support.desk import a_ticket, said
from tests.support.officers import Member, post, staff
from tests.words.pages import changes, main
from tests.words.transcripts import masked, transcript
from tests.world import disclosed, gagged

type Read = Iterator[tuple[str, list[str]]]
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
WHY = "They called and asked."
# What other transcripts have: how to narrow the queue, and which answers can be put in.
EVERYWHERE = ("filters", "canned-row")


class Desk:
    """Two agents and an officer, and a company that lines agreed to. `at`: when the cases were opened."""

    def __init__(self, at: datetime, ana: Member) -> None:
        self.at, self.ana = at, ana
        self.officer = staff(User.Role.OFFICER, name="olga")
        contract = a_contract(a_party("Aspen Link"), ref="AGR-aspen")
        provider = a_party("Aspen Aid", "lbs_provider")
        self.campaign: Campaign = a_campaign(contract, provider, ref="CMP-aspen")

    def pages(self) -> Read:
        """Every state, by its title."""
        yield "no case", self.read("")
        yield from self.look_ups()
        yield from self.choices()
        yield from self.an_order()
        yield from self.persons()
        yield from self.suspensions()
        yield from self.whose()
        yield from self.writing()
        yield from self.many()
        yield from self.lists()
        yield from self.orders_of_every_state()
        yield from self.other_readers()
        yield from self.what_is_wrong()
        yield from self.a_long_queue()
        yield from self.while_the_gate_is_closed()

    def read(self, path: str, who: Member | None = None, *, but: tuple[str, ...] = EVERYWHERE) -> list[str]:
        """A page of the desk that is there."""
        answer = (who or self.ana).client.get(f"/desk/{path}")
        assert answer.status_code == 200, (path, answer.status_code)
        return transcript(answer.content.decode(), but=but)

    def known(self, ticket: Ticket, who: Member | None = None) -> list[str]:
        """What a case says beside its thread."""
        return self.read(f"{ticket.code}/", who, but=(*EVERYWHERE, "case-thread", "case-acts"))

    def line(self, *, agreed: str = "carrier", **fields: Any) -> Line:
        """A line that agreed to the one use, as this one says."""
        line = a_line(**fields)
        if agreed:
            an_approval(line, self.campaign, at=self.at - 90 * DAY, expires_at=self.at + 90 * DAY, verified_by=agreed)
        return line

    def case(self, line: Line | None = None, **fields: Any) -> Ticket:
        values: dict[str, Any] = {"line_id": line.pk, "number_ending": "0177"} if line else {}
        return a_ticket(at=self.at, **{**values, **fields})

    def looked(self, line: Line, **fields: Any) -> Disclosure:
        """One look-up of the company's."""
        path = [self.campaign.contract.aggregator.uri, self.campaign.lbs_provider.uri]
        (row,) = disclosed(line, path, at=self.at - DAY, campaign=self.campaign.ref, **fields)
        return row

    def about(self, row: Disclosure, line: Line) -> Ticket:
        return self.case(line, kind="look_up", about="Who looked?", about_kind="look_up", about_ref=str(row.id))

    def look_ups(self) -> Read:
        """Cases about a look-up: on what it rested, on what proof, and what its partner answered."""
        for agreed in ("carrier", "partner", ""):
            line = self.line(agreed=agreed)
            ticket = self.about(
                self.looked(line, judgement="permitted" if agreed == "carrier" else "no_approval"), line
            )
            yield f"a look-up, agreed by {agreed or 'nobody'}", self.known(ticket)
        for basis in (Basis.EMERGENCY, Basis.LEGAL_PROCESS, Basis.NETWORK):
            line = self.line(agreed="")
            row = self.looked(line, basis=basis, doubtful=basis == Basis.EMERGENCY)
            if basis == Basis.LEGAL_PROCESS:
                gagged(row, until=self.at, at=self.at - DAY)
            yield f"a look-up for {basis}", self.known(self.about(row, line))
        for method in METHODS:
            line = self.line(agreed="")
            an_approval(line, self.campaign, at=self.at - 90 * DAY, method=method)
            said_there = self.known(self.about(self.looked(line), line))
            yield f"agreed by {method}", said_there[said_there.index("Proof that they agreed") :][:3]
        line, path = self.line(), [self.campaign.contract.aggregator.uri, "unknown", self.campaign.lbs_provider.uri]
        (row,) = disclosed(line, path, at=self.at - DAY, campaign=self.campaign.ref, completed="both")
        yield "a look-up by way of somebody whom nobody can name", self.known(self.about(row, line))
        for answer in ("", "late", "evidence", "none"):
            line = self.line(agreed="")
            ticket = self.about(self.looked(line, judgement="no_approval"), line)
            asked_at = timezone.now() - (9 if answer == "late" else 1) * DAY
            ask_for_evidence(code=ticket.code, reason=WHY, actor=self.ana.actor, at=asked_at)
            if answer in {"evidence", "none"}:
                self._answered(line, answer)
            yield f"proof asked for: {answer or 'open'}", self.known(ticket)
            page = main(signed_in(line), f"/companies/{self.campaign.lbs_provider_id}/")
            lines = page.under("Shared with no record of your consent")
            yield f"proof asked for: {answer or 'open'}, as the person reads it", [masked(one) for one in lines]

    def _answered(self, line: Line, answer: str) -> None:
        words = {"wording": "Find me. Reply YES.", "method": "sms", "captured_at": self.at} if answer != "none" else {}
        owed = EvidenceRequest.objects.filter(line_id=line.pk, answered_at=None).order_by("due_at")
        EvidenceRequest.objects.filter(pk__in=[one.pk for one in owed[:1]]).update(
            answered_at=timezone.now(), answer=answer, answer_jti="answer", token="a.b.c", **words
        )

    def choices(self) -> Read:
        """Cases about a choice of each kind."""
        uri, until = self.campaign.lbs_provider.uri, timezone.now() + 30 * DAY
        for kind in ("stop all", "stop", "pause", "allow", "dispute"):
            line = self.line()
            pk, actor = line.pk, f"subscriber:{line.pk}"
            if kind == "allow":
                made = choices_actions.allow(line_id=pk, campaign=self.campaign.ref, actor=actor, channel="web")
            elif kind == "pause":
                made = choices_actions.pause(
                    line_id=pk, scope="party", ref=uri, until=until, actor=actor, channel="web"
                )
            elif kind == "stop all":
                made = choices_actions.stop(line_id=pk, scope="all", actor=actor, channel="web")
            else:
                reason = NEVER_AGREED if kind == "dispute" else ""
                made = choices_actions.stop(
                    line_id=pk, scope="party", ref=uri, reason=reason, actor=actor, channel="web"
                )
            ticket = self.case(line, kind="choice", about_kind="choice", about_ref=str(made.choice_id))
            yield f"a choice: {kind}", self.known(ticket)
            if kind == "dispute":
                yield from self._asked_twice(line, ticket)

    def _asked_twice(self, line: Line, ticket: Ticket) -> Read:
        """A dispute about which one partner was asked at once, and another by the desk: the first to be due counts."""
        other = a_campaign(a_contract(a_party("Birch Link")), self.campaign.lbs_provider)
        path = [other.contract.aggregator.uri, other.lbs_provider.uri]
        as_at_commit()
        disclosed(line, path, at=self.at - DAY, campaign=other.ref, judgement="no_approval")
        ask_for_evidence(code=ticket.code, reason=WHY, actor=self.ana.actor, at=timezone.now() - 3 * DAY)
        for title in ("two", "the second", "none"):
            page = self.known(ticket)
            due = [one for one in page if one.startswith("Partner's proof due")]
            yield f"proof that {title} of two partners owe", due
            self._answered(line, "none")

    def an_order(self) -> Read:
        """A case about what a company was told."""
        line = self.line()
        self.looked(line)
        choices_actions.stop(line_id=line.pk, scope="all", actor=f"subscriber:{line.pk}", channel="web")
        order = Order.objects.get(line_id=line.pk)
        ticket = self.case(line, kind="order", about="Told?", about_kind="order", about_ref=str(order.id))
        yield "an order", self.known(ticket)

    def persons(self) -> Read:
        """Whose case it is: masked, shown, asked for, protected."""
        for role in ("holder", "minor", "user"):
            yield f"a person: {role}", self.known(self.case(self.line(role=role)))
        ended = a_line(deactivated_at=self.at - DAY)
        yield "a person whose line ended", self.known(self.case(ended))
        ticket = self.case(self.line(holder_name="Ada Marsh"))
        post(self.ana, f"/desk/{ticket.code}/reveal/")
        yield "a person shown", self.known(ticket)
        line = self.line()
        a_safe_contact(line, msisdn="+12065550168", at=timezone.now())
        ticket = self.case(line)
        yield "a person that takes two", self.known(ticket)
        yield "to see whose it is, by two", self.read(f"{ticket.code}/reveal/")
        post(self.ana, f"/desk/{ticket.code}/reveal/")
        yield "a person asked for", self.known(ticket)
        yield "a person asked for by another", self.known(ticket, self.officer)
        post(self.officer, f"/desk/{ticket.code}/protect/")
        yield "a person whom an officer protects", self.known(ticket, self.officer)

    def suspensions(self) -> Read:
        """What an agent asked the privacy office for, as the agent reads it and as an auditor does."""
        auditor = staff(User.Role.AUDITOR, name="alba")
        for suspends in (None, False, True):
            line = self.line()
            ticket = self.about(self.looked(line), line)
            party = self.campaign.lbs_provider_id
            at = timezone.now()
            asked = request_suspension(
                code=ticket.code, party_id=party, reason=WHY, actor=self.ana.actor, at=at - 2 * DAY
            )  # fmt: skip
            if suspends is not None:
                decide_request(request_id=asked.pk, suspends=suspends, reason=WHY, actor=self.officer.actor, at=at)
            title = {None: "asked", False: "declined", True: "granted"}[suspends]
            yield f"a suspension {title}", self.known(ticket)
            yield (
                f"a suspension {title}, as an auditor reads it",
                changes(self.known(ticket), self.known(ticket, auditor)),
            )
        for one in SuspendRequest.objects.filter(decision=""):
            decide_request(request_id=one.pk, suspends=False, reason=WHY, actor=self.officer.actor, at=timezone.now())

    def whose(self) -> Read:
        """Whose a case is, and what was made of two."""
        line = self.line()
        free, mine, theirs = (self.case(line, assignee=who) for who in (None, self.ana.user, self.officer.user))
        for title, ticket in (("nobody's", free), ("one's own", mine), ("another's", theirs)):
            yield f"to handle {title}", self.read(f"{ticket.code}/handling/")
        yield "to handle as the office", self.read(f"{free.code}/handling/", self.officer)
        post(self.ana, f"/desk/{mine.code}/escalate/")
        yield "a case handed up", self.known(mine)
        post(self.ana, f"/desk/{free.code}/merge/", {"into": theirs.code})
        yield "a case that was merged", self.read(f"{free.code}/")
        yield "a case that goes on for another", self.read(f"{theirs.code}/")
        answered = self.case(line, state="open")
        Ticket.objects.filter(pk=answered.pk).update(state="solved", solved_at=self.at, first_answer_at=self.at + DAY)
        yield "a case answered", self.read(f"{answered.code}/", but=("case-thread", "case-list"))
        partner = self.case(line, state="partner")
        yield "a case that waits for a partner", self.known(partner)
        yield "nothing in a thread", self.read(f"{self.case().code}/write/")

    def writing(self) -> Read:
        """What is begun, on its way, and looked at before."""
        ticket = self.case(self.line())
        said(ticket, "Who was that?", at=self.at)
        said(ticket, "Mind the tone.", kind=Entry.Kind.NOTE, at=self.at)
        said(ticket, "We ask who it was.", kind=Entry.Kind.ANSWER, at=self.at)
        said(ticket, "It signed that it has proof.", kind=Entry.Kind.EVIDENCE, at=self.at)
        address = f"/desk/{ticket.code}/write"
        self.ana.client.post(f"{address}/draft/answer/", {"body": "Dear you", "then": "solved"})
        yield "a draft", self.read(f"{ticket.code}/write/")
        with transaction.atomic():
            SavedReply.objects.all().update(retired_at=self.at)
            yield "no saved replies", self.read(f"{ticket.code}/write/", but=("filters",))
            transaction.set_rollback(True)
        for words in ("What this look-up was", "nothing like it"):
            found = self.ana.client.post(f"{address}/canned/search/", {"saved_words": words})
            yield f"saved replies with {words}", transcript(found.content.decode(), but=("filters", "option"))
        yield "a colleague writes", self.read(f"{ticket.code}/write/", self.officer)
        shown = self.ana.client.post(f"{address}/preview/", {"body": "Dear {code}", "then": "solved"})
        yield "a preview", transcript(shown.content.decode(), but=EVERYWHERE)
        self.ana.client.post(f"{address}/", {"body": "Dear you", "then": "solved", "send": ""})
        yield "an answer on its way", self.read(f"{ticket.code}/write/")
        yield "to stop for the person", self.read(f"{ticket.code}/stop/")
        copied = self.ana.client.post(f"/desk/{ticket.code}/copy/", {"reason": WHY})
        yield "a copy", transcript(copied.content.decode())

    def many(self) -> Read:
        """One answer to many: to whom, while it waits, taken back, while it goes, and done."""
        party = a_party("Aspen Link")
        audit.actions.open_incident(kind=Incident.Kind.BURST, key="aspen", subject=party.uri, at=self.at)
        incident = Incident.objects.get(key="aspen")
        hit = {"about_kind": "incident", "about_ref": str(incident.pk)}
        for _ in range(3):
            self.case(self.line(agreed=""), **hit)
        yield "many to answer", self.read("many/")
        shown = self.ana.client.post("/desk/many/", {"incident": incident.pk, "body": "Dear {code}", "preview": ""})
        yield "many: a preview", transcript(shown.content.decode(), but=EVERYWHERE)
        reply = self._begun(incident, "Waiting.")
        yield "many: waiting", self.read(f"many/{reply.pk}/")
        cai = staff(User.Role.AGENT, name="cai").client.post(f"/desk/many/{reply.pk}/undo/", follow=True)
        yield "many: taken back by another", transcript(cai.content.decode(), but=EVERYWHERE)
        undo_reply(reply_id=reply.pk, actor=self.ana.actor, at=timezone.now())
        yield "many: taken back", self.read(f"many/{reply.pk}/")
        reply = self._begun(incident, "Going.")
        BulkReply.objects.filter(pk=reply.pk).update(begins_at=timezone.now() - MINUTE)
        yield "many: going", self.read(f"many/{reply.pk}/")
        done = Ticket.objects.filter(pk=reply.ticket_ids[0])
        done.update(state="solved", solved_at=timezone.now())
        send_replies(at=timezone.now())
        yield "many: done but for one", self.read(f"many/{reply.pk}/")
        for _ in range(2):
            self.case(self.line(agreed=""), **hit)
        with transaction.atomic():
            reply = self._begun(incident, "None.")
            Ticket.objects.filter(pk__in=reply.ticket_ids).update(state="solved", solved_at=timezone.now())
            BulkReply.objects.filter(pk=reply.pk).update(begins_at=timezone.now() - MINUTE)
            send_replies(at=timezone.now())
            yield "many: none left", self.read(f"many/{reply.pk}/")
            transaction.set_rollback(True)
        reply = self._begun(incident, "All.")
        BulkReply.objects.filter(pk=reply.pk).update(begins_at=timezone.now() - MINUTE)
        send_replies(at=timezone.now())
        yield "many: done", self.read(f"many/{reply.pk}/")

    def _begun(self, incident: Incident, body: str) -> BulkReply:
        return begin_reply(
            incident_id=incident.pk, kinds=[], language="", body=body, actor=self.ana.actor, at=timezone.now()
        )

    def lists(self) -> Read:
        """The queue as it is narrowed, its counts, what was found, and what an officer reads besides."""
        for query in ("kind=ours", "whose=mine", "whose=office", "overdue=on", "state=partner", "company=none"):
            yield f"queue: {query}", self.read(f"?{query}")
        self.case(due_in=-4 * DAY)
        for _ in range(2):
            self.case(assignee=self.ana.user)
        yield "counts", self.read("counts/")
        yield "queue as an auditor reads it", self.read("?overdue=on", staff(User.Role.AUDITOR, name="ada"))
        for words in ("Told?", "nothing like it"):
            found = self.ana.client.post("/desk/search/", {"q": words})
            yield f"found: {words}", transcript(found.content.decode(), but=EVERYWHERE)
        found = self.ana.client.post("/desk/replies/", {"q": "nothing like it"})
        yield "no saved reply found", transcript(found.content.decode(), around=True)
        reply = SavedReply.objects.get(key="look-up", language="en")
        self.officer.client.post(f"/desk/replies/{reply.pk}/retire/")
        new = {"key": "only-here", "language": "en", "title": "Only in English", "body": "Hello."}
        assert self.officer.client.post("/desk/replies/new/", new).status_code == 302
        yield "replies as an officer reads them", self.read("replies/", self.officer, but=("said",))
        yield "figures as an officer reads them", self.read("figures/", self.officer)

    def orders_of_every_state(self) -> Read:
        """How far what a company was told is, and in a copy."""
        before, ticket = list[str](), self.case()
        for state in (State.PARTIAL, State.COMPLETED, State.CONTRADICTED, State.REJECTED):
            line = self.line(role="minor")
            if state != State.COMPLETED:
                self.looked(line)
            choices_actions.stop(line_id=line.pk, scope="all", actor=f"subscriber:{line.pk}", channel="web")
            done = {"completed_at": self.at} if state != State.REJECTED else {}
            bring_to(state, Order.objects.filter(line_id=line.pk), sent_at=self.at, acknowledged_at=self.at, **done)
            ref = str(Order.objects.get(line_id=line.pk).id)
            ticket = self.case(line, kind="order", about_kind="order", about_ref=ref, state="waiting")
            page = self.known(ticket)
            yield f"an order: {state}", changes(before, page) if before else page
            before = page
        yield "a case that waits for its person", self.read(f"{ticket.code}/", but=("case-list", "case-told"))
        yield "to write while it waits", self.read(f"{ticket.code}/write/")
        Ticket.objects.filter(pk=ticket.pk).update(state="solved", solved_at=self.at)
        Ticket.objects.filter(pk=ticket.pk).update(state="closed", closed_at=self.at)
        yield "a case that is closed", self.read(f"{ticket.code}/", but=("case-told",))
        for case in (ticket, self.case()):
            copied = self.ana.client.post(f"/desk/{case.code}/copy/", {"reason": WHY}).content.decode()
            yield f"a copy, {'of nobody' if case.line_id is None else 'of a minor'}", transcript(copied, but=("quote",))

    def other_readers(self) -> Read:
        """A case as an auditor and as an officer read it, whose terms they may see."""
        line = self.line()
        path = [self.campaign.contract.aggregator.uri, self.campaign.lbs_provider.uri, "unknown"]
        (row,) = disclosed(line, path, at=self.at - DAY, campaign=self.campaign.ref, judgement="no_approval")
        ticket = self.about(row, line)
        auditor = staff(User.Role.AUDITOR, name="alma")
        incident = Incident.objects.get(key="aspen")
        hit = self.case(line, about_kind="incident", about_ref=str(incident.pk))
        choice = self.case(self.line(agreed=""), kind="choice", about_kind="choice")
        ref = choices_actions.refuse(
            line_id=choice.line_id or 0, campaign=self.campaign.ref, actor="subscriber:1", channel="web"
        )
        Ticket.objects.filter(pk=choice.pk).update(about_ref=str(ref.choice_id))
        for title, case in (("a look-up", ticket), ("an incident", hit), ("a refusal", choice)):
            for who in (auditor, self.officer):
                yield f"{title}, as {who.user.username} reads it", self.known(case, who)
        told = self.case(line, escalated_at=self.at)
        yield "to handle what was handed up", self.read(f"{told.code}/handling/")
        yield "to handle it as the office", self.read(f"{told.code}/handling/", self.officer)

    def what_is_wrong(self) -> Read:
        """Forms that say what is wrong, a file beside an answer, drafts that were kept."""
        ticket = self.case(self.line(), language="es", assignee=self.ana.user)
        entry = said(ticket, "Look at this.", at=self.at)
        for scan in ("clean", "waiting"):
            Attachment.objects.create(
                id=uuid.uuid4(), ticket=ticket, entry=entry, name=f"{scan}.png", media_type="image/png", size=5000,
                sha256="0" * 64, author="subscriber:1", at=self.at, scan=scan,
                scanned_at=self.at if scan == "clean" else None,
            )  # fmt: skip
        yield "a file that is not opened", self.read(f"{ticket.code}/write/")
        post(self.ana, f"/desk/{ticket.code}/reveal/")
        yield "files", self.read(f"{ticket.code}/write/")
        write = f"/desk/{ticket.code}/write/"
        forms = {
            "an answer without words": (write, {"body": "", "then": "solved", "send": ""}),
            "a note without words": (f"/desk/{ticket.code}/note/", {"body": ""}),
            "a note that is begun": (f"{write}draft/note/", {"body": "Mind this."}),
            "handed to nobody": (f"/desk/{ticket.code}/hand-over/", {"to": "", "note": ""}),
        }
        for title, (path, form) in forms.items():
            page = self.ana.client.post(path, form, follow=True).content.decode()
            yield title, transcript(page, but=EVERYWHERE)
        file = {"body": "Mind this.", "uploads": SimpleUploadedFile("map.txt", b"words")}
        page = self.ana.client.post(f"/desk/{ticket.code}/note/", file, follow=True).content.decode()
        yield "a file beside a note", transcript(page, but=EVERYWHERE)
        for body in ("Dear you", "x" * 20_000, ""):
            kept = self.ana.client.post(f"{write}draft/answer/", {"body": body}, headers={"HX-Request": "true"})
            yield f"a draft of {len(body)} letters", transcript(kept.content.decode())

    def a_long_queue(self) -> Read:
        """More cases than a page shows, in each order; the first page and the next; those that are done."""
        for n in range(52):
            self.case(about=f"Long {n}", language="vi", priority=2, due_in=(n + 1) * MINUTE)
        page = self.ana.client.get("/desk/?language=vi&priority=2").content.decode()
        yield "queue of many", transcript(page, but=(*EVERYWHERE, "cases"))
        following = unescape(re.findall(r'rel="next" href="/desk/([^"]+)"', page)[0])
        yield "queue of many, next page", self.read(following)
        yield "queue after the last", self.read(f"{following}zz")
        Ticket.objects.filter(about="Long 1").update(escalated_at=self.at)
        Ticket.objects.filter(about__in=("Long 1", "Long 2")).update(state="solved", solved_at=self.at)
        yield "queue of those that are done", self.read("?state=solved&language=vi")
        for order in ("newest", "priority"):
            yield f"queue: {order}", self.read(f"?sort={order}&overdue=on")
        found = self.ana.client.post("/desk/search/", {"q": "Long"}).content.decode()
        yield "found more than a page", transcript(found, but=(*EVERYWHERE, "cases"))

    def while_the_gate_is_closed(self) -> Read:
        """After a restore. The last, because it closes the gate for all."""
        archive_comparison.close_gate(why="restored")
        yield "the gate is closed", self.read("?company=none")
