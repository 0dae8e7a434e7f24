"""The forms in which the partners' doors say no."""

from django.http import HttpResponse, JsonResponse

ERRORS = {401: "authentication_failed", 403: "access_denied", 415: "invalid_request"}


def refusal(status: int, err: str, description: str) -> HttpResponse:
    """RFC 8935's form of a refusal."""
    response = JsonResponse({"err": err, "description": description}, status=status)
    response["Content-Language"] = "en"
    return response


def refuse_unauthenticated(status: int, error: str, description: str) -> HttpResponse:
    """The same for a caller that may not pass, or whose body is of another kind."""
    return refusal(status, ERRORS[status], description)
