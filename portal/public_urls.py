"""Addresses of the pages for everyone."""

from django.urls import path

from portal import public

urlpatterns = [
    path("", public.front, name="front"),
    path("safety/", public.safety, name="safety"),
    path("gallery/", public.gallery, name="gallery"),
]
