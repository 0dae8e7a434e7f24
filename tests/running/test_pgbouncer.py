"""Web processes behind PgBouncer (docs/guides/pgbouncer.md): gate and stops answer alike in both pooling modes."""

import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Count

from accounts.models import Line
from consent.actions.choices import allow, stop
from consent.gate import deciding
from consent.gate.shapes import Question
from consent.models import Choice
from partners.models import Campaign
from portal.connections import database
from portal.views import database_is_away
from revocations.models import Order
from tests.factories import a_campaign, a_line, an_approval
from tests.faults.programs import Program, free_port
from tests.running.conftest import the_program
from tests.running.proxies import RUNNING
from tests.selection import EVERY_CELL

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
WAYS = ("session", "transaction")
# Fewer sessions than callers, so that each statement may come to a session in which it was not prepared.
# More rounds than it takes until a statement is prepared.
CALLERS, SESSIONS, ROUNDS = 6, 2, 15 if EVERY_CELL else 8
TAKEN = ("HOST", "PORT", "OPTIONS", "DISABLE_SERVER_SIDE_CURSORS")


@contextmanager
def pgbouncer(way: str, folder: Path, *, nowhere: bool = False) -> Iterator[int]:
    """One before the tests' database, of the version that Debian has. Its port. `nowhere`: before none that answers."""
    program, port, behind = the_program("pgbouncer", "pgbouncer"), free_port(), connection.settings_dict
    at = f"host={behind['HOST'] or '127.0.0.1'} port={free_port() if nowhere else behind['PORT'] or 5432}"
    whole = folder / "pgbouncer.ini"
    size = SESSIONS if way == "transaction" else CALLERS + 1
    # It knows the password; who comes to it is asked for none.
    known = f"{behind['NAME']} = {at} user={behind['USER']} password={behind['PASSWORD']}"
    shipped = (RUNNING / "pgbouncer.ini").read_text()
    for was, now in (
        (r"whereabouts = .*", known), (r"pool_mode = .*", f"pool_mode = {way}"),
        (r"default_pool_size = .*", f"default_pool_size = {size}"),
    ):  # fmt: skip
        shipped, count = re.subn(f"^{was}$", now, shipped, flags=re.MULTILINE)
        assert count == 1
    whole.write_text(f"{shipped}listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n")
    # It does not run as root.
    somebody = ("-u", "nobody") if os.geteuid() == 0 else ()
    pooler = Program("pgbouncer", (program, *somebody, str(whole)), dict(os.environ), folder / "pgbouncer.log", port)
    pooler.start()
    try:
        pooler.wait()
        yield port
    finally:
        pooler.end()


@contextmanager
def connecting(port: int, query: str) -> Iterator[None]:
    """All sessions of this process go there, with what a DATABASE_URL with this query says."""
    shared = connections.settings["default"]
    was = dict(shared)
    through = database(f"postgresql://{was['USER']}@127.0.0.1:{port}/{was['NAME']}?{query}")
    connection.close()
    shared.update({name: through[name] for name in TAKEN}, PASSWORD="")
    try:
        yield
    finally:
        connection.close()
        shared.clear()
        shared.update(was)


@pytest.mark.parametrize("way", WAYS)
def test_a_pooler_refuses_options_at_the_start_of_a_session(way: str, tmp_path: Path) -> None:
    """So long as it does, the guide says to take them out."""
    refused = pytest.raises(OperationalError, match="unsupported startup parameter in options: jit")
    with pgbouncer(way, tmp_path) as port, connecting(port, ""), refused:
        Line.objects.exists()


def test_nobody_waits_for_long_while_postgresql_is_away(tmp_path: Path) -> None:
    with pgbouncer("transaction", tmp_path, nowhere=True) as port, connecting(port, "options="):
        began = time.monotonic()
        with pytest.raises(OperationalError) as away:
            Line.objects.exists()
        assert time.monotonic() - began < 15, "PgBouncer's own patience is 120 s"
        assert database_is_away(away.value), "people get the page that says what to do"


def asked(line: Line, campaign: Campaign) -> str:
    question = Question(
        aggregator=campaign.contract.aggregator.uri, provider=campaign.lbs_provider.uri, campaign=campaign.ref,
        purpose=campaign.purpose, scope=campaign.scope, precision_m=campaign.precision_m, line=line.carrier_id,
    )  # fmt: skip
    return deciding.evaluate(questions=[question])[0].reason or "allow"


@pytest.mark.parametrize("way", WAYS)
def test_the_gate_and_stops_say_the_same_behind_a_pooler(way: str, tmp_path: Path) -> None:
    campaign, lines = a_campaign(), [a_line() for _ in range(CALLERS)]
    for line in lines:
        an_approval(line, campaign)

    def stopping(line: Line) -> list[str]:
        """A caller's answers: one before each stop, one after it."""
        said = []
        for _ in range(ROUNDS):
            said.append(asked(line, campaign))
            stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
            said.append(asked(line, campaign))
            allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
        connection.close()
        return said

    with pgbouncer(way, tmp_path) as port, connecting(port, "options="), ThreadPoolExecutor(CALLERS) as callers:
        answers = list(callers.map(stopping, lines))
    assert answers == [["allow", "stopped_all"] * ROUNDS] * CALLERS
    kept = Choice.objects.values_list("kind").annotate(Count("id"))
    assert dict(kept) == {"stop": CALLERS * ROUNDS, "allow": CALLERS * ROUNDS}
    assert Order.objects.values("line_id").distinct().count() == CALLERS


@pytest.mark.parametrize("way", WAYS)
def test_what_is_read_in_parts_is_read_to_its_end_whoever_takes_the_session_meanwhile(way: str, tmp_path: Path) -> None:
    lines = sorted(a_line().pk for _ in range(6))
    in_between, over = Event(), Event()

    def another() -> None:
        with transaction.atomic():
            Line.objects.exists()
            in_between.set()
            assert over.wait(30)
        connection.close()

    with pgbouncer(way, tmp_path) as port, connecting(port, "options="), ThreadPoolExecutor(1) as others:
        parts = Line.objects.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=2)
        read = [next(parts)]
        busy = others.submit(another)
        assert in_between.wait(30)
        try:
            read += parts
        finally:
            over.set()
        busy.result()
    assert read == lines
