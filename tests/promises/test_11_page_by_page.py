"""Promise 11, page by page: rows of the last days that are hidden change nothing that anybody can open or read."""

import io
import json
import re
import uuid
from datetime import timedelta
from difflib import unified_diff
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line
from audit.models import Incident
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.system_stops import enqueue_orders_for_newly_affected
from consent.models import Choice
from console.urls import ADDRESSES
from disclosures import tasks
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.models import Anomaly, Disclosure
from disclosures.workers import publishing
from partners.models import Contract, Party
from revocations.models import Order
from tests.feeds import (
    LINK,
    ROADSIDE,
    TRACK,
    Row,
    approval_row,
    line_row,
    ndjson,
    release_row,
    take_approvals,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
    taken,
    told,
)
from tests.people import signed_in, user_of
from tests.promises.hidden import FOREVER, GAGGED, HIDDEN, PLAIN
from tests.selection import EVERY_CELL, NIGHTLY, drawn
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")

ROWS: list[Row] = [
    *HIDDEN,
    {"id": "h-8", "path": [LINK, TRACK], "aggregator": LINK, "campaign": "CMP-track",
     "purpose": "dpv:IdentityVerification"},
    {"id": "h-9", "outcome": "refused", "path": [LINK, TRACK], "aggregator": LINK},
    {"id": "h-10"},
]  # fmt: skip
# What differs from one look to the next: tokens, and what the clock says.
MOVING = [
    (re.compile(pattern), to)
    for pattern, to in (
        (r'name="csrfmiddlewaretoken" value="[^"]*"', "csrf"),
        (r'nonce="[^"]*"', "nonce"),
        (r"csrf[A-Za-z]*: ?'[^']*'|\"X-CSRFToken\": ?\"[^\"]*\"", "csrf"),
        (r'"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"', '"now"'),
        (r'"(standing|partner_keys)": "[^"]*"', "signed now"),
        (r"seconds\S* [0-9.]+(e[+-]?\d+)?", "seconds"),
        (r'<time datetime="[^"]*">[^<]*</time>', "time"),
        (r"looked at \d\d:\d\d", "looked at"),
        (r"<bdi>\d+ (s|min)</bdi>", "for a while"),
        (r'o-short">\d+ min<', "for a while"),
        (r'"(oldest_due_s|unarchived_s|checkpoint_s)": ([0-9.]+|null)', "due"),
        (r"\d+[\xa0 ]minutes?", "for minutes"),
        # Nobody works here on what waits at the broker.
        (r"whereabouts_broker_tasks [0-9.]+", "tasks"),
    )
]
# Each look is itself written down there.
KEEPS_LOOKS = ("/access-log/", "/admin/trail/")
# Where hidden rows, and the orders that hide them, are kept, for nobody to read.
VAULTS = {"disclosures_release", "disclosures_delayednotice", "disclosures_disclosureregister",
          "disclosures_judgementchange", "disclosures_concealeddisclosure", "consent_tightening"}  # fmt: skip


@pytest.fixture(autouse=True)
def surroundings(settings: Settings) -> None:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    settings.METRICS_TOKEN = "t"
    # So that whatever is there is counted each time anew.
    settings.FIGURES_TO_THE_MINUTE = True


def days_ago(days: float) -> str:
    return (database_clock() - timedelta(days=days)).isoformat()


def by_day(days: float) -> str:
    """So many days ago, about noon where the line lives: a few nights make an anomaly of another kind."""
    return (database_clock() - timedelta(days=days)).replace(hour=20, minute=int(days % 1 * 60)).isoformat()


def hidden_rows() -> list[Row]:
    return [
        release_row(**{"msisdn": GAGGED, **row, "occurred_at": days_ago(n / 2 + 0.1)}) for n, row in enumerate(ROWS)
    ]


def hide(how: str) -> None:
    """Take the hidden rows in, with their order in the row, or with an order that came before them."""
    rows = hidden_rows()
    if how != "before the row":
        until = FOREVER if how == "in the row" else (database_clock() + timedelta(minutes=30)).isoformat()
        rows = [{**row, "suppressed_until": until} for row in rows]
    else:
        order = {"suppressed_until": None, "order_ref": "c", "awaited": True}
        take_notices(*(order | {"disclosure_id": row["id"]} for row in rows))
    fates = told(taken(DisclosuresFeed(gateway="gateway"), ndjson(rows)))
    assert fates == [("accepted",)] * len(rows)
    tasks.reveal()
    tasks.find_anomalies()


def without_moving(text: str) -> str:
    for pattern, to in MOVING:
        text = pattern.sub(to, text)
    return text


def look(client: Client, url: str) -> str:
    answer = client.get(url, headers={"Authorization": "Bearer t"} if url == "/metrics" else {})
    return f"{answer.status_code}\n" + without_moving(answer.getvalue().decode())


def pages_of_the_person(line: Line) -> list[str]:
    pages = ["/", "/home/", f"/home/?line={line.public_id}", "/history/", "/history/times/", "/history/?not_allowed=on",
             "/history/?since=2025-01-01", "/history/download.csv", "/history/download.json", "/choices/", "/lines/",
             "/settings/", "/transparency/", "/transparency/all.csv", "/choices/pause/", "/help/", "/safety/",
             "/choices/allow/?campaign=CMP-road", "/choices/allow/?campaign=CMP-track", "/companies/999/",
             "/history/?company=https://sealed.example"]  # fmt: skip
    for party in Party.objects.order_by("pk"):
        pages += [f"/companies/{party.pk}/", f"/history/?company={party.uri}"]
    for choice in Choice.objects.filter(line_id=line.pk):
        pages += [f"/choices/{choice.id}/{part}" for part in ("", "progress/", "receipt/", "receipt.json")]
    return pages


def pages_of_staff() -> list[str]:
    pages = {"/metrics", "/readyz", "/admin/search/?q=sealed", "/admin/search/?q=example", "/admin/incidents/"}
    year = timezone.now().year
    for contract in Contract.objects.order_by("pk"):
        campaign = contract.campaigns.get()
        named = {
            "party_id": contract.aggregator_id, "contract_id": contract.pk, "campaign_id": campaign.pk,
            "of": "contract", "target_id": contract.pk, "proposal_id": uuid.UUID(int=1), "how": "agree",
            "cohort_id": uuid.UUID(int=1), "order_id": uuid.UUID(int=2), "event_id": uuid.UUID(int=3), "rule_id": 1,
            "name": "contracts", "year": year, "word": "pause", "kind": "burst",
            "incident_id": Incident.objects.get(kind="no_approval").pk,
        }  # fmt: skip
        for one in ADDRESSES:
            page = one.route
            for name, value in named.items():
                page = re.sub(rf"<\w+:{name}>", str(value), page)
            pages.add(f"/admin/{page}")
    pages |= {f"/admin/parties/{party.pk}/" for party in Party.objects.all()}
    pages |= {f"/admin/exports/{name}/{year}/" for name in ("contracts", "orders", "breaches")}
    pages |= {f"/admin/streams/{order.party_id}/orders/{order.id}/" for order in Order.objects.all()}
    return sorted(page for page in pages if not page.startswith(KEEPS_LOOKS))


def exported(line: Line) -> str:
    out = io.StringIO()
    call_command("export_line", line.carrier_id, stdout=out, reason="Due")
    told = json.loads(without_moving(out.getvalue()))
    del told["access_log"]
    return json.dumps(told)


def a_line_with_a_past() -> Line:
    """Somebody whose place was looked up, rightly and not, before anything of it was hidden."""
    take_parties()
    take_lines(line_row(line_id="L-x", msisdn=GAGGED, account_id="A", activated_at="2024-01-01T00:00:00Z"))
    take_approvals(
        approval_row(msisdn=GAGGED),
        approval_row(msisdn=GAGGED, campaign="CMP-track", captured_by=TRACK, verified_by="partner"),
    )
    take_releases(
        *(release_row(msisdn=GAGGED, occurred_at=by_day(n * 3 + 1)) for n in range(12)),
        release_row(msisdn=GAGGED, basis="emergency", campaign="", path=["urn:psap"], aggregator="urn:psap",
                    occurred_at=by_day(2)),
        *(release_row(msisdn=GAGGED, purpose="dpv:Marketing", occurred_at=by_day(n / 9 + 3)) for n in range(3)),
    )  # fmt: skip
    tasks.find_anomalies()
    assert [one.kind for one in Anomaly.objects.all()] == ["no_approval"]
    return Line.objects.get(carrier_id="L-x")


def test_no_page_of_anybody_changes_by_rows_that_are_hidden() -> None:
    nothing_changes_by_rows_hidden(*(["in the row"] if NIGHTLY else []), "before the row")


def test_nor_on_a_web_process_whose_clock_is_ahead_of_their_end() -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        nothing_changes_by_rows_hidden("for half an hour")


def nothing_changes_by_rows_hidden(*ways: str) -> None:
    line = a_line_with_a_past()
    person = signed_in(line)
    choices.stop(line_id=line.pk, scope="party", ref=TRACK, actor=f"subscriber:{user_of(line).pk}", channel="web")
    looks = [(person.client, url) for url in pages_of_the_person(line)]
    for role in ("officer", "auditor", "agent") if NIGHTLY else ("officer",):
        member = staff(role).client
        looks += [(member, url) for url in drawn(pages_of_staff(), of=2)]

    # What there is of this day is in the figures of the next.
    tomorrow = timezone.now() + timedelta(days=1)

    def all_there_is() -> dict[str, str]:
        for cache in caches.all():
            cache.clear()
        publishing.make(at=tomorrow)
        return {f"{n} {url}": look(client, url) for n, (client, url) in enumerate(looks)} | {"export": exported(line)}

    all_there_is()  # the first look at some pages makes what later ones show
    before = all_there_is()
    assert sum(page.startswith("200") for page in before.values()) > (100 if EVERY_CELL else 75)
    for how in ways:
        here = transaction.savepoint_create()
        hide(how)
        after = all_there_is()
        assert Disclosure.objects.count() == 16 + len(ROWS)
        assert (how, changes(before, after)) == (how, {})
        transaction.savepoint_rollback(here)


def changes(before: dict[str, str], after: dict[str, str]) -> dict[str, list[str]]:
    """By page: the lines that are other lines than before."""
    return {
        place: list(unified_diff(before[place].splitlines(), after[place].splitlines(), n=0))
        for place in before
        if before[place] != after[place]
    }


NAMES = [
    (re.compile(pattern), to)
    for pattern, to in (
        (r'"[0-9a-f]{8}-[0-9a-f-]{27}"', '"uuid"'),
        (r'"(\\\\x[0-9a-f]+)"', '"hex"'),
        (r"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)", "time"),
        (r"(tx-)?[0-9a-f]{32}", "hex"),
        (r"(choice|order|line):[0-9a-f-]+", r"\1:id"),
        (r'"(line_id|id|seq|chain|sub|token|number|event_timestamp|newest_at|person|file)": ("[^"]*"|\d+)', r'"\1": 0'),
        (r"\b[12]\d{15}\b", "us"),
        (r"of-L-\w+", "of-L"),
    )
]


def all_rows_of(line: Line) -> dict[str, list[str]]:
    """What every table that names a line holds about it, without what names the line or the moment."""
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.attname = 'line_id' AND n.nspname = 'public'"
            " AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
        )
        for (table,) in cursor.fetchall():
            if table in VAULTS:
                continue
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t WHERE line_id = %s", [line.pk])
            texts = [text for (text,) in cursor.fetchall()]
            for pattern, to in NAMES:
                texts = [pattern.sub(to, text) for text in texts]
            found[table] = sorted(texts)
    return found


@pytest.mark.parametrize("how", ["in the row", "before the row"])
def test_hidden_rows_change_nothing_of_any_verb(how: str) -> None:
    take_parties()
    lines = []
    for account, (number, name) in enumerate(((PLAIN, "L-plain"), (GAGGED, "L-gagged"))):
        take_lines(line_row(line_id=name, msisdn=number, account_id=f"A{account}"))
        take_approvals(approval_row(id=f"a-of-{name}", msisdn=number))
        take_releases(release_row(id=f"r-of-{name}", msisdn=number))
        line = Line.objects.get(carrier_id=name)
        choices.stop(line_id=line.pk, scope="purpose", ref=ROADSIDE, actor="subscriber:1", channel="web")
        lines.append(line)
    hide(how)
    for line in lines:
        person: dict[str, Any] = {"line_id": line.pk, "actor": "subscriber:1", "channel": "web"}
        choices.stop(scope="all", **person)
        choices.allow(campaign="CMP-road", **person)
        choices.pause(scope="party", ref=TRACK, until=database_clock() + timedelta(days=3), **person)
        choices.stop(scope="party", ref=TRACK, **person)
        choices.refuse(campaign="CMP-track", **person)
        enqueue_orders_for_newly_affected(line_ids=[line.pk])
    changed: Row = {"number_changed_at": days_ago(0)}
    take_lines(
        line_row(line_id="L-plain", msisdn="+12065550301", account_id="A0", **changed),
        line_row(line_id="L-gagged", msisdn="+12065550302", account_id="A1", **changed),
    )
    tasks.reveal()
    plain, gagged = (all_rows_of(line) for line in lines)
    assert sum(bool(rows) for rows in plain.values()) >= 12
    assert gagged == plain
