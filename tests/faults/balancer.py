"""What stands in front of two web processes, as docs/running/nginx.conf has it: in turn, one connection a request.

Whoever does not take a connection is passed over, and asked again after a while. A request that was sent is never sent
to another: it may have been taken.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Lock, Thread

PATIENCE_S = 60
OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass
class Balancer:
    """The ports behind it; `out`: those that were taken out. `served`: how many requests went to each."""

    behind: list[int]
    port: int = 0
    out: set[int] = field(default_factory=set)
    served: dict[int, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    turn: Iterator[int] = field(default_factory=count)
    lock: Lock = field(default_factory=Lock)

    def connected(self) -> HTTPConnection:
        """A connection to one that takes it. Raises OSError where none does."""
        first = next(self.turn)
        ports = [self.behind[(first + n) % len(self.behind)] for n in range(len(self.behind))]
        for port in [one for one in ports if one not in self.out]:
            http = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            try:
                http.connect()
            except OSError:
                continue
            with self.lock:
                self.served[port] = self.served.get(port, 0) + 1
            return http
        raise ConnectionRefusedError


class Carrier(BaseHTTPRequestHandler):
    """One caller."""

    protocol_version = "HTTP/1.1"
    balancer: Balancer

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def carry(self) -> None:
        """The request to one behind, and its answer back."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            http = self.balancer.connected()
            kept = {name: value for name, value in self.headers.items() if name.lower() not in OF_ONE_CONNECTION}
            http.request(self.command, self.path, body or None, {**kept, "Connection": "close"})
            answer = http.getresponse()
            said = answer.read()
            http.close()
        except (OSError, HTTPException) as error:
            self.balancer.lost.append(f"{self.command} {self.path}: {error!r}")
            self.send_response(502)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_GET(self) -> None:
        """Handed on."""
        self.carry()

    def do_POST(self) -> None:
        """Handed on."""
        self.carry()


@contextmanager
def balanced(*ports: int) -> Iterator[Balancer]:
    """A balancer before these ports."""
    balancer = Balancer(list(ports))
    handler = type("Carrier", (Carrier,), {"balancer": balancer})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        balancer.port = server.server_port
        Thread(target=server.serve_forever, daemon=True).start()
        yield balancer
        server.shutdown()
