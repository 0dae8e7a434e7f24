"""Start what the tests run on, then Django, then the fixtures, which need its models."""

import gc
import os

import django
from django.conf import settings

from tests import servers

servers.start()
# A worker has read its settings before it comes here.
settings.CACHES["default"]["LOCATION"] = os.environ["REDIS_URL"]
# Whatever the machine is set to: pages are read word for word.
settings.CARRIER_NAME, settings.CARRIER_PHONE, settings.CARRIER_HOURS = "localhost", "", ""
# Each test client would look through all static files at its first page.
settings.WHITENOISE_AUTOREFRESH = True
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.RECOVERY_CODE_ROUNDS = 1
django.setup()
# What was loaded by now stays: to look through it for rubbish again and again costs more than most tests.
gc.freeze()
gc.set_threshold(50_000, 20, 50)

pytest_plugins = ("tests.fixtures", "tests.selection", "tests.locked_writes")
