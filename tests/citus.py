"""A test database whose ledger is spread over a Citus cluster: what `distribute_ledger` does, before the first test.

CITUS_SERVERS names the servers as somebody who may create extensions there, the coordinator first; DATABASE_URL and
DATABASE_OWNER_URL name the same coordinator. Without it, tests run on the one server that they are given.
"""

import io
import os

import psycopg
from django.core.management import call_command
from django.db import connections, transaction
from psycopg import sql

from disclosures.workers import distribution

SERVERS = tuple(os.environ.get("CITUS_SERVERS", "").split())
SPREAD = distribution.TABLES if SERVERS else ()
# Few shards: each statement about all lines asks every one of them.
SHARDS = "SET citus.shard_count = 2"
# What is there already moves as it is.
FILLED = """
SELECT disclosures_put_term(
    ROW(NULL, NULL, '', '{}', '', '', '', 'network', 'released', '', false, 'network')::disclosures_term)
"""


def spread(name: str) -> None:
    """Make the database's counterparts on the workers, and spread its ledger."""
    if not SERVERS:
        return
    owner = str(connections["owner"].settings_dict["USER"])
    made = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner))
    for server in SERVERS[1:]:
        with psycopg.connect(server, autocommit=True) as session:
            session.execute(made)
    for server in SERVERS:
        with psycopg.connect(server, autocommit=True, dbname=name) as session:
            session.execute("CREATE EXTENSION IF NOT EXISTS citus")
    with psycopg.connect(SERVERS[0], autocommit=True, dbname=name) as session:
        session.execute("SELECT citus_set_coordinator_host(%s, %s)", _address(SERVERS[0]))
        for server in SERVERS[1:]:
            session.execute("SELECT citus_add_node(%s, %s)", _address(server))
    with connections["owner"].cursor() as cursor:
        cursor.execute(SHARDS)
        cursor.execute(FILLED)
    call_command("distribute_ledger", stdout=io.StringIO())
    empty()


def drop(name: str) -> None:
    """Drop a database on every server, with the sessions of the others."""
    for server in SERVERS:
        with psycopg.connect(server, autocommit=True) as session:
            session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def empty() -> None:
    """Take every row out of the spread tables, on whichever server it is: no guard is asked, there and here."""
    if SPREAD:
        emptied = "".join(f"DELETE FROM {name};" for name in SPREAD)
        with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
            cursor.execute("SET LOCAL citus.propagate_set_commands = 'local'")
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(emptied)


def _address(server: str) -> tuple[str, int]:
    said = psycopg.conninfo.conninfo_to_dict(server)
    return str(said["host"]), int(str(said["port"]))
