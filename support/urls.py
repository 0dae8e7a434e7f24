"""Addresses of the desk, of what people ask us, and of the company that our own trial tells."""

from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from support import api
from support.views import case, figures, notifications, queue, replies, saved_replies, saved_views, writing
from support.views import help as help_pages


class CaseCode(StringConverter):
    """A case's code, so that no other address of the desk is taken for one."""

    regex = "T-[0-9A-Z]{6}"


register_converter(CaseCode, "case")

urlpatterns: list[URLPattern] = [
    path("canary/events", api.canary_events, name="canary-events"),
    path("desk/", queue.queue, name="desk"),
    path("desk/counts/", queue.counts, name="desk-counts"),
    path("desk/search/", queue.search, name="desk-search"),
    path("desk/claim/", queue.claim_next, name="desk-claim-next"),
    path("desk/views/", saved_views.saved_views, name="desk-views"),
    path("desk/notifications/", notifications.notifications, name="desk-notifications"),
    path("desk/figures/", figures.figures, name="desk-figures"),
    path("desk/figures/desk.csv", figures.figures_csv, name="desk-figures-csv"),
    path("desk/figures/complaints/<int:year>/", figures.complaints, name="desk-complaints"),
    path("desk/figures/complaints/<int:year>/complaints.csv", figures.complaints_csv, name="desk-complaints-csv"),
    path("desk/many/", replies.new, name="desk-many"),
    path("desk/many/<uuid:many_id>/", replies.reply, name="desk-many-reply"),
    path("desk/many/<uuid:many_id>/progress/", replies.progress, name="desk-many-reply-progress"),
    path("desk/many/<uuid:many_id>/undo/", replies.undo, name="desk-many-reply-undo"),
    path("desk/<case:code>/claim/", queue.claim, name="desk-claim"),
    path("desk/<case:code>/handling/", queue.handling, name="desk-handling"),
    path("desk/<case:code>/assign/", queue.assign, name="desk-assign"),
    path("desk/<case:code>/hand-over/", queue.hand_over, name="desk-hand-over"),
    path("desk/<case:code>/merge/", queue.merge, name="desk-merge"),
    path("help/", help_pages.about, name="help"),
    path("help/write/", help_pages.write, name="help-write"),
    path("help/ask/<str:kind>/<str:ref>/", help_pages.ask, name="help-ask"),
    path("help/dispute/<uuid:choice_id>/", help_pages.ask_of_dispute, name="help-dispute"),
    path("help/dispute/<uuid:choice_id>/withdraw/", help_pages.withdraw_dispute, name="help-dispute-withdraw"),
    path("help/sent/<str:code>/", help_pages.show_confirmation, name="help-sent"),
    path("help/mail/<str:token>/", help_pages.by_mail, name="case-by-mail"),
    path("help/<str:code>/", help_pages.case, name="case"),
    path("help/<str:code>/reply/", help_pages.reply, name="case-reply"),
    path("help/<str:code>/rate/", help_pages.rate, name="case-rate"),
    path("help/<str:code>/case.txt", help_pages.download, name="case-download"),
    path("help/<str:code>/files/<uuid:file_id>/", help_pages.file, name="case-file"),
    path("api/v1/mail", api.mail, name="api-mail"),
    path("desk/<case:code>/", case.case, name="desk-case"),
    path("desk/<case:code>/reveal/", case.reveal_person, name="desk-reveal"),
    path("desk/<case:code>/reveal/<int:reveal_id>/", case.agree, name="desk-agree"),
    path("desk/<case:code>/stop/", case.stop_for, name="desk-stop"),
    path("desk/<case:code>/stop/code/", case.stop_code, name="desk-stop-code"),
    path("desk/<case:code>/evidence/", case.evidence, name="desk-evidence"),
    path("desk/<case:code>/resend/", case.resend, name="desk-resend"),
    path("desk/<case:code>/suspend/", case.ask_suspension, name="desk-suspend"),
    path("desk/<case:code>/move/", case.move, name="desk-move"),
    path("desk/<case:code>/priority/", case.priority, name="desk-priority"),
    path("desk/<case:code>/escalate/", case.hand_up, name="desk-escalate"),
    path("desk/<case:code>/protect/", case.protection, name="desk-protect"),
    path("desk/<case:code>/copy/", case.export, name="desk-copy"),
    path("api/v1/calls", api.calls, name="api-calls"),
    path("desk/replies/", saved_replies.replies, name="desk-replies"),
    path("desk/replies/new/", saved_replies.reply, name="desk-reply-new"),
    path("desk/replies/<int:reply_id>/", saved_replies.reply, name="desk-reply"),
    path("desk/replies/<int:reply_id>/retire/", saved_replies.retire, name="desk-reply-retire"),
    path("desk/<str:code>/write/", writing.write, name="desk-write"),
    path("desk/<str:code>/write/canned/", writing.insert_canned_reply, name="desk-canned"),
    path("desk/<str:code>/write/canned/search/", writing.find_canned_reply, name="desk-canned-search"),
    path("desk/<str:code>/write/preview/", writing.preview, name="desk-preview"),
    path("desk/<str:code>/write/draft/<str:kind>/", writing.draft, name="desk-draft"),
    path("desk/<str:code>/write/undo/", writing.undo, name="desk-undo"),
    path("desk/<str:code>/note/", writing.note, name="desk-note"),
    path("desk/<str:code>/files/<uuid:file_id>/", writing.file, name="desk-file"),
    path("desk/<str:code>/files/<uuid:file_id>/remove/", writing.remove_file, name="desk-file-remove"),
]
