"""CAMARA's answers as the wire has them: each in a published shape, whatever it says."""

import json
import re
from typing import Any

from django.http import HttpResponse

from tests.conformance.schemas import faults

CORRELATOR = re.compile(r"[a-zA-Z0-9\-_:;./<>{}]{1,256}")


def camara(response: Any) -> HttpResponse:
    """The same response, held to the schemas of the guide: of an answer where it is one, else of an error."""
    assert isinstance(response, HttpResponse)
    assert response["Content-Type"] == "application/json"
    assert CORRELATOR.fullmatch(response["x-correlator"])
    body = json.loads(response.content)
    name = "consent-info-answer" if response.status_code == 200 else "consent-info-error"
    assert faults(name, body) == []
    assert response.status_code == 200 or body["status"] == response.status_code
    return response
