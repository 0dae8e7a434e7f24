"""Addresses of the desk."""

from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from support import api
from support.views import case, queue


class CaseCode(StringConverter):
    """A case's code, so that no other address of the desk is taken for one."""

    regex = "T-[0-9A-Z]{6}"


register_converter(CaseCode, "case")

urlpatterns: list[URLPattern] = [
    path("desk/", queue.queue, name="desk"),
    path("desk/counts/", queue.counts, name="desk-counts"),
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
]
