"""The cache hinders nothing: what is no value of ours is as if it were not there."""

from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from pytest_django import Settings
from redis import Redis

from audit.primitives.counters import Tally

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("garbage", [b"\x80", b"", b"cnowhere\nGone\n.", b"\x80\x05]."])
def test_what_another_release_or_nobody_wrote_stops_no_count(garbage: bytes, settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "portal.caches.ForgivingCache", "LOCATION": settings.REDIS_URL}}
    tally = Tally("tests.garbage")
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.set(cache.make_key("tests.garbage:2026-03-02T09"), garbage, ex=5)
        tally.count(at=AT)
        assert dict(tally.by_hour(now=AT)) in ({}, {AT.replace(minute=0): 0})
        assert cache.get("tests.garbage:2026-03-02T09") in (None, [])
        redis.delete(cache.make_key("tests.garbage:2026-03-02T09"))
        tally.count(at=AT)
        assert dict(tally.by_hour(now=AT)) == {AT.replace(minute=0): 2}
