"""Every address, app by app."""

from django.urls import URLPattern, URLResolver, include, path

from portal import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.front, name="front"),
    path("safety/", views.safety, name="safety"),
    path("gallery/", views.gallery, name="gallery"),
    path("", include("disclosures.urls")),
    path("", include("consent.urls")),
    path("", include("accounts.urls")),
    path("", include("partners.urls")),
    path("", include("revocations.urls")),
    path("", include("support.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("api/v1/openapi.json", views.openapi_document, name="openapi"),
    path("api/v1/docs", views.openapi_page, name="openapi_page"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path(".well-known/gpc.json", views.gpc, name="gpc"),
    path("", include("console.urls")),
    path("demo/phone/", views.demo_phones, name="demo_phones"),
]
handler500 = "portal.views.server_error"
