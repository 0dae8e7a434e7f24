"""Texts by the carrier's own message gateway, over the one door out."""

from http import HTTPStatus

import msgspec
from django.conf import settings

from accounts.clients.texts import NotTaken, Unfit
from partners.clients import http

# What a gateway says of one text or number and not of itself.
OF_THIS_TEXT = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_CONTENT}


class UncertainDelivery(Exception):
    """The gateway was given the text and kept silent."""


# Its name in 1.0.0, for backends that others wrote.
InDoubt = UncertainDelivery


class HttpBackend:
    """An SMS_BACKEND: `POST {"to","text"}` as JSON to SMS_WEBHOOK_URL, with SMS_WEBHOOK_TOKEN as bearer token."""

    waits_for_network = True

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        """Hand one text over. Raises NotTaken or Unfit with the status, or UncertainDelivery.

        The number stands in no message.
        """
        del code
        reply = http.post(
            url=settings.SMS_WEBHOOK_URL,
            body=msgspec.json.encode({"to": msisdn, "text": text}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {settings.SMS_WEBHOOK_TOKEN}"},
            is_ours=True,
        )
        if reply.status is None and reply.taken:
            raise UncertainDelivery(reply.detail)
        if reply.status in OF_THIS_TEXT:
            raise Unfit(reply.status)
        if reply.status is None or not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise NotTaken(reply.status or reply.detail)
