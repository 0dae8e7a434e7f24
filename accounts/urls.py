"""Addresses of sign-in and of people's own pages. Of allauth's only those that somebody here needs."""

from functools import partial

from allauth.account import views as allauth_views
from allauth.mfa.base import views as mfa_views
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from allauth.mfa.webauthn import views as passkey_views
from django.conf import settings
from django.urls import path
from django.views.decorators.csp import csp_override
from django.views.generic import RedirectView

from accounts.clients import oidc
from accounts.views import delegations, factors, own, safety, sign_in
from accounts.views.access import require_no_hold
from accounts.views.adapter import PasskeyAgain

# The picture that an authenticator app scans is drawn into the page itself.
with_picture = csp_override({**settings.SECURE_CSP, "img-src": [*settings.SECURE_CSP["img-src"], "data:"]})

urlpatterns = [
    path("accounts/", RedirectView.as_view(pattern_name="account_login")),
    path("accounts/login/", sign_in.sign_in, name="account_login"),
    path("accounts/login/code/", sign_in.sign_in_code, name="sign-in-code"),
    path("accounts/login/ended/", sign_in.sign_in_ended, name="sign-in-ended"),
    path("accounts/login/ended/passkey/", sign_in.sign_in_ended_passkey, name="sign-in-ended-passkey"),
    path("accounts/login/again/", sign_in.sign_in_again, name="sign-in-again"),
    path(
        "accounts/login/staff/",
        allauth_views.LoginView.as_view(
            template_name="account/staff.html", extra_context={"oidc": partial(oidc.has_provider, oidc.STAFF)}
        ),
        name="sign-in-staff",
    ),
    path("accounts/login/staff/oidc/", sign_in.start_oidc, {"kind": oidc.STAFF}, name="sign-in-staff-oidc"),
    path("accounts/login/staff/oidc/back/", sign_in.staff_oidc_back, name="sign-in-staff-oidc-back"),
    path("accounts/login/carrier/", sign_in.start_oidc, {"kind": oidc.CARRIER}, name="sign-in-carrier"),
    path("accounts/login/carrier/back/", sign_in.carrier_back, name="sign-in-carrier-back"),
    path("accounts/invitation/<str:uid>/<str:token>/", sign_in.invitation, name="staff-invitation"),
    path("accounts/logout/", sign_in.sign_out, name="account_logout"),
    path("accounts/inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("accounts/reauthenticate/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("accounts/password/set/", factors.first_password, name="account_set_password"),
    path("accounts/password/forgotten/", factors.request_new_password, name="password-forgotten"),
    path("accounts/password/new/", factors.new_password, name="password-new"),
    path("accounts/password/keep/", factors.keep_password, name="password-keep"),
    # As texts of 1.1.0 named it; the shorter one, which is last, is written from now on.
    path("accounts/password/cancel/<str:token>/", factors.cancel, name="new-password-cancel"),
    path("cancel/<str:token>/", factors.cancel, name="new-password-cancel"),
    path("accounts/password/change/", factors.changing(allauth_views.password_change), name="account_change_password"),
    path("accounts/safe-code/", safety.reading_code, name="safe-code"),
    path("accounts/safe-code/text/", safety.text_reading_code, name="safe-code-text"),
    path("accounts/2fa/", factors.listing(mfa_views.index), name="mfa_index"),
    path("accounts/2fa/authenticate/", factors.record_factor_changes(mfa_views.authenticate), name="mfa_authenticate"),
    path(
        "accounts/2fa/reauthenticate/",
        factors.record_factor_changes(mfa_views.reauthenticate),
        name="mfa_reauthenticate",
    ),
    path(
        "accounts/2fa/totp/activate/",
        with_picture(factors.changing(totp_views.activate_totp)),
        name="mfa_activate_totp",
    ),
    path("accounts/2fa/totp/deactivate/", factors.changing(totp_views.deactivate_totp), name="mfa_deactivate_totp"),
    path(
        "accounts/2fa/recovery-codes/",
        require_no_hold(factors.hash_codes_after_view(recovery_views.view_recovery_codes)),
        name="mfa_view_recovery_codes",
    ),
    path(
        "accounts/2fa/recovery-codes/generate/",
        factors.changing(recovery_views.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "accounts/2fa/recovery-codes/download/",
        require_no_hold(factors.hash_codes_after_view(recovery_views.download_recovery_codes)),
        name="mfa_download_recovery_codes",
    ),
    path("accounts/2fa/webauthn/", factors.listing(passkey_views.list_webauthn), name="mfa_list_webauthn"),
    path("accounts/2fa/webauthn/add/", factors.changing(passkey_views.add_webauthn), name="mfa_add_webauthn"),
    path("accounts/2fa/webauthn/reauthenticate/", PasskeyAgain.as_view(), name="mfa_reauthenticate_webauthn"),
    path(
        "accounts/2fa/webauthn/keys/<int:pk>/remove/",
        factors.changing(passkey_views.remove_webauthn),
        name="mfa_remove_webauthn",
    ),
    path(
        "accounts/2fa/webauthn/keys/<int:pk>/edit/",
        factors.changing(passkey_views.edit_webauthn),
        name="mfa_edit_webauthn",
    ),
    path("accounts/sessions/", own.sign_ins, name="sign-ins"),
    path("settings/", own.settings, name="settings"),
    path("invited/", delegations.show_invitation, name="invited"),
    path("lines/invite/", delegations.invite, name="invite"),
    path("lines/delegates/", delegations.delegates, name="delegates"),
    path("lines/delegates/<uuid:delegation_id>/end/", delegations.end, name="delegate-end"),
    path("lines/asked/<uuid:delegation_id>/", delegations.delegation_request, name="delegation"),
    path("lines/contact/", safety.contact, name="safe-contact"),
    path("lines/contact/code/", safety.contact_code, name="safe-contact-code"),
    path("lines/contact/remove/", safety.contact_remove, name="safe-contact-remove"),
    path("lines/separation/", safety.separation, name="separation"),
    path("lines/separation/back/", safety.separation_back, name="separation-back"),
    path("settings/texts/", own.texts, name="settings-texts"),
    path("leave/", safety.leave, name="leave"),
    path("away/", safety.away, name="away"),
]
