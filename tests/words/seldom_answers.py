"""What is answered to what somebody sends, and pages that only a few come by, each with its title, word for word."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Line
from consent.actions import choices
from partners.models import Campaign, Reach, Suspension
from support.domain import tickets
from support.models import Ticket
from tests.browser.pages import a_passkey
from tests.consent.claiming import a_partner, asked, link_in, prove, say_yes, text_now
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import Row, choice_row, line_row, take_choices, take_lines
from tests.people import PASSWORD, Browser, Page, newest_text, number_of, sign_in, sign_in_by_code, signed_in, user_of
from tests.words.pages import main, press
from tests.words.transcripts import transcript
from tests.world import disclosed

type Read = Iterator[tuple[str, list[str]]]
DAY = timedelta(days=1)


def pages() -> Read:
    """Every state, by its title."""
    yield from choices_made()
    yield from ended_uses()
    yield from uses_of_one_company()
    yield from suspended()
    yield from companies_of_other_kinds()
    yield from from_files()
    yield from ways_in()
    yield from factors()
    yield from helpers()
    yield from safe_numbers()
    yield from a_line_that_ended()
    yield from without_an_account()
    yield from questions()
    yield from cases()


def told(page: Page) -> list[str]:
    """The page, or the form that was not filled in as it must be."""
    assert page.status_code in {200, 400}, (page.status_code, page.url)
    return transcript(page.text, but=("chart",))


def read(browser: Browser, path: str, **headers: str) -> list[str]:
    """A page that is there."""
    return told(browser.get(path, **headers))


def sent(browser: Browser, path: str, **fields: str) -> list[str]:
    """What is read after these fields were sent: the answer, or where it leads."""
    page = browser.post(path, fields)
    return told(browser.get(page.url) if page.url else page)


def a_use(name: str) -> Campaign:
    """The use of a company of this name, through a partner of its own."""
    return a_campaign(a_contract(a_party(f"{name} Link")), a_party(name, "lbs_provider"), ref=f"CMP-{name.lower()}")


def an_agreed_line(*uses: Campaign, **fields: Any) -> Line:
    """A line that agreed to these uses, each of which got its location once."""
    line = a_line(**fields)
    _agree(line, *uses)
    return line


def _agree(line: Line, *uses: Campaign) -> None:
    at = timezone.now()
    for n, use in enumerate(uses):
        an_approval(line, use, at=at - (90 + n) * DAY)
        path = [use.contract.aggregator.uri, use.lbs_provider.uri]
        disclosed(line, path, at=at - (2 + n) * DAY, campaign=use.ref, purpose=use.purpose)


def choices_made() -> Read:
    """What is said after a stop, a pause, a yes; and of a form that was not filled in as it must be."""
    uses = [a_use(name) for name in ("Violet", "Wisteria", "Yarrow")]
    line = an_agreed_line(*uses)
    person = signed_in(line)
    uris = [one.lbs_provider.uri for one in uses]
    several = person.get("/choices/stop/several/").text
    yield "several: what each box sends", re.findall(r'type="checkbox" (name="ref" value="[^"]+")', several)
    yield "several: none ticked", sent(person, "/choices/stop/", several="1")
    yield "several: one ticked", sent(person, "/choices/stop/", several="1", ref=uris[0])
    yield "several: those left", read(person, "/choices/stop/several/")
    yield "a stop of one", sent(person, "/choices/stop/", scope="party", ref=uris[1])
    yield "a pause without a day", sent(person, "/choices/pause/", scope="party", ref=uris[2], length="day")
    yield (
        "a pause to a day that is over",
        sent(person, "/choices/pause/", scope="party", ref=uris[2], length="day", day="2020-01-01"),
    )
    yield (
        "a yes that names a day that is over",
        sent(
            person,
            "/choices/allow/",
            campaign=uses[0].ref,
            days="day",
            day="2020-01-01",
            notice=_notice(person, uses[0]),
        ),
    )
    read_before = _notice(person, uses[0])
    Reach.objects.create(campaign=uses[0], party=a_party("Bounty", "end_customer"))
    yield (
        "a yes to companies that have changed",
        sent(person, "/choices/allow/", campaign=uses[0].ref, days="30", notice=read_before),
    )
    yield "a yes", sent(person, "/choices/allow/", campaign=uses[0].ref, days="30", notice=_notice(person, uses[0]))
    yield "a stop of the last", sent(person, "/choices/stop/", scope="all")
    yield "several: none left", read(person, "/choices/stop/several/")
    yield "signal on the settings", read(person, "/settings/", sec_gpc="1")


def _notice(person: Browser, use: Campaign) -> str:
    """The digest of what is shown before a yes."""
    page = person.get(f"/choices/allow/?campaign={use.ref}").text
    (digest,) = set(re.findall(r'name="notice" value="([0-9a-f]{64})"', page))
    return str(digest)


def ended_uses() -> Read:
    """What a stop ended: one that may be allowed again until its day, one again allowed, one that can't be now."""
    uses = [a_use(name) for name in ("Acacia", "Balsam", "Cactus")]
    line, at = an_agreed_line(*uses[1:]), timezone.now()
    an_approval(line, uses[0], at=at - 90 * DAY, expires_at=at + 40 * DAY)
    person = signed_in(line)
    made = choices.stop(line_id=line.pk, scope="all", actor=f"subscriber:{user_of(line).pk}", channel="web")
    Suspension.objects.create(
        of="campaign", target_id=uses[1].pk, starts_at=timezone.now(), reason="test", actor="officer:1"
    )
    choices.allow(line_id=line.pk, campaign=uses[2].ref, actor=f"subscriber:{user_of(line).pk}", channel="web")
    yield "uses that a stop ended", read(person, f"/choices/{made.choice_id}/")
    (again,) = re.findall(r'href="([^"]+)">Allowed again', person.get(f"/choices/{made.choice_id}/").text)
    yield "the yes to one that a stop ended", read(person, again)
    yield "one that can't be allowed now", read(person, f"/choices/allow/?campaign={uses[1].ref}")
    paused = an_agreed_line(*uses[2:])
    made = choices.pause(
        line_id=paused.pk, scope="all", until=timezone.now() + 3 * DAY, actor="subscriber:1", channel="web"
    )
    yield "uses that a pause ended", read(signed_in(paused), f"/choices/{made.choice_id}/")


def uses_of_one_company() -> Read:
    """A company with two uses, by several paths: allowed, and each to be allowed again after a stop."""
    one = a_use("Dahlia")
    other = a_campaign(one.contract, one.lbs_provider, ref="CMP-dahlia-2", purpose="dpv:FraudPreventionAndDetection")
    line = an_agreed_line(one, other)
    for n, name in enumerate(("Upper", "Lower")):
        path = [one.contract.aggregator.uri, a_party(name, "end_customer").uri, one.lbs_provider.uri]
        disclosed(line, path, at=timezone.now() - (20 + n) * DAY, campaign=one.ref)
    disclosed(line, ["urn:psap"], at=timezone.now() - DAY, basis="emergency")
    disclosed(
        line, [one.contract.aggregator.uri, one.lbs_provider.uri], at=timezone.now() - 4 * DAY, outcome="refused",
        judgement="no_approval",
    )  # fmt: skip
    person, company = signed_in(line), f"/companies/{one.lbs_provider_id}/"
    yield "home of two uses", read(person, "/home/")
    yield "company of two uses", read(person, company)
    yield "its partner", read(person, f"/companies/{one.contract.aggregator_id}/")
    choices.stop(line_id=line.pk, scope="party", ref=one.lbs_provider.uri, actor="subscriber:1", channel="web")
    yield "home of two uses that were stopped", read(person, "/home/")
    yield "company of two uses that were stopped", read(person, company)


def suspended() -> Read:
    """A company that somebody agreed to and did not stop, while we have suspended it."""
    use = a_use("Elm")
    line = an_agreed_line(use)
    Suspension.objects.create(
        of="party", target_id=use.lbs_provider_id, starts_at=timezone.now() - DAY, reason="test", actor="officer:1"
    )
    person = signed_in(line)
    yield "home with a suspended company", read(person, "/home/")
    yield "a suspended company", read(person, f"/companies/{use.lbs_provider_id}/")


def companies_of_other_kinds() -> Read:
    """One that received a location behind another, and one that is known from the records alone."""
    use = a_use("Fern")
    line = an_agreed_line(use)
    path = [use.contract.aggregator.uri, use.lbs_provider.uri]
    kinds = {kind: a_party(f"Fern {kind}", kind) for kind in ("end_customer", "unnamed")}
    for n, party in enumerate(kinds.values()):
        disclosed(line, [*path, party.uri], at=timezone.now() - (5 + n) * DAY, campaign=use.ref)
    person = signed_in(line)
    for kind, party in kinds.items():
        yield f"a company: {kind}", read(person, f"/companies/{party.pk}/")


def from_files() -> Read:
    """What files of choices brought: a stop that a later yes changed, a pause that is over, one that will be."""
    use = a_use("Ginkgo")
    line = an_agreed_line(use, carrier_id="L-ginkgo", msisdn="+12065550161")
    about = {"msisdn": "+12065550161"}
    take_choices(
        choice_row(**about),
        choice_row(kind="allow", scope="campaign", ref=use.ref, made_at="2025-09-01T00:00:00Z", **about),
    )
    ended = a_use("Ivy")
    about_ended = {"scope": "campaign", "ref": ended.ref, "made_at": "2025-10-01T00:00:00Z"}
    take_choices(choice_row(kind="allow", until="2025-11-01T00:00:00Z", **about_ended, **about))
    person = signed_in(line)
    yield "choices from files", read(person, "/choices/")
    for path in dict.fromkeys(re.findall(r'href="(/choices/[0-9a-f-]{36}/)"', person.get("/choices/").text)):
        title = re.findall(r"<h1>(.*?)</h1>", person.get(path).text, re.DOTALL)[0]
        yield f"a choice from a file: {re.sub('<[^>]+>', '', title).strip()}", read(person, path)
    yield "a company from files", read(person, f"/companies/{use.lbs_provider_id}/")
    yield "a company whose yes from a file has ended", read(person, f"/companies/{ended.lbs_provider_id}/")


def ways_in() -> Read:
    """Passwords that are wrong or easy, other browsers, a sign-in that is over."""
    line = a_line()
    person = sign_in(line)
    number = number_of(line)
    for password in ("", "wrong"):
        yield (
            f"signed in by {password or 'no'} password",
            sent(Browser(), "/accounts/login/ended/", number=number, password=password),
        )
    browser = sign_in_by_code(a_line())
    for password in ("", "12345678", "whereabouts"):
        yield f"a first password: {password or 'none'}", sent(browser, "/accounts/password/set/", password=password)
    sign_in(line)
    page = person.get("/accounts/sessions/")
    (other,) = re.findall(r'name="session" value="([^"]+)"', page.text)[:1]
    yield "another browser signed out", sent(person, "/accounts/sessions/", session=other)


def factors() -> Read:
    """Two passkeys, of which one was used; one code left, and codes that were seen."""
    line = a_line()
    person = sign_in(line)
    person.post("/accounts/reauthenticate/", {"password": PASSWORD})
    user = user_of(line)
    RecoveryCodes.activate(user)
    for name in ("Blue key", "Red key"):
        WebAuthn.add(user, name, a_passkey())
    used = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).latest("pk")
    Authenticator.objects.filter(pk=used.pk).update(last_used_at=timezone.now() - 2 * DAY)
    yield "two passkeys", read(person, "/accounts/2fa/webauthn/")
    yield "factors with two passkeys", read(person, "/accounts/2fa/")
    codes = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES).wrap()
    for code in codes.get_unused_codes()[1:]:
        assert codes.validate_code(code)
    yield "one code left", read(person, "/accounts/2fa/")
    yield "the one code", read(person, "/accounts/2fa/recovery-codes/")
    yield "a passkey without a name", sent(person, f"/accounts/2fa/webauthn/keys/{used.pk}/edit/", name="")


def helpers() -> Read:
    """Helpers asked for: wrongly, twice, ended; and what a helper is told who says no, or stops helping."""
    line = a_line()
    person, friend = signed_in(line), a_line()
    helper = signed_in(friend)
    until = f"{timezone.now() + 30 * DAY:%Y-%m-%d}"
    asked_for = {"may": "both", "day": until}
    yield "a helper: nothing filled in", sent(person, "/lines/delegates/", may="")
    for title, number, day in (
        ("no number", "12", until),
        ("one's own number", number_of(line), until),
        ("a day that is over", "", "2020-01-01"),
    ):
        fields = {"may": "see", "number": number or number_of(friend), "day": day}
        yield f"a helper: {title}", sent(person, "/lines/delegates/", **fields)
    for title in ("asked", "asked twice"):
        yield f"a helper: {title}", sent(person, "/lines/delegates/", number=number_of(friend), **asked_for)
    (path,) = set(re.findall(r'href="(/lines/asked/[0-9a-f-]+/)"', helper.get("/lines/").text))
    yield "lines of who is asked", read(helper, "/lines/")
    yield "a helper says no", sent(helper, path, answer="no")
    sent(person, "/lines/delegates/", number=number_of(friend), **asked_for)
    (path,) = set(re.findall(r'href="(/lines/asked/[0-9a-f-]+/)"', helper.get("/lines/").text))
    yield "a helper says yes", sent(helper, path, answer="yes")
    yield "a helper ends it", sent(helper, path, answer="end")
    yield "a helper: asked again", sent(person, "/lines/delegates/", number=number_of(a_line()), **asked_for)
    (end,) = set(re.findall(r'action="(/lines/delegates/[0-9a-f-]+/end/)"', person.get("/lines/delegates/").text))
    yield "a helper: ended", sent(person, end)


def safe_numbers() -> Read:
    """A safe number: wrong, asked for, with a wrong code, proved, removed; and a line of one's own asked for."""
    line = a_line()
    person = signed_in(line)
    yield "a safe number: none", sent(person, "/lines/contact/", number="1")
    yield "a safe number: asked for", sent(person, "/lines/contact/", number="+12065550171")
    yield "a safe number: a wrong code", sent(person, "/lines/contact/code/", code="000000")
    code = newest_text("+12065550171").code
    yield "a safe number: proved", sent(person, "/lines/contact/code/", code=code)
    yield "a safe number: removed", sent(person, "/lines/contact/remove/")
    user = a_line(role="user")
    yield "a line of its own: how to reach them is missing", sent(signed_in(user), "/lines/separation/", reach="")
    yield "a line of its own: asked for", sent(signed_in(user), "/lines/separation/", reach="Write to me", note="")


def a_line_that_ended() -> Read:
    """Its pages, to the one who used it."""
    use = a_use("Hazel")
    about: Row = {"line_id": "L-hazel", "msisdn": "+12065550162", "account_id": "A-hazel"}
    take_lines(line_row(**about))
    line = Line.objects.get(carrier_id="L-hazel")
    _agree(line, use)
    signed_in(line)
    take_lines(line_row(**about, deactivated_at=(timezone.now() - timedelta(minutes=1)).isoformat()))
    person = Browser()
    yield "signed in after its end", sent(person, "/accounts/login/ended/", number="+12065550162", password=PASSWORD)
    for path in ("lines/", f"companies/{use.lbs_provider_id}/", "history/", "choices/", "access-log/", "settings/"):
        yield f"of a line that ended: {path.partition('/')[0]}", read(person, f"/{path}")


def without_an_account() -> Read:
    """A stop by number and password, and a button that was pressed on a page about another number."""
    line, other = a_line(), a_line()
    sign_in(line)
    for title, password in (("right", PASSWORD), ("wrong", "wrong"), ("no", "")):
        page = Browser().post("/stop/ended/", {"number": number_of(line), "password": password})
        yield f"stopped by a {title} password", told(page)
    browser = Browser()
    kept = _proved(browser, line)
    _proved(browser, other)
    yield "stopped on a page about another number", sent(browser, "/stop/all/", **kept)


def _proved(browser: Browser, line: Line) -> dict[str, str]:
    """What the button of the page sends that one comes to by number and code."""
    browser.post("/stop/", {"number": number_of(line)})
    browser.post("/stop/code/", {"code": newest_text(number_of(line)).code})
    (form,) = re.findall(r'<form class="panel act".*?</form>', browser.get("/stop/all/").text, re.DOTALL)
    return dict(re.findall(r'name="([^"]*)" value="([^"]*)"', form))


def questions() -> Read:
    """A question whose companies have changed since it was read, and its answer."""
    partner, number = a_partner("Iris Link", provider="Iris Aid"), number_of(a_line())
    assert partner.one(partner.claim(id="answers", msisdn=number))[1]["status"] == "accepted"
    assert text_now() == 1
    path = link_in(asked(number)[0])
    browser, _ = prove(path, number)
    shown = browser.get(f"{path}yes/").text
    (digest,) = set(re.findall(r'name="notice" value="([0-9a-f]{64})"', shown))
    Reach.objects.create(campaign=partner.campaign, party=a_party("Iris Bail", "end_customer"))
    yield "a yes to a question whose companies have changed", sent(browser, f"{path}yes/", notice=digest)
    yield "a question that was answered", told(browser.get(say_yes(browser, path).url))


def cases() -> Read:
    """A case begun with a dispute; messages, files and ratings that can't be taken."""
    use = a_use("Juniper")
    line = an_agreed_line(use)
    person = signed_in(line)
    made = person.post("/choices/dispute/", {"scope": "party", "ref": use.lbs_provider.uri}).url
    yield "a dispute, as its choice", read(person, made)
    yield "a dispute", read(person, made.replace("/choices/", "/help/"))
    choice_id = made.removeprefix("/choices/").removesuffix("/")
    page = press(person, main(person, f"/help/ask/choice/{choice_id}/"), "Send", message="I never did.")
    ticket = Ticket.objects.get(line_id=line.pk)
    case = f"/help/{ticket.code}/"
    yield "a case about a dispute, sent", read(person, page.url)
    yield "a case about a dispute", read(person, case)
    yield "a dispute that was withdrawn", sent(person, f"/help/dispute/{choice_id}/withdraw/")
    tickets.answer(ticket=ticket, body="It did.", actor="agent:1", then=Ticket.State.SOLVED, at=timezone.now())
    yield "a case that was answered", read(person, case)
    yield "a rating: none", sent(person, f"{case}rate/")
    yield "a rating: 2 of 5", sent(person, f"{case}rate/", rating="2", words="Too late.")
    files = [SimpleUploadedFile(f"{n}.txt", b"words") for n in range(6)]
    large = SimpleUploadedFile("large.txt", b"w" * (5 * 2**20 + 1))
    for title, message, uploads in (
        ("too long", "long " * 2000, []), ("too many files", "Look.", files), ("a large file", "Look.", [large]),
        ("a program", "Look.", [SimpleUploadedFile("run.exe", b"MZ\x90\x00\xff")]),
    ):  # fmt: skip
        answer = person.client.post(f"{case}reply/", {"message": message, "uploads": uploads})
        yield f"a message: {title}", transcript(answer.content.decode(), but=("thread", "textarea"))
    line = an_agreed_line(use)
    person = signed_in(line)
    made = person.post("/choices/dispute/", {"scope": "party", "ref": use.lbs_provider.uri}).url
    tickets.open_tickets(at=timezone.now())
    case = f"/help/{Ticket.objects.get(line_id=line.pk).code}/"
    yield "the case that a dispute opened", read(person, case)
    (asked_whom,) = re.findall(r'href="([^"]+)">Our questions', person.get(case).text)
    yield "what was asked about it", read(person, asked_whom)
