"""The receipt of a choice on its page, on paper, as a file, by mail: what was chosen, and what each partner signed."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet
from pypdf import PdfReader
from pytest_django import DjangoDbBlocker

from accounts.models import Line
from accounts.workers import email_outbox
from consent.models import Choice, ChoiceReceipt
from disclosures import tasks
from partners.domain import keys
from partners.models import PartnerKeySet, SigningKey
from partners.workers import rotation
from tests.clocks import Clock
from tests.partners.outside import Signer
from tests.people import Browser, number_of, signed_in
from tests.words.exact import Pages, as_before
from tests.words.expected import LANGUAGES
from tests.words.pages import main, press, read
from tests.words.partners import Market, Partner, claims_of
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

pytestmark = pytest.mark.usefixtures("db", "clock")
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
    def digest(self) -> str:
        return hashlib.sha256(self.token.encode()).hexdigest()


@dataclass(frozen=True)
class Far:
    """How far one partner is: its state, and the companies below it, by how they stand."""

    partner: Partner
    state: str
    signed: Sequence[str] = ()
    missing: Sequence[str] = ()

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
def signed(standing: Clock, django_db_blocker: DjangoDbBlocker) -> Iterator[Signed]:
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
            Far(ash, "completed", signed=["Ash Maps"]),
            Far(beech, "rejected"),
            Far(cherry, "partial", missing=["Cherry Maps"]),
            Far(damson, "acknowledged"),
        ]
        return made

    yield from in_a_market(django_db_blocker, build)


def signs(made: Signed, partner: Partner, status: str, after: timedelta, *, whole: bool = True) -> None:
    with time_machine.travel(made.stop.made_at + after, tick=False):
        below = [partner.signed_below(made.market.a_company(service_of(partner.name)))] if whole else []
        reason, actions = ("No.", ()) if status == "rejected" else ("", None)
        token = partner.signs(status, below=below if status == "completed" else (), reason=reason, actions=actions)
        made.words.append(Word(partner, status, token, timezone.now()))


def progress(browser: Browser, choice: Choice) -> list[str]:
    """The partners that the page of a choice tells of."""
    return [one.words for one in main(browser, choice_path(choice)).all("h3")]


def receipt_of(choice: Choice) -> ChoiceReceipt:
    return ChoiceReceipt.objects.get(choice_id=choice.id)


def opened(token: str) -> dict[str, Any]:
    """What a text of ours says, after its signature was checked by the keys that we publish."""
    published = KeySet.import_key_set(Browser().client.get("/.well-known/jwks.json").json())
    return dict(jwt.decode(token, published, algorithms=["ES256"]).claims)


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
        "made_at": utc(choice.made_at), **({"until": utc(choice.until)} if choice.until else {}), **more,
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
    assert stated["confirmations"] == [
        {"party": word.partner.party.uri, "name": word.partner.name, "sha256": word.digest} for word in words
    ]
    signers = {(word.partner.party.uri, word.partner.signer.kid) for word in words}
    assert {(key["party"], key["kid"]) for key in stated["keys"]} >= signers


def assert_paper(
    pages: Pages, title: str, content: bytes, choice: Choice, words: Sequence[Word] = (), far: Sequence[Far] = (),
    **more: object,
) -> None:  # fmt: skip
    """What is printed says what it said, and the file inside is the whole file."""
    receipt, pdf = receipt_of(choice), PdfReader(BytesIO(content))
    read = "".join(page.extract_text() for page in pdf.pages).translate(dict.fromkeys(map(ord, "\u2066\u2068\u2069")))
    # Where a line ends on paper is the typesetter's.
    for known in (receipt.token, *(word.digest for word in words)):
        read, n = re.subn(r"\s*".join(map(re.escape, known)), "‹signed›", read)
        assert n == 1
    assert len(pdf.pages) == 1
    assert pdf.metadata is not None
    pages.say(title, "\n".join((pdf.metadata.title or "", pdf.metadata.subject or "", read)))
    ((name, (attached,)),) = pdf.attachments.items()
    assert name == f"receipt-{receipt.number}.json"
    assert_file(json.loads(attached), choice, words, far, **more)


def printed(browser: Browser, path: str, language: str) -> bytes:
    browser.client.cookies["django_language"] = language
    content = browser.client.get(path).content
    assert isinstance(content, bytes)
    return content


def test_a_stop_s_receipt_says_who_signed_what(signed: Signed) -> None:
    stop, words, far = signed.stop, signed.words, signed.far
    with as_before("a_receipt") as pages, time_machine.travel(stop.made_at + 3 * DAY, tick=False):
        browser, path = signed_in(signed.line), choice_path(stop)
        pages.look("page", browser, f"{path}receipt/")
        shown = {line for line in main(browser, f"{path}receipt/").lines if line.startswith("eyJ")}
        known = {word.token for word in words} | {receipt_of(stop).token}
        assert known <= shown
        done = [completion_claims(stop, word) for word in words if word.status == "completed"]
        assert all(opened(one) in done for one in shown - known)
        assert len(shown - known) == len(done)
        assert_file(browser.client.get(f"{path}receipt.json").json(), stop, words, far)
        for language in LANGUAGES:
            content = printed(browser, f"{path}receipt.pdf", language)
            assert_paper(pages, f"paper ({language})", content, stop, words, far)


def test_behind_the_link_is_our_word_alone(signed: Signed) -> None:
    with as_before("a_receipt_behind_the_link") as pages:
        for language in LANGUAGES:
            content = printed(Browser(), f"{signed.link}receipt.pdf", language)
            assert_paper(pages, f"paper ({language})", content, signed.stop)
    assert_file(Browser().client.get(f"{signed.link}receipt.json").json(), signed.stop, (), ())


def test_the_receipt_of_a_pause_says_until_when(market: Market) -> None:
    line, (elm,) = a_line_dealing_with(market, "Elm Link")
    browser, pause = pause_everything(line), newest_choice(line)
    assert pause.until is not None
    # What is allowed meanwhile is told to one that had nothing before, and so owes nothing.
    allow(line, market.a_partner("Gum Link", service="Gum Maps"))
    tasks.rejudge()
    assert len(progress(browser, pause)) == 2
    far, path, until = [Far(elm, "queued")], choice_path(pause), utc(pause.until)
    assert_file(browser.client.get(f"{path}receipt.json").json(), pause, (), far, until=until)
    with as_before("a_receipt_of_a_pause") as pages:
        pages.look("page", browser, f"{path}receipt/")
        for language in LANGUAGES:
            content = printed(browser, f"{path}receipt.pdf", language)
            assert_paper(pages, f"paper ({language})", content, pause, (), far, until=until)


def test_a_later_signature_belongs_to_the_stop_that_asked(market: Market) -> None:
    line, (fig,) = a_line_dealing_with(market, "Fig Link")
    browser = stop_everything(line)
    first = newest_choice(line)
    allow(line, fig)
    yes = newest_choice(line)
    stop_everything(line)
    fig.is_told(after=timedelta(seconds=1))
    with time_machine.travel(yes.made_at + MINUTE, tick=False):
        word = Word(fig, "in_progress", fig.signs("in_progress"), timezone.now())
    for choice, words, asked in ((first, [word], [Far(fig, "acknowledged")]), (yes, [], [])):
        assert_file(browser.client.get(f"{choice_path(choice)}receipt.json").json(), choice, words, asked)
    # How far partners are with one choice says nothing of another.
    mine, other = (browser.client.get(f"{choice_path(one)}receipt.json").json() for one in (first, newest_choice(line)))
    mixed = mine | {name: other[name] for name in ("standing", "partners")}
    assert [told_of(json.dumps(one).encode()) for one in (mine, mixed)] == [GENUINE, CHANGED]


def test_a_receipt_is_mailed_with_both_files(signed: Signed) -> None:
    stop, words, far = signed.stop, signed.words, signed.far
    path, number = f"{choice_path(stop)}receipt/", receipt_of(stop).number
    with as_before("a_receipt_by_mail") as pages, time_machine.travel(stop.made_at + 3 * DAY, tick=False):
        for language, mails, texts in (
            ("en", "E-mail the receipt", "Text me a link"), ("es", "Enviarlo por correo", "Enviarme un enlace"),
        ):  # fmt: skip
            browser = signed_in(signed.line)
            said = []
            for button, filled in ((mails, {"to": "ana@example.net"}), (texts, {})):
                press(browser, main(browser, path, language), button, **filled)
                said.append(main(browser, path, language).lines[0])
            mail.outbox.clear()
            email_outbox.deliver(now=timezone.now() + MINUTE)
            (letter,) = mail.outbox
            assert letter.to == ["ana@example.net"]
            pages.say(f"told ({language})", "\n".join((*said, str(letter.subject), str(letter.body))))
            (pdf_name, pdf, _), (json_name, file, _) = letter.attachments
            assert (pdf_name, json_name) == (f"receipt-{number}.pdf", f"receipt-{number}.json")
            assert_file(json.loads(file), stop, words, far)
            assert_paper(pages, f"paper ({language})", bytes(pdf), stop, words, far)


def check(name: str, content: bytes, language: str = "en") -> tuple[int, str]:
    """What a stranger is told of a file."""
    browser = Browser()
    browser.client.cookies["django_language"] = language
    answer = browser.client.post("/check-a-receipt/", {"file": SimpleUploadedFile(name, content)})
    return answer.status_code, answer.content.decode()


GENUINE = "This receipt is genuine"
NO_RECEIPT = (
    "This file proves nothing It is not one of our receipts, or we can't read it. Choose the PDF or the JSON file as "
    "it was downloaded. A photo or a scan can't be checked."
)
CHANGED = (
    "This file proves nothing We did not sign it like this: something in it was changed, or someone else made it. Ask "
    "the person who gave it to you for the file as it was downloaded."
)


def told_of(content: bytes) -> str:
    """What stands first of a file: that it is genuine, or why it proves nothing."""
    status, page = check("receipt.json", content)
    assert status == 200, content[:20]
    heading, words = read(page).one("main").lines[1:3]
    return heading if heading == GENUINE else f"{heading} {words}"


def test_anyone_reads_what_a_receipt_proves(signed: Signed) -> None:
    stop = signed.stop
    with as_before("a_receipt_is_checked") as pages, time_machine.travel(stop.made_at + 3 * DAY, tick=False):
        browser = signed_in(signed.line)
        files = {kind: browser.client.get(f"{choice_path(stop)}receipt.{kind}").content for kind in ("json", "pdf")}
        for language in LANGUAGES:
            status, page = check("receipt.json", files["json"], language)
            assert status == 200
            pages.keep(f"json ({language})", page)
        assert (
            read(check("receipt.pdf", files["pdf"])[1]).one("main").lines
            == read(check("receipt.json", files["json"])[1]).one("main").lines
        )


def test_what_was_changed_or_is_no_receipt_proves_nothing(signed: Signed) -> None:
    token = receipt_of(signed.stop).token
    head, claims, signature = token.split(".")
    changed = f"{head}.{claims[:-2]}{'AA' if claims[-2:] != 'AA' else 'BB'}.{signature}"
    with as_before("a_receipt_that_proves_nothing") as pages:
        for language in LANGUAGES:
            for title, file in (("changed", changed), ("no receipt", "%PDF-1.7 of something else")):
                status, page = check("receipt.json", file.encode(), language)
                assert status == 200
                pages.keep(f"{title} ({language})", page)
    deep = b'{"token": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    for content in (
        b"[]",
        b"{}",
        b'{"token": 7}',
        b"\xff\xfe",
        deep,
        b"%PDF-",
        b"7",
        b"Dear Ana,\nhere is my receipt.",
    ):
        assert told_of(content) == NO_RECEIPT, content[:20]
    for content in (token.encode() + b".x", token[:60].encode()):
        assert told_of(content) == CHANGED, content[:20]


def file_of(signed: Signed) -> dict[str, Any]:
    with time_machine.travel(signed.stop.made_at + 3 * DAY, tick=False):
        return dict(signed_in(signed.line).client.get(f"{choice_path(signed.stop)}receipt.json").json())


def test_our_word_on_confirmations_is_no_receipt_of_a_choice(signed: Signed) -> None:
    file = file_of(signed)
    (completion, *_) = [one["completion"] for one in file["partner_receipts"] if "completion" in one]
    for word in (completion, file["partner_keys"], file["standing"]):
        assert told_of(word.encode()) == NO_RECEIPT


def test_what_stands_beside_a_confirmation_is_what_was_signed(signed: Signed) -> None:
    """Nor is one left out, or there twice in another's place."""
    file = file_of(signed)
    first, second, *others = file["partner_receipts"]
    changed: dict[str, list[dict[str, Any]]] = {
        "another company": [first | {"party": second["party"]}, second, *others],
        "another status": [first | {"status": "rejected"}, second, *others],
        "one left out": [second, *others],
        "one in another's place": [second, second, *others],
        "none": [],
    }
    assert told_of(json.dumps(file).encode()) == GENUINE
    for how, held in changed.items():
        assert told_of(json.dumps(file | {"partner_receipts": held}).encode()) == CHANGED, how
    # Files from before names were signed stay genuine.
    stated = opened(file["partner_keys"])
    for one in stated["confirmations"]:
        del one["name"]
    before = file | {"partner_keys": keys.signer(use=SigningKey.Use.RECEIPT).sign(stated)}
    assert told_of(json.dumps(before).encode()) == GENUINE


def test_what_is_signed_about_something_else_proves_nothing(signed: Signed) -> None:
    file, ours = file_of(signed), keys.signer(use=SigningKey.Use.RECEIPT)
    held = next(one for one in file["partner_receipts"] if "completion" in one)
    said, stated, party = opened(held["completion"]), opened(file["partner_keys"]), signed.words[0].partner
    other = {"party": "https://other.example", "sha256": "0" * 64}

    def proves(**changed: object) -> str:
        return told_of(json.dumps(file | changed).encode())

    def with_completion(claims: dict[str, object]) -> str:
        received = [one | {"completion": ours.sign(claims)} if one == held else one for one in file["partner_receipts"]]
        return proves(partner_receipts=received)

    def with_confirmation_of(issuer: str) -> str:
        token = party.signer.sign(claims_of(file["partner_receipts"][0]["token"]) | {"iss": issuer})
        about = {"party": party.party.uri, "sha256": hashlib.sha256(token.encode()).hexdigest()}
        known = stated | {"confirmations": [about, *stated["confirmations"][1:]]}
        received = [{"token": token}, *file["partner_receipts"][1:]]
        return proves(partner_receipts=received, partner_keys=ours.sign(known))

    genuine = [with_completion(said), with_confirmation_of(party.party.uri)]
    assert genuine == [GENUINE] * 2
    changed = [with_completion(said | {"receipt": "WB-2222-22"}), with_confirmation_of("https://other.example")]
    changed += [with_completion(said | {"completion": said["completion"] | {one: other[one]}}) for one in other]
    changed += [proves(partner_keys=ours.sign(stated | {"receipt": "WB-2222-22"}))]
    changed += [proves(standing=ours.sign(opened(file["standing"]) | {"receipt": "WB-2222-22"}))]
    changed += [proves(partner_receipts=file["partner_receipts"] * 2), proves(receipt="WB-2222-22")]
    assert changed == [CHANGED] * 8


def test_a_missing_an_empty_and_a_huge_file_are_refused() -> None:
    answers = [
        Browser().client.post("/check-a-receipt/", data)
        for data in (
            {},
            {"file": SimpleUploadedFile("receipt.json", b"")},
            {"file": SimpleUploadedFile("receipt.pdf", b"%PDF-" + bytes(2_000_000))},
        )
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400]
    said = (
        "Choose a file.",
        "This file is empty. Choose another.",
        "This file is too large for a receipt. Choose another.",
    )
    for answer, words in zip(answers, said, strict=True):
        assert words in read(answer.content.decode()).one("main").lines


def test_a_partner_that_speaks_for_others_is_read_so(market: Market) -> None:
    line, (grape,) = a_line_dealing_with(market, "Grape Link")
    browser = stop_everything(line)
    stop = newest_choice(line)
    grape.is_told()
    with time_machine.travel(stop.made_at + HOUR, tick=False):
        grape.signs("completed", below=[grape.said_below(market.a_company(service_of(grape.name)))])
        file = browser.client.get(f"{choice_path(stop)}receipt.json").content
    lines = read(check("receipt.json", file)[1]).one("main").lines
    assert [line for line in lines if "only its word" in line] == [
        (
            "Grape Link, 2051-06-14 20:00 UTC: It signed that it did this. For these companies there is "
            "only its word: Grape Maps."
        )
    ]


def test_a_receipt_stays_genuine_whatever_keys_its_signers_publish_later(market: Market) -> None:
    line, (grape,) = a_line_dealing_with(market, "Grape Link")
    service = market.a_company(service_of(grape.name))
    stop_everything(line)
    stop = newest_choice(line)
    grape.is_told()
    with time_machine.travel(stop.made_at + HOUR, tick=False):
        grape.signs("in_progress")
    # Its old key is published no more, and the new one has the old one's name.
    old = grape.signer
    grape.signer = _Renamed(old.kid, grape.party.uri)
    grape.signer.publish(grape.server)
    with time_machine.travel(stop.made_at + 26 * HOUR, tick=False):
        grape.signs("completed", below=[grape.signed_below(service)])
    with time_machine.travel(stop.made_at + 27 * HOUR, tick=False):
        # Officers move the addresses of both.
        PartnerKeySet.objects.all().delete()
        file = signed_in(line).client.get(f"{choice_path(stop)}receipt.json").json()
    page = read(check("receipt.json", json.dumps(file).encode())[1]).one("main")
    assert page.all("h2")[0].words == GENUINE
    assert [line for line in page.lines if line.startswith("Grape Link")] == [
        "Grape Link: It signed that it has started.",
        (
            "Grape Link, 2051-06-15 21:00 UTC: It signed that it did this. These companies that got your "
            "data from it signed too: Grape Maps."
        ),
    ]
    ours, stated = keys.signer(use=SigningKey.Use.RECEIPT), opened(file["partner_keys"])
    fewer = ours.sign(stated | {"keys": [one for one in stated["keys"] if one["party"] == service.party.uri]})
    page = read(check("receipt.json", json.dumps(file | {"partner_keys": fewer}).encode())[1]).one("main")
    assert page.lines[1:3] == [
        "We can't check all of this file",
        (
            "We made it, but we no longer have a key that a partner signed with. Contact us with the receipt's number: "
            "we can look it up in our records."
        ),
    ]


class _Renamed(Signer):
    """One whose key is called as another was."""

    def __init__(self, kid: str, uri: str) -> None:
        super().__init__(uri)
        self._kid = kid

    @property
    def kid(self) -> str:
        return self._kid


def test_each_kind_of_choice_is_named() -> None:
    signer = keys.signer(use=SigningKey.Use.RECEIPT)
    company, use = "https://ash.example", "CMP-1"
    named = {
        ("stop", "party", company): f"Stop sharing with {company}",
        ("stop", "purpose", "dpv:Advertising"): "Stop this use by every company: To show you ads",
        ("stop", "campaign", use): f"Stop one use by one company: {use}",
        ("pause", "all", ""): "Pause all sharing",
        ("pause", "party", company): f"Pause sharing with {company}",
        ("pause", "purpose", "dpv:Advertising"): "Pause this use by every company: To show you ads",
        ("pause", "campaign", use): f"Pause one use by one company: {use}",
        ("allow", "campaign", use): f"Allow one use by one company: {use}",
        ("refuse", "campaign", use): f"Refuse one use by one company: {use}",
    }
    read_as = {}
    for kind, scope, ref in named:
        claims = {"iss": "http://localhost:8000", "choice": {"kind": kind, "scope": scope, "ref": ref}}
        page = read(check("receipt.json", signer.sign(claims).encode())[1]).one("main")
        read_as[kind, scope, ref] = dict(page.pairs)["Choice"]
    assert read_as == named
    pause = {"kind": "pause", "scope": "all", "made_at": "2051-06-14T19:00:00Z", "until": "2051-06-16T19:00:00Z"}
    token = signer.sign({"iss": "http://localhost:8000", "choice": pause})
    page = read(check("receipt.json", token.encode())[1]).one("main")
    assert dict(page.pairs)["Until"] == "2051-06-16 19:00:00 UTC"


def test_a_receipt_by_a_withdrawn_key_proves_nothing() -> None:
    token = keys.signer(use=SigningKey.Use.RECEIPT).sign({"iss": "http://localhost:8000", "choice": {}})
    rotation.replace(
        uses=[SigningKey.Use.RECEIPT], emergency=True, actor="officer:7", reason="found in a log", now=timezone.now()
    )
    lines = read(check("receipt.json", token.encode())[1]).one("main").lines
    assert lines[1:3] == [
        "This file proves nothing",
        (
            "It was signed with a key that others may have known, so anyone could have made it. Contact us with the "
            "receipt's number: we can look it up in our records."
        ),
    ]
