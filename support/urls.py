"""The address of the company that our own trial tells."""

from django.urls import URLPattern, path

from support import api

urlpatterns: list[URLPattern] = [path("canary/events", api.canary_events, name="canary-events")]
