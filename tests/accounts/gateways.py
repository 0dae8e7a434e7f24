"""Message gateways that don't do what they should."""

from threading import Barrier
from typing import ClassVar

from accounts.clients.texts import MemoryBackend, NotTaken, Unfit


class Refusing:
    """Takes nothing, and says so. `tried`: how often it was asked."""

    waits_for_network = False
    tried: ClassVar[list[str]] = []

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        self.tried.append(msisdn)
        raise NotTaken(503)


class Silent(Refusing):
    """May have taken what it was given: it never says."""

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        self.tried.append(msisdn)
        raise TimeoutError


class OverTheNetwork(Refusing):
    """Is far away: nothing is handed to it while a page waits."""

    waits_for_network = True


class Slow(OverTheNetwork):
    """Takes everything, and needs 1.5 s for each by its own clock."""

    clock: ClassVar[list[float]] = [0.0]

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        self.clock[0] += 1.5
        MemoryBackend().send(msisdn=msisdn, text=text, code=code)


class Choosy(OverTheNetwork):
    """Takes all numbers but those that it is not fond of."""

    unfit: ClassVar[set[str]] = set()

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        self.tried.append(msisdn)
        if msisdn in self.unfit:
            raise Unfit(422)
        MemoryBackend().send(msisdn=msisdn, text=text, code=code)


class Gathering(OverTheNetwork):
    """Answers the first by itself, and then whoever asks only once four do."""

    four: ClassVar[Barrier] = Barrier(4, timeout=10)

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        if MemoryBackend.outbox:
            self.four.wait()
        MemoryBackend().send(msisdn=msisdn, text=text, code=code)


class FallingSilent(OverTheNetwork):
    """Takes one, and is never heard of again."""

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        self.tried.append(msisdn)
        if len(self.tried) > 1:
            raise TimeoutError
