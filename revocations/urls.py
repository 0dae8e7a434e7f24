"""Addresses of the Shared Signals Framework."""

from django.urls import path

from revocations.api import streams

urlpatterns = [
    path(".well-known/ssf-configuration", streams.configuration, name="ssf_configuration"),
    path("ssf/manifests/<uuid:cohort_id>/<int:number>", streams.manifest, name="ssf_manifest"),
    path("ssf/poll", streams.poll, name="ssf_poll"),
    path("ssf/streams", streams.streams, name="ssf_streams"),
    path("ssf/status", streams.status, name="ssf_status"),
    path("ssf/verify", streams.verify, name="ssf_verify"),
    path("ssf/receipts", streams.receipts, name="ssf_receipts"),
]
