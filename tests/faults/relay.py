"""A way to a server through which nothing passes while it is frozen.

To a caller that is what a frozen machine looks like: the network still takes what is sent to it, also the first packet
of a new connection, and no word comes back.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

DROP_EVERY_S = 0.2


@dataclass
class Relay:
    """Listens at `port` and hands on to the server behind it, as long as `flowing` is set."""

    behind: tuple[str, int]
    flowing: Event = field(default_factory=Event)
    # Set: answers come byte by byte, each well within a socket's own time limit.
    dripping: Event = field(default_factory=Event)
    carried: list[socket.socket] = field(default_factory=list)
    entrance: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        port: int = self.entrance.getsockname()[1]
        return port

    def take(self) -> None:
        """Until the entrance is closed."""
        with suppress(OSError):
            while True:
                caller, _ = self.entrance.accept()
                Thread(target=self._carry, args=(caller,), daemon=True).start()

    def turn_to(self, host: str, port: int) -> None:
        """Hand whoever comes from now on to another server."""
        self.behind = (host, port)

    def cut(self) -> None:
        """End whatever is open, as when the server is killed."""
        while self.carried:
            with suppress(OSError):
                self.carried.pop().shutdown(socket.SHUT_RDWR)

    def _carry(self, caller: socket.socket) -> None:
        # With nobody there, who called is cut off.
        with caller, suppress(ConnectionError), socket.create_connection(self.behind) as server:
            self.carried += [caller, server]
            back = Thread(target=self._hand_on, args=(server, caller, self.dripping), daemon=True)
            back.start()
            self._hand_on(caller, server)
            back.join()

    def _hand_on(self, come: socket.socket, go: socket.socket, dripping: Event | None = None) -> None:
        with suppress(OSError):
            while said := come.recv(65536):
                self.flowing.wait()
                while dripping is not None and dripping.is_set() and said:
                    go.sendall(said[:1])
                    said = said[1:]
                    Event().wait(DROP_EVERY_S)
                go.sendall(said)
        for end in (come, go):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay_to(host: str, port: int) -> Iterator[Relay]:
    relay = Relay((host, port))
    relay.flowing.set()
    with relay.entrance:
        Thread(target=relay.take, daemon=True).start()
        yield relay
        relay.flowing.set()
        with suppress(OSError):
            relay.entrance.shutdown(socket.SHUT_RDWR)
