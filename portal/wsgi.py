"""The WSGI application that granian serves."""

import os
from importlib import import_module
from wsgiref.types import WSGIApplication

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

pages = get_wsgi_application()
application: WSGIApplication = import_module("consent.api.straight").straight_to_the_gate(pages)
