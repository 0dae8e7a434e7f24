"""Addresses of sign-in and of people's own pages. Of allauth's only those that somebody here needs."""

from allauth.account import views as allauth_views
from allauth.mfa.totp import views as totp_views
from django.conf import settings
from django.urls import include, path
from django.views.decorators.csp import csp_override
from django.views.generic import RedirectView

from accounts import oidc, views

# The picture that an authenticator app scans is drawn into the page itself.
with_picture = csp_override({**settings.SECURE_CSP, "img-src": [*settings.SECURE_CSP["img-src"], "data:"]})

urlpatterns = [
    path("accounts/", RedirectView.as_view(pattern_name="account_login")),
    path("accounts/login/", views.sign_in, name="account_login"),
    path("accounts/login/code/", views.sign_in_code, name="sign-in-code"),
    path("accounts/login/again/", views.sign_in_again, name="sign-in-again"),
    path(
        "accounts/login/staff/",
        allauth_views.LoginView.as_view(template_name="account/staff.html", extra_context={"oidc": oidc.configured}),
        name="sign-in-staff",
    ),
    path("accounts/login/staff/oidc/", views.staff_oidc, name="sign-in-staff-oidc"),
    path("accounts/login/staff/oidc/back/", views.staff_oidc_back, name="sign-in-staff-oidc-back"),
    path("accounts/invitation/<str:uid>/<str:token>/", views.invitation, name="staff-invitation"),
    path("accounts/logout/", allauth_views.logout, name="account_logout"),
    path("accounts/inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("accounts/reauthenticate/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("accounts/password/set/", views.first_password, name="account_set_password"),
    path("accounts/password/change/", allauth_views.password_change, name="account_change_password"),
    path("accounts/2fa/totp/activate/", with_picture(totp_views.activate_totp)),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("settings/", views.settings, name="settings"),
    path("access-log/", views.access_log, name="access-log"),
    path("leave/", views.leave, name="leave"),
    path("away/", views.away, name="away"),
]
