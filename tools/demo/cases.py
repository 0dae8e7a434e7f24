"""The desk's cases in the demo: every state, each with what was said in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Line, LineUser, User
from accounts.policies.permissions import actor_of
from partners.models import Party
from support.domain.tickets import ending_of, new_code, write
from support.models import Entry, Ticket
from support.policies.lifecycle import CLOSES_AFTER, due_at
from tools.demo import world
from tools.demo.past import begin_last_year

State, Kind, Priority = Ticket.State, Ticket.Kind, Ticket.Priority
HOUR = timedelta(hours=1)
ANA, OMAR = "ana@carrier.example", "omar@carrier.example"
# Who says something: the person, us, a note of ours, the company.
PERSON, OURS, NOTE, COMPANY = Entry.Kind.HEARD, Entry.Kind.ANSWER, Entry.Kind.NOTE, Entry.Kind.EVIDENCE


@dataclass(frozen=True)
class Case:
    """One case. `messages`: hours after it was opened, who, what. `into`: the place of its successor in CASES.

    `day_of_last_year`: instead of so many days ago it was opened on this day of last year.
    """

    kind: Ticket.Kind
    about: str
    days_ago: float = 0
    state: Ticket.State = State.OPEN
    line_id: str = ""
    party: str = ""
    whose: str = ""
    priority: Ticket.Priority = Priority.NORMAL
    language: str = "en"
    rating: int | None = None
    into: int | None = None
    day_of_last_year: int = 0
    messages: tuple[tuple[float, Entry.Kind, str], ...] = field(default=())


CASES = (
    Case(Kind.STILL_HAVE, "They still have my data", 16, line_id=world.DANA, party="admosaic", whose=ANA, messages=(
        (0, PERSON, "I stopped AdMosaic in spring. Last week it still showed me ads for the shop I had walked past."),
        (5, NOTE, "Its receipt says stopped, not deleted. Ask for the deletion before answering."),
    )),
    Case(Kind.LOOK_UP, "A look-up at 3 in the morning", 6, line_id=world.DANA, party="skipfind", messages=(
        (0, PERSON, "Somebody looked for my phone at 3:12 in the morning. I was asleep. Who was that?"),
    )),
    Case(Kind.SIGN_IN, "No code comes", 2, line_id=world.PRIYA, messages=(
        (0, PERSON, "The code never comes. I got this number in July, maybe that is why."),
    )),
    Case(Kind.ORDER, "What VanBoard was told", 3, line_id=world.LEO, party="vanboard", whose=ANA, messages=(
        (0, PERSON, "My page says queued for two days. Does that mean that they can still find me?"),
        (4, NOTE, "The gate has blocked it since the stop. The order is waiting because their server is down."),
    )),
    Case(Kind.OTHER, "Somebody called me about my location", 1, line_id=world.SAM, language="es",
        priority=Priority.HIGH, messages=(
            (0, PERSON, "Me llamó alguien que sabía en qué calle estaba. ¿Cómo es posible?"),
        )),
    Case(Kind.CHOICE, "My pause ended too early", 4, State.WAITING, world.SAM, "cardnear", ANA, language="es",
        messages=(
        (0, PERSON, "Puse una pausa hasta el lunes y terminó el domingo."),
        (20, OURS, "La pausa terminó el lunes a las 00:00 de su zona. ¿En qué zona estaba usted?"),
    )),
    Case(Kind.DISPUTE, "I never agreed to this", 5, State.PARTNER, world.DANA, "footfall-index", ANA, messages=(
        (0, PERSON, "I have never heard of Footfall Index."),
        (2, OURS, "We blocked it when you pressed the button, and asked it for proof. It has seven days to answer."),
    )),
    Case(Kind.DISPUTE, "I never agreed to this", 9, State.OPEN, world.MIA, "kincircle", messages=(
        (0, PERSON, "My daughter is eleven. She can’t have agreed to this."),
        (70, COMPANY, "KinCircle says that it has no proof."),
    )),
    Case(Kind.STILL_HAVE, "They still have my data", 12, State.PARTNER, world.LEO, "harbor-collections", OMAR,
        Priority.HIGH, messages=(
            (0, PERSON, "Harbor Collections read my old addresses to me on the phone."),
            (3, NOTE, "Two more people wrote about Harbor this month. Passed to the privacy office."),
            (26, OURS, "We asked the partner it came through to sign that Harbor deleted your data."),
        )),
    Case(Kind.LOOK_UP, "Forty look-ups in one day", 8, State.SOLVED, world.DANA, "towfriend", ANA, rating=5, messages=(
        (0, PERSON, "TowFriend looked forty times on one day. Is that normal?"),
        (18, OURS, ("Your tow was under way that afternoon: the truck asked each two minutes until it had found you. "
            "It has not asked since. If you want it to, you can pause it on its page.")),
    )),
    Case(Kind.SIGN_IN, "A new phone", 3, State.SOLVED, world.LEO, whose=ANA, rating=4, messages=(
        (0, PERSON, "I have a new SIM card and can’t see anything."),
        (1, OURS, ("For 24 hours after a new SIM the pages stay closed, so that nobody who took your number over can "
            "read them. You can stop at any time meanwhile.")),
    )),
    Case(Kind.CHOICE, "Did my stop count?", 2, State.SOLVED, world.RUTH, "skipfind", ANA, messages=(
        (0, PERSON, "I pressed stop and the page closed. Did it count?"),
        (2, OURS, "It did: your receipt is under Choices. It counts from the second you pressed."),
    )),
    Case(Kind.OTHER, "Why is 911 not on the list?", 60, State.CLOSED, world.DANA, whose=ANA, rating=5, messages=(
        (0, PERSON, "Why can I not switch off 911?"),
        (6, OURS, "So that help finds you. Emergency calls do not pass through your choices, by law."),
    )),
    Case(Kind.STILL_HAVE, "They still have my data", 75, State.CLOSED, world.RUTH, "blue-anchor-insurance", OMAR,
        rating=2, messages=(
            (0, PERSON, "My insurance knows how I drive."),
            (40, OURS, "It has signed that it deleted what it got from us. We can’t see what its own app sends it."),
        )),
    Case(Kind.LOOK_UP, "A look-up that I do not know", 40, State.CLOSED, world.PRIYA, "lakeside-bank", ANA, messages=(
        (0, PERSON, "Lakeside Bank looked for my phone. I have an account there, so is that all right?"),
        (9, OURS, "You agreed by text on the day you opened the account. You can stop it on its page."),
    )),
    Case(Kind.ORDER, "What a company was told", 30, State.CLOSED, world.LEO, "gamefence", ANA, rating=3, messages=(
        (0, PERSON, "GameFence says that nobody told it about my stop."),
        (30, OURS, "It confirmed your stop the same day. Its signed receipt is on your page, so you can show it."),
    )),
    Case(Kind.OTHER, "A second message", 6, State.MERGED, world.DANA, "skipfind", into=1, messages=(
        (0, PERSON, "I wrote an hour ago about a look-up at night. It happened again."),
    )),
    Case(Kind.PARTIAL, "Meridian Locate: A partner signed in part", 2, party="meridian-locate", whose=OMAR),
    # What the certificate of last year tells.
    Case(Kind.STILL_HAVE, "A collector knew where I was", state=State.CLOSED, line_id=world.RUTH,
        party="harbor-collections", whose=OMAR, day_of_last_year=66, messages=(
            (0, PERSON, "A collector told me which shop I had been in. Who told it?"),
            (47, OURS, "Nothing of ours went to it: we found no look-up for it. We asked it who told it."),
        )),
    Case(Kind.OTHER, "Does my carrier sell my location?", state=State.CLOSED, line_id=world.DANA, whose=ANA,
        rating=4, day_of_last_year=101, messages=(
            (0, PERSON, "I read that carriers sell locations. Do you?"),
            (20, OURS, "Only companies you agreed to may ask us. They are on your page, and you can stop each."),
        )),
    Case(Kind.INCIDENT, "Look-ups with no record that people agreed", 1, party="cellproof", priority=Priority.URGENT),
)  # fmt: skip


@transaction.atomic
def open_cases(*, at: datetime) -> None:
    """Write the cases, once."""
    if Ticket.objects.filter(key__startswith="demo:").exists():
        return
    lines = {line.carrier_id: line for line in Line.objects.filter(carrier_id__startswith="DEMO-")}
    parties = dict(Party.objects.values_list("uri", "pk"))
    staff = {user.email: user for user in User.objects.filter(email__in=(ANA, OMAR))}
    made: list[Ticket] = []
    for number, case in enumerate(CASES):
        ticket = _ticket(number, case, lines, parties, staff, at)
        ticket.merged_into = made[case.into] if case.into is not None else None
        ticket.save(force_insert=True)
        made.append(ticket)
        _write(ticket, case, staff)


def _ticket(
    number: int, case: Case, lines: Mapping[str, Line], parties: Mapping[str, int], staff: Mapping[str, User],
    at: datetime,
) -> Ticket:  # fmt: skip
    opened, line = _opened_at(case, at), lines.get(case.line_id)
    answered, party_id = _first_answer_at(case, opened), parties.get(f"https://{case.party}.example")
    done = answered if case.state in {State.SOLVED, State.CLOSED} else None
    return Ticket(
        code=new_code(), kind=case.kind, key=f"demo:{number}", state=case.state, priority=case.priority,
        line_id=line.pk if line else None, party_id=party_id, about=case.about,
        number_ending=ending_of(line_id=line.pk, at=at) if line else "", language=case.language,
        asked_by_id=_find_asker(case, line), **_list_subject(case, party_id),
        assignee=staff.get(case.whose), claimed_at=opened + HOUR if case.whose in staff else None, opened_at=opened,
        due_at=due_at(kind=case.kind, priority=case.priority, at=opened), first_answer_at=answered,
        last_at=opened + max((hours for hours, _, _ in case.messages), default=0.0) * HOUR, solved_at=done,
        closed_at=_closed_at(case, done), rating=case.rating,
        rated_at=done if case.rating else None,
    )  # fmt: skip


def _opened_at(case: Case, at: datetime) -> datetime:
    if case.day_of_last_year:
        return begin_last_year(at=at) + timedelta(days=case.day_of_last_year)
    return at - timedelta(days=case.days_ago)


def _find_asker(case: Case, line: Line | None) -> int | None:
    """Who wrote it: nobody, where the button "I never agreed" opened it."""
    if line is None or case.kind == Kind.DISPUTE:
        return None
    person = LineUser.objects.filter(line_id=line.pk, until__isnull=True).first()
    return person.user_id if person else None


def _list_subject(case: Case, party_id: int | None) -> dict[str, str]:
    """The company that its person asks about, as "Ask about this" keeps it."""
    return {"about_kind": "company", "about_ref": str(party_id)} if case.line_id and party_id else {}


def _first_answer_at(case: Case, opened: datetime) -> datetime | None:
    return next((opened + hours * HOUR for hours, kind, _ in case.messages if kind == OURS), None)


def _closed_at(case: Case, done: datetime | None) -> datetime | None:
    return done + CLOSES_AFTER if done and case.state == State.CLOSED else None


def _write(ticket: Ticket, case: Case, staff: Mapping[str, User]) -> None:
    person = LineUser.objects.filter(line_id=ticket.line_id or 0, until__isnull=True).first()
    ours = actor_of(staff[case.whose]) if case.whose in staff else "system:tickets"
    authors = {PERSON: f"subscriber:{person.user_id}" if person else "system:tickets", OURS: ours, NOTE: ours}
    for hours, kind, words in case.messages:
        write(
            ticket=ticket, kind=kind, author=authors.get(kind, f"partner:{ticket.party_id}"),
            channel=Entry.Channel.DESK if kind in {OURS, NOTE} else Entry.Channel.WEB, body=words,
            at=ticket.opened_at + hours * HOUR,
        )  # fmt: skip
