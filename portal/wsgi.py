"""The whole product as WSGI: what `portal.asgi` runs in threads, and any WSGI server may serve."""

import os
from importlib import import_module
from wsgiref.types import WSGIApplication

from django.core.wsgi import get_wsgi_application

from portal.connection_close import closing_after_unread

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

pages = get_wsgi_application()
whole_product: WSGIApplication = import_module("consent.api.fast_path").gate_fast_path(pages)
application = closing_after_unread(import_module("portal.wsgi_bridge").waiting_in_its_thread(whole_product))
