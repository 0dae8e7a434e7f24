"""The receiver of the partners' guide, run as a partner would."""

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from tests.forks import Forked
from tests.sandbox.carrier import WAIT_SECONDS
from tests.sandbox.process import until

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = PROJECT / "docs" / "receiver.py"


ME = "https://reader.example"


class Receiver:
    """One run of the program; its file outlives it."""

    def __init__(self, carrier_url: str, file: Path, me: str = ME) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        self.file = file
        self.url = f"http://127.0.0.1:{port}/events"
        self.process = Forked(
            [sys.executable, str(PROGRAM)],
            env={"PATH": os.environ["PATH"], "CARRIER": carrier_url, "ME": me, "DB": str(file), "PORT": str(port)},
            stderr=subprocess.DEVNULL,
        )
        until(self._listens)

    def _listens(self) -> bool:
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", int(self.url.rpartition(":")[2].partition("/")[0]))) == 0

    def push(self, token: str) -> tuple[int, Any]:
        headers = {"Content-Type": "application/secevent+jwt"}
        answer = requests.post(self.url, data=token, headers=headers, timeout=WAIT_SECONDS)
        return answer.status_code, answer.json()["err"] if answer.content else ""

    def refusal(self, token: str) -> requests.Response:
        return requests.post(self.url, data=token, timeout=WAIT_SECONDS)

    def kept(self) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.file) as db:
            rows = db.execute("SELECT sub, epoch, version, json_extract(event, '$.state') FROM newest").fetchall()
        db.close()
        return rows

    def end(self) -> None:
        self.process.kill()
        self.process.wait(timeout=WAIT_SECONDS)
