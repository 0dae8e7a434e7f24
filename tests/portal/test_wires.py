"""Production speaks over TLS that is checked to what stands on other machines, or does not start."""

import os
import ssl

import pytest
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection

from portal import connections
from portal.environment import environment
from tests.portal.processes import PRODUCTION, clean_environment

OPEN = {
    "DATABASE_URL": ["postgresql://u:p@db.example/w", "postgresql://u:p@db.example/w?sslmode=require",
        "postgresql://u:p@/w?host=db.example", "postgresql://u:p@10.1.2.3/w?sslmode=prefer"],
    "DATABASE_OWNER_URL": ["postgresql://u:p@db.example/w"],
    "REDIS_URL": ["redis://:p@redis.example:6379/0", "rediss://redis.example/0?ssl_cert_reqs=none"],
    "CELERY_BROKER_URL": ["amqp://u:p@rabbit.example/v", "sentinel://127.0.0.1:1;sentinel://s2.example:26379",
        "redis://127.0.0.1/0;s2.example"],
    "OTEL_EXPORTER_OTLP_ENDPOINT": ["http://traces.example:4318"],
}  # fmt: skip
SAFE = {
    "DATABASE_URL": ["postgresql://u:p@db.example/w?sslmode=verify-full", "postgresql://u:p@localhost/w",
        "postgresql://u:p@[::1]:5432/w", "postgresql://u@/w?host=/run/postgresql", "postgresql:///w",
        "postgresql://u:p@db.example/w?sslmode=verify-ca"],
    "REDIS_URL": ["rediss://:p@redis.example/0", "redis://127.0.0.1:6379/0", "unix:///run/valkey.sock"],
    "CELERY_BROKER_URL": ["amqps://u:p@rabbit.example/v", "redis+socket:///run/valkey.sock", "redis://127.9.9.9/0"],
    "EMAIL_URL": ["smtp://u:p@mail.example", "smtps://u:p@mail.example", "smtp://127.0.0.1:25"],
    "SMS_WEBHOOK_URL": ["https://texts.example/send", ""],
    "STOP_ARCHIVE_S3_URL": ["https://store.example/bucket"],
    "CHECKPOINT_S3_URL": ["https://store.example/signed"],
}  # fmt: skip


def each(of: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, url) for name, urls in of.items() for url in urls]


@pytest.mark.parametrize(("name", "url"), each(OPEN))
def test_what_is_open_is_refused_unless_its_network_is_answered_for(name: str, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} leads to another machine without TLS that checks"):
        connections.check_connections({name: url}, plain=[])
    hosts = ["db.example", "redis.example", "rabbit.example", "traces.example"]
    connections.check_connections({name: url}, plain=[*hosts, "s2.example", "10.0.0.0/8"])


@pytest.mark.parametrize(("name", "url"), each(SAFE))
def test_what_is_checked_or_stays_on_this_machine_is_taken(name: str, url: str) -> None:
    connections.check_connections({name: url}, plain=[])


@pytest.mark.parametrize("name", ["SMS_WEBHOOK_URL", "STOP_ARCHIVE_S3_URL", "CHECKPOINT_S3_URL"])
@pytest.mark.parametrize("url", ["http://out.example/bucket", "http://127.0.0.1:9000/bucket", "http://10.1.2.3/bucket"])
def test_what_the_door_out_would_not_open_is_refused_before_anything_waits_for_it(name: str, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} must start with https://"):
        connections.check_connections({name: url}, plain=["out.example", "10.0.0.0/8"])


def test_another_network_and_a_word_that_is_none() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL leads to"):
        connections.check_connections(
            {"DATABASE_URL": "postgresql://u:p@10.1.2.3/w"}, plain=["10.2.0.0/16", "10.1.2.4"]
        )
    with pytest.raises(ImproperlyConfigured, match=r"PLAIN_HOSTS names no network: '10\.0\.0/8'"):
        connections.check_connections({}, plain=["10.0.0/8"])


def test_production_does_not_start_and_a_machine_of_one_s_own_does(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {**PRODUCTION, "DATABASE_URL": "postgresql://u:p@db.example/w"}
    monkeypatch.setattr(os, "environ", clean_environment(**told))
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL leads to another machine"):
        environment()
    monkeypatch.setattr(os, "environ", clean_environment(**told, PLAIN_HOSTS=" 10.0.0.0/8, DB.Example ,"))
    assert environment().plain_hosts == ["10.0.0.0/8", "db.example"]
    monkeypatch.setattr(os, "environ", clean_environment(**{**told, "BASE_URL": "http://localhost:8000"}))
    assert environment().database_url == told["DATABASE_URL"]


def test_a_broker_s_certificate_is_looked_at() -> None:
    """Celery takes any certificate over `rediss://` unless it is told otherwise."""
    for url, hosts in (
        ("rediss://redis.example/0", ["redis.example"]),
        ("rediss://a.example/0;rediss://b.example/0;rediss://c.example/0", ["a.", "b.", "c."]),
    ):
        over_redis = Connection(connections.broker(url))
        for host in hosts:
            assert str(over_redis.hostname).startswith(host)
            assert over_redis.ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
            over_redis.maybe_switch_next()
    assert connections.broker("rediss://h/0?ssl_cert_reqs=none") == "rediss://h/0?ssl_cert_reqs=none"
    assert connections.broker("redis://h/0") == "redis://h/0"
    assert connections.broker_tls("redis://h/0") is None
    assert connections.broker_tls("amqps://u:p@rabbit.example/v") == {
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": "rabbit.example",
    }
    # Two ports of one host have one name; a second name would be held to the first.
    two_ports = "amqps://rabbit.example:5671/v;amqps://rabbit.example:5681/v"
    assert connections.broker_tls(two_ports) == connections.broker_tls("amqps://rabbit.example/v")
    for second in ("amqps://other.example/v", "redis://rabbit.example/0"):
        with pytest.raises(ImproperlyConfigured, match=r"^CELERY_BROKER_URL names several hosts with amqps://"):
            connections.broker_tls(f"amqps://rabbit.example/v;{second}")
