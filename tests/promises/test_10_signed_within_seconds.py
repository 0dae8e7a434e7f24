"""Promise 10: what was done is signed outside the database within seconds, and a trail that went back is found."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as portal
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

import audit.actions
import audit.queries
from audit.models import AuditEvent, Incident
from partners.clients import checkpoint_places
from partners.clients.checkpoint_places import Place
from partners.domain import keys
from partners.models import SigningKey
from partners.tasks import sign_acts, write_checkpoint
from partners.workers import checkpoints
from partners.workers.checkpoints import SIGNED, WRITTEN, DatabaseBehind, End
from support.workers.watching import verify_audit
from tests.factories import a_line
from tests.stores import checkpoints_stored
from tests.support.console import a_case
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
GONE = "rows that a checkpoint signed are gone or changed"


@pytest.fixture(params=["folder", "store"])
def place(
    request: pytest.FixtureRequest, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    cache.delete_many([SIGNED, WRITTEN])
    if request.param == "folder":
        settings.CHECKPOINT_DIR = tmp_path
        yield checkpoint_places.place()
    else:
        with checkpoints_stored(settings, monkeypatch):
            yield checkpoint_places.place()
    cache.delete_many([SIGNED, WRITTEN])


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    cache.delete_many([SIGNED, WRITTEN])
    settings.CHECKPOINT_DIR = tmp_path
    yield tmp_path
    cache.delete_many([SIGNED, WRITTEN])


def something(*, at: datetime | None = None, line_id: int = 7) -> None:
    audit.actions.record(
        action="test.done", actor="system:test", target="thing:1", at=at or timezone.now(), line_id=line_id
    )


def three_looks() -> int:
    """An agent opens somebody's case three times. Returns the chain in which that stands."""
    line = a_line()
    case, agent = a_case(line), staff("agent")
    for _ in range(3):
        assert agent.client.get(f"/desk/{case.code}/").status_code == 200
    looks = AuditEvent.objects.filter(actor=agent.actor, line_id=line.pk).order_by("-seq")
    chains = set(looks.values_list("chain", flat=True)[:3])
    assert (len(looks) >= 3, len(chains)) == (True, 1)
    return chains.pop()


def cut_off(chain: int, rows: int) -> None:
    """Take a chain's newest rows away and put its head back, as whoever has every right in the database can."""
    with connections["owner"].cursor() as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("SELECT seq FROM audit_chainhead WHERE chain = %s", [chain])
        seq = owner.fetchone()[0] - rows
        owner.execute("DELETE FROM audit_auditevent WHERE chain = %s AND seq > %s", [chain, seq])
        owner.execute(
            "UPDATE audit_chainhead h SET seq = %s, hash = coalesce("
            " (SELECT e.hash FROM audit_auditevent e WHERE e.chain = h.chain AND e.seq = %s),"
            " sha256(convert_to('whereabouts audit chain ' || h.chain, 'UTF8'))) WHERE h.chain = %s",
            [seq, seq, chain],
        )
        owner.execute("SET session_replication_role = origin")


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_audit", *arguments, stdout=out)
    return out.getvalue().splitlines()[-1]


def said_whole() -> str:
    out = StringIO()
    call_command("verify_audit", stdout=out)
    return out.getvalue()


def names(place: Place) -> list[str]:
    return [name for name, _ in place.oldest_first()]


def incidents() -> list[tuple[str, str, int]]:
    return list(Incident.objects.values_list("kind", "subject", "count"))


def test_looks_cut_off_after_the_newest_checkpoint_are_found(place: Place) -> None:
    write_checkpoint()
    chain = three_looks()
    sign_acts()
    ((signed),) = names(place.interim())
    assert said().endswith(
        f"by the checkpoint {signed}. Rows after that: 0. Until the next checkpoint, rows cut off after this one would"
        " not show."
    )
    cut_off(chain, 3)
    with pytest.raises(CommandError, match=rf"does not verify: chain {chain}, row \d+ is cut off$"):
        said()
    # Whatever range is asked for.
    for asked in (("--from", "2040-01-01T00:00:00Z"), ("--to", "2020-01-01T00:00:00Z")):
        with pytest.raises(CommandError, match=rf"does not verify: chain {chain}, row \d+ is not what the checkpoint"):
            said(*asked)
    # Nothing is signed over it, and officers hear of it once, though no one asked.
    for write in (sign_acts, write_checkpoint, sign_acts):
        with pytest.raises(DatabaseBehind):
            write()
    assert incidents() == [("audit_fault", GONE, 1)]
    assert (len(names(place)), names(place.interim())) == (1, [signed])
    # Nor do new rows in their places hide it.
    for _ in range(4):
        something(line_id=16 + chain)
    with pytest.raises(CommandError, match=rf"does not verify: chain {chain}, row \d+ is not what the checkpoint sig"):
        said()


def test_what_no_checkpoint_signed_yet_is_never_vouched_for(folder: Path) -> None:
    something()
    sign_acts()
    chain = three_looks()
    (signed,) = names(checkpoint_places.place().interim())
    moment = datetime.strptime(signed, "%Y%m%dT%H%M%S%fZ.jws").replace(tzinfo=UTC)
    up_to = f"The audit trail verifies up to {moment:%Y-%m-%dT%H:%M:%SZ}, by the checkpoint {signed}. Rows after that: "
    later = AuditEvent.objects.count() - 1
    ends = ". Until the next checkpoint, rows cut off after this one would not show."
    assert said() == f"{up_to}{later}{ends}"
    # Of a part nothing is said that would hold for the whole.
    in_part = (
        "These rows verify; no others were checked."
        f" The checkpoint {signed} vouches for no row after {moment:%Y-%m-%dT%H:%M:%SZ}."
    )
    for asked in (("--from", "2040-01-01T00:00:00Z"), ("--to", "2020-01-01T00:00:00Z")):
        assert said(*asked) == in_part
    cut_off(chain, 3)
    assert said() == f"{up_to}{later - 3}{ends}"


def test_an_interim_checkpoint_follows_whatever_happened_within_seconds(folder: Path) -> None:
    task = portal.CELERY_BEAT_SCHEDULE["sign-acts"]
    assert (task["task"], task["schedule"]) == ("partners.tasks.sign_acts", 3.0)
    place = checkpoint_places.place()
    write_checkpoint()
    assert names(place.interim()) == []
    for n in (1, 2):
        something()
        sign_acts()
        sign_acts()
        assert len(names(place.interim())) == n
    (day,) = (folder / "interim").iterdir()
    assert day.name == f"{names(place.interim())[0][:8]:.4}-{names(place.interim())[0][4:6]}-{day.name[-2:]}"
    # With the memory of what was signed gone, what lies outside is asked.
    cache.delete(SIGNED)
    sign_acts()
    newest = names(place.interim())[-1]
    assert f"by the checkpoint {newest}." in said()
    # The line goes on beyond them: then they are of no more use.
    write_checkpoint()
    assert f"by the checkpoint {names(place)[-1]}." in said()
    for file in day.iterdir():
        file.unlink()
    assert (f"by the checkpoint {names(place)[-1]}." in said(), checkpoints.find_gap(place=place)) == (True, "")
    something()
    sign_acts()
    assert f"by the checkpoint {names(place.interim())[-1]}." in said()


def test_a_clock_set_back_puts_no_checkpoint_before_others(folder: Path) -> None:
    place, now = checkpoint_places.place(), timezone.now()
    something()
    checkpoints.write(place=place, at=now)
    for minutes in (10, 5):
        something()
        checkpoints.sign_acts(place=place, at=now - timedelta(minutes=minutes))
    after = checkpoints.write(place=place, at=now - timedelta(minutes=20))
    line, interim = names(place), names(place.interim())
    assert line[0] < interim[0] < interim[1] < after
    assert f"by the checkpoint {after}." in said()


def is_anyone_waiting() -> bool:
    """Whether another session waits for a turn."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        return bool(cursor.fetchone()[0])


def test_no_checkpoint_of_the_line_comes_between_an_interim_one_s_name_and_what_it_signs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be the newer by name, and know less: the acts that the other signed could be cut off unnoticed."""
    place, now, read_ends = checkpoint_places.place(), timezone.now(), checkpoints.list_line_ends
    write_checkpoint()
    others: list[Future[str]] = []

    def written() -> str:
        try:
            return checkpoints.write(place=place, at=now + timedelta(minutes=2))
        finally:
            connection.close()

    def line_goes_on(*, place: Place) -> list[End]:
        found = read_ends(place=place)
        if not others:
            others.append(pool.submit(written))
            while not (is_anyone_waiting() or others[0].done()):
                pass
            something(line_id=3)
        return found

    something()
    monkeypatch.setattr(checkpoints, "list_line_ends", line_goes_on)
    with ThreadPoolExecutor(max_workers=1) as pool:
        assert checkpoints.sign_acts(place=place, at=now + timedelta(minutes=1))
        others[0].result()
    sign_acts()
    cut_off(3, 1)
    with pytest.raises(CommandError, match=r"chain 3, row \d+ is "):
        said()


@pytest.mark.parametrize("restored", [False, True])
def test_a_checkpoint_that_signs_less_is_found(folder: Path, *, restored: bool) -> None:
    place, now = checkpoint_places.place(), timezone.now()
    for _ in range(3):
        something()
    first = checkpoints.write(place=place, at=now - timedelta(minutes=30))
    cut_off(7, 2)
    if restored:
        second = checkpoints.write(place=place, at=now, over=True)
        assert f"by the checkpoint {second}." in said()
        lines = said_whole().splitlines()
        assert f"Signed after a restore, so that rows signed before may be gone: {second}." in lines
        return
    # By whoever has our key, and can take nothing away outside.
    heads = {str(chain): [seq, own.hex()] for chain, (seq, own) in audit.queries.get_chain_heads().items()}
    before = hashlib.sha256((folder / first).read_bytes()).hexdigest()
    claims = {"iat": int(now.timestamp()), "heads": heads, "before": before, "restored": False}
    name = f"{now:%Y%m%dT%H%M%S%fZ}.jws"
    place.put(name=name, token=keys.sign(use=SigningKey.Use.CHECKPOINT, claims=claims).encode())
    with pytest.raises(
        CommandError, match=rf"^the checkpoint {name} signed less than the one before it: the trail was"
    ):
        said()
    verify_audit(now=now)
    assert incidents() == [("audit_fault", f"the checkpoint {name} signed less than the one before it", 1)]
