"""A partner, or a gateway of texts, that keeps what it is sent, then says 202: `receiver.py PORT HANG_SECONDS FILE`.

`GET /times`: jti and moment of each.
"""

import asyncio
import json
import os
import sys
import time
from base64 import urlsafe_b64decode
from pathlib import Path


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one kept connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            body = await reader.readexactly(length)
            if head.startswith(b"get"):
                said = json.dumps(answered).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))
                continue
            if hang:
                await asyncio.sleep(hang)
            store.write(body + b"\n")
            os.fdatasync(store.fileno())
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            if body.startswith(b"{"):  # a text
                continue
            claims = body.split(b".")[1]
            answered.append((json.loads(urlsafe_b64decode(claims + b"=" * (-len(claims) % 4)))["jti"], time.time()))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Until it is ended."""
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    answered: list[tuple[str, float]] = []
    hang = float(sys.argv[2])
    with Path(sys.argv[3]).open("ab", buffering=0) as store:
        asyncio.run(main())
