"""Let mypy read the settings without starting the servers that a missing address would start."""

import os

from mypy_django_plugin.main import plugin

__all__ = ["plugin"]

NOWHERE = {
    "DATABASE_URL": "postgres://nobody@127.0.0.1/none",
    "DATABASE_OWNER_URL": "postgres://nobody@127.0.0.1/none",
    "REDIS_URL": "redis://127.0.0.1/0",
    "SECRET_KEY": "for reading types",
    "FIELD_ENCRYPTION_KEYS": f"{'A' * 43}=",
    "BASE_URL": "http://localhost:8000",
}

for name, value in NOWHERE.items():
    os.environ.setdefault(name, value)
