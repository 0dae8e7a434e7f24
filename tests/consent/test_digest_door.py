"""The door by which a partner sends its digest, and then what differs."""

import gzip
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.digests import MOST_RUNS_A_DAY, NoSuchRun, NotDiffering, TooMany, compare_buckets
from consent.domain.digest_books import Entry, bucket_of, name_of
from consent.models import DigestRun
from partners.models import Reach
from revocations.models import Order, State
from tests.consent.books import LATER, Books, guide
from tests.factories import a_party
from tests.moments import ends_at
from tests.orders import bring_all_to
from tests.revocations.receiver import a_token_of
from tests.selection import NIGHTLY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
NOTHING = {"partner_has": 0, "partner_lacks": 0, "same": 0, "unknown": 0}


def stop_all(line_id: int) -> None:
    choices.stop(line_id=line_id, scope="all", actor="subscriber:1", channel="web")


def kept_after_a_stop(books: Books) -> str:
    line = books.a_line()
    books.hold(line)
    stop_all(line.pk)
    books.acknowledge(line)
    return "partner_has"


def lost(books: Books) -> str:
    books.a_line()
    return "partner_lacks"


def test_a_company_that_a_file_adds_later_is_told() -> None:
    books = Books(names_recipient=True)
    bail, late = a_party("BailNow", "end_customer"), a_party("Late", "end_customer")
    Reach.objects.create(campaign=books.campaign, party=bail)
    line = books.a_line()
    choices.stop(line_id=line.pk, scope="party", ref=bail.uri, actor="subscriber:1", channel="web")
    books.acknowledge(line)
    (entry,) = books.told(line)
    books.held = [msgspec.structs.replace(entry, version=entry.version - 1)]
    # From here on a stop of anybody behind the use is one of this company's too, until it is told apart.
    Reach.objects.create(campaign=books.campaign, party=late, told_apart=False)
    assert books.compare() == {**NOTHING, "same": 1}
    (entry,) = books.told(line)
    assert entry.excepted == (bail.uri, late.uri)


def test_a_run_is_the_partner_s_own_and_ends() -> None:
    books, stranger = Books(), Books(party=a_party("NorthLink"))
    lost(books)
    as_of = database_clock() + LATER
    run = books.send(as_of)
    with pytest.raises(NoSuchRun):
        stranger.answer(run, as_of)
    with pytest.raises(NoSuchRun):
        books.answer(run, as_of + timedelta(days=1))
    with pytest.raises(NotDiffering):
        compare_buckets(
            party=books.party, run_id=run.id, buckets={int(run.differing[0], 16) ^ 1: []}, as_of=as_of, at=as_of
        )


def test_a_day_has_room_for_so_many_digests() -> None:
    books, first = Books(), database_clock() + LATER
    for minutes in range(MOST_RUNS_A_DAY):
        books.send(first + timedelta(minutes=minutes))

    def is_refused(at: datetime) -> bool:
        try:
            books.send(at)
        except TooMany:
            return True
        return False

    assert ends_at(is_refused, first + timedelta(days=1))
    assert DigestRun.objects.count() == MOST_RUNS_A_DAY


def test_many_subscribers_take_a_bounded_number_of_statements() -> None:
    books, many = Books(), 20_000 if NIGHTLY else 1_000
    template = books.a_line()
    _many(template.pk, books, many)
    as_of = database_clock() + LATER
    with CaptureQueriesContext(connection) as digest:
        run = books.send(as_of, held=books.told(template))
    assert len(digest) < 12
    assert len(run.differing) > many * 3 // 4
    buckets: dict[int, list[Entry]] = {int(name, 16): [] for name in run.differing[:64]}
    with CaptureQueriesContext(connection) as drilled:
        done = compare_buckets(party=books.party, run_id=run.id, buckets=buckets, as_of=as_of, at=as_of)
    assert done.findings["partner_lacks"] >= 64
    assert len(drilled) < 300
    assert done.remaining == len(run.differing) - 64


def _many(line_id: int, books: Books, n: int) -> None:
    """As many lines that stand as this one does, past the verbs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_line (carrier_id, public_id, account_id, holder_name_sealed, user_role, state,"
            " language, activated_at) SELECT 'M' || n, gen_random_uuid(), account_id, holder_name_sealed, user_role,"
            " state, language, activated_at FROM accounts_line, generate_series(1, %s) n WHERE id = %s RETURNING id",
            [n, line_id],
        )
        ids = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(
            "INSERT INTO partners_pairwisesubject (line_id, party_id, sub)"
            " SELECT n, %s, 'k1.' || md5(n::text) FROM unnest(%s::bigint[]) n",
            [books.party.pk, ids],
        )
        cursor.execute(
            "INSERT INTO consent_approval (line_id, id, campaign, method, captured_at, captured_by, wording, language,"
            " evidence_ref, verified_by, recorded_at, source_id, content_hash) SELECT n, gen_random_uuid(), campaign,"
            " method, captured_at, captured_by, wording, language, evidence_ref, verified_by, recorded_at,"
            " 's' || n, content_hash FROM consent_approval, unnest(%s::bigint[]) n"
            " WHERE line_id = %s AND campaign = %s",
            [ids, line_id, books.campaign.ref],
        )
        cursor.execute(
            "INSERT INTO revocations_order (line_id, id, contract_id, party_id, epoch, version, jti, txn, record_id,"
            " lane, snapshot, queued_at, state, attempts, next_attempt_at, parked_with, note) SELECT n,"
            " gen_random_uuid(), contract_id, party_id, epoch, version, 'j' || n, 'x' || n, gen_random_uuid(), lane,"
            " snapshot, queued_at, 'queued', 0, queued_at, '', '' FROM revocations_order,"
            " unnest(%s::bigint[]) n WHERE line_id = %s",
            [ids, line_id],
        )
        cursor.execute(
            "INSERT INTO revocations_standing (line_id, contract_id, epoch, version, order_id)"
            " SELECT line_id, contract_id, epoch, version, id FROM revocations_order WHERE line_id = ANY (%s)",
            [ids],
        )
    many = Order.objects.filter(line_id__in=ids)
    bring_all_to(State.ACKNOWLEDGED, many, acknowledged_at=database_clock(), next_attempt_at=None)


# --- the door


@pytest.fixture
def books() -> Books:
    return Books()


def put(client: Client, token: str, body: object, **headers: str) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.put(
        "/ssf/digest", sent, content_type="application/json", headers={"Authorization": f"Bearer {token}", **headers}
    )


def a_body(books: Books, **changes: object) -> dict[str, object]:
    entries = [msgspec.to_builtins(entry) for entry in books.held]
    buckets = guide()["buckets"](entries)
    return {"as_of": timezone.now().isoformat(), "entries": len(entries), "buckets": buckets, **changes}


def test_a_partner_sends_its_digest_and_then_what_differs(client: Client, books: Books) -> None:
    kept_after_a_stop(books)
    long_ago = timezone.now() - timedelta(hours=1)
    Order.objects.update(acknowledged_at=long_ago)
    token = a_token_of(books.party, "receipts:write")
    said = put(client, token, gzip.compress(json.dumps(a_body(books)).encode()), **{"Content-Encoding": "gzip"})
    assert said.status_code == 200
    run = said.json()
    (entry,) = books.held
    assert run["differing"] == [name_of(bucket_of(entry.sub))]
    held = {run["differing"][0]: [msgspec.to_builtins(entry)]}
    answer = put(client, token, {"run": run["run"], "as_of": timezone.now().isoformat(), "buckets": held})
    assert (answer.status_code, answer.json()) == (
        200,
        {"run": run["run"], "remaining": 0, "findings": {**NOTHING, "partner_has": 1}},
    )
    written = AuditEvent.objects.filter(action__startswith="digest.").order_by("id")
    assert [one.detail["client"] for one in written] == [f"machine-{books.party.pk}"] * 2


WRONG: list[tuple[dict[str, object], str]] = [
    ({"as_of": "2020-01-01T00:00:00Z"}, "as_of must be a time of the last 6 hours."),
    ({"as_of": "2100-01-01T00:00:00Z"}, "as_of must be a time of the last 6 hours."),
    ({"as_of": "2026-11-20T00:00:00"}, "Expected `datetime` with a timezone component - at `$.as_of`"),
    ({"entries": -1}, "Expected `int` >= 0 - at `$.entries`"),
    ({"buckets": "!"}, "buckets must be base64."),
    ({"buckets": "AAAA"}, "buckets must be 524,288 bytes, 8 for each of 65,536."),
    ({"more": 1}, "Object contains unknown field `more`"),
    ({"run": str(uuid.UUID(int=0)), "buckets": {}}, "Object contains unknown field `entries`"),
]
TOO_LARGE = "Unpacked, at most 8,000,000 bytes go into one request."
HOSTILE: list[tuple[bytes, dict[str, str], int, str]] = [
    (b"{", {}, 400, "The body is not JSON."),
    (b"\xff", {}, 400, "The body is not JSON."),
    (b'{"run":' * 100_000, {}, 400, "The JSON nests more than 32 levels deep."),
    (b"{}", {"Content-Encoding": "gzip"}, 400, "The body is not gzip."),
    (b"{}", {"Content-Encoding": "br"}, 415, "Content-Encoding must be gzip or left out."),
    (gzip.compress(b"{}" * 100)[:-9], {"Content-Encoding": "gzip"}, 400, "The body is not whole."),
    (gzip.compress(b"{}") + b"{}", {"Content-Encoding": "gzip"}, 400, "The body goes on after its gzip stream."),
    (gzip.compress(b" " * 8_000_001), {"Content-Encoding": "gzip"}, 413, TOO_LARGE),
    (b" " * 2_000_001, {}, 413, "At most 2,000,000 bytes go into one request."),
]


def test_a_wrong_digest_is_told_what_is_wrong(client: Client, books: Books) -> None:
    token = a_token_of(books.party, "receipts:write")
    assert put(client, a_token_of(books.party, "ssf.read"), a_body(books)).status_code == 403
    assert client.put("/ssf/digest", b"{}", content_type="application/json").status_code == 401
    assert client.get("/ssf/digest", headers={"Authorization": f"Bearer {token}"}).status_code == 405
    for changes, detail in WRONG:
        said = put(client, token, a_body(books, **changes))
        assert (said.status_code, said.json()["detail"]) == (400, detail)
    for sent, headers, status, detail in HOSTILE:
        said = put(client, token, sent, **headers)
        assert (said.status_code, said.json()["detail"]) == (status, detail)


def test_buckets_are_bounded_whole_and_their_own(client: Client, books: Books) -> None:
    lost(books)
    token = a_token_of(books.party, "receipts:write")
    entry = msgspec.to_builtins(books.held[0] if books.held else guide_entry())

    def asked(buckets: dict[str, object], run: str = str(uuid.UUID(int=0))) -> tuple[int, str]:
        said = put(client, token, {"run": run, "as_of": timezone.now().isoformat(), "buckets": buckets})
        return said.status_code, said.json()["detail"]

    assert asked({}) == (404, "No run of yours has this id, or it is over 24 hours old.")
    wrong = name_of(bucket_of(entry["sub"]) ^ 1)
    assert asked({wrong: [entry]}) == (400, f"Bucket {wrong} holds an entry of another one.")
    many: dict[str, object] = {name_of(n): [] for n in range(65)}
    assert asked(many) == (413, "At most 64 buckets and 5,000 entries go into one request.")
    assert asked({name_of(bucket_of(entry["sub"])): [entry] * 5001})[0] == 413
    assert asked({"0A3F": []})[0] == 400


def guide_entry() -> Entry:
    return Entry("k1.x", "https://a.example/agreements/1", 1, 1, "https://b.example", "dpv:X", "s")
