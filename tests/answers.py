"""What comes back of one request over HTTP, read to its end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any


@dataclass(frozen=True)
class Answer:
    """`headers`: by their names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def read(got: HTTPResponse) -> Answer:
    """An answer that has begun. Raises http.client.IncompleteRead where it breaks off."""
    return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
