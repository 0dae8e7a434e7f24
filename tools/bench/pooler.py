"""PgBouncer before a run's database, as docs/guides/pgbouncer.md has it: where this machine has one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from tools.bench import world
from tools.demo.processes import free_port, takes_calls

PROGRAM = "pgbouncer"
# What sessions can't ask for through it, their role brings along.
OF_THE_ROLE = ("jit = off", "plan_cache_mode = force_generic_plan", "client_connection_check_interval = 500")
# For two cores: more would only take turns, each with cold caches.
SESSIONS = 4
WHOLE = """
[databases]
{name} = host=127.0.0.1 port={behind} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 400
max_prepared_statements = 500
log_connections = 0
log_disconnections = 0
"""


@contextmanager
def run_pooler() -> Iterator[str]:
    """The DATABASE_URL by which this run's database is reached through one; "" where there is none."""
    program = shutil.which(PROGRAM)
    if program is None:
        yield ""
        return
    with connection.cursor() as cursor:
        for one in OF_THE_ROLE:
            cursor.execute(f"ALTER ROLE CURRENT_USER SET {one}")
    behind, port, file = connection.settings_dict, free_port(0), Path(settings.DATA_DIR, "pgbouncer.ini")
    file.touch(mode=0o600)
    file.write_text(
        WHOLE.format(
            name=behind["NAME"],
            behind=behind["PORT"],
            user=behind["USER"],
            password=behind["PASSWORD"],
            port=port,
            sessions=SESSIONS,
        )
    )
    # It does not run as root, and reads its file before it becomes somebody else.
    somebody = ("-u", "nobody") if os.geteuid() == 0 else ()
    with world.running(program, "-q", *somebody, str(file)):
        world.wait_until_up(lambda: takes_calls(port=port), what=PROGRAM)
        yield f"postgresql://{behind['USER']}@127.0.0.1:{port}/{behind['NAME']}?options="


def describe_pooling(way: str) -> str:
    """How pages reach the database, in words."""
    return f"pages share {SESSIONS} sessions by {PROGRAM}" if way else f"no {PROGRAM}: a session for each thread"
