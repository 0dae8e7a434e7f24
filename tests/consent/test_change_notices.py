"""Who is told of which change, by whom it was made: exactly the table of `docs/reference/notices.md`, one text each."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings as portal
from django.utils import timezone
from pytest_django import Settings

from accounts.actions.incoming_texts import refuse_texts
from accounts.actions.sms_outbox import enqueue_alerts, enqueue_text
from accounts.clients.texts import MemoryBackend
from accounts.models import AlertChoice, Line, Message
from accounts.primitives.sealing import unseal
from accounts.workers import sms_delivery
from audit.queries import database_clock
from consent.actions import system_stops
from consent.actions.choices import allow, pause, refuse
from consent.actions.choices import stop as say_stop
from consent.actions.records import FileApproval, FileChoice, record_file_approvals, record_file_choices
from consent.actions.without_account import stop_all_by_line
from consent.domain import change_notices
from consent.domain.change_notices import TOLD, Change
from consent.models import Choice
from consent.workers import expiry
from partners.models import Campaign
from tests.accounts.gateways import Refusing
from tests.factories import a_campaign, a_ledger_row, a_line, a_party
from tests.feeds import line_row, take_lines
from tests.people import number_of, sign_in_by_code, signed_in, texts_by_day, texts_to, user_of
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
DAY = timedelta(days=1)
DOCS = Path(__file__).parents[2] / "docs" / "reference" / "notices.md"
WEB = "web"


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign(provider=a_party("RoadAid", "lbs_provider"))


@pytest.fixture
def child() -> Line:
    line = a_line(account="A-1", role="minor")
    known_for_long(line)
    return line


@pytest.fixture
def holder() -> Line:
    return a_line(account="A-1")


def known_for_long(line: Line) -> None:
    Line.objects.filter(pk=line.pk).update(recorded_at=timezone.now() - 2 * DAY)


def file_choice(campaign: Campaign, kind: Choice.Kind = Choice.Kind.STOP) -> FileChoice:
    source = str(uuid.uuid4())
    return FileChoice(
        id=uuid.uuid4(), source_id=source, kind=kind, scope="campaign", ref=campaign.ref,
        made_at=database_clock() - timedelta(minutes=1), until=None, channel="ivr", program="", content_hash=b"",
    )  # fmt: skip


def file_approval(campaign: Campaign, verified_by: str = "carrier") -> FileApproval:
    return FileApproval(
        id=uuid.uuid4(), source_id=str(uuid.uuid4()), campaign=campaign.ref, method="sms",
        captured_at=database_clock() - timedelta(minutes=1), captured_by="https://roadaid.example", wording="Yes?",
        language="en", evidence_ref="ev-1", expires_at=None, verified_by=verified_by, content_hash=b"",
    )  # fmt: skip


def kinds(line: Line) -> list[str]:
    return [message.kind for message in Message.objects.filter(line=line).order_by("made_at")]


def said_by(actor: str, change: Change, line: Line, campaign: Campaign) -> None:
    """A choice of each kind, by whoever it is."""
    verbs: dict[Change, Callable[[], object]] = {
        Change.STOP: lambda: say_stop(line_id=line.pk, scope="all", actor=actor, channel=WEB),
        Change.DISPUTE: lambda: say_stop(
            line_id=line.pk, scope="campaign", ref=campaign.ref, reason="never_agreed", actor=actor, channel=WEB
        ),
        Change.PAUSE: lambda: pause(
            line_id=line.pk, scope="all", until=database_clock() + DAY, actor=actor, channel=WEB
        ),
        Change.REFUSE: lambda: refuse(line_id=line.pk, campaign=campaign.ref, actor=actor, channel=WEB),
        Change.ALLOW: lambda: allow(line_id=line.pk, campaign=campaign.ref, actor=actor, channel=WEB),
    }
    verbs[change]()


def not_heard(line: Line) -> set[str]:
    """Which kinds of texts this line is not sent, of all that there are."""
    with undone():
        Message.objects.all().delete()
        for kind in Message.Kind:
            enqueue_text(line_id=line.pk, kind=kind, words="Something.", at=timezone.now())
        return {*Message.Kind.values} - {*kinds(line)}


CHOSEN = [Change.STOP, Change.DISPUTE, Change.PAUSE, Change.REFUSE, Change.ALLOW]


@pytest.mark.parametrize(("who", "wanted"), [("holder", ["child"]), ("agent:7", ["staff"]), ("officer:7", ["staff"])])
def test_one_text_for_each_change_by_another(
    child: Line, holder: Line, campaign: Campaign, who: str, wanted: list[str]
) -> None:
    for line in (child, holder):
        sign_in_by_code(line)
    actor = {"holder": f"subscriber:{user_of(holder).pk}"}.get(who, who)
    # Nobody of staff allows: the database refuses it (promise 8).
    for change in CHOSEN[: -1 if actor == who else None]:
        before, had = len(MemoryBackend.outbox), len(kinds(child))
        said_by(actor, change, child, campaign)
        assert (kinds(child)[had:], kinds(holder)) == (wanted, []), change
        texts = MemoryBackend.outbox[before:]
        assert [text.msisdn for text in texts] == [number_of(child)] * len(wanted)
        said = " ".join(text.text for text in texts)
        assert not any(word in said for word in ("RoadAid", "GeoBridge", campaign.ref, "stop that"))
        assert all(f"{portal.BASE_URL}/home/" in text.text for text in texts)


def test_own_stops_of_one_minute_are_confirmed_by_one_text(child: Line, holder: Line, campaign: Campaign) -> None:
    browser = signed_in(child)
    Message.objects.all().delete()
    actor = f"subscriber:{user_of(child).pk}"
    for change in CHOSEN[:-1]:
        said_by(actor, change, child, campaign)
    assert (kinds(child), kinds(holder)) == (["confirmed"], [])
    assert [text.msisdn for text in MemoryBackend.outbox if "change you made" in text.text] == [number_of(child)]
    Message.objects.update(made_at=timezone.now() - timedelta(minutes=1, seconds=1))
    said_by(actor, Change.STOP, child, campaign)
    assert kinds(child) == ["confirmed", "confirmed"]
    ticked = r'name="(\w+)" id="id_\w+" checked'
    # All but the yearly link come to whoever chose nothing.
    unasked = set(re.findall(ticked, browser.get("/settings/").text))
    assert unasked == {"news", "reminders", "confirmations", "changes", "signed", "late", "asked"}
    page = browser.post("/settings/texts/", {"news": "on", "late": "on"}, follow=True).text
    assert set(re.findall(ticked, page)) == {"news", "late"}
    assert "Changed which alerts are sent by text" in browser.get("/access-log/").text
    Message.objects.all().delete()
    said_by(actor, Change.PAUSE, child, campaign)
    stop_all_by_line(line_id=child.pk, at=timezone.now())
    assert kinds(child) == []
    said_by("agent:7", Change.PAUSE, child, campaign)
    assert kinds(child) == ["staff"]
    assert not_heard(child) == {
        "confirmed", "stopped", "signal", "records", "pause_over", "lifeline", "invited", "signed", "yearly",
    }  # fmt: skip


def test_a_confirmation_keeps_nobody_from_hearing_what_others_did(child: Line, campaign: Campaign) -> None:
    """Not even in the same minute."""
    sign_in_by_code(child)
    said_by(f"subscriber:{user_of(child).pk}", Change.PAUSE, child, campaign)
    said_by("agent:7", Change.STOP, child, campaign)
    assert kinds(child) == ["confirmed", "staff"]


def test_a_line_in_confidence_gets_no_confirmation(holder: Line, campaign: Campaign) -> None:
    browser = signed_in(holder)
    browser.post("/lines/separation/", {"reach": "Call my sister."})
    said_by(f"subscriber:{user_of(holder).pk}", Change.STOP, holder, campaign)
    assert "confirmed" not in kinds(holder)
    AlertChoice.objects.create(line=holder, topic="yearly", wanted=True, chosen_at=timezone.now())
    assert not_heard(holder) == {"confirmed", "signed", "late", "yearly"}


def test_a_child_is_told_though_its_phone_texted_stop(child: Line, holder: Line, campaign: Campaign) -> None:
    """Whoever had the phone for a minute can't turn it off."""
    sign_in_by_code(holder)
    refuse_texts(line_id=child.pk, at=timezone.now())
    said_by(f"subscriber:{user_of(holder).pk}", Change.ALLOW, child, campaign)
    assert kinds(child) == ["child"]
    # So is a line of their own that they don't sign in by.
    tablet = a_line(role="user")
    said_by(f"subscriber:{user_of(holder).pk}", Change.STOP, tablet, campaign)
    assert kinds(tablet) == ["child"]
    assert not_heard(child) == {
        "confirmed", "stopped", "signal", "records", "pause_over", "lifeline", "invited", "signed", "yearly", "late",
        "reminder",
    }  # fmt: skip


def test_whoever_wants_no_news_is_told_that_they_are_a_child_no_longer() -> None:
    row = line_row(line_id="L-young", user_role="minor")
    take_lines(row)
    young = Line.objects.get(carrier_id="L-young")
    refuse_texts(line_id=young.pk, at=timezone.now())
    take_lines({**row, "user_role": "user"})
    assert kinds(young) == ["child"]
    (said,) = texts_to(number_of(young))
    assert "you alone decide about this phone's location" in said.text


def test_who_stops_by_the_phone_alone_is_told_once(child: Line, holder: Line) -> None:
    stop_all_by_line(line_id=child.pk, at=timezone.now())
    assert (kinds(child), kinds(holder)) == (["stopped"], [])


def test_the_end_of_a_pause_is_told_once(child: Line, holder: Line, campaign: Campaign) -> None:
    sign_in_by_code(child)
    until = database_clock() + DAY
    pause(line_id=child.pk, scope="all", until=until, actor=f"subscriber:{user_of(child).pk}", channel=WEB)
    assert [expiry.end_pauses(now=until + DAY) for _ in range(2)] == [1, 0]
    assert (kinds(child), kinds(holder)) == (["confirmed", "pause_over"], [])


def test_pause_that_was_over_when_it_came_is_not_told(child: Line) -> None:
    now = database_clock()
    a_ledger_row(child, "pause", at=now - 3 * DAY, until=now + DAY)
    expiry.end_pauses(now=now + 2 * DAY)
    assert kinds(child) == ["pause_over"]
    other = a_line()
    record_file_choices(
        by_line={
            other.pk: [
                FileChoice(
                    id=uuid.uuid4(), source_id="old", kind=Choice.Kind.PAUSE, scope="all", ref="",
                    made_at=now - 3 * DAY, until=now - 2 * DAY, channel="ivr", program="", content_hash=b"",
                )
            ]
        },
        actor="import:choices",
    )  # fmt: skip
    assert (expiry.end_pauses(now=now), kinds(other)) == (1, [])


def test_files_are_told_once_a_day_however_many_rows(child: Line, holder: Line, campaign: Campaign) -> None:
    for _ in range(2):
        record_file_choices(by_line={child.pk: [file_choice(campaign)]}, actor="import:choices")
        record_file_approvals(by_line={child.pk: [file_approval(campaign)]}, actor="import:approvals")
    assert (kinds(child), kinds(holder)) == (["records"], [])
    Message.objects.update(made_at=timezone.now() - DAY - timedelta(minutes=1))
    record_file_approvals(by_line={child.pk: [file_approval(campaign)]}, actor="import:approvals")
    assert kinds(child) == ["records", "records"]


def test_who_wants_no_news_is_told_of_no_file_and_still_of_a_new_number(child: Line, campaign: Campaign) -> None:
    refuse_texts(line_id=child.pk, at=timezone.now())
    record_file_choices(by_line={child.pk: [file_choice(campaign)]}, actor="import:choices")
    assert kinds(child) == []
    enqueue_alerts(line_ids=[child.pk], kind=Message.Kind.NUMBER, words=lambda _: "A new number.", at=timezone.now())
    assert kinds(child) == ["number"]


def test_what_files_bring_on_lines_first_day_is_no_change(campaign: Campaign) -> None:
    fresh = a_line()
    record_file_choices(by_line={fresh.pk: [file_choice(campaign)]}, actor="import:choices")
    record_file_approvals(by_line={fresh.pk: [file_approval(campaign)]}, actor="import:approvals")
    assert kinds(fresh) == []


def test_a_claim_changes_nothing_and_tells_nobody(child: Line, campaign: Campaign) -> None:
    record_file_approvals(by_line={child.pk: [file_approval(campaign, "partner")]}, actor="client:x")
    assert kinds(child) == []


def test_a_new_number_is_told_to_the_new_number() -> None:
    take_lines(line_row())
    line = Line.objects.get(carrier_id="L1")
    known_for_long(line)
    changed = (timezone.now() - timedelta(hours=1)).astimezone(UTC).isoformat()
    take_lines(line_row(msisdn="+12065550143", number_changed_at=changed))
    assert unseal(Message.objects.get(line=line, kind="number").to_sealed) == "+12065550143"


def test_the_portal_tells_of_its_own_stop(child: Line, campaign: Campaign) -> None:
    at = database_clock()
    system_stops.stop_company(
        line_id=child.pk, party="https://roadaid.example", after=at, actor="system:anomalies", at=at
    )
    assert kinds(child) == ["suspended"]


@pytest.mark.parametrize(
    ("language", "stopped", "by_us", "by_staff"),
    [
        (
            "en",
            (
                "localhost: all sharing of this phone's location is now off. Services like roadside help can't find"
                " you until the account holder allows them again. 911 still can. To see this, sign in: "
            ),
            (
                "localhost: our records show that a company looked up this phone's location when it shouldn't have."
                " It gets nothing more unless the account holder allows it. To see what happened, sign in: "
            ),
            (
                "localhost: our staff changed who may get this phone's location. Someone who proved they have this"
                " phone asked for it. To see what changed, sign in: "
            ),
        ),
        (
            "es",
            (
                "localhost: ya no damos a ninguna empresa el lugar de este teléfono. Servicios como el auxilio vial no"
                " le encuentran hasta que el titular de la cuenta lo permita. El 911 le sigue encontrando. Para ver"
                " esto, entre: "
            ),
            (
                "localhost: nuestros registros muestran que una empresa ha localizado este teléfono sin deber hacerlo."
                " No recibe nada hasta que el titular de la cuenta lo permita. Para ver qué ha pasado, entre: "
            ),
            (
                "localhost: nuestro personal ha cambiado quién puede localizar este teléfono. Lo ha pedido alguien que"
                " ha mostrado que lo tiene. Para ver qué ha cambiado, entre: "
            ),
        ),
    ],
)
def test_a_child_is_promised_nothing_that_only_the_account_holder_can_do(
    child: Line, campaign: Campaign, language: str, stopped: str, by_us: str, by_staff: str
) -> None:
    Line.objects.filter(pk=child.pk).update(language=language)
    at = database_clock()
    system_stops.stop_company(line_id=child.pk, party=campaign.lbs_provider.uri, after=at, actor="system:x", at=at)
    said_by("agent:7", Change.DISPUTE, child, campaign)
    change_notices.answer_stop(line_id=child.pk, at=timezone.now())
    said = {text.text for text in texts_by_day(number_of(child))}
    home, choices = f"{portal.BASE_URL}/home/", f"{portal.BASE_URL}/choices/"
    assert said == {f"{by_us}{home}", f"{by_staff}{home}", f"{stopped}{choices}"}


def test_a_dead_gateway_delays_no_choice_and_loses_no_text(
    child: Line, holder: Line, campaign: Campaign, settings: Settings
) -> None:
    sign_in_by_code(holder)
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    Refusing.tried.clear()
    for n, change in enumerate(CHOSEN, start=1):
        said_by(f"subscriber:{user_of(holder).pk}", change, child, campaign)
        assert (Choice.objects.filter(line_id=child.pk).count(), len(Refusing.tried)) == (n, n)
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    assert sms_delivery.deliver(now=timezone.now() + timedelta(minutes=1)) == len(CHOSEN)
    assert len(texts_to(number_of(child))) == len(CHOSEN)


def test_texts_of_files_wait_for_day(child: Line, campaign: Campaign) -> None:
    night = datetime(2094, 1, 1, 11, tzinfo=UTC)  # three o'clock in Washington State
    change_notices.notify_of_imported_changes(line_ids=[child.pk], change=Change.RECORDS, at=night)
    assert (Message.objects.get().next_at - night) == timedelta(hours=5)


def documented() -> dict[tuple[str, str], str]:
    listed = DOCS.read_text().partition("## Which change")[2].partition("\n## ")[0]
    rows = re.findall(r"^- ([a-z_, ]+): (.+)$", listed, re.MULTILINE)
    changes = [(change, texts) for names, texts in rows for change in names.split(", ")]
    assert sorted(change for change, _ in changes) == sorted(Change)
    return {(change, who): kind for change, texts in changes for who, kind in re.findall(r"(\w+) `(\w+)`", texts)}


def test_the_guide_says_what_the_code_does() -> None:
    assert documented() == {(change.value, who.value): kind.value for (change, who), kind in TOLD.items()}
