"""What stands in front of two web processes, as docs/running/nginx.conf has it: in turn, one connection a request.

Whoever does not take a connection is passed over, and asked again after a while. A request that was sent is never sent
to another: it may have been taken.
"""

from collections import Counter
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
    """The ports behind it. `served`: how many requests went to each; `going`: how many of them have no answer yet."""

    behind: list[int]
    port: int = 0
    out: set[int] = field(default_factory=set)
    served: Counter[int] = field(default_factory=Counter)
    going: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    turn: Iterator[int] = field(default_factory=count)
    lock: Lock = field(default_factory=Lock)

    def take_out(self, port: int) -> None:
        """No request goes to it from now on. Those that went are on their way for as long as `going` counts them."""
        with self.lock:
            self.out.add(port)

    def put_back(self, port: int) -> None:
        """It is asked again."""
        with self.lock:
            self.out.discard(port)

    @contextmanager
    def connected(self) -> Iterator[HTTPConnection]:
        """A connection to one that takes it. Raises OSError where none does."""
        first = next(self.turn)
        for n in range(len(self.behind)):
            port = self.behind[(first + n) % len(self.behind)]
            with self.lock:
                if port in self.out:
                    continue
                self.going[port] += 1
            http = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            try:
                http.connect()
            except OSError:
                with self.lock:
                    self.going[port] -= 1
                continue
            try:
                with self.lock:
                    self.served[port] += 1
                yield http
            finally:
                http.close()
                with self.lock:
                    self.going[port] -= 1
            return
        raise ConnectionRefusedError


class Carrier(BaseHTTPRequestHandler):
    """One caller."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    balancer: Balancer

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def carry(self) -> None:
        """The request to one behind, and its answer back."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            with self.balancer.connected() as http:
                kept = {name: value for name, value in self.headers.items() if name.lower() not in OF_ONE_CONNECTION}
                http.request(self.command, self.path, body or None, {**kept, "Connection": "close"})
                answer = http.getresponse()
                said = answer.read()
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
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield balancer
        server.shutdown()
