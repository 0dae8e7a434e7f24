"""What the portal's programs import, loaded once for all of one environment; each is then forked from it.

Nothing here connects or starts a thread: who forks from it holds that (`tests/fork_server.py`).
"""

from importlib import import_module

import django
from django.conf import settings
from django.urls import get_resolver

django.setup()
for name in ("consent.api.decisions", "portal.celery"):
    import_module(name)
for path in settings.MIDDLEWARE:
    import_module(path.rpartition(".")[0])
import_module("portal.celery").app.loader.import_default_modules()
assert get_resolver().url_patterns
