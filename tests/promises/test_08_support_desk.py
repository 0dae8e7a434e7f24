"""Promise 8 at the desk: a case is read and acted on under glass, and nobody of staff can allow anything."""

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from hmac import new as hmac_new
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

import audit.actions
import audit.queries
from accounts.actions.people import get_or_create_person
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, LineNumber, Message, TextedCode, User
from accounts.primitives.sealing import unseal
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from consent.models import Choice
from console.actions import proposals
from disclosures.models import Basis, Disclosure
from partners.labels import UNKNOWN
from partners.models import Proposal, Suspension
from revocations.models import EvidenceRequest
from support.actions.asking import IncomingMessage, open_case
from support.actions.protected_lines import reveal
from support.domain.tickets import record_evidence_entries
from support.models import Entry, LoggedCall, ProtectedLine, Reveal, SuspendRequest, Ticket
from support.queries.subjects import subject_of
from support.queries.writing import values_of
from support.urls import urlpatterns
from tests.factories import a_line, a_party, a_safe_contact
from tests.fixtures import Refusal
from tests.people import signed_in
from tests.shared import as_they_were, shared
from tests.staff import an_actor
from tests.support.console import CARRIER_LINE, NUMBER, PERSON, Console, a_case, everything
from tests.support.officers import Member, staff
from tests.walks.addresses import filled
from tests.walks.marks import tells
from tests.world import disclosed, gagged

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
HERE = Path(__file__).resolve().parents[2] / "support"
SOURCES = [*HERE.glob("actions/*.py"), *HERE.glob("views/*.py"), *HERE.glob("api/*.py"), HERE / "domain/tickets.py"]
APPS = ("console", "support", "disclosures", "consent", "revocations", "partners", "accounts", "audit")
SECRET = "a telephone system's own secret, long"
WHY, FAULT = "They called and asked.", "To find out what went wrong"


@dataclass(frozen=True)
class Desk:
    """A case about a look-up of a person whose marks are known, and who of staff is at the desk."""

    console: Console
    ticket: Ticket
    agent: Member
    officer: Member

    @property
    def line(self) -> Line:
        return self.console.line

    @property
    def path(self) -> str:
        return f"/desk/{self.ticket.code}/"

    def shows(self, member: Member) -> str:
        answer = member.client.get(self.path)
        assert answer.status_code == 200
        return answer.content.decode()

    def post(self, member: Member, below: str, **said: object) -> bool:
        """Send a form of the case. Whether it was done; a refusal shows the form again."""
        answer = member.client.post(f"{self.path}{below}", {"kind": "fault", "reason": WHY, **said})
        assert answer.status_code in {200, 302}, answer.status_code
        return answer.status_code == 302

    def log(self) -> list[tuple[str, str, str]]:
        """What staff did, as it stands in the line's own log: role, action, reason."""
        events = AuditEvent.objects.filter(line_id=self.line.pk, target__startswith="ticket:").order_by("pk")
        return [(one.actor.partition(":")[0], one.action, one.reason) for one in events]


def build() -> Desk:
    console = everything()
    look_up = Disclosure.objects.get(line_id=console.line.pk, source_id="GeoBridge-1")
    return Desk(console, a_case(console.line, about=str(look_up.id)), staff(User.Role.AGENT), staff(User.Role.OFFICER))


@pytest.fixture(scope="module")
def every_desk(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Desk]:
    yield from shared(django_db_blocker, build)


@pytest.fixture
def desk(every_desk: Desk, db: None, settings: Settings) -> Iterator[Desk]:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    settings.CALL_LOG_SECRETS = [SECRET]
    MemoryBackend.outbox.clear()
    with as_they_were(member.client for member in (every_desk.agent, every_desk.officer)):
        yield replace(every_desk, console=deepcopy(every_desk.console), ticket=deepcopy(every_desk.ticket))


def a_call(
    desk: Desk,
    ref: str,
    *,
    ago: timedelta = timedelta(minutes=2),
    to: str = NUMBER,
    key: str = SECRET,
    by: str | None = None,
) -> int:
    """Have the telephone system tell of a call, by the agent if nothing else is said. What it is answered."""
    by = desk.agent.user.email if by is None else by
    answered_at = (timezone.now() - ago).isoformat()
    raw = json.dumps({"id": ref, "to": to, "answered_at": answered_at, "by": by}).encode()
    moment = int(time.time())
    mac = hmac_new(key.encode(), f"{moment}.".encode() + raw, sha256).hexdigest()
    headers = {"X-Call-Signature": f"t={moment},v1={mac}"}
    return Client().post("/api/v1/calls", raw, content_type="application/json", headers=headers).status_code


def stops(desk: Desk) -> int:
    return Choice.objects.filter(line_id=desk.line.pk, channel="desk").count()


STOP_ALL = {"what": "all", "days": "0"}


def test_each_look_at_a_case_is_logged(desk: Desk) -> None:
    members = (desk.agent, desk.officer, staff(User.Role.AUDITOR))
    for member in members:
        page = desk.shows(member)
        assert ("GeoBridge Finder" in page, PERSON in page, tells(page, NUMBER)) == (True, False, False), member.actor
        desk.shows(member)
    roles = (User.Role.AGENT, User.Role.OFFICER, User.Role.AUDITOR)
    assert desk.log() == [(role, "case.seen", desk.ticket.code) for role in roles for _ in range(2)]
    read = signed_in(desk.line).get("/access-log/").text
    # Each member's two looks are one line, which opens to both.
    assert read.count("<p>Looked at your case and its details</p>") == 3 * (1 + 2)
    assert desk.ticket.code in read
    assert [member.actor for member in members if member.user.email in read] == []


def test_no_desk_page_shows_a_case_without_a_log_entry(desk: Desk) -> None:
    """Every address of the desk, read and posted to: whatever tells of what the line's case is about has written so."""
    reveal = Reveal.objects.create(
        ticket=desk.ticket, user=desk.officer.user, line_id=desk.line.pk, reason=WHY, asked_at=timezone.now(),
        two_needed=True,
    )  # fmt: skip
    unseen, seen = [], 0
    for one in urlpatterns:
        if not str(one.pattern).startswith("desk/") or "code>" not in str(one.pattern):
            continue
        path = filled(str(one.pattern), defaultdict(lambda: 1, code=desk.ticket.code, reveal_id=reveal.pk))
        for method in ("get", "post"):
            before = len(desk.log())
            shown = getattr(desk.agent.client, method)(path, {"kind": "fault", "reason": WHY}).content.decode()
            tells = "GeoBridge" in shown or desk.ticket.about in shown
            seen += tells
            if tells and len(desk.log()) == before:
                unseen.append(f"{method} {path}")
    assert unseen == []
    assert seen > 8


def test_cases_that_are_listed_to_be_merged_are_looked_at(desk: Desk) -> None:
    look_up = Disclosure.objects.get(line_id=desk.line.pk, source_id="GeoBridge-1")
    alike = a_case(desk.line, about=str(look_up.id))
    before = desk.log()
    page = desk.agent.client.get(f"{desk.path}handling/").content.decode()
    listed = re.findall(r">Merge into ([^<]+)<", page)
    assert alike.code in listed
    assert desk.log()[len(before) :] == [("agent", "case.seen", code) for code in (desk.ticket.code, *listed)]


def test_a_look_that_can_t_be_written_down_shows_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise DatabaseError("the chain is away")

    monkeypatch.setattr(audit.actions, "record", broken)
    desk.agent.client.raise_request_exception = False
    answer = desk.agent.client.get(desk.path)
    assert answer.status_code == 500
    assert "GeoBridge" not in answer.content.decode()


def test_to_see_who_it_is_lasts_15_minutes(desk: Desk) -> None:
    protected_by(desk, "none")
    assert not desk.post(desk.agent, "reveal/", kind="")
    assert desk.agent.client.post("/desk/T-234567/reveal/", {"kind": "fault", "reason": WHY}).status_code == 404
    assert not Reveal.objects.exists()
    assert PERSON not in desk.shows(desk.agent)
    assert desk.post(desk.agent, "reveal/")
    assert ("agent", "person.revealed", f"{desk.ticket.code}: {FAULT}: {WHY}") in desk.log()
    shown = desk.shows(desk.agent)
    assert PERSON in shown
    assert "(206) 555-0199" in shown
    assert PERSON not in desk.shows(desk.officer)
    # A number that somebody else has by now is no longer this person's.
    ended = timezone.now() - timedelta(minutes=1)
    Line.objects.filter(pk=desk.line.pk).update(deactivated_at=ended)
    LineNumber.objects.filter(line=desk.line).update(ends_at=ended)
    a_line(msisdn="+12065550199", activated_at=ended)
    shown = desk.shows(desk.agent)
    assert (PERSON in shown, "(206) 555-0199" in shown) == (True, False)
    Reveal.objects.update(until=timezone.now())
    assert PERSON not in desk.shows(desk.agent)


def test_a_look_has_a_kind_and_something_else_has_words(desk: Desk) -> None:
    protected_by(desk, "none")
    words = "They asked twice."
    blank = "\u3164\u3164 \u115f\u1160 \uffa0\uffa0"
    refused = (
        ("other", "z"),
        ("call", "z"),
        ("other", ""),
        ("curious", words),
        ("", words),
        ("call", blank),
        ("other", f"z {blank}"),
    )
    taken = (("call", ""), ("call", "They asked."), ("other", words))
    for kind, reason in (*refused, *taken):
        here = transaction.savepoint_create()
        done = desk.post(desk.agent, "reveal/", kind=kind, reason=reason)
        takes = (kind, reason) in taken
        assert (kind, reason, done, PERSON in desk.shows(desk.agent)) == (kind, reason, takes, takes)
        transaction.savepoint_rollback(here)


def test_a_reason_holds_no_phone_number_but_dates_and_references(desk: Desk) -> None:
    """The person's own number (the first and last) and another's: the answer is the same, and says nothing of them."""
    protected_by(desk, "none")
    for typed in (
        "(206) 555-0199", "206.555.0142", "+1 206 555 0142", "5550142", "２０６５５５０１９９", "TEL-2065550199",
        "206/555/0199", "206\u2010555\u20100199", "206·555·0199", "206_555_0199", "206,555,0199", "A-206-555-0199",
        "206x555x0199", "T-206555 0199", "2025-01-01 42", "CTR-2025-550142", "CTR-2024-000123 2", "20:65:55 01:99",
        "20655501-9900-4000-8000-000000000000", "206\u200b555\u200b0199", "٢٠٦٥٥٥٠١٩٩", "206\n555\n0199",
        "206 y 555 y 0199", "206 and 555 and 0199", "206 x 555x 0199",
        "two oh six, five five five, zero one nine nine", "206 555 oh one nine nine", "Two-Zero-Six 5 5 5 0 1 9 9",
        "twozerosixfivefivefivezerooneninenine", "206 dash 555 dash zero one nine nine", "2O6 555 Ol99",
        "hai không sáu năm năm năm một chín chín", "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة",
        "dos cero seis cinco cinco cinco cero uno nueve nueve", "二〇六五五五〇一九九", "➁⓪➅ ➄➄➄ ⓪➀➈➈",
    ):  # fmt: skip
        form = {"kind": "call", "reason": f"Called {typed} back."}
        page = desk.agent.client.post(f"{desk.path}reveal/", form).content.decode()
        assert (
            "Your reason seems to hold a phone number, and others will read it. Take it out, and name the case instead."
            in page
        ), typed
    assert not Reveal.objects.exists()
    for typed in (
        "Called on 2026-11-29 about T-234567.", "CTR-2024-000123 since 11/29/2026, 9 a.m.", "T-234567 and T-345678.",
        "From 2026-11-01 14:30 to 2026-11-29T15:00:00Z, two cases.", "29.11.2026, then 24-CV-01234 by post.",
        "Order 41555501-23ab-4000-8000-00000000a000 is late.", "On 2026-11-29 two of four called one by one.",
        "Rows 100 to 200 of 1500, from 2026-11-01 a 2026-11-29.",
        "CTR-2024-000123, two two-hour calls, nine one one and T-234567.",
    ):  # fmt: skip
        assert desk.post(desk.agent, "reveal/", reason=typed), typed


def test_an_auditor_sees_no_number_and_no_name(desk: Desk) -> None:
    protected_by(desk, "none")
    auditor = staff("auditor")
    page = desk.shows(auditor)
    assert "number hidden" in page
    assert "Show the person" not in page
    for method in ("get", "post"):
        answer = getattr(auditor.client, method)(f"{desk.path}reveal/", {"kind": "review", "reason": WHY})
        assert answer.status_code == 403
    with pytest.raises(StaffOnly):
        reveal(code=desk.ticket.code, kind="review", reason=WHY, actor=auditor.actor, at=timezone.now())
    assert not Reveal.objects.exists()
    # Nor in what anybody wrote: whoever works the case reads all of it.
    said = ("Please call (206) 555-0142.", "It began on 2026-11-02.")
    for body in said:
        Entry.objects.create(ticket=desk.ticket, kind="heard", author="subscriber:1", body=body, at=timezone.now())
    for reader, written in ((auditor, "(a number)"), (desk.agent, said[0])):
        page = desk.shows(reader)
        assert (written in page, said[0] in page, said[1] in page) == (True, reader is desk.agent, True)
    # Nor in what a partner shows as its proof, of which the rest is read.
    assert desk.post(desk.agent, "evidence/")
    EvidenceRequest.objects.filter(line_id=desk.line.pk).update(
        answered_at=timezone.now(), answer="evidence", token="signed", wording="Yes, find 206-555-0142",
        evidence_ref="CTR-2026-0412",
    )  # fmt: skip
    assert record_evidence_entries(at=timezone.now()) == 1
    for reader, number in ((auditor, 0), (desk.agent, 2)):
        page = desk.shows(reader)
        assert (page.count("206-555-0142"), page.count("CTR-2026-0412")) == (number, 1)
    # Nor does a search tell whether a number that is typed is the hidden one.
    ending = "0177"
    Ticket.objects.filter(pk=desk.ticket.pk).update(number_ending=ending)
    for typed, finds in ((ending, False), (f"+1 206 555 {ending}", False), (desk.ticket.code, True)):
        found = auditor.client.post("/desk/search/", {"q": typed}).content.decode()
        assert (f"/desk/{desk.ticket.code}/" in found, f"•••-{ending}" in found) == (finds, False), typed
    assert f"/desk/{desk.ticket.code}/" in desk.agent.client.post("/desk/search/", {"q": ending}).content.decode()


def test_whoever_becomes_an_auditor_sees_them_masked_at_once(desk: Desk) -> None:
    protected_by(desk, "none")
    assert desk.post(desk.officer, "reveal/")
    assert PERSON in desk.shows(desk.officer)
    User.objects.filter(pk=desk.officer.user.pk).update(role="auditor")
    assert PERSON not in desk.shows(desk.officer)


def protected_by(desk: Desk, how: str) -> None:
    if how == "officer":
        assert desk.post(desk.officer, "protect/")
    elif how == "safe contact":
        a_safe_contact(desk.line, msisdn="+12065550150", at=timezone.now())
    if how != "separation":
        desk.line.separations.update(state="taken_back", closed_at=timezone.now())


@pytest.mark.parametrize("how", ["officer", "safe contact", "separation"])
def test_whose_a_protected_line_is_takes_two(desk: Desk, how: str) -> None:
    protected_by(desk, how)
    assert desk.post(desk.agent, "reveal/")
    asked = Reveal.objects.get()
    assert asked.two_needed
    assert PERSON not in desk.shows(desk.agent)
    assert not desk.post(desk.agent, f"reveal/{asked.pk}/")
    assert PERSON not in desk.shows(desk.agent)
    assert not desk.post(desk.officer, f"reveal/{asked.pk}/", reason="")
    assert desk.post(desk.officer, f"reveal/{asked.pk}/", reason="I heard the call.")
    assert PERSON in desk.shows(desk.agent)
    assert PERSON not in desk.shows(desk.officer)
    said = [one for one in desk.log() if one[1].startswith("person.")]
    code = desk.ticket.code
    assert said == [
        ("agent", "person.reveal_asked", f"{code}: {FAULT}: {WHY}"),
        ("officer", "person.reveal_agreed", f"{code}: I heard the call."),
        ("agent", "person.revealed", f"{code}: {FAULT}: {WHY}"),
    ]


def test_what_one_was_shown_ends_where_two_are_needed(desk: Desk) -> None:
    protected_by(desk, "none")
    assert desk.post(desk.agent, "reveal/")
    assert PERSON in desk.shows(desk.agent)
    assert desk.post(desk.officer, "protect/")
    assert PERSON not in desk.shows(desk.agent)
    # Asked again it is another question, which waits for the second.
    assert desk.post(desk.agent, "reveal/")
    asked = Reveal.objects.get(two_needed=True)
    assert PERSON not in desk.shows(desk.agent)
    assert desk.post(desk.officer, f"reveal/{asked.pk}/")
    assert PERSON in desk.shows(desk.agent)


def test_protection_goes_on_a_day_and_holders_read_nothing(desk: Desk) -> None:
    protected_by(desk, "officer")
    assert desk.post(desk.officer, "protect/")
    proposal = Proposal.objects.get(act="end_protection")
    protection = ProtectedLine.objects.get()
    own = f"/admin/proposals/{proposal.pk}/"
    assert PERSON not in desk.officer.client.get(own).content.decode()
    assert (
        "You proposed it, so another officer must approve it."
        in desk.officer.client.post(f"{own}agree/", {"reason": WHY}).content.decode()
    )
    protection.refresh_from_db()
    assert protection.ended_at is None
    proposals.agree_to_proposal(proposal_id=proposal.pk, reason=WHY, actor=an_actor(), at=timezone.now())
    assert desk.post(desk.officer, "reveal/")
    assert PERSON not in desk.shows(desk.officer)
    read = signed_in(desk.line).get("/access-log/").text
    assert "Ended the protection: staff no longer need a second person to see whose line this is" in read
    Line.objects.filter(pk=desk.line.pk).update(user_role="minor")
    kept = [event.action for event in audit.queries.events_of_line(line_id=desk.line.pk, reader="")]
    assert not [action for action in kept if action.startswith("protection.")]


def read_out(desk: Desk, member: Member) -> str:
    """Have the code texted, and hear it."""
    assert member.client.post(f"{desk.path}stop/code/").status_code == 302
    text = MemoryBackend.outbox[-1]
    assert text.msisdn == NUMBER
    assert "our support team asked for this code" in text.text
    return text.code


def test_a_stop_for_a_person_takes_their_code(desk: Desk) -> None:
    code = read_out(desk, desk.agent)
    assert not desk.post(desk.agent, "stop/", **STOP_ALL, proof="code", typed="000000" if code != "000000" else "1")
    assert not desk.post(desk.agent, "stop/", **STOP_ALL, proof="code", typed="")
    assert not desk.post(desk.agent, "stop/", **STOP_ALL, proof="code", typed=code, reason="")
    assert not desk.post(desk.officer, "stop/", **STOP_ALL, proof="code", typed=code)
    assert stops(desk) == 0
    assert desk.post(desk.agent, "stop/", **STOP_ALL, proof="code", typed=code)
    assert stops(desk) == 1
    # Pressed twice it is one stop; for anything else the code counts no more.
    assert desk.post(desk.agent, "stop/", **STOP_ALL, proof="code", typed=code)
    of_one = {**STOP_ALL, "what": "party https://geobridge.example"}
    assert not desk.post(desk.agent, "stop/", **of_one, proof="code", typed=code)
    assert stops(desk) == 1
    choice = Choice.objects.get(line_id=desk.line.pk, channel="desk")
    assert (choice.kind, choice.scope, choice.actor) == ("stop", "all", desk.agent.actor)
    assert ("agent", "stopped.for_person", f"{desk.ticket.code}: {WHY}") in desk.log()
    told = Message.objects.get(line=desk.line, kind=Message.Kind.STAFF)
    assert "To see or undo it, sign in" in unseal(told.words_sealed)
    assert desk.ticket.entries.filter(body__contains="by the code texted to their phone").count() == 1


def test_a_code_for_another_purpose_or_case_proves_nothing(desk: Desk) -> None:
    code = read_out(desk, desk.agent)
    other = Desk(desk.console, a_case(desk.line), desk.agent, desk.officer)
    assert not other.post(desk.agent, "stop/", **STOP_ALL, proof="code", typed=code)
    TextedCode.objects.update(purpose=TextedCode.Purpose.STOP)
    assert not desk.post(desk.agent, "stop/", **STOP_ALL, proof="code", typed=code)
    assert stops(desk) == 0


def test_a_logged_call_counts_once_for_half_an_hour(desk: Desk) -> None:
    by_call = {**STOP_ALL, "what": "party https://geobridge.example", "days": "30", "proof": "call"}
    assert not desk.post(desk.agent, "stop/", **by_call)
    assert a_call(desk, "c-0", key="another secret that nobody told us of") == 401
    assert a_call(desk, "c-1", ago=timedelta(minutes=31)) == 202
    assert a_call(desk, "c-2", ago=timedelta(minutes=-9)) == 400
    assert a_call(desk, "c-3", to="+12065550111") == 202
    assert not desk.post(desk.agent, "stop/", **by_call)
    assert (stops(desk), LoggedCall.objects.count()) == (0, 1)
    assert a_call(desk, "c-4") == 202
    assert a_call(desk, "c-4") == 202
    assert LoggedCall.objects.count() == 2
    assert desk.post(desk.agent, "stop/", **by_call)
    assert desk.post(desk.agent, "stop/", **by_call)
    assert not desk.post(desk.agent, "stop/", **{**by_call, "days": "90"})
    choice = Choice.objects.get(line_id=desk.line.pk, channel="desk")
    assert (choice.kind, choice.scope, choice.ref) == ("pause", "party", "https://geobridge.example")
    assert LoggedCall.objects.get(call_ref="c-4").used_for == desk.ticket.code
    # Of several the newest is used up.
    for ref, minutes in (("c-5", 9), ("c-6", 1), ("c-7", 20)):
        assert a_call(desk, ref, ago=timedelta(minutes=minutes)) == 202
    assert desk.post(desk.agent, "stop/", **{**by_call, "days": "90"})
    used = LoggedCall.objects.filter(used_for=desk.ticket.code).order_by("used_at")
    assert list(used.values_list("call_ref", flat=True)) == ["c-4", "c-6"]


def test_a_call_counts_for_the_agent_who_placed_it_alone(desk: Desk) -> None:
    by_call, colleague = {**STOP_ALL, "proof": "call"}, staff(User.Role.AGENT, name="colleague")
    others = (colleague.user.email, colleague.actor, f"officer:{desk.agent.user.pk}", "ext. 7", "")
    assert [a_call(desk, f"c-{by}", by=by) for by in others] == [202] * len(others)
    assert not desk.post(desk.agent, "stop/", **by_call)
    by_another = {**by_call, "what": "party https://geobridge.example"}
    wishes = [by_call, by_another, {**by_another, "days": "30"}]
    for n, mine in enumerate((desk.agent.user.email.upper(), desk.agent.actor)):
        assert a_call(desk, f"m-{n}", by=mine) == 202
        assert desk.post(desk.agent, "stop/", **wishes[n])
        assert not desk.post(desk.agent, "stop/", **wishes[n + 1])
    assert set(LoggedCall.objects.exclude(used_for="").values_list("call_ref", flat=True)) == {"m-0", "m-1"}


def test_a_call_to_the_next_holder_proves_nothing(desk: Desk) -> None:
    past = timezone.now() - timedelta(days=9)
    Line.objects.filter(pk=desk.line.pk).update(deactivated_at=past)
    desk.line.numbers.update(ends_at=past)
    assert a_call(desk, "c-9") == 202
    assert not LoggedCall.objects.exists()
    assert not desk.post(desk.agent, "stop/", **STOP_ALL, proof="call")
    a_line(msisdn=NUMBER, activated_at=past)
    assert desk.agent.client.post(f"{desk.path}stop/code/").status_code == 302
    assert MemoryBackend.outbox == []


def test_nobody_of_staff_allows_whatever_they_send_to_any_address(desk: Desk) -> None:
    said = {"what": "allow", "kind": "allow", "campaign": desk.console.campaign.ref, "scope": "campaign",
            "ref": desk.console.campaign.ref, "days": "0", "proof": "call", "to": "allow", "reason": WHY}  # fmt: skip
    a_call(desk, "c-5")
    for one in urlpatterns:
        path = filled(str(one.pattern), defaultdict(lambda: 1, code=desk.ticket.code))
        for member in (desk.agent, desk.officer):
            member.client.post(path, said)
    assert not Choice.objects.filter(line_id=desk.line.pk, kind="allow").exists()
    source = "\n".join(one.read_text() for one in SOURCES)
    assert not re.search(r"import .*\ballow\b|^ +allow,$|\.allow\(", source, re.MULTILINE)


def test_a_hidden_row_is_nowhere_on_a_case(desk: Desk) -> None:
    at = timezone.now() - timedelta(days=1)
    before = plain(desk.shows(desk.agent)), plain(desk.agent.client.get(f"{desk.path}stop/").content.decode())
    (row,) = disclosed(desk.line, ["urn:police"], at=at, basis=Basis.LEGAL_PROCESS, authority_ref="24-113")
    gagged(row, until=None, at=at)
    after = plain(desk.shows(desk.agent)), plain(desk.agent.client.get(f"{desk.path}stop/").content.decode())
    assert before == after
    about_it = Desk(desk.console, a_case(desk.line, about=str(row.id)), desk.agent, desk.officer)
    of_it = plain(about_it.shows(desk.agent))
    Ticket.objects.filter(pk=about_it.ticket.pk).update(about_ref="00000000-0000-4000-8000-000000000000")
    assert of_it == plain(about_it.shows(desk.agent))


def test_nobody_stops_a_company_that_we_can_t_name(desk: Desk) -> None:
    before = plain(desk.agent.client.get(f"{desk.path}stop/").content.decode())
    partner = desk.console.campaign.contract.aggregator
    (row,) = disclosed(desk.line, [partner.uri, UNKNOWN], at=timezone.now() - timedelta(days=1))
    assert plain(desk.agent.client.get(f"{desk.path}stop/").content.decode()) == before
    # Nor does anybody ask to suspend it.
    case = a_case(desk.line, about=str(row.id))
    form = desk.agent.client.get(f"/desk/{case.code}/suspend/").content.decode()
    assert re.findall(r'<option value="(\w+)"', form) == [str(partner.pk)]


def test_a_row_hidden_later_leaves_two_lines_alike(desk: Desk) -> None:
    """One asked about its company, one about nothing, as whoever never had the row must: then both read alike."""
    now, company = timezone.now(), a_party("Zebrafinch", "lbs_provider")
    lines = a_line(), a_line()
    (row,) = disclosed(lines[0], ["https://geobridge.example", company.uri], at=now - timedelta(days=1))
    subject = subject_of(line=lines[0], kind="company", ref=str(company.pk), at=now)
    assert subject is not None
    assert subject_of(line=lines[1], kind="company", ref=str(company.pk), at=now) is None
    cases = [
        open_case(user=get_or_create_person(line=one, at=now), line=one, topic=Ticket.Kind.OTHER, subject=about,
            message=IncomingMessage("Who are they?"), at=now)
        for one, about in zip(lines, (subject, None), strict=True)
    ]  # fmt: skip
    shown, never = (Desk(desk.console, ticket, desk.agent, desk.officer) for ticket in cases)

    def told(of: Desk) -> list[str]:
        pages = (of.shows(desk.agent), of.agent.client.get(f"{of.path}stop/").content.decode(),
                 values_of(ticket=of.ticket, at=timezone.now())["company"])  # fmt: skip
        return [plain(page).replace(of.ticket.code, "T-") for page in pages]

    assert ["Zebrafinch" in page for page in told(shown)] == [True, True, True]
    assert ["Zebrafinch" in page for page in told(never)] == [False, False, False]
    gagged(row, until=None, at=now)
    assert told(shown) == told(never)
    listed = desk.agent.client.get("/desk/?company=zebra").content.decode()
    assert not [one.code for one in cases if one.code in listed]


def test_partners_are_asked_for_proof_once_and_the_case_waits(desk: Desk) -> None:
    assert desk.post(desk.agent, "evidence/")
    asked = EvidenceRequest.objects.get(line_id=desk.line.pk)
    assert asked.campaign == desk.console.campaign.ref
    assert asked.due_at - asked.asked_at == timedelta(days=7)
    assert not desk.post(desk.agent, "evidence/")
    assert Ticket.objects.get(pk=desk.ticket.pk).state == "partner"
    assert "proof due" in desk.shows(desk.agent)
    assert ("agent", "evidence.asked", f"{desk.ticket.code}: {WHY}") in desk.log()
    EvidenceRequest.objects.filter(line_id=desk.line.pk).update(
        answered_at=timezone.now(), answer="none", token="signed"
    )
    assert record_evidence_entries(at=timezone.now()) == 1
    page = desk.shows(desk.agent)
    assert ("GeoBridge says that it has no proof." in page, "proof due" in page) == (True, False)
    assert Ticket.objects.get(pk=desk.ticket.pk).state == "open"


def test_no_proof_is_due_of_a_hidden_look_up(desk: Desk) -> None:
    assert desk.post(desk.agent, "evidence/")
    gagged(Disclosure.objects.get(id=desk.ticket.about_ref), until=None, at=timezone.now())
    facts = desk.shows(desk.agent).partition('class="case-side"')[2]
    assert "proof due" not in facts
    assert "GeoBridge" not in facts


@pytest.mark.parametrize("decides", ["suspend", "decline"])
def test_an_officer_decides_on_an_agent_s_suspension(desk: Desk, decides: str) -> None:
    party = str(desk.console.campaign.lbs_provider_id)
    assert desk.post(desk.agent, "suspend/", company=party)
    assert not desk.post(desk.agent, "suspend/", company=party)
    asked = SuspendRequest.objects.get(ticket=desk.ticket)
    assert desk.agent.client.get("/admin/suspend-requests/").status_code == 403
    assert desk.ticket.code in desk.officer.client.get("/admin/").content.decode()
    path = f"/admin/suspend-requests/{asked.pk}/"
    assert desk.officer.client.post(path, {"decision": decides, "reason": ""}).status_code == 200
    assert desk.officer.client.post(path, {"decision": decides, "reason": "We looked."}).status_code == 302
    running = Suspension.objects.filter(of="party", target_id=int(party), ends_at__isnull=True).count()
    assert running == (1 if decides == "suspend" else 0)
    told = "suspended" if decides == "suspend" else "did not suspend"
    page = desk.shows(desk.agent)
    assert f"The privacy office {told} GeoBridge Finder: We looked." in page
    assert desk.post(desk.agent, "suspend/", company=party), "what was decided may be asked again"


def test_a_case_moves_by_rule_and_an_answer_solves_it(desk: Desk) -> None:
    for to in ("waiting", "solved"):
        assert not desk.post(desk.agent, "move/", to=to)
    now = timezone.now()
    Entry.objects.create(
        ticket=desk.ticket, kind="answer", author=desk.agent.actor, channel="desk", at=now, body="It was GeoBridge."
    )
    assert desk.post(desk.agent, "move/", to="waiting")
    assert desk.post(desk.agent, "move/", to="solved")
    assert not desk.post(desk.agent, "move/", to="partner")
    assert desk.post(desk.agent, "move/", to="open")
    assert desk.post(desk.agent, "priority/", priority="1")
    assert desk.post(desk.agent, "escalate/")
    ticket = Ticket.objects.get(pk=desk.ticket.pk)
    assert (ticket.state, ticket.reopened, ticket.priority) == ("open", 1, 1)
    assert ticket.escalated_at is not None


def test_a_copy_says_who_took_it_never_whose_it_is(desk: Desk) -> None:
    assert desk.post(desk.agent, "reveal/")
    assert desk.post(desk.officer, f"reveal/{Reveal.objects.get().pk}/")
    answer = desk.agent.client.post(f"{desk.path}copy/", {"reason": WHY})
    page = answer.content.decode()
    assert page.count(desk.agent.user.email) == 2
    assert f"{timezone.now():%Y}" in page
    assert PERSON not in page
    assert ("agent", "case.exported", f"{desk.ticket.code}: {WHY}") in desk.log()


def test_the_database_holds_a_reveal_to_two_people(desk: Desk, refused: Refusal) -> None:
    assert desk.post(desk.agent, "reveal/")
    mine = desk.agent.user.pk
    refused(f"UPDATE support_reveal SET second_id = {mine}", constraint="support_reveal_by_two_people")
    refused("UPDATE support_reveal SET until = now()", constraint="support_reveal_waits_for_the_second")


def plain(page: str) -> str:
    """A page without what differs from one look to the next."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page)


# Commands that read or write lines and name none of them: counts, keys, checks, our own people and partners' machines.
NAME_NOBODY = {
    "after_restore", "bench", "celery", "check_partner", "compact_ledger", "demo", "distribute_ledger", "end_staff",
    "import_approvals", "import_choices", "import_disclosures", "import_lines", "import_notices", "import_parties",
    "make_staff", "migrate", "permissions", "register_client", "reseal", "rotate_keys", "sandbox_partner",
    "sweep_revocations", "settings", "setup", "size", "upgrade_check", "verify_audit", "verify_receipt",
}  # fmt: skip


def test_the_one_command_that_shows_a_person_writes_so(desk: Desk) -> None:
    ours = {name for name, app in get_commands().items() if app in {"tools", "portal", *APPS}}
    assert ours - NAME_NOBODY == {"export_line"}
    before = AuditEvent.objects.filter(line_id=desk.line.pk, action="line.exported").count()
    call_command("export_line", CARRIER_LINE, reason=WHY, stdout=StringIO())
    assert AuditEvent.objects.filter(line_id=desk.line.pk, action="line.exported").count() == before + 1
