"""Machines' doors: the gateway's questions, and partners' own."""

from consent.api.agents import agent, exercise, request
from consent.api.approvals import approvals
from consent.api.consent_info import retrieve
from consent.api.decisions import answers, configuration, evaluation, evaluations
from consent.api.digests import digest
from consent.api.texts import texts

__all__ = [
    "agent",
    "answers",
    "approvals",
    "configuration",
    "digest",
    "evaluation",
    "evaluations",
    "exercise",
    "request",
    "retrieve",
    "texts",
]
