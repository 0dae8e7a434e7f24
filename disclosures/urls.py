"""Addresses: the pages that answer who has a line's location, and the gateway's door."""

from django.urls import URLPattern, path

from disclosures import api
from disclosures.views import pages, transparency

urlpatterns: list[URLPattern] = [
    path("api/v1/disclosures", api.disclosures, name="api-disclosures"),
    path("api/v1/lines", api.lines, name="api-lines"),
    path("home/", pages.home, name="home"),
    path("history/", pages.history, name="history"),
    path("history/times/", pages.history_times, name="history-times"),
    path("history/download.csv", pages.history_csv, name="history-csv"),
    path("history/download.json", pages.history_json, name="history-json"),
    path("companies/<int:party_id>/", pages.company, name="company"),
    path("access-log/", pages.access_log, name="access-log"),
    path("access-log/companies/", pages.access_summary, name="access-log-companies"),
    path("settings/archive/", pages.archive, name="archive"),
    path("settings/archive/ask/", pages.ask, name="archive-ask"),
    path("settings/archive/progress/", pages.progress, name="archive-progress"),
    path("settings/archive/whereabouts.zip", pages.download, name="archive-file"),
    path("transparency/", transparency.transparency, name="transparency"),
    path("transparency/<slug:name>.csv", transparency.transparency_csv, name="transparency-csv"),
    path("transparency/<slug:name>.svg", transparency.transparency_svg, name="transparency-svg"),
    path("transparency/<slug:month>/", transparency.transparency, name="transparency-month"),
    path("transparency/<slug:month>/<slug:name>.csv", transparency.transparency_csv, name="transparency-month-csv"),
    path("transparency/<slug:month>/<slug:name>.svg", transparency.transparency_svg, name="transparency-month-svg"),
]
