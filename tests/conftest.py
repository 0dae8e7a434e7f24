"""Start what the tests run on, then Django, then the fixtures, which need its models."""

import os

import django
from django.conf import settings

from tests import servers

servers.start()
# A worker has read its settings before it comes here.
settings.CACHES["default"]["LOCATION"] = os.environ["REDIS_URL"]
# Each test client would look through all static files at its first page.
settings.WHITENOISE_AUTOREFRESH = True
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
django.setup()

pytest_plugins = ("tests.fixtures",)
