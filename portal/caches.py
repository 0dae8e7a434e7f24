"""The cache holds throttles and counts. When Redis is away it forgets: a broken broker must not hinder a stop."""

from pickle import UnpicklingError
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger()
# What is no value of ours: half a value, or one of another release.
UNREADABLE = (RedisError, UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError, ValueError)


class ForgivingCache(RedisCache):
    """Redis, or nothing: reads find nothing, writes are lost, and the log says so; so with what can't be read."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        try:
            return bool(super().add(*args, **kwargs))
        except RedisError as error:
            return _away(error, default=True)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except UNREADABLE as error:
            return _away(error, default=default)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        try:
            return dict(super().get_many(keys, version))
        except UNREADABLE as error:
            return _away(error, default={})

    def set(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().set(*args, **kwargs)
        except RedisError as error:
            _away(error, default=None)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        try:
            return bool(super().delete(*args, **kwargs))
        except RedisError as error:
            return _away(error, default=False)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        try:
            return int(super().incr(key, delta, version))
        except RedisError as error:
            return _away(error, default=delta)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        try:
            return bool(super().touch(*args, **kwargs))
        except RedisError as error:
            return _away(error, default=False)


def _away[T](error: Exception, *, default: T) -> T:
    log.warning("cache_away", error=type(error).__name__)
    return default
