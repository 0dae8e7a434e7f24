"""Whatever a file or a partner writes into a field of free text is shown as text, to subscribers and to officers."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Line
from partners.models import Campaign, Contract, Party
from tests.feeds import (
    BRIDGE,
    ROAD,
    ROADSIDE,
    Row,
    approval_row,
    choice_row,
    line_row,
    parties_document,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
    take_releases,
)
from tests.people import sign_in
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")

# What would run, break out, or be filled in, were it not escaped; each holds the mark by which it is found.
MARK = "zqx"
HOSTILE = (
    f"<script>{MARK}()</script>", f'"><img src=x onerror={MARK}()>', f"'-{MARK}()-' onmouseover={MARK}() x='",
    f"{{{{ 7*7 }}}}{{% debug %}}${{{MARK}}}%({MARK})s", f"</title></textarea></script><svg/onload={MARK}()>",
    f"javascript:{MARK}()//\u202e\u2028\u0085\x7f",
    f"<!--<b>{MARK}</b>--><a href='https://evil.example/{MARK}'>here</a>",
)  # fmt: skip
EVERYTHING = " ".join(HOSTILE)[:900]


class Elements(HTMLParser):
    """Finds elements and attributes in which the mark stands where a browser would act on it."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.seen = 0
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        for name, value in attrs:
            if MARK not in (value or "") and MARK not in name:
                continue
            self.seen += 1
            acts = name.startswith("on") or name in {"src", "style", "action", "srcdoc", "formaction"} or MARK in name
            leads = name == "href" and not (value or "").startswith(("/", "?", "#", "https://"))
            if acts or leads:
                self.wrong.append(f"<{tag} {name}={value}>")
        if tag in {"svg", "img"} and any(MARK in (value or "") for name, value in attrs if name.startswith("on")):
            self.wrong.append(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        if MARK in data:
            self.seen += 1
            if self._inside in {"script", "style"}:
                self.wrong.append(f"inside <{self._inside}>: {data[:80]}")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.wrong.append(f"a comment: {data[:80]}")


def looked_at(page: str) -> Elements:
    found = Elements()
    found.feed(page)
    if f"<script>{MARK}" in page or re.search(rf"<(img|svg)[^>]*{MARK}", page) or "49${" in page:
        found.wrong.append("raw")
    return found


def hostile_parties() -> dict[str, list[Row]]:
    document = parties_document()
    for party, text in zip(document["parties"], HOSTILE, strict=False):
        party |= {"name": text, "about": EVERYTHING, "website": f"javascript:{MARK}()"}
    for contract in document["contracts"]:
        contract |= {"purposes": [ROADSIDE, "dpv:IdentityVerification", EVERYTHING]}
    for campaign in document["campaigns"]:
        campaign |= {"description": EVERYTHING, "consent_flow": EVERYTHING}
    return document


@pytest.fixture
def line(settings: Settings) -> Line:
    """A line of which every field that somebody else writes is hostile."""
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", 0.0
    take_parties(hostile_parties())
    take_lines(line_row(holder_name=EVERYTHING, account_id=HOSTILE[0]))
    take_approvals(approval_row(id=HOSTILE[0], wording=EVERYTHING, evidence_ref=EVERYTHING, language="en"))
    take_releases(
        release_row(id=HOSTILE[1]),
        release_row(path=[BRIDGE, ROAD, HOSTILE[2]], purpose=HOSTILE[3], scope=HOSTILE[4], campaign=None),
        release_row(basis="legal_process", authority_ref=EVERYTHING, campaign=None, path=[BRIDGE]),
        release_row(campaign=HOSTILE[5], outcome="refused", decision_id=HOSTILE[0]),
    )
    take_choices(
        choice_row(id=HOSTILE[6], scope="party", ref=ROAD, program=EVERYTHING, channel="paper"),
        choice_row(scope="party", ref=HOSTILE[2]),
        choice_row(scope="purpose", ref=HOSTILE[3]),
        choice_row(scope="campaign", ref=HOSTILE[5]),
    )
    return Line.objects.get()


def pages_of(client: Client, paths: list[str]) -> dict[str, Elements]:
    found = {}
    for path in paths:
        answer = client.get(path)
        assert (path, answer.status_code) == (path, 200)
        found[path] = looked_at(answer.content.decode())
    return found


def test_a_subscriber_sees_it_as_text(line: Line) -> None:
    client = sign_in(line).client
    links = {
        link
        for path in ("/home/", "/history/", "/choices/", "/lines/", "/access-log/")
        for link in re.findall(r'href="(/(?:companies|choices)/[^"?#]+/)"', client.get(path).content.decode())
        if "pdf" not in link
    }
    assert (len(links), sum("companies" in link for link in links)) == (5, 1)
    pages = ["/home/", "/history/", "/choices/", "/lines/", "/access-log/", "/settings/", "/transparency/", "/help/"]
    shown = pages_of(client, [*pages, *sorted(links)])
    assert {path: one.wrong for path, one in shown.items() if one.wrong} == {}
    assert sum(one.seen for one in shown.values()) > 20


def test_an_officer_sees_it_as_text(line: Line) -> None:
    officer = staff().client
    lists = [
        "", "parties/", "contracts/", "campaigns/", "purposes/", "streams/", "search/?q=zqx", "clients/", "exports/",
    ]  # fmt: skip
    details = [
        *(f"parties/{one.pk}/" for one in Party.objects.exclude(uri="unknown")),
        *(f"contracts/{one.pk}/" for one in Contract.objects.all()),
        *(f"campaigns/{one.pk}/" for one in Campaign.objects.all()),
        *(f"suspend/party/{one.pk}/" for one in Party.objects.filter(uri=ROAD)),
    ]
    shown = pages_of(officer, [f"/admin/{path}" for path in [*lists, *details]])
    assert {path: one.wrong for path, one in shown.items() if one.wrong} == {}
    assert sum(one.seen for one in shown.values()) > 20


@pytest.mark.parametrize("text", HOSTILE)
def test_the_look_itself_finds_what_is_not_escaped(text: str) -> None:
    harmless = looked_at(f"<p>{text.replace('<', '&lt;')}</p>")
    assert (harmless.wrong, harmless.seen > 0) == ([], True)


def test_the_look_itself_can_fail() -> None:
    assert looked_at(f"<p>{HOSTILE[0]}</p>").wrong
    assert looked_at(f'<a title="{HOSTILE[1]}">').wrong
    assert looked_at(f'<a href="{HOSTILE[5]}">x</a>').wrong
    assert looked_at(f"<p>{HOSTILE[6]}</p>").wrong
