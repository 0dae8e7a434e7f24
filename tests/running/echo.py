"""What a web process is handed by whatever stands in front of it, said back: the headers, and how long the body was."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

type Message = MutableMapping[str, Any]


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Everything at every address. Headers are named as CGI names them, whether with `-` or `_`."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), bool(message.get("more_body"))
    headers = {
        f"HTTP_{name.decode().upper().replace('-', '_')}": value.decode("latin-1")
        for name, value in scope["headers"]
        if name not in {b"content-type", b"content-length"}
    }
    said = json.dumps({"headers": headers, "length": length, "port": scope["server"][1]}).encode()
    kind = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": kind})
    await send({"type": "http.response.body", "body": said})
