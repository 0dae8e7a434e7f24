"""Addresses for machines: sign-in and keys."""

from django.urls import path

from partners import api

urlpatterns = [
    path("oauth/token", api.token, name="oauth_token"),
    path(".well-known/oauth-authorization-server", api.authorization_server, name="oauth_authorization_server"),
    path(".well-known/jwks.json", api.jwks, name="jwks"),
    path(".well-known/jwks-archive.json", api.jwks_archive, name="jwks_archive"),
]
