"""Whether the process of a container works, by the exit code: the image's health check for every kind of process.

A web process or the gate must answer `/healthz` at the port that it was started with. Of beat and a worker something
must have gone through lately (`portal.heartbeats`). A program of its own: it is started every ten seconds, and loads
nothing of ours.
"""

import http.client
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from http import HTTPStatus
from pathlib import Path

SERVERS = {"uvicorn", "granian"}
# As long as the alerts have it (docs/running/alerts.yml).
LATELY_S = {"beat": 120.0, "worker": 300.0}
PATIENCE_S = 2.0


def problem(processes: Path, data_dir: Path) -> str:
    """Why the container's process does not work; "" where it does. `processes`: /proc."""
    for command in _commands(processes):
        names = {Path(word).name for word in command[:4]}
        if names & SERVERS:
            return _check_healthz(command)
        if "celery" in names:
            return _silent(next((kind for kind in LATELY_S if kind in command), "worker"), data_dir)
    return "no process of ours runs here"


def _commands(processes: Path) -> Iterator[list[str]]:
    """Yield the command of each process, the oldest first."""
    for number in sorted(int(place.name) for place in processes.iterdir() if place.name.isdigit()):
        # One that cannot be read has ended meanwhile.
        with suppress(OSError):
            yield (processes / str(number) / "cmdline").read_text().split("\0")


def _check_healthz(command: Sequence[str]) -> str:
    port = command[command.index("--port") + 1] if "--port" in command else "8000"
    asked = http.client.HTTPConnection("127.0.0.1", int(port), timeout=PATIENCE_S)
    try:
        with closing(asked):
            asked.request("GET", "/healthz")
            status = asked.getresponse().status
    except OSError as error:
        return f"/healthz at {port}: {error}"
    return "" if status == HTTPStatus.OK else f"/healthz at {port}: {status}"


def _silent(kind: str, data_dir: Path) -> str:
    try:
        age = time.time() - (data_dir / f"heartbeat-{kind}").stat().st_mtime
    except OSError:
        return f"{kind} has given no sign of life yet"
    return "" if age < LATELY_S[kind] else f"{kind} gave its last sign of life {age:.0f} s ago"


if __name__ == "__main__":
    wrong = problem(Path(sys.argv[1] if len(sys.argv) > 1 else "/proc"), Path(os.environ["DATA_DIR"]))
    sys.exit(wrong or None)
