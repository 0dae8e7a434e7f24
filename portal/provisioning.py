"""The two roles and the database of production, made once on a PostgreSQL that somebody administers."""

import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

LEAST_VERSION = 150_000
# The options of libpq that say whom it takes for the server.
CHECKS = ("ssl", "gss", "channel_binding", "require_auth")
SUPERUSER, SOCKET = "postgres", "postgresql:///postgres?user=postgres"


class ProvisioningRefused(Exception):
    """The database can't be made or used as the settings have it; says why, and what to do."""


def provide(*, admin: str, app: Mapping[str, Any], owner: Mapping[str, Any]) -> list[str]:
    """Make the roles and the database that these settings name where they don't exist; return what was made.

    `admin`: the URL of a superuser; without one, root connects as PostgreSQL's own system user. Raises
    ProvisioningRefused where that is not possible, and where a role exists with another password: that may be
    somebody's running database.
    """
    if _can_sign_in(owner) and _can_sign_in(app):
        return []
    try:
        with _peer(admin), psycopg.connect(admin or SOCKET, autocommit=True, connect_timeout=10) as session:
            made = _make(session, owner=owner, app=app)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise ProvisioningRefused(
            f"PostgreSQL can't be reached as its superuser: {reason}. Name one with --admin"
            " postgresql://postgres:password@host/postgres"
        ) from error
    for one in (owner, app):
        _try(one)
    return made


def _make(session: psycopg.Connection[Any], *, owner: Mapping[str, Any], app: Mapping[str, Any]) -> list[str]:
    if session.info.server_version < LEAST_VERSION:
        raise ProvisioningRefused(f"PostgreSQL {session.info.server_version // 10_000} is too old: 15 or newer.")
    made = [_role(session, one) for one in (owner, app)]
    made.append(_database(session, name=str(owner["NAME"]), owner=str(owner["USER"])))
    return [one for one in made if one]


@contextmanager
def _peer(admin: str) -> Iterator[None]:
    """Be PostgreSQL's system user where we are root and no URL is given: its socket asks for no password then."""
    before = os.geteuid()
    try:
        if not admin and before == 0:
            os.seteuid(pwd.getpwnam(SUPERUSER).pw_uid)
    except KeyError as error:
        raise ProvisioningRefused(
            "There is no PostgreSQL on this machine. Name a superuser of yours with --admin."
        ) from error
    try:
        yield
    finally:
        os.seteuid(before)


def _can_sign_in(one: Mapping[str, Any]) -> bool:
    try:
        _try(one)
    except ProvisioningRefused:
        return False
    return True


def _role(session: psycopg.Connection[Any], one: Mapping[str, Any]) -> str:
    name = str(one["USER"])
    if session.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchall():
        return ""
    made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
    session.execute(made.format(sql.Identifier(name), sql.Literal(str(one["PASSWORD"]))))
    return f"role {name}"


def _database(session: psycopg.Connection[Any], *, name: str, owner: str) -> str:
    if session.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchall():
        return ""
    names = {"name": sql.Identifier(name), "owner": sql.Identifier(owner)}
    session.execute(sql.SQL("CREATE DATABASE {name} OWNER {owner}").format(**names))
    return f"database {name}"


def _try(one: Mapping[str, Any]) -> None:
    """Connect as the application will. Raises ProvisioningRefused."""
    known = {"host": one["HOST"], "port": one["PORT"], "user": one["USER"], "password": one["PASSWORD"]}
    where = {name: str(value) for name, value in known.items() if value}
    # No password goes to a server that the application would not take for the right one.
    checks = {name: value for name, value in one["OPTIONS"].items() if name.startswith(CHECKS)}
    try:
        psycopg.connect(make_conninfo(dbname=str(one["NAME"]), connect_timeout=10, **where, **checks)).close()
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise ProvisioningRefused(
            f"{one['USER']} can't sign in to PostgreSQL: {reason}. If the role was made elsewhere, write its address"
            " into the secret file DATABASE_URL or DATABASE_OWNER_URL."
        ) from error
