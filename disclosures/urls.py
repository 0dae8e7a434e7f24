"""Addresses: the pages that answer who has a line's location, and the gateway's door."""

from django.urls import URLPattern, path

from disclosures import api
from disclosures.views import archives, pages, transparency

urlpatterns: list[URLPattern] = [
    path("api/v1/disclosures", api.disclosures, name="api-disclosures"),
    path("api/v1/lines", api.lines, name="api-lines"),
    path("home/", pages.home, name="home"),
    path("history/", pages.history, name="history"),
    path("history/times/", pages.history_times, name="history-times"),
    path("history/download.csv", pages.history_csv, name="history-csv"),
    path("history/download.json", pages.history_json, name="history-json"),
    path("companies/<int:party_id>/", pages.company, name="company"),
    path("access-log/", archives.access_log, name="access-log"),
    path("access-log/companies/", archives.access_summary, name="access-log-companies"),
    path("settings/archive/", archives.archive, name="archive"),
    path("settings/archive/ask/", archives.ask, name="archive-ask"),
    path("settings/archive/progress/", archives.progress, name="archive-progress"),
    path("settings/archive/whereabouts.zip", archives.download, name="archive-file"),
    path("transparency/", transparency.transparency, name="transparency"),
    path("transparency/<slug:name>.csv", transparency.transparency_csv, name="transparency-csv"),
    path("transparency/<slug:name>.svg", transparency.transparency_svg, name="transparency-svg"),
    path("transparency/<slug:month>/", transparency.transparency, name="transparency-month"),
    path("transparency/<slug:month>/<slug:name>.csv", transparency.transparency_csv, name="transparency-month-csv"),
    path("transparency/<slug:month>/<slug:name>.svg", transparency.transparency_svg, name="transparency-month-svg"),
]
