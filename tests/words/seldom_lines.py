"""Pages of a line with much on it, in states that are seldom: problems, many companies, cases, other readers."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from html import unescape
from typing import Any

from django.test import override_settings
from django.utils import timezone

from accounts.actions import delegations
from accounts.actions.delegations import answer_delegation
from accounts.models import Line, User
from consent.actions import choices
from consent.queries.choices import NEVER_AGREED
from disclosures.models import Anomaly, AnomalyRule, Archive, Disclosure
from partners.domain.pairwise import name_lines
from partners.models import Campaign, Contract, Party
from revocations.actions.contradictions import Use, mark_contradicted_ends
from revocations.models import BY_TERM, State
from support.actions import asking
from support.actions.asking import IncomingMessage
from support.domain import tickets
from support.domain.files import build_upload
from support.models import Ticket
from support.queries.subjects import subject_of
from tests.browser.pages import MISSING
from tests.browser.states import hold
from tests.consent.claiming import a_partner, asked, link_in, prove, text_now
from tests.factories import a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.orders import an_index, sign_end
from tests.people import Browser, Page, number_of, signed_in, user_of
from tests.support.console import a_cohort
from tests.support.officers import staff
from tests.words.named import named
from tests.words.transcripts import masked, transcript
from tests.world import disclosed

type Read = Iterator[tuple[str, list[str]]]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# How each kind of problem is judged; the others are allowed look-ups.
JUDGED = {"after_stop": "after_stop", "no_approval": "no_approval", "suspended": "partner_suspended"}
US = {"CARRIER_PHONE": "+1 206 555 0100", "CARRIER_HOURS": "24 hours"}


def pages() -> Read:
    """Every state, by its title."""
    yield from staff_on_pages_of_subscribers()
    yield from where_we_can_be_called()
    yield from other_ways()
    yield from problems()
    yield from many_companies()
    yield from thousands()
    yield from a_long_day()
    yield from emergencies()
    yield from other_readers()
    yield from about_what_a_case_is()
    yield from files_of_everything()
    yield from questions()
    yield from many_choices()
    yield from agreements_that_ended()


def told(page: Page, *but: str) -> list[str]:
    """The page, or the form that was not filled in as it must be, without the picture of look-ups."""
    assert page.status_code in {200, 400}, (page.status_code, page.url)
    return transcript(page.text, but=("chart", *but))


def basil() -> Contract:
    """The contract under which these companies get locations."""
    return Contract.objects.filter(ref="AGR-basil").first() or a_contract(a_party("Basil Link"), ref="AGR-basil")


def a_use(name: str, **fields: Any) -> Campaign:
    """The use of a company of this name."""
    return a_campaign(basil(), a_party(name, "lbs_provider"), ref=f"CMP-{name.lower().replace(' ', '-')}", **fields)


def looked(line: Line, use: Campaign, days: float, n: int = 1, **fields: Any) -> list[Disclosure]:
    """So many look-ups under a use, the first so many days ago."""
    path = [basil().aggregator.uri, use.lbs_provider.uri]
    about: dict[str, Any] = {"campaign": use.ref, "purpose": use.purpose, **fields}
    return disclosed(line, path, at=timezone.now() - timedelta(days=days), n=n, **about)


def two_lines(account: str) -> tuple[Browser, Line, str]:
    """Somebody who has two lines; the second of them, and how its pages are asked for."""
    first, line = a_line(account=account), a_line(account=account)
    return signed_in(first), line, f"?line={line.public_id}"


def staff_on_pages_of_subscribers() -> Read:
    """Staff at the pages that both have."""
    for role in (User.Role.OFFICER, User.Role.AGENT, User.Role.LEGAL):
        member = staff(role, name=f"{role} of pages")
        page = member.client.get(MISSING).content.decode()
        yield f"around a page of {role}", transcript(page, around=True)
        if role == User.Role.OFFICER:
            for path in ("settings/", "accounts/password/change/", "accounts/2fa/", "accounts/sessions/"):
                yield f"staff at {path}", transcript(member.client.get(f"/{path}").content.decode())


def where_we_can_be_called() -> Read:
    """What pages say of a carrier that has a phone number and hours."""
    line = a_line()
    person = signed_in(line)
    made = choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    for us in (US, {"CARRIER_PHONE": US["CARRIER_PHONE"]}):
        hours = "with hours" if "CARRIER_HOURS" in us else "without hours"
        with override_settings(**us):
            yield f"help, {hours}", told(person.get("/help/"))
            yield f"a receipt, {hours}", told(person.get(f"/choices/{made.choice_id}/receipt/"))


def other_ways() -> Read:
    """Where a text, the carrier's own sign-in and agents are other ways to stop."""
    issuers = {"OIDC_ISSUER": "https://carrier.example", "STAFF_OIDC_ISSUER": "https://staff.example"}
    with override_settings(SMS_INBOUND_SECRETS=["secret"], **issuers):
        for path in ("/stop/", "/accounts/login/", "/accounts/login/staff/", "/help/"):
            yield f"other ways: {path}", told(Browser().get(path), "faq")


def a_problem(line: Line, kind: str, company: Party, rows: list[Disclosure]) -> None:
    """What a look at the ledger finds in these rows."""
    now, first, last = timezone.now(), rows[0].occurred_at, rows[-1].occurred_at
    Anomaly.objects.create(
        kind=kind, line_id=line.pk, party=company.uri, period=first.date().replace(day=1), first_at=first,
        last_at=last, newest_at=last, n=len(rows), looks=len(rows),
        rule=AnomalyRule.objects.get(kind=kind, version=1), found_at=now, changed_at=now, grown_at=now,
    )  # fmt: skip


def problems() -> Read:
    """Problems of every kind, of companies each of which stands somewhere else; then those that nobody forbade."""
    now = timezone.now()
    person, line, query = two_lines("A-problems")
    found = (
        ("after_stop", "stopped", 3, 1), ("after_stop", "allowed", 4, 2), ("no_approval", "partly", 5, 1),
        ("no_approval", "denied", 6, 2), ("suspended", "suspended", 7, 1), ("burst", "burst", 2, 2),
        ("night", "night", 8, 1), ("dormant", "dormant", 9, 1),
    )  # fmt: skip
    for kind, stands, days, n in found:
        use = a_use(f"Basil {stands}")
        a_problem(line, kind, use.lbs_provider, looked(line, use, days, n, judgement=JUDGED.get(kind, "permitted")))
        if stands in {"allowed", "partly"}:
            an_approval(line, use, at=now - (1 if stands == "allowed" else 90) * DAY)
        if stands == "stopped":
            ref = use.lbs_provider.uri
            choices.stop(line_id=line.pk, scope="party", ref=ref, actor="subscriber:1", channel="web")
    yield "home with problems", told(person.get(f"/home/{query}"), "fold", "card")
    yield "a company with a problem", told(person.get(f"/companies/{a_party('Basil partly').pk}/{query}"))
    Anomaly.objects.filter(line_id=line.pk, kind="no_approval").update(cleared_at=now)
    cleared = person.get(f"/companies/{a_party('Basil partly').pk}/{query}")
    yield "a company with a problem that was cleared", told(cleared)
    line = a_line()
    for kind, days in (("night", 8), ("dormant", 9), ("burst", 10), ("no_approval", 50), ("after_stop", 51)):
        use = a_use(f"Basil {kind} {days}")
        a_problem(line, kind, use.lbs_provider, looked(line, use, days, judgement=JUDGED.get(kind, "permitted")))
    unregistered = disclosed(line, [basil().aggregator.uri, "https://nobody.example"], at=now - 3 * DAY)
    a_problem(line, "no_approval", Party(uri="https://nobody.example"), unregistered)
    yield "home with old problems", told(signed_in(line).get("/home/"), "fold", "card")


def many_companies() -> Read:
    """More companies than are shown with all that is known of them: those of late, and those of before."""
    now = timezone.now()
    person, line, query = two_lines("A-many")
    _many_of_late(line)
    for n in range(18):
        _one_of_before(line, n)
    for n in range(3):
        looked_for = [basil().aggregator.uri, f"https://before{n}.example"]
        disclosed(line, looked_for, at=now - (55 + n) * DAY, outcome="refused", judgement="no_approval")
    yield "home with many companies", told(person.get(f"/home/{query}"), "cards")
    yield "history of many companies", told(person.get(f"/history/{query}&month={now - 60 * DAY:%Y-%m}"), "way")
    yield "times of many companies", told(person.get(f"/history/times/{query}&month={now:%Y-%m}"))
    for wrong in ("since=nonsense", f"company=Before&since={now:%Y-%m-%d}"):
        yield f"history asked for {wrong.partition('=')[0]}", told(person.get(f"/history/{query}&{wrong}"), "way")


def thousands() -> Read:
    """More look-ups than three digits count, of every sort, by one company and by many ways."""
    now, line, use = timezone.now(), a_line(), a_use("Basil much")
    hops = [basil().aggregator.uri, use.lbs_provider.uri]
    sorts: tuple[tuple[int, Mapping[str, Any]], ...] = (
        (3, {"judgement": "after_stop"}), (4, {"judgement": "no_approval"}), (5, {"outcome": "refused"}),
        (6, {"basis": "network"}), (7, {"basis": "emergency", "doubtful": True}),
    )  # fmt: skip
    for days, sort in sorts:
        disclosed(line, hops, at=now - days * DAY, n=1000 + days, every=timedelta(seconds=1), **sort)
        disclosed(line, hops, at=now - (60 + days) * DAY, n=1010 + days, every=timedelta(seconds=1), **sort)
    for n in range(5):
        other = a_party(f"Basil Link {n}").uri
        disclosed(line, [other, hops[1]], at=now - n * HOUR, judgement="no_approval", completed="both")
    person = signed_in(line)
    for path in ("/home/", f"/companies/{use.lbs_provider_id}/", "/history/times/"):
        yield f"thousands: {named(path)}", told(person.get(path), "times", "more")


def _many_of_late(line: Line) -> None:
    """Some are of no company that is registered, some were stopped; one was refused before."""
    for n in range(30):
        uri = f"https://many{n}.example"
        if n % 9:
            Party.objects.create(uri=uri, name=f"Many {n:02}", kind="lbs_provider")
        at = timezone.now() - (1 + n % 3) * DAY - n * timedelta(minutes=1)
        disclosed(line, [basil().aggregator.uri, uri], at=at, n=1 + n % 2, judgement="no_approval")
        if n == 2:
            disclosed(line, [basil().aggregator.uri, uri], at=at - DAY, outcome="refused", judgement="no_approval")
        if n in {24, 25, 26, 28}:
            choices.stop(line_id=line.pk, scope="party", ref=uri, actor="subscriber:1", channel="web")


def _one_of_before(line: Line, n: int) -> None:
    """It looked long ago, was allowed and never looked, asked in vain, or said that it was an emergency."""
    use = a_use(f"Before {n:02}")
    if n % 6 < 4:
        an_approval(line, use, at=timezone.now() - 200 * DAY)
    if n % 6 in {0, 1}:
        looked(line, use, 60 + n / 1440, 1 + n % 6)
    if n % 6 == 4:
        looked(line, use, 50 + n / 1440, 1 + n % 5 % 2, outcome="refused")
    if n % 6 == 5:
        looked(line, use, 50 + n / 1440, basis="emergency", doubtful=True)


def a_long_day() -> Read:
    """More on one day than is shown of it, and a look-up with more times than are listed."""
    line = a_line()
    start = timezone.now() - 3 * DAY
    for n in range(30):
        use = a_use(f"Day {n:02}")
        disclosed(
            line, [basil().aggregator.uri, use.lbs_provider.uri], at=start + n * timedelta(minutes=3), n=1 + n % 2
        )
    disclosed(line, ["urn:network"], at=start, n=3, basis="network", purpose="dpv:LegalCompliance")
    disclosed(line, [basil().aggregator.uri], at=start, n=60, every=timedelta(seconds=5))
    yield "history of a long day", told(signed_in(line).get("/history/"), "way")
    line = a_line()
    disclosed(line, [basil().aggregator.uri], at=start, n=61, every=timedelta(seconds=5))
    yield "a look-up with more times than are listed", told(signed_in(line).get("/history/"), "times")


def emergencies() -> Read:
    """Look-ups said to be emergencies: one that was refused, beside one that nobody allowed; and one of long ago."""
    line, use = a_line(), a_use("Basil vain")
    looked(line, use, 2, outcome="refused", basis="emergency", doubtful=True)
    looked(line, use, 3, outcome="refused", judgement="no_approval")
    yield "history of what was refused", told(signed_in(line).get("/history/"), "way")
    line = a_line()
    looked(line, use, 40, basis="emergency", doubtful=True)
    disclosed(line, ["urn:psap"], at=timezone.now() - DAY, basis="emergency")
    yield "home after an emergency, and a doubtful one before", told(signed_in(line).get("/home/"))


def a_whole_life(account: str, **fields: Any) -> Line:
    """A line with a company that it allowed, one that it stopped and one that it disputed."""
    line = a_line(account=account, **fields)
    uses = [Campaign.objects.filter(ref=f"CMP-life-{n}").first() or a_use(f"Life {n}") for n in ("one", "two", "three")]
    for n, use in enumerate(uses):
        an_approval(line, use, at=timezone.now() - 90 * DAY)
        looked(line, use, 2 + n / 24, 2)
    for use, reason in zip(uses[1:], ("", NEVER_AGREED), strict=True):
        ref = use.lbs_provider.uri
        choices.stop(line_id=line.pk, scope="party", ref=ref, reason=reason, actor="subscriber:1", channel="web")
    return line


def other_readers() -> Read:
    """The pages of a line as its helper reads them, as its person does who has another line, and after its end."""
    now = timezone.now()
    line = a_whole_life("A-readers")
    signed_in(line)
    choices.allow(line_id=line.pk, campaign="CMP-life-one", actor=f"subscriber:{user_of(line).pk}", channel="web")
    helper = a_line()
    browser = signed_in(helper)
    made = delegations.delegate(
        line_id=line.pk, user=user_of(line), msisdn=number_of(helper), may="see", ends_at=now + 30 * DAY, at=now
    )
    answer_delegation(delegation_id=made, user=user_of(helper), line_id=helper.pk, answer="yes", at=now)
    yield from everything_of(line, browser, "a helper")
    yield from everything_of(line, signed_in(a_line(account="A-readers")), "who has two lines")


def everything_of(line: Line, browser: Browser, who: str) -> Read:
    """Each page about this line that this person may open."""
    query = f"?line={line.public_id}"
    company = Campaign.objects.get(ref="CMP-life-one").lbs_provider_id
    paths = ["home", f"companies/{company}", "history", "choices", "access-log", "access-log/companies"]
    for path in paths:
        page = browser.get(f"/{path}/{query}")
        if page.status_code == 200:
            yield f"{path.partition('/')[0]} of {who} {path.count('/')}", told(page, "way")


def about_what_a_case_is() -> Read:
    """Cases about a look-up, a choice and a company; forms with something wrong; who answers, who waits."""
    now = timezone.now()
    person, line, query = two_lines("A-cases")
    use = a_use("Case Aid")
    (row,) = looked(line, use, 2)
    made = choices.stop(line_id=line.pk, scope="party", ref=use.lbs_provider.uri, actor="subscriber:1", channel="web")
    user = User.objects.get(pk=person.client.session["_auth_user_id"])
    for kind, ref in (("look_up", row.id), ("choice", made.choice_id), ("company", use.lbs_provider_id)):
        subject = subject_of(line=line, kind=kind, ref=str(ref), at=now)
        names = ("first.txt", "second.txt") if kind == "look_up" else ()
        said = IncomingMessage("Who was it?", [build_upload(name=one, content=b"words") for one in names])
        assert subject
        ticket = asking.open_case(
            user=user, line=line, topic=subject.asked_as, subject=subject, message=said, at=now - 2 * DAY
        )
        yield f"a case about a {kind}", told(person.get(f"/help/{ticket.code}/"))
        tickets.answer(ticket=ticket, body="Case Aid did.", actor="agent:1", then=Ticket.State.WAITING, at=now - DAY)
        file = person.get(f"/help/{ticket.code}/case.txt").text
        yield f"a case about a {kind}, as a file", [masked(line) for line in file.splitlines() if line]
    ticket = Ticket.objects.filter(line_id=line.pk).latest("pk")
    yield "a case that waits for an answer", told(person.get(f"/help/{ticket.code}/"))
    yield "help with a case", told(person.get("/help/"))
    yield "a message without words", told(person.post(f"/help/{ticket.code}/reply/", {"message": ""}))
    yield "a case without words", told(person.post(f"/help/write/{query}", {"topic": "other", "message": ""}))


def files_of_everything() -> Read:
    """A file that is being made, and one that could not be made."""
    line = a_line()
    person = signed_in(line)
    person.post("/settings/archive/ask/")
    for state in ("making", "failed"):
        Archive.objects.filter(line_id=line.pk).update(state=state, total=4, done=1)
        yield f"a file: {state}", told(person.get("/settings/archive/"))


def questions() -> Read:
    """A company's question about a child, about a family finder, from its own page, and while the line is held."""
    child = a_line(account="A-child", role="minor")
    holder = a_line(account="A-child")
    finder = a_partner("Elm Link", provider="Elm Ring", family_tracking=True, description="")
    found = a_line()
    for n, line in enumerate((child, found)):
        claim = finder.claim(id=f"q-{n}", msisdn=number_of(line), wording="Let them see you.", language="")
        yield f"what a claim is answered, {n}", [str(finder.one(claim)[1]["status"])]
    text_now()
    for title, line in (("of a child", holder), ("of a family finder", found)):
        for text in asked(number_of(line)):
            path = link_in(text)
            yield f"a question {title}", told(Browser().get(path))
            browser, page = prove(path, number_of(line))
            yield f"a question {title}, to answer", told(page)
            yield f"a question {title}, to say yes", told(browser.get(f"{path}yes/"))
            hold(line)
            yield f"a question {title}, while it is held", told(browser.get(path))


def many_choices() -> Read:
    """More choices than a page shows: the first page, the next, and one after the last."""
    person, line, query = two_lines("A-choices")
    use = a_use("Choice Aid")
    for n in range(52):
        a_ledger_row(line, "stop", scope="campaign", ref=use.ref, at=timezone.now() - (52 - n) * HOUR)
    page = person.get(f"/choices/{query}").text
    yield "many choices", transcript(page, but=("log",))
    older = unescape(re.findall(r'rel="next" href="([^"]+)"', page)[0])
    yield "many choices, older", told(person.get(older))
    yield "after the last choice", told(person.get(re.sub("before=20[0-9]+", "before=1999", older)))


# By us or by their term, of a use or of all of it; what its partner signed, and how many days ago it was to be done.
ENDS = (
    ("Clover", "contract", False, None, -9), ("Daisy", "campaign", False, None, 1),
    ("Erica", "contract", True, State.PARTIAL, -9), ("Freesia", "campaign", True, State.PARTIAL, 1),
    ("Gentian", "contract", True, State.CONTRADICTED, -9), ("Heather", "campaign", False, State.CONTRADICTED, 1),
    ("Iris", "contract", False, State.COMPLETED, 1),
)  # fmt: skip


def agreements_that_ended() -> Read:
    """What is said of each end that concerns a line: whose act it was, what was signed, and what is late."""
    line, now = a_line(), timezone.now()
    for n, (name, of, by_term, signed, late) in enumerate(ENDS):
        contract = a_contract(a_party(f"{name} Link"))
        use = a_campaign(contract, a_party(f"{name} Aid", "lbs_provider"))
        an_approval(line, use, at=now - 90 * DAY)
        name_lines(pairs=[(line.pk, contract.aggregator_id)])
        cohort = a_cohort(
            use, at=now - (12 + n) * DAY, of=of, target_id=use.pk if of == "campaign" else contract.pk,
            complete_by=now - late * DAY, actor=BY_TERM if by_term else "officer:1", index_token=an_index(),
        )  # fmt: skip
        if signed:
            partial = signed == State.PARTIAL
            sign_end(cohort, at=now - 3 * DAY, state=State.PARTIAL if partial else State.COMPLETED)
        if signed == State.CONTRADICTED:
            path = (contract.aggregator.uri, use.lbs_provider.uri)
            used = Use(line.pk, contract.aggregator_id, path, use.purpose, use.scope, now - DAY, use.ref)
            assert mark_contradicted_ends(uses=[used], at=now) == 1
    yield "history where agreements ended", told(signed_in(line).get("/history/"), "form")
