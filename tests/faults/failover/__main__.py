"""Servers die while people stop: Patroni, HAProxy, pgBackRest and Sentinel as docs/running/high-availability has them.

`uv run python -m tests.faults.failover [-k NAME] [--stops N]`, as root on Debian, with the packages that it names where
they are missing. Nothing of this machine's is changed: networks, mounts and servers are the run's own.
"""

import argparse
import os
import secrets
import sys

import pytest
from cryptography.fernet import Fernet

from tests import machine_servers
from tests.faults.failover import nodes
from tests.faults.programs import end_loaded

DATABASE = "whereabouts_ci"


def main() -> int:
    """The exit status of the tests; 0 where the machine can't have them, unless CI says that it must."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--stops", default="2000", help="how many people stop while each fault lasts")
    parser.add_argument("-k", dest="chosen", default="", help="tests whose names match")
    asked = parser.parse_args()
    if lacking := nodes.missing():
        sys.stdout.write(f"SKIPPED: this needs {', '.join(lacking)}.\n")
        return int(os.environ.get("CI") == "1")
    nodes.leave_the_machine()
    with nodes.running(database=f"test_{DATABASE}"):
        machine_servers.prepare(nodes.SUPERUSER, durable=True)
        os.environ |= _environment(asked.stops)
        reached = ",".join(["127.0.0.1", "::1", "localhost", *nodes.ADDRESSES.values()])
        hosts = f"--allow-hosts={reached}"
        code = pytest.main(["-q", "-p", "no:cacheprovider", hosts, "-k", asked.chosen, str(nodes.HERE)])
        end_loaded()
    sys.stdout.write("\n".join(nodes.measured) + "\n")
    return int(code)


def _environment(stops: str) -> dict[str, str]:
    at = f"127.0.0.1:5432/{DATABASE}"
    return {
        "DATABASE_URL": f"postgresql://whereabouts_app:ci@{at}",
        "DATABASE_OWNER_URL": f"postgresql://whereabouts_owner:ci@{at}",
        "REDIS_URL": nodes.REDIS_URL,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "BASE_URL": "http://localhost:8000",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "FAILOVER_STOPS": stops,
        "NIGHTLY": "1",
    }


if __name__ == "__main__":
    sys.exit(main())
