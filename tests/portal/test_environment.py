"""Production starts with everything it needs, or stops and names what is missing."""

import os
import re
import runpy
import string
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.utils.module_loading import import_string
from pytest_django import Settings

from partners.clients import sms
from portal import deploy_checks, external_storage
from portal.connections import database
from portal.env import MOVED, process_name
from portal.environment import environment
from portal.management.commands.settings import write_reference
from portal.setting_list import SECRETS, SETTINGS, WRONG
from support.domain import files
from tests import forks
from tests.portal.processes import PRODUCTION, PROJECT, clean_environment

BARE = clean_environment()


def given(monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
    """The environment of this very process, for this test."""
    monkeypatch.setattr(os, "environ", BARE | environment)


def settings_of(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """What the settings are in it, read as a process reads them at its start."""
    given(monkeypatch, **environment)
    before = structlog.get_config()
    try:
        return runpy.run_path(str(PROJECT / "portal" / "settings.py"))
    finally:
        # Settings configure logs; loggers that were used already keep to the list of processors that was there.
        structlog.configure(**before)


def run(*command: str, **environment: str) -> tuple[int, str, str]:
    """How a command ends, what it prints, and the last that it says of what is wrong."""
    done = forks.run([sys.executable, "manage.py", *command], cwd=PROJECT, env=clean_environment(**environment))
    return done.returncode, done.stdout, done.stderr.strip().rpartition("\n")[2]


def test_check_deploy_is_clean_with_production_settings() -> None:
    done = run("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION | {"RETENTION_MONTHS": "12"})
    assert done == (0, "System check identified no issues (0 silenced).\n", "")


def test_a_command_says_in_one_line_why_it_does_not_start_and_check_deploy_fails_on_any_error() -> None:
    status, printed, said = run("check", **PRODUCTION | {"BASE_URL": ""})
    assert (status, printed) == (1, "")
    assert said.startswith("Not started: BASE_URL is not set. Set it to ")
    assert run("check", "--deploy", **PRODUCTION | {"ALLOWED_HOSTS": "*"})[0] == 1
    status, printed, said = run("demo", "--no-input", BASE_URL="http://192.0.2.7:8000")
    assert (status, "loopback" in said) == (1, True)


HERE = {"BASE_URL": "http://localhost:8000"}
IN_ORDER = string.digits + string.ascii_letters
STRONG_KEY = "v8#Lq2!zR7mW0xK5dT3nJ9cB6hY1gF4sP-uEaiOoZQwXrVtGkNbM"
DEMO: list[tuple[dict[str, str], set[str]]] = [
    ({**HERE, "DOOR_OUT_LOOPBACK": "1"}, {"E001", "E008", "E009"}),
    ({**HERE, "WHEREABOUTS_DEMO": "1"}, {"E002", "E008", "E009"}),
    ({"DEBUG": "1"}, {"E003"}),
    *(
        ({"SECRET_KEY": key}, {"E004"})
        for key in ("changeme", "a" * 60, "changeme" * 9, f"change-me-{STRONG_KEY}", "q9w2-e7R4" * 8, IN_ORDER)
    ),
    ({"SECRET_KEY": STRONG_KEY}, set()),
    ({"ALLOWED_HOSTS": ".com"}, {"E005", "E013"}),
    ({"ALLOWED_HOSTS": "whereabouts.carrier.example,.co.uk"}, {"E005"}),
    ({"ALLOWED_HOSTS": ".carrier.example,.att.com"}, set()),
    *(
        ({"BASE_URL": f"https://{host}"}, {"E009"})
        for host in ("127.0.0.2", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "10.0.0.7", "127.1", "a.localhost")
    ),
    ({"SECRET_KEY_FALLBACKS": "an-old-one"}, {"E004"}),
    ({"ALLOWED_HOSTS": "*"}, {"E005"}),
    ({"ALLOWED_HOSTS": "whereabouts.carrier.example,*"}, {"E005"}),
    ({"SMS_BACKEND": "portal.demo_phone.Backend"}, {"E006"}),
    ({"SMS_BACKEND": "accounts.clients.texts.ConsoleBackend"}, {"E006"}),
    *(
        ({"SMS_WEBHOOK_URL": url}, {"E007"})
        for url in ("", " ", "sms.carrier.example/send", "https://", "https:///send")
    ),
    *(({"SMS_WEBHOOK_TOKEN": token}, {"E007"}) for token in ("", "   ")),
    (HERE, {"E008", "E009"}),
    ({"OIDC_ISSUER": "http://127.0.0.1:9000", "OIDC_CLIENT_ID": "portal", "OIDC_CLIENT_SECRET": "secret"}, {"E008"}),
    ({"EMAIL_URL": "console://"}, {"E010"}),
    ({"FIELD_ENCRYPTION_KEYS": SETTINGS["FIELD_ENCRYPTION_KEYS"].example}, {"E011"}),
    ({"FIELD_ENCRYPTION_KEYS": f"{PRODUCTION['FIELD_ENCRYPTION_KEYS']}, {'A' * 43}="}, {"E011"}),
    ({"FIELD_ENCRYPTION_KEYS": urlsafe_b64encode(bytes(range(32))).decode()}, {"E011"}),
    *(({name: "x" * 32}, {"E012"}) for name in ("SMS_INBOUND_SECRETS", "CALL_LOG_SECRETS", "MAIL_INBOUND_SECRETS")),
    ({"METRICS_TOKEN": "prometheus"}, {"E012"}),
    ({"SMS_INBOUND_SECRETS": f"9f86d081884c7d659a2feaa0c55ad015,{'0123' * 8}"}, {"E012"}),
    ({"SMS_INBOUND_SECRETS": "9f86d081884c7d659a2feaa0c55ad015"}, set()),
    ({"ALLOWED_HOSTS": "privacy.carrier.example"}, {"E013"}),
    ({"ALLOWED_HOSTS": "privacy.carrier.example, whereabouts.carrier.example"}, set()),
    *(({one.name: "partners.clients.sms.Htpbackend"}, {"E014"}) for one in SETTINGS.values() if one.kind == "class"),
    *(({"SMS_BACKEND": path}, {"E014"}) for path in ("partners.clients.sms", "carrier.texts.Gateway")),
    ({"SECRET_KEY": "only-for-this-step-of-the-build-and-kept-nowhere-else"}, {"E004"}),
    ({"MTLS_BASE_URL": "http://mtls.carrier.example"}, {"E008"}),
    *(
        ({name: networks}, {"E015"})
        for name in ("PLAIN_HOSTS", "INTERNAL_HOSTS")
        for networks in ("0.0.0.0/0", "db.internal, 128.0.0.0/1", "::/0")
    ),
    ({"PLAIN_HOSTS": "db.internal,10.0.0.0/8,fc00::/7", "INTERNAL_HOSTS": "10.0.0.0/8,fc00::/7"}, set()),
    ({"DATABASE_OWNER_URL": PRODUCTION["DATABASE_URL"]}, {"E016"}),
    ({"DATABASE_OWNER_URL": PRODUCTION["DATABASE_URL"].replace("_app:", "_owner:")}, set()),
    *(
        ({"CELERY_BROKER_URL": url}, {"E017"})
        for url in ("memory://", "filesystem://", "redis://localhost/0;memory://")
    ),
    *(({"STAFF_WEBHOOK_URL": url}, {"E018"}) for url in ("http://hooks.carrier.example/x", "hooks", "https://")),
    ({"STAFF_WEBHOOK_URL": "https://hooks.carrier.example/x"}, set()),
]


WRONG_WORDS = {
    **dict.fromkeys(
        ("DEBUG", "BEHIND_PROXY", "MTLS_CLIENT_CERTIFICATES", "CANARY", "WHEREABOUTS_DEMO", "DOOR_OUT_LOOPBACK"), "true"
    ),
    "FIELD_ENCRYPTION_KEYS": "a-key-of-my-own",
}


@pytest.mark.parametrize("name", WRONG_WORDS)
def test_a_word_that_would_be_taken_for_another_stops_the_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION | {name: WRONG_WORDS[name]})
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} must be "):
        environment()


@pytest.mark.parametrize(
    "url",
    ["HTTPS://whereabouts.carrier.example", "https://Whereabouts.carrier.example", "https://whereabouts.example/portal",
        "https://whereabouts.example?x=1", "https://user@whereabouts.example", "https://", " https://whereabouts.example"],
)  # fmt: skip
def test_the_portals_own_address_is_a_host_alone_in_small_letters(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION | {"BASE_URL": url})
    with pytest.raises(ImproperlyConfigured, match=r"^BASE_URL must be a host alone, in small letters"):
        environment()


def test_check_deploy_fails_on_settings_of_a_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    for changed, errors in DEMO:
        settings = settings_of(monkeypatch, **PRODUCTION | changed)
        monkeypatch.setattr(deploy_checks, "settings", SimpleNamespace(**settings))
        found = {str(error.id).removeprefix("whereabouts.") for error in deploy_checks.only_for_the_demo(None)}
        assert (changed, found) == (changed, errors)


@pytest.mark.parametrize("name", ["DOOR_OUT_LOOPBACK", "WHEREABOUTS_DEMO"])
def test_where_others_come_the_demos_doors_stop_the_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION, **{name: "1"})
    with pytest.raises(ImproperlyConfigured, match=f"{name} is for a loopback BASE_URL only"):
        environment()


S3 = {
    "STOP_ARCHIVE_BACKEND": "consent.clients.archive_s3.S3Sink",
    "STOP_ARCHIVE_S3_KEY_ID": "k",
    "STOP_ARCHIVE_S3_SECRET": "s",
}
CHECKPOINTS_IN_S3 = {
    "CHECKPOINT_BACKEND": "partners.clients.checkpoint_s3.S3Place",
    "CHECKPOINT_S3_KEY_ID": "k",
    "CHECKPOINT_S3_SECRET": "s",
}
BOTH = [("STOP_ARCHIVE_S3_URL", S3), ("CHECKPOINT_S3_URL", CHECKPOINTS_IN_S3)]


@pytest.mark.parametrize(("name", "stored"), BOTH)
@pytest.mark.parametrize(
    "url",
    ["https://store.example", "https://store.example//", "https:///bucket", "store.example/bucket",
        "https://key:secret@store.example/bucket", "https://store.example/bucket?x=1"],
)  # fmt: skip
def test_a_store_without_a_bucket_stops_the_start(
    url: str, name: str, stored: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, **PRODUCTION, **stored, **{name: url})
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} must be https://host/bucket or"):
        environment()


@pytest.mark.parametrize(("name", "stored"), BOTH)
def test_a_bucket_and_a_folder_of_it_are_taken_and_http_from_the_demo_alone(
    name: str, stored: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("https://store.example/bucket", "https://store.example:9000/bucket/folder/deeper/"):
        given(monkeypatch, **PRODUCTION, **stored, **{name: url})
        assert getattr(environment(), name.lower()) == url
    here = {**PRODUCTION, **stored, "BASE_URL": "http://localhost:8000", name: "http://127.0.0.1:9000/b"}
    given(monkeypatch, **here, DOOR_OUT_LOOPBACK="1")
    assert getattr(environment(), name.lower()) == "http://127.0.0.1:9000/b"
    given(monkeypatch, **here)
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} must be"):
        environment()


@pytest.mark.parametrize("missing", ["CHECKPOINT_S3_URL", "CHECKPOINT_S3_KEY_ID", "CHECKPOINT_S3_SECRET"])
def test_what_a_store_of_checkpoints_lacks_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {**PRODUCTION, **CHECKPOINTS_IN_S3, "CHECKPOINT_S3_URL": "https://store.example/bucket"}
    given(monkeypatch, **stored)
    assert environment().checkpoint_s3_region == "us-east-1"
    given(monkeypatch, **{**stored, missing: ""})
    with pytest.raises(ImproperlyConfigured, match=rf"^{missing} is not set\."):
        environment()


def test_checkpoints_go_to_a_folder_or_a_store_and_production_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {name: value for name, value in PRODUCTION.items() if name != "CHECKPOINT_DIR"}
    given(monkeypatch, **without)
    both = (
        r"^CHECKPOINT_DIR is not set\. Set it to a folder on another disk than the database, the same for every web and"
        r" worker, or set CHECKPOINT_BACKEND to partners\.clients\.checkpoint_s3\.S3Place and CHECKPOINT_S3_URL to https://"
    )
    with pytest.raises(ImproperlyConfigured, match=both):
        environment()
    given(monkeypatch, **without, **CHECKPOINTS_IN_S3, CHECKPOINT_S3_URL="https://store.example/bucket")
    told = environment()
    assert (told.checkpoint_backend, told.checkpoint_s3_url) == (
        "partners.clients.checkpoint_s3.S3Place",
        "https://store.example/bucket",
    )
    given(monkeypatch, **PRODUCTION)
    assert environment().checkpoint_backend == "partners.clients.checkpoint_places.FolderPlace"


@pytest.mark.parametrize("of", ["STOP_ARCHIVE", "CHECKPOINT"])
def test_a_store_that_is_named_and_would_get_nothing_stops_the_start(of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION, **{f"{of}_S3_URL": "https://store.example/bucket"})
    with pytest.raises(ImproperlyConfigured, match=rf"^{of}_S3_URL is set, and nothing would go there\. Set {of}_BACK"):
        environment()


@pytest.mark.parametrize(
    ("archive", "checkpoints", "fits"),
    [
        ("https://s.example/b", "https://s.example/b", False),
        ("https://s.example/b/x/", "https://S.example/b/x", False),
        ("https://s.example/b", "https://s.example/b/checkpoints", False),
        ("https://s.example/b/stops/deep", "https://s.example/b/stops", False),
        ("https://s.example/b/stops", "https://s.example/b/stops-signed", True),
        ("https://s.example/b", "https://other.example/b", True),
    ],
)
def test_neither_store_lies_within_the_other(
    archive: str, checkpoints: str, *, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = {"STOP_ARCHIVE_S3_URL": archive, "CHECKPOINT_S3_URL": checkpoints}
    given(monkeypatch, **PRODUCTION, **S3, **CHECKPOINTS_IN_S3, **urls)
    if fits:
        assert environment().checkpoint_s3_url == checkpoints
        return
    with pytest.raises(ImproperlyConfigured, match=r"must be two places, and neither within the other"):
        environment()


@pytest.mark.parametrize("base_url", ["https://whereabouts.carrier.example", "http://localhost:8000"])
def test_the_archive_and_checkpoints_never_share_a_folder(
    base_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.symlink_to(one)
    here = PRODUCTION | {"BASE_URL": base_url, "CHECKPOINT_DIR": str(one)}
    for same in (str(one), f"{one}/", str(one / ".." / "one"), str(other)):
        given(monkeypatch, **here | {"STOP_ARCHIVE_DIR": same})
        said = rf"^STOP_ARCHIVE_DIR and CHECKPOINT_DIR must be two folders, and both are {one.resolve()}\. Give each"
        with pytest.raises(ImproperlyConfigured, match=said):
            environment()
    given(monkeypatch, **here | {"STOP_ARCHIVE_DIR": str(one / "stops")})
    assert environment().stop_archive_dir == one / "stops"
    stored = CHECKPOINTS_IN_S3 | {"CHECKPOINT_S3_URL": "https://store.example/bucket"}
    given(monkeypatch, **here | stored | {"STOP_ARCHIVE_DIR": str(one)})
    assert environment().stop_archive_dir == one


def test_the_archive_lies_below_the_checkpoints_unless_it_has_a_place_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Never in a place that may be gone at the next start."""
    given(monkeypatch, **PRODUCTION)
    assert environment().stop_archive_dir == Path("/srv/stop-archive")
    without = {name: value for name, value in PRODUCTION.items() if name != "STOP_ARCHIVE_DIR"}
    given(monkeypatch, **without)
    found = environment()
    assert (found.checkpoint_dir, found.stop_archive_dir) == (
        Path("/srv/checkpoints"),
        Path("/srv/checkpoints/stop-archive"),
    )
    here = without | {"BASE_URL": "http://localhost:8000", "DATA_DIR": "/srv/data"}
    given(monkeypatch, **here)
    assert environment().stop_archive_dir == Path("/srv/data/stop-archive")
    given(monkeypatch, **{name: value for name, value in here.items() if name != "CHECKPOINT_DIR"})
    assert environment().checkpoint_dir == Path("/srv/data/checkpoints")
    given(monkeypatch, **without, **CHECKPOINTS_IN_S3, CHECKPOINT_S3_URL="https://store.example/bucket")
    with pytest.raises(ImproperlyConfigured, match=r"^STOP_ARCHIVE_DIR is not set\."):
        environment()


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text(PRODUCTION["SECRET_KEY"] + "\n")
    rest = {name: value for name, value in PRODUCTION.items() if name != "SECRET_KEY"}
    given(monkeypatch, **rest, SECRET_KEY_FILE=str(file))
    assert environment().secret_key == PRODUCTION["SECRET_KEY"]
    # A program that this one starts is given the secret once.
    assert "SECRET_KEY_FILE" not in os.environ


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"SECRET_KEY": "x", "SECRET_KEY_FILE": "/dev/null"}, "Both SECRET_KEY and SECRET_KEY_FILE are set."),
        ({"EMAIL_URL": "", "EMAIL_URL_FILE": "/nowhere"}, "EMAIL_URL_FILE can't be read: FileNotFoundError."),
        ({"EMAIL_URL": "", "EMAIL_URL_FILE": "/dev/null"}, "EMAIL_URL_FILE names an empty file."),
    ],
)
def test_a_file_that_does_not_fit_is_said(more: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **{**PRODUCTION, **more})
    # Django takes the first refusal for a command that it doesn't know, and asks again.
    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match=said):
            environment()


# Fields that go by another name in the environment.
NAMED_OTHERWISE = {"DEMO": "WHEREABOUTS_DEMO", "TRACES": "OTEL_EXPORTER_OTLP_ENDPOINT"}


def test_every_setting_is_declared_and_the_reference_is_written_from_that() -> None:
    fields = {field.upper() for field in vars(environment())}
    declared = SETTINGS.keys() - {"PROMETHEUS_MULTIPROC_DIR"}
    assert {NAMED_OTHERWISE.get(field, field) for field in fields} == declared
    named = ("_KEY", "_KEYS", "_TOKEN", "_SECRET", "_SECRETS", "_DSN")
    assert {name for name in fields if name.endswith(named)} <= set(SECRETS)
    assert (PROJECT / "docs" / "reference" / "settings.md").read_text() == write_reference()


def test_a_setting_is_since_a_version_of_the_changelog_and_no_older_one_names_it() -> None:
    parts = re.split(r"^## (\S+).*$", (PROJECT / "docs" / "changelog.md").read_text(), flags=re.MULTILINE)
    versions, sections = parts[1::2], parts[2::2]
    for one in SETTINGS.values():
        older = "".join(sections[versions.index(one.since) + 1 :])
        assert not re.search(rf"`{one.name}`", older), one.name


def test_no_switch_takes_another_word(monkeypatch: pytest.MonkeyPatch) -> None:
    switches = [one.name for one in SETTINGS.values() if one.kind == "switch"]
    given(monkeypatch, **PRODUCTION | dict.fromkeys(switches, "yes"))
    with pytest.raises(ImproperlyConfigured) as refused:
        environment()
    assert {f"{name} must be 1 or 0. It is 'yes'." for name in switches} <= set(str(refused.value).splitlines())
    assert WRONG["switch"] == "no start unless 1 or 0"


def test_a_provider_needs_its_client_and_no_client_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION)
    assert not environment().oidc_client_id
    for issuer in ("OIDC_ISSUER", "STAFF_OIDC_ISSUER"):
        clients = [one.name for one in SETTINGS.values() if one.needed == f"with `{issuer}`"]
        assert len(clients) == 2
        given(monkeypatch, **PRODUCTION, **{issuer: "https://login.example"})
        with pytest.raises(ImproperlyConfigured) as refused:
            environment()
        assert all(name in str(refused.value) for name in clients)


def test_mail_comes_from_the_carrier_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, sender in (("Cascade, Inc.", '"Cascade, Inc."'), ("", '"whereabouts.carrier.example"')):
        given(monkeypatch, **PRODUCTION, CARRIER_NAME=name)
        assert environment().email_from == f"{sender} <no-reply@whereabouts.carrier.example>"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("25-7 UTC", r"is '25-7 UTC'\. Write the hour when it gets quiet"),
        ("20-7", r"is '20-7'\. Write the hour when it gets quiet"),
        ("20-7 Eastern", r"names no time zone: 'Eastern'\. Write one like America/New_York"),
    ],
)
def test_quiet_hours_say_what_is_wrong_with_them(monkeypatch: pytest.MonkeyPatch, typed: str, said: str) -> None:
    given(monkeypatch, **PRODUCTION, STAFF_WEBHOOK_QUIET=typed)
    with pytest.raises(ImproperlyConfigured, match=f"^STAFF_WEBHOOK_QUIET {said}"):
        environment()


def test_all_that_is_missing_or_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "READING_LIMIT": "many", "RETENTION_MONTHS": "6", "LOG_LEVEL": "loud",
        "MAIL_REPLY_ADDRESS": "help+me@carrier.example", "MTLS_CLIENT_CERTIFICATES": "1",
        "REDIS_URL": "redis://elsewhere.carrier.example",
    }  # fmt: skip
    given(monkeypatch, **{key: value for key, value in PRODUCTION.items() if key != "SECRET_KEY"} | wrong)
    before = dict(os.environ)
    with pytest.raises(ImproperlyConfigured) as refused:
        environment()
    said = str(refused.value).splitlines()
    assert [line.split()[0] for line in said] == [
        "REDIS_URL", "SECRET_KEY", "MTLS_CLIENT_CERTIFICATES", "LOG_LEVEL", "RETENTION_MONTHS", "READING_LIMIT",
        "MAIL_REPLY_ADDRESS",
    ]  # fmt: skip
    assert os.environ == before


def test_the_settings_in_force_are_printed_and_no_secret(
    capsys: pytest.CaptureFixture[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.METRICS_TOKEN, settings.SENTRY_DSN = "metrics-token", ""
    settings.SMS_WEBHOOK_URL = "https://gateway:password@sms.carrier.test/v1?to=a@b"
    settings.DEFAULT_FROM_EMAIL = "no-reply@carrier.test"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://token@otel.carrier.test")
    for name in ("LOG_LEVEL", "EMAIL_FROM", "BEHIND_PROXY"):
        monkeypatch.delenv(name, raising=False)
    settings.CARRIER_NAME, settings.CANARY, settings.TEST_ACCOUNTS = "Carrier", False, ["A-1", "A-2"]
    call_command("settings")
    printed = capsys.readouterr().out
    lines = {line.partition("  #")[0] for line in printed.splitlines()}
    assert {"METRICS_TOKEN=(set)", "SENTRY_DSN=", "CARRIER_NAME=Carrier", "CANARY=0", "TEST_ACCOUNTS=A-1,A-2"} <= lines
    assert {
        "SMS_WEBHOOK_URL=https://(set)@sms.carrier.test/v1?to=a@b",
        "OTEL_EXPORTER_OTLP_ENDPOINT=https://(set)@otel.carrier.test",
    } <= lines
    defaults = {"LOG_LEVEL=info  # default", "EMAIL_FROM=no-reply@carrier.test  # default", "BEHIND_PROXY=0  # default"}
    assert defaults <= set(printed.splitlines())
    assert [name for name in SECRETS if f"{name}=" not in printed] == []
    assert "metrics-token" not in printed
    assert settings.SECRET_KEY not in printed


STARTS_WITHOUT = {"STOP_ARCHIVE_DIR", "SMS_WEBHOOK_URL", "SMS_WEBHOOK_TOKEN"}


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name not in STARTS_WITHOUT])
def test_a_missing_setting_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is not set. Set it to "):
        settings_of(monkeypatch, **{key: value for key, value in PRODUCTION.items() if key != name})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"BASE_URL": "http://whereabouts.carrier.example"}, "BASE_URL must start with https://"),
        ({"OIDC_ISSUER": "http://idp.carrier.example"}, "OIDC_ISSUER must start with https://"),
        ({"OIDC_ISSUER": "https://idp.carrier.example"}, "OIDC_CLIENT_ID is not set."),
        (
            {
                name: value
                for of in ("OIDC", "STAFF_OIDC")
                for name, value in (
                    (f"{of}_ISSUER", "https://idp.carrier.example"),
                    (f"{of}_CLIENT_ID", "x"),
                    (f"{of}_CLIENT_SECRET", "y"),
                )
            },
            "OIDC_CLIENT_ID must not be STAFF_OIDC_CLIENT_ID",
        ),
        ({"SMS_INBOUND_SECRETS": "s" * 32 + ",short"}, "Each of SMS_INBOUND_SECRETS must have 32 characters"),
        ({"CALL_LOG_SECRETS": "short"}, "Each of CALL_LOG_SECRETS must have 32 characters"),
        ({"CODE_TEXTS_ALARM": "0"}, "CODE_TEXTS_ALARM must be a whole number from 1"),
        ({"STAFF_OIDC_ISSUER": "http://idp.carrier.example"}, "STAFF_OIDC_ISSUER must start with https://"),
        ({"STAFF_OIDC_ISSUER": "https://idp.carrier.example"}, "STAFF_OIDC_CLIENT_ID is not set."),
        (
            {"STAFF_OIDC_ISSUER": "https://idp.carrier.example", "STAFF_OIDC_CLIENT_ID": "x"},
            "STAFF_OIDC_CLIENT_SECRET is not set.",
        ),
    ],
)
def test_a_setting_that_does_not_fit_is_said(
    changed: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        settings_of(monkeypatch, **PRODUCTION | changed)


@pytest.mark.parametrize("months", ["11", "0", "-24", "two", "24.5", "٢٤", "1201"])
def test_no_retention_under_a_year_is_taken(months: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured) as said:
        settings_of(monkeypatch, **PRODUCTION, RETENTION_MONTHS=months)
    begins, ends = "RETENTION_MONTHS must be a whole number from 12 to 1200: what was released", "(47 CFR 64.2009(c))."
    assert str(said.value).startswith(begins)
    assert str(said.value).endswith(f"{ends} It is {months!r}.")


def test_an_empty_option_of_a_database_s_url_takes_out_what_we_would_have_set() -> None:
    url = "postgresql://u:p@db.example/w"
    assert database(url)["OPTIONS"]["options"].startswith("-c jit=off")
    assert database(f"{url}?options=")["OPTIONS"]["options"] == ""
    assert database(f"{url}?options=-c%20jit%3Don")["OPTIONS"]["options"] == "-c jit=on"


def test_sentinels_are_asked_for_a_master_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    sentinels = {**PRODUCTION, "CELERY_BROKER_URL": "sentinel://127.0.0.1:26379;sentinel://127.0.0.1:26380"}
    given(monkeypatch, **sentinels)
    with pytest.raises(ImproperlyConfigured, match="CELERY_BROKER_MASTER"):
        environment()
    given(monkeypatch, **sentinels, CELERY_BROKER_MASTER="orders")
    assert environment().celery_broker_master == "orders"


def test_a_class_may_be_named_by_its_path_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for before, now in MOVED.items():
        settings = ("SMS_BACKEND", "ATTACHMENT_SCANNER", "KEY_VAULT")
        given(monkeypatch, **{**PRODUCTION, **dict.fromkeys(settings, before)})
        found = environment()
        assert (found.sms_backend, found.attachment_scanner, found.key_vault) == (now, now, now)
        for of in ("CHECKPOINT", "STOP_ARCHIVE"):
            monkeypatch.setenv(f"{of}_BACKEND", before)
            assert external_storage.backend(of) == now
        assert import_string(now).__name__ == before.rpartition(".")[2]
    # What such a class of one's own raises.
    assert (files.ScannerAway, files.NotLookedAt) == (files.ScannerUnavailable, files.NotScanned)
    assert sms.InDoubt is sms.UncertainDelivery


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/opt/whereabouts/.venv/bin/uvicorn --port 8000 portal.asgi:application", "whereabouts-web"),
        ("/lib/uvicorn/__main__.py portal.asgi:application", "whereabouts-web"),
        ("/opt/whereabouts/.venv/bin/celery --app portal worker --concurrency 4", "whereabouts-worker"),
        ("/lib/celery/__main__.py --app portal beat", "whereabouts-beat"),
        ("manage.py import_lines lines.csv", "whereabouts-import_lines"),
        ("-c", "whereabouts-command"),
    ],
)
def test_a_process_is_named_after_what_it_is(monkeypatch: pytest.MonkeyPatch, command: str, name: str) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    assert process_name(command.split()) == name


def test_the_gates_unit_names_the_gate_at_the_database_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "whereabouts-gate")
    assert database("postgresql://app@127.0.0.1/x")["OPTIONS"]["application_name"] == "whereabouts-gate"
