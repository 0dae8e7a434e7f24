"""A gateway that only asks: `asker.py PORT FILE CONNECTIONS SECONDS RATE`, a program of its own.

FILE holds `[[request, mark, times], …]` as JSON: an answer is right if it is a 200 in which the mark stands so many
times. They are sent over kept connections. RATE 0: each connection asks again when it was answered. Else so many a
second at even spaces, whatever the answers do; each is timed from when it was due. Prints one JSON object:
`{"answered", "wrong", "seconds", "ms": […]}`.
"""

import json
import select
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

CONFIRMED = b"HTTP/1.1 200 "
MOST = 1 << 20


@dataclass
class Line:
    """One kept connection, and the question that is out on it."""

    socket: socket.socket
    due: float = 0.0
    mark: bytes = b""
    times: int = 0
    got: bytearray = field(default_factory=bytearray)


class Asker:
    """Sends question after question, round and round, and counts what comes back."""

    def __init__(self, *, port: int, questions: list[tuple[bytes, bytes, int]], connections: int) -> None:
        self.questions, self.next = questions, 0
        self.wrong = 0
        self.ms: list[float] = []
        self.poll = select.epoll()
        self.lines: dict[int, Line] = {}
        for _ in range(connections):
            made = socket.create_connection(("127.0.0.1", port))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.lines[made.fileno()] = Line(made)
            self.poll.register(made, select.EPOLLIN)
        self.idle = deque(self.lines.values())

    def ask(self, line: Line, due: float) -> None:
        """Send the next question."""
        request, line.mark, line.times = self.questions[self.next]
        self.next = (self.next + 1) % len(self.questions)
        line.due = due
        line.got.clear()
        line.socket.sendall(request)

    def take(self, wait: float) -> list[Line]:
        """Return the connections whose answer has come, waiting for one at most so long."""
        done = []
        # The wait of epoll itself is in whole milliseconds, too coarse to keep a pace.
        select.select([self.poll], [], [], wait)
        for number, _ in self.poll.poll(0):
            line = self.lines[number]
            line.got += line.socket.recv(MOST)
            head, gap, body = line.got.partition(b"\r\n\r\n")
            if not gap or len(body) < int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
                continue
            self.ms.append((time.perf_counter() - line.due) * 1000)
            self.wrong += not head.startswith(CONFIRMED) or body.count(line.mark) != line.times
            done.append(line)
        return done

    def run_closed_loop(self, seconds: float) -> float:
        """Ask again on every connection as soon as it was answered. Returns how many seconds that took."""
        began = time.perf_counter()
        while self.idle:
            self.ask(self.idle.popleft(), time.perf_counter())
        while (now := time.perf_counter()) < began + seconds:
            for line in self.take(began + seconds - now):
                self.ask(line, time.perf_counter())
        return time.perf_counter() - began

    def run_at_rate(self, seconds: float, rate: float) -> float:
        """A question falls due at even spaces; one that finds no free connection waits for it, and that counts."""
        began, sent = time.perf_counter(), 0
        while (now := time.perf_counter()) < began + seconds:
            while self.idle and (due := began + sent / rate) <= now:
                self.ask(self.idle.popleft(), due)
                sent += 1
            self.idle.extend(self.take(max(0.0, began + sent / rate - now) if self.idle else 0.1))
        return time.perf_counter() - began


def main() -> None:
    """Warm up for a fifth of the time, then measure."""
    port, file, connections, seconds, rate = sys.argv[1:]
    questions = [(ask.encode(), mark.encode(), times) for ask, mark, times in json.loads(Path(file).read_text())]
    asker = Asker(port=int(port), questions=questions, connections=int(connections))

    def go(for_s: float) -> float:
        return asker.run_at_rate(for_s, float(rate)) if float(rate) else asker.run_closed_loop(for_s)

    go(float(seconds) / 5)
    while len(asker.idle) < len(asker.lines):
        asker.idle.extend(asker.take(1.0))
    asker.ms.clear()
    took = go(float(seconds))
    said = {"answered": len(asker.ms), "wrong": asker.wrong, "seconds": took, "ms": asker.ms}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
