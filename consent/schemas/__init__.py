"""What machines may ask and how they are answered: the gateway's questions (AuthZEN), partners' (CAMARA)."""

from consent.schemas import consent_info
from consent.schemas.decisions import (
    Evaluations,
    Incomplete,
    Responses,
    many,
    one,
    question,
    questions,
    response,
    until_settled,
)

__all__ = [
    "Evaluations",
    "Incomplete",
    "Responses",
    "consent_info",
    "many",
    "one",
    "question",
    "questions",
    "response",
    "until_settled",
]
