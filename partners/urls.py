"""Addresses for machines: sign-in and keys."""

from django.urls import path

from partners.api import oauth

urlpatterns = [
    path("oauth/token", oauth.token, name="oauth_token"),
    path(".well-known/oauth-authorization-server", oauth.authorization_server, name="oauth_authorization_server"),
    path(".well-known/jwks.json", oauth.jwks, name="jwks"),
    path(".well-known/jwks-archive.json", oauth.jwks_archive, name="jwks_archive"),
]
