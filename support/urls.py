"""Addresses of the desk, and of the company that our own trial tells."""

from django.urls import URLPattern, path

from support import api
from support.views import figures, queue, replies

urlpatterns: list[URLPattern] = [
    path("canary/events", api.canary_events, name="canary-events"),
    path("desk/", queue.queue, name="desk"),
    path("desk/counts/", queue.counts, name="desk-counts"),
    path("desk/search/", queue.search, name="desk-search"),
    path("desk/claim/", queue.claim_next, name="desk-claim-next"),
    path("desk/figures/", figures.figures, name="desk-figures"),
    path("desk/figures/desk.csv", figures.figures_csv, name="desk-figures-csv"),
    path("desk/figures/complaints/<int:year>/", figures.complaints, name="desk-complaints"),
    path("desk/figures/complaints/<int:year>/complaints.csv", figures.complaints_csv, name="desk-complaints-csv"),
    path("desk/replies/", replies.new, name="desk-replies"),
    path("desk/replies/<uuid:reply_id>/", replies.reply, name="desk-reply"),
    path("desk/replies/<uuid:reply_id>/progress/", replies.progress, name="desk-reply-progress"),
    path("desk/replies/<uuid:reply_id>/undo/", replies.undo, name="desk-reply-undo"),
    path("desk/<str:code>/claim/", queue.claim, name="desk-claim"),
    path("desk/<str:code>/handling/", queue.handling, name="desk-handling"),
    path("desk/<str:code>/assign/", queue.assign, name="desk-assign"),
    path("desk/<str:code>/hand-over/", queue.hand_over, name="desk-hand-over"),
    path("desk/<str:code>/merge/", queue.merge, name="desk-merge"),
]
