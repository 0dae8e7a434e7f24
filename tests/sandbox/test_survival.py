"""What was acknowledged outlives the process, however it ends."""

import signal
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.sandbox.carrier import WAIT_SECONDS, Carrier
from tests.sandbox.conftest import Start
from tests.sandbox.process import PROJECT, URI, Partner, until


def test_killed_after_202_it_knows_the_order_and_still_answers_it(start: Start, carrier: Carrier) -> None:
    first = start("--delay", "600")
    jti = first.order(version=4)
    known = first.get("/state")
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    again = start()
    assert [one["jti"] for one in again.get("/received")] == [jti]
    again.receipt()
    (standing,) = again.get("/state")
    assert (standing["version"], standing["carried_out"], standing["held"]) == (4, True, 0)
    assert (known[0]["carried_out"], known[0]["held"]) == (False, 12)


def test_killed_before_its_receipt_is_taken_it_hands_in_the_same_bytes(start: Start, carrier: Carrier) -> None:
    carrier.receipts_status = 503
    first = start()
    first.order()
    carrier.wait_for(lambda: len(carrier.handed) == 1)
    first.end(signal.SIGKILL)
    carrier.receipts_status = 202
    before = len(carrier.handed)
    again = start()
    until(lambda: [one["state"] for one in again.get("/receipts")] == ["accepted"])
    assert len(carrier.handed) > before
    assert len({one.token for one in carrier.handed}) == 1


def test_killed_amid_many_it_has_each_that_it_acknowledged(start: Start, carrier: Carrier) -> None:
    first = start()
    orders = [carrier.claims(URI, sub=f"k1.{n}", jti=f"order-{n}") for n in range(60)]
    tokens = {str(claims["jti"]): carrier.sign(claims) for claims in orders}

    def push(jti: str) -> str:
        try:
            return jti if first.push(tokens[jti]).status_code == 202 else ""
        except requests.ConnectionError:
            return ""

    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(push, tokens)
        acknowledged = {next(answers) for _ in range(10)}
        first.end(signal.SIGKILL)
        acknowledged |= {*answers}
    again = start()
    assert acknowledged - {""} <= {one["jti"] for one in again.get("/received")}
    assert len(acknowledged - {""}) >= 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_asked_even_while_somebody_waits(
    partner: Partner, carrier: Carrier, number: signal.Signals
) -> None:
    partner.fault("slow", seconds=600)
    with requests.Session() as session:
        # A connection that is kept open, and a request that is kept waiting.
        session.get(f"{partner.base_url}/healthz", timeout=WAIT_SECONDS)
        with pytest.raises(requests.ReadTimeout):
            partner.push(carrier.sign(carrier.claims(URI)), seconds=0.2)
        assert partner.end(number) == 0


def test_its_keys_are_its_own_and_stay(start: Start, tmp_path: Path) -> None:
    first = start()
    paths = ("/jwks.json", "/downstream/lbs-a.example/jwks.json", "/downstream/lbs-b.example/jwks.json")
    published = [first.get(path)["keys"] for path in paths]
    first.end()
    again = start()
    assert [again.get(path)["keys"] for path in paths] == published
    assert len({key["kid"] for keys in published for key in keys}) == 3
    assert ["d" in key for keys in published for key in keys] == [False] * 3
    files = sorted((tmp_path / "partner").glob("*.json"))
    assert [file.name for file in files] == [
        "client-key.json", "downstream-lbs-a.example.json", "downstream-lbs-b.example.json", "key.json",
    ]  # fmt: skip
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "partner").stat().st_mode) == 0o700


def test_a_taken_port_is_said_in_one_line(partner: Partner, tmp_path: Path) -> None:
    port = partner.base_url.rpartition(":")[2]
    with pytest.raises(AssertionError, match=f"can't listen on 127.0.0.1:{port}"):
        Partner(partner.carrier, tmp_path / "other", "--port", port)


def test_the_management_command_is_the_same_program(
    carrier: Carrier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it starts where there is no database at all."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    program = (sys.executable, str(PROJECT / "manage.py"), "sandbox_partner")
    partner = Partner(carrier, tmp_path / "partner", program=program)
    jti = partner.order()
    assert partner.receipt()["status"] == "completed"
    assert [one["jti"] for one in partner.get("/received")] == [jti]
    assert partner.end() == 0
