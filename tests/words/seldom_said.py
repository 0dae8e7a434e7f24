"""What is answered to what hardly anybody sends, each with its title, word for word."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from accounts.actions.staff import make_staff
from accounts.domain import auth_factors
from accounts.models import User
from consent.actions.choices import allow
from partners.models import AgentRequest
from support.actions import asking
from support.actions.asking import IncomingMessage
from support.domain import tickets
from support.models import Entry, Ticket
from tests.agents import an_agent_asks
from tests.factories import a_line, an_approval
from tests.people import PASSWORD, Browser, asked_for_new_password, newest_text, number_of, sign_in, signed_in, user_of
from tests.staff import an_actor
from tests.words.seldom_answers import a_use, an_agreed_line, read, sent, told
from tests.words.transcripts import transcript
from tests.world import disclosed

type Read = Iterator[tuple[str, list[str]]]
DAY = timedelta(days=1)
STRANGER = "+13605550199"


def pages() -> Read:
    """Every state, by its title."""
    yield from codes()
    yield from ways_in()
    yield from by_a_signal()
    yield from helpers()
    yield from of_another_line()
    yield from only_their_word()
    yield from cases()
    path = an_agent_asks(a_line())
    yield (
        "an agent asks: for whoever reads it elsewhere",
        read(Browser(), f"/authorized/{AgentRequest.objects.get().pk}/"),
    )
    yield "an agent asks: for its person", read(Browser(), path)


def codes() -> Read:
    """No code typed, the code once more, a passkey of somebody else's, more codes than a day has."""
    for door in ("/stop/", "/accounts/login/"):
        browser = Browser()
        browser.post(door, {"number": STRANGER})
        yield f"{door}: no code typed", sent(browser, f"{door}code/", code="")
        yield f"{door}: the code once more", sent(browser, f"{door}again/")
    browser = Browser()
    browser.post("/accounts/login/ended/", {"number": STRANGER, "passkey": "1"})
    yield "a passkey of somebody else's", sent(browser, "/accounts/login/ended/passkey/", credential='{"id": "AA"}')
    person = signed_in(a_line())
    *_, page = [person.post("/lines/contact/", {"number": f"+1206555017{n}"}) for n in range(6)]
    yield "too many codes for a safe number", told(person.get(page.url))


def ways_in() -> Read:
    """An old password kept, and the first of somebody who was invited."""
    line = a_line()
    sign_in(line)
    asked_for_new_password(line)
    yield "the old password kept", sent(signed_in(line), "/accounts/password/keep/")
    user = make_staff(email="new@carrier.example", role=User.Role.AGENT, actor=an_actor(), at=timezone.now())
    browser, path = Browser(), auth_factors.invitation_path(user=user)
    path = browser.get(path).url or path
    yield "a first password of staff", sent(browser, path, password="rain-on-the-tarn", again="rain-on-the-tarn")


def by_a_signal() -> Read:
    """Somebody who allowed one use here signs in by a browser whose signal stops the others."""
    for n, names in enumerate((("Kale",), ("Leek", "Maize"))):
        own = a_use(f"Own{n}")
        line = an_agreed_line(*(a_use(name) for name in names))
        sign_in(line)
        allow(line_id=line.pk, campaign=own.ref, actor=f"subscriber:{user_of(line).pk}", channel="web")
        browser, number = Browser(), number_of(line)
        browser.client.defaults["HTTP_SEC_GPC"] = "1"
        browser.post("/accounts/login/", {"number": number})
        browser.post("/accounts/login/code/", {"code": newest_text(number).code})
        browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
        yield f"stopped by a signal: {len(names)}", read(browser, "/lines/")


def helpers() -> Read:
    """More helpers asked than may be, and an invitation for who uses another line of the account."""
    line = a_line(account="A-said")
    other = a_line(account="A-said", role="user")
    person, until = signed_in(line), f"{timezone.now() + 30 * DAY:%Y-%m-%d}"
    wanted = [{"may": "see", "number": f"+1206555018{n}", "day": until} for n in range(6)]
    *_, page = [person.post("/lines/delegates/", one) for one in wanted]
    yield "a sixth helper asked", told(page)
    yield "somebody invited", sent(person, "/lines/invite/", line=str(other.public_id))


def of_another_line() -> Read:
    """The log of one's other line, at which nobody looked yet."""
    holder, other = a_line(account="A-two"), a_line(account="A-two")
    yield "nobody looked", read(signed_in(holder), f"/access-log/?line={other.public_id}")


def only_their_word() -> Read:
    """Look-ups of companies of which none can show that the person agreed."""
    line, at = a_line(), timezone.now()
    uses = [a_use(name) for name in ("Nettle", "Orache")]
    paths = [[use.contract.aggregator.uri, use.lbs_provider.uri] for use in uses]
    for use, path in zip(uses, paths, strict=True):
        an_approval(line, use, at=at - 90 * DAY, verified_by="partner")
        disclosed(line, path, at=at - DAY, campaign=use.ref, judgement="approval_unverified")
    (row,) = disclosed(line, paths[-1], at=at - 2 * DAY, campaign=uses[-1].ref, outcome="refused")
    person = signed_in(line)
    yield "home of whom two companies say they have a yes", read(person, "/home/")
    yield "to ask about a refusal", read(person, f"/help/ask/look_up/{row.id}/")


def cases() -> Read:
    """A file that can't be taken, a case that is too old, more words than a day has, and who wrote again."""
    line = a_line()
    person = signed_in(line)
    said = IncomingMessage("Who was it?")
    ticket = asking.open_case(
        user=user_of(line), line=line, topic=Ticket.Kind.OTHER, subject=None, message=said, at=timezone.now()
    )
    case = f"/help/{ticket.code}/"
    about = IncomingMessage("Was it told?")
    asking.open_case(
        user=user_of(line), line=line, topic=Ticket.Kind.ORDER, subject=None, message=about, at=timezone.now()
    )
    yield "cases of one's own", transcript(person.get("/help/").text, but=("faq",))
    yield "written again", sent(person, f"{case}reply/", message="Well?")
    yield "the log of who wrote again", read(person, "/access-log/")
    for _ in range(50):
        tickets.write(
            ticket=ticket, kind=Entry.Kind.HEARD, author="subscriber:1", channel=Entry.Channel.WEB, body="?",
            at=timezone.now(),
        )  # fmt: skip
    answer = person.post(f"{case}reply/", {"message": "Well?"})
    yield "written too often", transcript(answer.text, but=("thread",))
    line, over = a_line(), timezone.now() - 31 * DAY
    person = signed_in(line)
    ticket = asking.open_case(
        user=user_of(line), line=line, topic=Ticket.Kind.OTHER, subject=None, message=said, at=over
    )
    for state, done in (("solved", {"solved_at": over}), ("closed", {"closed_at": over})):
        Ticket.objects.filter(pk=ticket.pk).update(state=state, **done)
    answer = person.post(f"/help/{ticket.code}/reply/", {"message": "Well?"})
    yield "written a month after its end", transcript(answer.text, but=("thread",))
