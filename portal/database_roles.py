"""Grant the application's database role what it needs and nothing else; make both roles and the database once.

Privileges are granted by the owner after each migration. A ledger may be read and appended to; of a few tables some
columns may be changed; the gate row and the chain heads are written by the database's own functions only, which nobody
else calls.
"""

import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql
from psycopg.conninfo import make_conninfo

LEDGERS = (
    "consent_choice",
    "consent_choiceorder",
    "consent_approval",
    "consent_choicereceipt",
    "consent_endedpause",
    "consent_setaside",
    "consent_digestfinding",
    "audit_auditevent",
    "audit_incidentline",
    "revocations_attempt",
    "revocations_receipt",
    "disclosures_disclosureregister",
    "disclosures_judgementchange",
    "disclosures_delayednotice",
    "disclosures_anomalyrule",
    "disclosures_term",
    "partners_pairwisesubject",
    "partners_kin",
    "partners_receiptkey",
    "partners_noticetext",
    "consent_notice",
    "revocations_streamattempt",
    "revocations_cohortreceipt",
    "revocations_manifestshard",
    "support_document",
    "support_entry",
)
# Changed as things go on, and never taken away.
KEPT = (
    "accounts_line",
    "accounts_linenumber",
    "accounts_linestate",
    "audit_incident",
    "consent_archivehead",
    "partners_authorizedagent",
    "revocations_standing",
    "revocations_streamhealth",
    "support_attachment",
    "support_bulkreply",
    "support_cannedreply",
    "support_loggedcall",
    "support_protectedline",
    "support_reveal",
    "support_suspendrequest",
    "support_ticket",
)
# What waits in them is taken out once it was seen to, and never changed.
WAITING = ("consent_heldrow", "consent_unarchived", "disclosures_uploadpart", "partners_unsettledchange")
READ_ONLY = (
    "consent_linegate", "consent_gateopening", "audit_chainhead", "audit_incidentstep", "partners_cover",
    "disclosures_droppedmonth", "disclosures_givenback", "disclosures_shortenedperiod",
    "django_migrations", "auth_group", "auth_group_permissions", "auth_permission", "accounts_user_groups",
    "accounts_user_user_permissions",
)  # fmt: skip
ONLY_COLUMNS = {
    "disclosures_release": ("term",),
    "disclosures_disclosure": ("judgement", "basis_doubtful"),
    "disclosures_upload": (
        "state", "tries", "leased_until", "done", "accepted", "repeated", "rejected", "outcome", "rejects",
        "checked_at", "agreed_by_id", "decided_by", "decided_at", "finished_at",
    ),
    "revocations_order": (
        "state", "attempts", "next_attempt_at", "sent_at", "acknowledged_at", "completed_at", "superseded_by", "note",
        "leased_until", "parked_with", "again_at", "polled_until",
    ),
    "revocations_streamevent": (
        "state", "attempts", "next_attempt_at", "sent_at", "acknowledged_at", "note", "leased_until", "parked_with",
        "again_at", "polled_until",
    ),
    "revocations_cohort": (
        "listed_to_line", "subject_count", "manifest_at", "manifest_expires_at", "index_token", "event_id",
        "told_to_line", "subscribers_told_at", "completed_at", "complete_by", "contradicted_at",
    ),
    "revocations_breach": ("mended_at",),
    "revocations_evidencerequest": (
        "overdue_at", "answered_at", "answer", "method", "captured_at", "wording", "language", "evidence_ref",
        "answer_jti", "token",
    ),
    "partners_proposal": ("decision", "decided_by", "decided_at", "decision_reason"),
    "partners_jurisdictionrule": ("ends_at", "relaxed_by_id"),
    "revocations_duty": ("discharged_at", "discharged_by"),
    "partners_dealing": ("first_at", "last_at"),
    "partners_reach": ("told_apart",),
    "partners_suspension": ("ends_at", "lifted_by_id"),
    "consent_tightening": ("archived_at",),
    "partners_signingkey": ("retired_at", "private_sealed"),
}  # fmt: skip

# Functions that act with the owner's rights, and those of them that only the owner calls. Nobody calls those of
# triggers: a trigger needs no right to its function, and whoever has it can put one on a table of their own.
OWNERS_FUNCTIONS = """SELECT proname, oid::regprocedure::text, prorettype = 'trigger'::regtype FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prosecdef AND proowner = current_user::regrole"""
OWNER_ALONE = ("consent_gate_open", "consent_gate_took_over")


def grant_privileges(*, using: str) -> None:
    """Give the application's role (DATABASE_URL's user) exactly its rights on every table. `using`: the owner."""
    owner, role = (str(settings.DATABASES[alias]["USER"]) for alias in (using, "default"))
    if owner == role:
        return
    # All at once: whoever stops meanwhile must not find a table without its rights.
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        # Before PostgreSQL 15 anybody might add to it, and what stands there a function would find.
        cursor.execute(f'REVOKE CREATE ON SCHEMA public FROM PUBLIC, "{role}"')
        cursor.execute(f'GRANT USAGE ON SCHEMA public TO "{role}"')
        cursor.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"')
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND NOT c.relispartition"
            # Other views are not ours to give rights on.
            " AND (c.relkind IN ('r', 'p') OR c.relname = 'disclosures_disclosure')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'REVOKE ALL ON "{table}" FROM "{role}"')
            cursor.execute(f'GRANT {_rights(table)} ON "{table}" TO "{role}"')
            for column in ONLY_COLUMNS.get(table, ()):
                cursor.execute(f'GRANT UPDATE ("{column}") ON "{table}" TO "{role}"')
        _grant_functions(cursor, role)


def _grant_functions(cursor: CursorWrapper, role: str) -> None:
    """Keep what acts with the owner's rights to the application: PostgreSQL lets everybody call a new function."""
    cursor.execute(OWNERS_FUNCTIONS)
    for name, function, is_of_triggers in cursor.fetchall():
        cursor.execute(f'REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC, "{role}"')
        if name not in OWNER_ALONE and not is_of_triggers:
            cursor.execute(f'GRANT EXECUTE ON FUNCTION {function} TO "{role}"')


def _rights(table: str) -> str:
    if table in READ_ONLY:
        return "SELECT"
    if table in LEDGERS or table in ONLY_COLUMNS:
        return "SELECT, INSERT"
    if table in KEPT:
        return "SELECT, INSERT, UPDATE"
    if table in WAITING:
        return "SELECT, INSERT, DELETE"
    return "SELECT, INSERT, UPDATE, DELETE"


LEAST_VERSION = 150_000
# The options of libpq that say whom it takes for the server.
CHECKS = ("ssl", "gss", "channel_binding", "require_auth")
SUPERUSER, SOCKET = "postgres", "postgresql:///postgres?user=postgres"


class ProvisioningRefused(Exception):
    """The database can't be made or used as the settings have it; says why, and what to do."""


def provide(*, admin: str, app: Mapping[str, Any], owner: Mapping[str, Any], lacking: str = "") -> list[str]:
    """Make the roles and the database that these settings name where they don't exist; return what was made.

    `admin`: the URL of a superuser; without one, root connects as PostgreSQL's own system user. `lacking`: what has to
    be given before a database is made; "" for nothing. Raises ProvisioningRefused where that is so, where no superuser
    can be reached, and where a role exists with another password: that may be somebody's running database.
    """
    if _can_sign_in(owner) and _can_sign_in(app):
        return []
    try:
        with _peer(admin), psycopg.connect(admin or SOCKET, autocommit=True, connect_timeout=10) as session:
            if lacking and not _is_there(session, str(owner["NAME"])):
                raise ProvisioningRefused(lacking)
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
    if _is_there(session, name):
        return ""
    names = {"name": sql.Identifier(name), "owner": sql.Identifier(owner)}
    session.execute(sql.SQL("CREATE DATABASE {name} OWNER {owner}").format(**names))
    return f"database {name}"


def _is_there(session: psycopg.Connection[Any], database: str) -> bool:
    return bool(session.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchall())


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
