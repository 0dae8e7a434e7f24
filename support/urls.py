"""Addresses of the desk."""

from django.urls import URLPattern, path

from support.views import queue

urlpatterns: list[URLPattern] = [
    path("desk/", queue.queue, name="desk"),
    path("desk/counts/", queue.counts, name="desk-counts"),
]
