"""A sandbox partner as a real process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.forks import Forked
from tests.sandbox.carrier import WAIT_SECONDS, Carrier

PROJECT = Path(__file__).resolve().parents[2]
URI = "https://meridian.example"
DOWNSTREAM = ("https://lbs-a.example", "https://lbs-b.example")


class Partner:
    """One run of the program. `state_dir` outlives it."""

    def __init__(self, carrier: Carrier, state_dir: Path, *options: str, program: tuple[str, ...] = ()) -> None:
        self.carrier = carrier
        self._log = (state_dir.parent / f"{state_dir.name}.log").open("a+")
        self.process = Forked(
            [
                *(program or (sys.executable, "-m", "tools.sandbox")),
                *("--name", "Meridian", "--port", "0", "--issuer", URI, "--transmitter", carrier.base_url),
                *("--client-id", "meridian", "--state-dir", str(state_dir), "--downstream", ",".join(DOWNSTREAM)),
                *options,
            ],
            cwd=PROJECT,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        assert self.process.stdout is not None
        self.base_url = self.process.stdout.readline().rpartition(" ")[2].strip()
        if not self.base_url:
            said = self.log()
            self.end()
            raise AssertionError(said)

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(timeout=WAIT_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()
        return status

    def push(self, token: str, *, content_type: str = "application/secevent+jwt", seconds: float = WAIT_SECONDS) -> Any:
        """RFC 8935. The response."""
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        return requests.post(f"{self.base_url}/events", data=token, headers=headers, timeout=seconds)

    def order(self, **about: Any) -> str:
        """Push an order that is taken. Its `jti`."""
        claims = self.carrier.claims(URI, **about)
        answer = self.push(self.carrier.sign(claims))
        assert (answer.status_code, answer.content) == (202, b"")
        return str(claims["jti"])

    def get(self, path: str) -> Any:
        answer = requests.get(self.base_url + path, timeout=WAIT_SECONDS)
        assert answer.status_code == 200
        return answer.json()

    def fault(self, name: str, **parameters: float) -> None:
        asked = {"name": name} | {key: str(value) for key, value in parameters.items()}
        answer = requests.post(f"{self.base_url}/fault", params=asked, timeout=WAIT_SECONDS)
        assert (answer.status_code, answer.json()) == (200, {"fault": name})

    def opened(self, token: str, *, keys: str = "/jwks.json") -> dict[str, Any]:
        """The claims of a token, checked by the keys published at a path here."""
        found = jwt.decode(token, KeySet.import_key_set(self.get(keys)), algorithms=["ES256"])
        assert found.header["typ"] == "secevent+jwt"
        return found.claims

    def standing(self, sub: str) -> dict[str, Any]:
        """The newest about one subscriber."""
        (found,) = [one for one in self.get("/state") if one["sub"] == sub]
        return dict(found)

    def receipt_of(self, order: str) -> dict[str, Any]:
        """The event of the receipt for an order; waits until there is one."""
        until(lambda: order in [one["order"] for one in self.get("/receipts")])
        (token,) = [one["token"] for one in self.get("/receipts") if one["order"] == order]
        event: dict[str, Any] = self.opened(token)["events"][self.carrier.receipt]
        return event

    def receipt(self, n: int = 0) -> dict[str, Any]:
        """The event of the nth receipt handed in; waits for it."""
        self.carrier.wait_for(lambda: len(self.carrier.handed) > n)
        event: dict[str, Any] = self.opened(self.carrier.handed[n].token)["events"][self.carrier.receipt]
        return event


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds that only looking can tell."""
    end, pause = time.monotonic() + WAIT_SECONDS, Event()
    while not condition():
        assert time.monotonic() < end
        pause.wait(0.02)
