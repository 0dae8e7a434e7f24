"""The receipt of a choice on its page, on paper, as a file, by mail: what was chosen, and what each partner signed."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet
from pypdf import PdfReader
from pytest_django import DjangoDbBlocker

from accounts.models import Line
from accounts.workers import email_outbox
from consent.models import Choice, ChoiceReceipt
from tests.people import Browser, number_of, signed_in
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import Part, assert_reads, main, press
from tests.words.partners import Market, Partner
from tests.words.worlds import (
    DAY,
    HOUR,
    MINUTE,
    a_line_dealing_with,
    allow,
    choice_path,
    in_a_market,
    newest_choice,
    pause_everything,
    service_of,
    stop_by_phone,
    stop_everything,
)

pytestmark = pytest.mark.usefixtures("db")
# Whoever sets no name is called by the host.
CARRIER = "localhost"


@dataclass(frozen=True)
class Word:
    """What a partner signed, and when it came."""

    partner: Partner
    status: str
    token: str
    at: datetime

    @property
    def sentence(self) -> str:
        return {"in_progress": "signed_as_begun", "rejected": "signed_as_refused"}.get(self.status, "signed_as_done")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.token.encode()).hexdigest()


@dataclass(frozen=True)
class Far:
    """How far one partner is: a sentence of the table, its state, and the companies below it, by how they stand."""

    partner: Partner
    sentence: str
    state: str
    signed: Sequence[str] = ()
    missing: Sequence[str] = ()

    def words(self, say: Words) -> str:
        missing = say.counted("missing", len(self.missing), names=", ".join(self.missing)) if self.missing else ""
        return f"{say(self.sentence, party=self.partner.name)} {missing}".strip()

    @property
    def claim(self) -> dict[str, object]:
        return {
            "name": self.partner.name, "id": self.partner.party.uri, "state": self.state,
            "below": {
                "signed": [named(one) for one in self.signed], "reported": [],
                "not_signed": [named(one) for one in self.missing], "not_signed_unnamed": False,
            },
        }  # fmt: skip


def named(company: str) -> dict[str, str]:
    return {"name": company, "id": f"https://{company.replace(' ', '').lower()}.example"}


@dataclass
class Signed:
    """A stop of everything, first by phone and then signed for by some of its partners."""

    market: Market
    line: Line
    stop: Choice
    link: str
    words: list[Word]
    far: list[Far]


@pytest.fixture(scope="module")
def signed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Signed]:
    def build(market: Market) -> Signed:
        line, partners = a_line_dealing_with(market, "Ash Link", "Beech Link", "Cherry Link", "Damson Link")
        link = stop_by_phone(line, Browser())
        made = Signed(market, line, newest_choice(line), link, [], [])
        for partner in partners:
            partner.is_told()
        ash, beech, cherry, damson = partners
        signs(made, ash, "in_progress", HOUR)
        signs(made, beech, "rejected", 2 * HOUR)
        signs(made, ash, "completed", DAY)
        signs(made, cherry, "completed", 2 * DAY, whole=False)
        made.far += [
            Far(ash, "signed_that_it_deleted_your", "completed", signed=["Ash Maps"]),
            Far(beech, "refused_our_message_we", "rejected"),
            Far(cherry, "signed_for_a_part", "partial", missing=["Cherry Maps"]),
            Far(damson, "has_our_message_it", "acknowledged"),
        ]
        return made

    yield from in_a_market(django_db_blocker, build)


def signs(made: Signed, partner: Partner, status: str, after: timedelta, *, whole: bool = True) -> None:
    with time_machine.travel(made.stop.made_at + after, tick=False):
        below = [partner.signed_below(made.market.a_company(service_of(partner.name)))] if whole else []
        reason, actions = ("No.", ()) if status == "rejected" else ("", None)
        token = partner.signs(status, below=below if status == "completed" else (), reason=reason, actions=actions)
        made.words.append(Word(partner, status, token, timezone.now()))


def receipt_of(choice: Choice) -> ChoiceReceipt:
    return ChoiceReceipt.objects.get(choice_id=choice.id)


def opened(token: str) -> dict[str, Any]:
    """What a text of ours says, after its signature was checked by the keys that we publish."""
    keys = KeySet.import_key_set(Browser().client.get("/.well-known/jwks.json").json())
    return dict(jwt.decode(token, keys, algorithms=["ES256"]).claims)


def masked(choice: Choice) -> str:
    """The number that it is about, as a receipt has it."""
    return f"•••• ••{number_of(Line.objects.get(pk=choice.line_id))[-2:]}"


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def our_claims(choice: Choice, **more: object) -> dict[str, object]:
    """What our receipt says of a choice."""
    number = receipt_of(choice).number
    said = {
        "id": str(choice.id), "kind": choice.kind, "scope": choice.scope, "ref": choice.ref,
        "made_at": utc(choice.made_at), **more,
    }  # fmt: skip
    claims: dict[str, object] = {
        "iss": "http://localhost:8000", "iat": int(choice.made_at.timestamp()), "receipt": number,
        "carrier": CARRIER, "phone": masked(choice), "line": str(Line.objects.get(pk=choice.line_id).public_id),
        "choice": said,
    }  # fmt: skip
    return claims | ({"notice": choice.notice} if choice.notice else {})


def completion_claims(choice: Choice, word: Word) -> dict[str, object]:
    """Our own word that a confirmation came."""
    return {
        "iss": "http://localhost:8000",
        "iat": int(word.at.timestamp()),
        "receipt": receipt_of(choice).number,
        "completion": {
            "party": word.partner.party.uri,
            "status": "completed",
            "received_at": utc(word.at),
            "sha256": word.digest,
        },
    }


@dataclass(frozen=True)
class Facts:
    """What a receipt says of its choice, in names of the table."""

    title: str
    how: str


STOPPED = Facts("you_stopped_all", "by_phone")


def assert_page(browser: Browser, choice: Choice, facts: Facts, words: Sequence[Word], far: Sequence[Far]) -> None:
    """The whole page, in both languages, with each signed text checked for what it says."""
    receipt, path = receipt_of(choice), f"{choice_path(choice)}receipt/"
    for language in LANGUAGES:
        say = Words(language)
        with time_machine.travel(timezone.now(), tick=False):
            page, read_at = main(browser, path, language), timezone.now()
        until = [say("receipt_until"), say.moment(choice.until)] if choice.until else []
        signed: list[str] = [say("by_partners")] if words else []
        for word in words:
            ours = [say("our_word"), _shape(completion_claims(choice, word))] if word.status == "completed" else []
            signed += [word.partner.name, f"{say(word.sentence)}, {say.moment(word.at)}", word.token, *ours]
        expected = [
            say("back_to_choice"), say("receipt_title"), receipt.number,
            say("receipt_carrier"), CARRIER, say("receipt_phone"), masked(choice),
            say("receipt_choice"), say(facts.title),
            say("receipt_when"), both_clocks(say, choice, say.moment(choice.made_at)),
            *until, say("receipt_how"), say(facts.how),
            say("both_hold"), "PDF JSON",
            say("send_me"), say("email_address"), say("not_kept"), say("mail_it"), say("or_by_text"), say("text_me"),
            say("by_carrier"), receipt.token, *signed,
            say("how_far_each"), *(one.words(say) for one in far), say("as_of", second=say.second(read_at)),
            say("how_to_check"), say("check_by_keys"), say("check_by_program", number=receipt.number),
        ]  # fmt: skip
        known = {word.token for word in words} | {receipt.token}
        read = [_shape(opened(line)) if line.startswith("eyJ") and line not in known else line for line in page.lines]
        assert_reads(Part("main", children=[f"{line}\n" for line in read]), expected, language)


def both_clocks(say: Words, choice: Choice, moment: str) -> str:
    """When it was, in the zone of the line's state and in UTC."""
    exact = choice.made_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return say("moment_in_both", moment=moment, zone=say("pacific"), utc=exact)


def _shape(claims: dict[str, object]) -> str:
    return json.dumps(claims, sort_keys=True)


def assert_file(
    body: dict[str, Any], choice: Choice, words: Sequence[Word], far: Sequence[Far], **more: object
) -> None:
    """The whole file."""
    assert (body["receipt"], body["token"]) == (receipt_of(choice).number, receipt_of(choice).token)
    assert opened(body["token"]) == our_claims(choice, **more)
    held = [
        {**one, "completion": opened(one["completion"])} if "completion" in one else one
        for one in body["partner_receipts"]
    ]
    assert held == [
        {
            "party": word.partner.name, "status": word.status, "token": word.token,
            **({"completion": completion_claims(choice, word)} if word.status == "completed" else {}),
        }
        for word in words
    ]  # fmt: skip
    parts = {"receipt", "token", "partner_receipts"} | ({"partners", "standing"} if far else set())
    assert set(body) == parts | ({"partner_keys"} if words else set())
    if far:
        claims = [one.claim for one in far]
        stated = opened(body["standing"])
        as_of = stated.pop("as_of")
        assert (body["partners"], stated) == (
            claims, {
                "iss": "http://localhost:8000", "receipt": receipt_of(choice).number, "partners": claims,
                "iat": int(datetime.fromisoformat(as_of).timestamp()),
            },
        )  # fmt: skip
    if not words:
        return
    stated = opened(body["partner_keys"])
    assert stated["receipt"] == receipt_of(choice).number
    assert stated["confirmations"] == [{"party": word.partner.party.uri, "sha256": word.digest} for word in words]
    signers = {(word.partner.party.uri, word.partner.signer.kid) for word in words}
    assert {(key["party"], key["kid"]) for key in stated["keys"]} >= signers


def assert_paper(
    content: bytes, say: Words, choice: Choice, facts: Facts, words: Sequence[Word], far: Sequence[Far]
) -> dict[str, Any]:
    """The whole of what is printed. Returns the file inside."""
    receipt, pdf = receipt_of(choice), PdfReader(BytesIO(content))
    read = "".join(page.extract_text() for page in pdf.pages)
    lines = [
        " ".join(line.split()) for line in read.translate(dict.fromkeys(map(ord, "\u2066\u2068\u2069"))).split("\n")
    ]
    until = [f"{say('receipt_until')} {say.exact(choice.until)}"] if choice.until else []
    signed = [say("by_partners")] if words else []
    for word in words:
        signed += [word.partner.name, f"{say(word.sentence)}, {say.exact(word.at)}", f"SHA-256 {word.digest}"]
    expected = [
        "Whereabouts", say(facts.title), say("receipt", number=receipt.number),
        f"{say('receipt_carrier')} {CARRIER}", f"{say('receipt_phone')} {masked(choice)}",
        f"{say('receipt_when')} {both_clocks(say, choice, say.exact(choice.made_at))}", *until,
        f"{say('receipt_how')} {say(facts.how)}",
        say("by_carrier"), receipt.token, *signed,
        *([say("how_far_each")] if far else []), *(one.words(say) for one in far),
        say("how_to_check"), say("attached_inside"),
        f"uv run manage.py verify_receipt receipt-{receipt.number}.pdf --jwks jwks.json",
        f"{say('receipt', number=receipt.number)} 1 / 1",
    ]  # fmt: skip
    # Where a line ends on paper is the typesetter's.
    assert "".join("".join(lines).split()) == "".join("".join(expected).split()), read
    assert pdf.metadata is not None
    assert (pdf.metadata.title, pdf.metadata.subject) == (say("receipt", number=receipt.number), say(facts.title))
    ((name, (attached,)),) = pdf.attachments.items()
    assert name == f"receipt-{receipt.number}.json"
    return dict(json.loads(attached))


def printed(browser: Browser, path: str, language: str) -> bytes:
    browser.client.cookies["django_language"] = language
    content = browser.client.get(path).content
    assert isinstance(content, bytes)
    return content


def test_the_receipt_of_a_stop_says_who_signed_what_and_when(signed: Signed) -> None:
    stop, words, far = signed.stop, signed.words, signed.far
    with time_machine.travel(stop.made_at + 3 * DAY, tick=False):
        browser, path = signed_in(signed.line), choice_path(stop)
        assert_page(browser, stop, STOPPED, words, far)
        assert_file(browser.client.get(f"{path}receipt.json").json(), stop, words, far)
        for language in LANGUAGES:
            content = printed(browser, f"{path}receipt.pdf", language)
            assert_file(assert_paper(content, Words(language), stop, STOPPED, words, far), stop, words, far)


def test_behind_the_link_is_our_word_alone_and_no_company_s_name(signed: Signed) -> None:
    for language in LANGUAGES:
        say, browser = Words(language), Browser()
        content = printed(browser, f"{signed.link}receipt.pdf", language)
        facts = Facts("was_stopped_all", "by_phone")
        assert_file(assert_paper(content, say, signed.stop, facts, (), ()), signed.stop, (), ())
    assert_file(Browser().client.get(f"{signed.link}receipt.json").json(), signed.stop, (), ())


def test_the_receipt_of_a_pause_says_until_when(market: Market) -> None:
    line, (elm,) = a_line_dealing_with(market, "Elm Link")
    browser, facts = pause_everything(line), Facts("you_paused_all", "by_signed_in")
    pause = newest_choice(line)
    assert pause.until is not None
    far = [Far(elm, "the_message_to_is", "queued")]
    assert_page(browser, pause, facts, (), far)
    path, until = choice_path(pause), utc(pause.until)
    assert_file(browser.client.get(f"{path}receipt.json").json(), pause, (), far, until=until)
    for language in LANGUAGES:
        content = printed(browser, f"{path}receipt.pdf", language)
        assert_file(assert_paper(content, Words(language), pause, facts, (), far), pause, (), far, until=until)


def test_what_is_signed_later_belongs_to_the_stop_that_asked_and_to_no_yes(market: Market) -> None:
    line, (fig,) = a_line_dealing_with(market, "Fig Link")
    browser = stop_everything(line)
    first = newest_choice(line)
    allow(line, fig)
    yes = newest_choice(line)
    stop_everything(line)
    fig.is_told(after=timedelta(seconds=1))
    with time_machine.travel(yes.made_at + MINUTE, tick=False):
        word = Word(fig, "in_progress", fig.signs("in_progress"), timezone.now())
    far = [Far(fig, "has_our_message_it", "acknowledged")]
    for choice, words, asked in ((first, [word], far), (yes, [], [])):
        assert_file(browser.client.get(f"{choice_path(choice)}receipt.json").json(), choice, words, asked)


def test_a_receipt_is_mailed_with_both_files_and_the_page_says_so(signed: Signed) -> None:
    stop, words, far = signed.stop, signed.words, signed.far
    path, number = f"{choice_path(stop)}receipt/", receipt_of(stop).number
    with time_machine.travel(stop.made_at + 3 * DAY, tick=False):
        for language in LANGUAGES:
            say, browser = Words(language), signed_in(signed.line)
            press(browser, main(browser, path, language), say("mail_it"), to="ana@example.net")
            assert main(browser, path, language).lines[0] == say("mail_on_its_way", to="ana@example.net")
            press(browser, main(browser, path, language), say("text_me"))
            assert main(browser, path, language).lines[0] == say("text_on_its_way")
            mail.outbox.clear()
            email_outbox.deliver(now=timezone.now() + MINUTE)
            (letter,) = mail.outbox
            assert (letter.to, letter.subject) == (["ana@example.net"], say("mail_subject", number=number))
            assert letter.body == f"{say('mail_first', number=number)}\n\n{say('mail_second')}\n"
            (pdf_name, pdf, _), (json_name, file, _) = letter.attachments
            assert (pdf_name, json_name) == (f"receipt-{number}.pdf", f"receipt-{number}.json")
            assert_file(json.loads(file), stop, words, far)
            assert_paper(bytes(pdf), say, stop, STOPPED, words, far)
