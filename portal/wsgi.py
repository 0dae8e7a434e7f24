"""The whole product as WSGI: what `portal.asgi` runs in threads, and any WSGI server may serve."""

import os
from importlib import import_module
from wsgiref.types import WSGIApplication

from django.core.wsgi import get_wsgi_application

from accounts.primitives.json_reader import prepare_shapes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

pages = get_wsgi_application()
bridge = import_module("portal.wsgi_bridge")
pages.request_class = bridge.Utf8Request
whole_product: WSGIApplication = import_module("consent.api.decisions").gate_fast_path(pages)
application: WSGIApplication = bridge.close_after_unread_body(bridge.delay_in_thread(whole_product))

# Threads may start from here on, so every door, and with it every shape that it reads, is imported first.
import_module("portal.urls")
prepare_shapes()
