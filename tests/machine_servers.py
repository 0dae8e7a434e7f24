"""Make the roles and the database that tests need on this machine's own PostgreSQL, and say which version it is."""

import sys

import psycopg

SUPERUSER = "postgresql://postgres@127.0.0.1:5432/postgres"
ROLES = ("whereabouts_owner", "whereabouts_app")
# What a test commits need not survive a power cut; to compile a statement takes longer than a test runs it. The owner
# makes databases and empties ledgers between tests: rights that production never gives it.
RIGHTS = (
    "ALTER ROLE whereabouts_owner CREATEDB",
    "GRANT SET ON PARAMETER session_replication_role TO whereabouts_owner",
    "GRANT whereabouts_app TO whereabouts_owner",
)


def prepare(superuser: str, *, durable: bool = False) -> str:
    """Prepare a server, and return its version; safe to repeat. `durable`: what is committed there must stay."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        for role in ROLES:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchall():
                connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'ci'".encode())
            if not durable:
                connection.execute(f"ALTER ROLE {role} SET synchronous_commit = off".encode())
            connection.execute(f"ALTER ROLE {role} SET jit = off".encode())
        for right in RIGHTS:
            connection.execute(right.encode())
        if not connection.execute("SELECT FROM pg_database WHERE datname = 'whereabouts_ci'").fetchall():
            connection.execute("CREATE DATABASE whereabouts_ci OWNER whereabouts_owner")
        version = connection.execute("SHOW server_version").fetchone()
    return str(version[0]) if version else "of no version"


if __name__ == "__main__":
    sys.stdout.write(f"PostgreSQL {prepare(SUPERUSER)}\n")
