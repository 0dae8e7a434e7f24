"""Addresses of the Shared Signals Framework."""

from django.urls import path

from revocations import api

urlpatterns = [
    path(".well-known/ssf-configuration", api.configuration, name="ssf_configuration"),
    path("ssf/manifests/<uuid:cohort_id>/<int:number>", api.manifest, name="ssf_manifest"),
    path("ssf/poll", api.poll, name="ssf_poll"),
    path("ssf/streams", api.streams, name="ssf_streams"),
    path("ssf/status", api.status, name="ssf_status"),
    path("ssf/verify", api.verify, name="ssf_verify"),
    path("ssf/receipts", api.receipts, name="ssf_receipts"),
]
