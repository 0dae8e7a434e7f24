"""The doors of authorised agents: Data Rights Protocol 1.0, for opt-outs. They open with DRP_BUSINESS_ID alone."""

import uuid
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts.views.access import pad_response_time, skip_delay
from consent.actions.agents import NotOpenRequest, issue_token, receive_request, revoke_request
from consent.domain import agents
from partners.api.access import bearer_token, refuse_unsupported_type
from partners.models import AgentRequest, AuthorizedAgent

TEXT = "text/plain"
# What has a body: base64 of a signature and a text.
SIGNED = ("POST", "DELETE")
NOT_SIGNED_IN = "The bearer token is not one that counts."


def _door(*methods: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @never_cache
        @wraps(view)
        def door(request: HttpRequest, **kwargs: str) -> HttpResponse:
            if request.method not in methods:
                response = build_refusal(405, "This address does not take this method.")
                response.headers["Allow"] = ", ".join(methods)
                return response
            if not settings.DRP_BUSINESS_ID:
                raise Http404
            if request.method in SIGNED and (
                refusal := refuse_unsupported_type(request, TEXT, refuse=_of_another_kind)
            ):
                return refusal
            return view(request, **kwargs)

        return door

    return decorate


@_door("GET", "HEAD", "POST")
def agent(request: HttpRequest, agent_id: str) -> HttpResponse:
    """A signed POST gives an agent its bearer token; GET says whether that still counts."""
    if request.method != "POST":
        known = _caller(request)
        return JsonResponse({}) if known is not None and known.pk == agent_id else build_refusal(403, NOT_SIGNED_IN)
    try:
        known = agents.agent_to_check(agent_id=agent_id)
        message = agents.verify_message(body=request.body, agent=known, shape=agents.TokenRequest, at=timezone.now())
        token = issue_token(agent_id=agent_id, asked_at=message.issued_at)
    except agents.MessageRefused:
        return build_refusal(403, "This is not signed as it should be by an agent that may ask.")
    return JsonResponse({"agent-id": agent_id, "token": token})


@_door("POST")
@pad_response_time
def exercise(request: HttpRequest) -> HttpResponse:
    """An opt-out in somebody's name: written down, its person asked. Anything else is denied."""
    now = timezone.now()
    caller = _caller(request)
    if caller is None:
        skip_delay(request)
        return build_refusal(403, NOT_SIGNED_IN)
    try:
        message = agents.verify_message(body=request.body, agent=caller, shape=agents.Exercise, at=now)
        made = receive_request(agent=caller, message=message, body=request.body, at=now)
    except agents.MessageRefused as error:
        return build_refusal(400, str(error), fatal=True)
    return JsonResponse(agents.status_of(request=made, at=now))


@_door("GET", "HEAD", "DELETE")
def request(request: HttpRequest, request_id: str) -> HttpResponse:
    """How a request of this agent's own stands; DELETE takes back one that is still open."""
    caller = _caller(request)
    made = _request(request_id) if caller else None
    if caller is None or made is None or made.agent_id != caller.pk:
        return build_refusal(403, "This is no request of yours.")
    now = timezone.now()
    if request.method == "DELETE":
        try:
            agents.verify_message(body=request.body, agent=caller, shape=agents.Message, at=now)
            made = revoke_request(agent=caller, request_id=made.pk, at=now)
        except agents.MessageRefused as error:
            return build_refusal(400, str(error))
        except NotOpenRequest:
            return build_refusal(409, "This request is not open any more.")
    return JsonResponse(agents.status_of(request=made, at=now))


def _caller(request: HttpRequest) -> AuthorizedAgent | None:
    token = bearer_token(request.headers.get("Authorization", ""))
    return agents.agent_of(token=token) if token else None


def _request(request_id: str) -> AgentRequest | None:
    try:
        return AgentRequest.objects.filter(pk=uuid.UUID(request_id)).first()
    except ValueError:
        return None


def _of_another_kind(status: int, error: str, detail: str) -> HttpResponse:
    del error
    return build_refusal(status, detail)


def build_refusal(status: int, message: str, *, fatal: bool = False) -> HttpResponse:
    """How this protocol says no: in JSON, but for 403, which has no body."""
    if status == HTTPStatus.FORBIDDEN:
        return HttpResponse(status=status)
    body = {"code": str(status), "message": message, **({"fatal": True} if fatal else {})}
    return JsonResponse(body, status=status)
