"""What machines may ask and how they are answered: the gateway's questions (AuthZEN), partners' (CAMARA)."""

from consent.schemas import consent_info
from consent.schemas.decisions import Batch, Incomplete, Responses, many, one, response, responses

__all__ = [
    "Batch",
    "Incomplete",
    "Responses",
    "consent_info",
    "many",
    "one",
    "response",
    "responses",
]
