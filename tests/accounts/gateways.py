"""Message gateways that don't do what they should."""

from typing import ClassVar

from accounts.texts import NotTaken


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
