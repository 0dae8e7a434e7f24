"""Addresses of choices (pages) and of the gate (APIs)."""

from django.urls import URLPattern, path

from consent.api import agents as agents_api
from consent.api import decisions, partners, texts
from consent.views import choices, consent_requests, receipts, stop

urlpatterns: list[URLPattern] = [
    path("stop/", stop.number, name="stop"),
    path("stop/code/", stop.code, name="stop-code"),
    path("stop/again/", stop.again, name="stop-again"),
    path("stop/ended/", stop.after_end, name="stop-ended"),
    path("stop/all/", stop.everything, name="stop-all"),
    path("stop/progress/<str:token>/", stop.progress, name="stop-progress"),
    path("stop/progress/<str:token>/receipt.json", stop.receipt, name="stop-receipt"),
    path("stop/progress/<str:token>/receipt.pdf", stop.receipt_pdf, name="stop-receipt-pdf"),
    path("ask/<str:token>/", consent_requests.question, name="ask"),
    path("ask/<str:token>/text/", consent_requests.text, name="ask-text"),
    path("ask/<str:token>/code/", consent_requests.code, name="ask-code"),
    path("ask/<str:token>/yes/", consent_requests.yes, name="ask-yes"),
    path("ask/<str:token>/no/", consent_requests.no, name="ask-no"),
    path("ask/<str:token>/answered/", consent_requests.show_answer, name="ask-answered"),
    path("authorized/<uuid:request_id>/", consent_requests.explain_agent_request, name="agent-request"),
    path("authorized/by-text/<str:token>/", consent_requests.agent_request, name="agent-asked"),
    path("drp/v1/agent/<str:agent_id>", agents_api.agent, name="drp-agent"),
    path("drp/v1/data-rights-request", agents_api.exercise, name="drp-exercise"),
    path("drp/v1/data-rights-request/<str:request_id>", agents_api.request, name="drp-request"),
    path("lines/", choices.lines, name="lines"),
    path("check-a-receipt/", receipts.check, name="check-receipt"),
    path("choices/", choices.choices, name="choices"),
    path("choices/stop/", choices.stop, name="choice-stop"),
    path("choices/stop/several/", choices.choose_several, name="choice-stop-several"),
    path("choices/dispute/", choices.dispute, name="choice-dispute"),
    path("choices/pause/", choices.pause, name="choice-pause"),
    path("choices/allow/", choices.allow, name="choice-allow"),
    path("choices/signal/", choices.signal, name="choice-signal"),
    path("choices/signal/stop/", choices.follow_signal, name="choice-signal-stop"),
    path("choices/<uuid:choice_id>/", choices.choice, name="choice"),
    path("choices/<uuid:choice_id>/progress/", choices.progress, name="choice-progress"),
    path("choices/<uuid:choice_id>/receipt/", receipts.receipt, name="choice-receipt"),
    path("choices/<uuid:choice_id>/receipt.json", receipts.receipt_file, name="choice-receipt-file"),
    path("choices/<uuid:choice_id>/receipt.pdf", receipts.receipt_pdf, name="choice-receipt-pdf"),
    path("choices/<uuid:choice_id>/receipt/mail/", receipts.mail_receipt, name="choice-receipt-mail"),
    path("choices/<uuid:choice_id>/receipt/text/", receipts.text_receipt, name="choice-receipt-text"),
    path("help/<uuid:choice_id>/", choices.show_dispute, name="dispute"),
    path("ssf/digest", partners.digest, name="ssf_digest"),
    path("api/v1/texts", texts.texts, name="api-texts"),
    path("api/v1/approvals", partners.approvals, name="api-approvals"),
    path("consent-info/v0.2/retrieve", partners.retrieve, name="consent-info"),
    path("access/v1/evaluation", decisions.evaluation, name="evaluation"),
    path("access/v1/evaluations", decisions.evaluations, name="evaluations"),
    path(".well-known/authzen-configuration", decisions.configuration, name="authzen_configuration"),
]
