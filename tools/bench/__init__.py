"""Benchmarks: each measures the product's own code beside a ceiling taken in the same run, on servers of its own."""

from tools.bench import burst, choices, desk, gate, history, ingest, ledger_size, orders, stops, suspend, texts
from tools.bench.measure import Bench, Benchmark, Result

__all__ = ["BENCHMARKS", "Bench", "Benchmark", "Result"]

# By the name that `manage.py bench` knows, in the order in which all are run.
BENCHMARKS: dict[str, Benchmark] = {
    "gate": gate.run,
    "gate_p99": gate.run_p99,
    "gate_batch": gate.run_batch,
    "ingest": ingest.run,
    "ingest_growth": ingest.growth,
    "choices": choices.run,
    "choices_with_partners": choices.run_with_partners,
    "ledger_size": ledger_size.run,
    "orders": orders.run,
    "fairness": orders.run_fairness,
    "suspend_growth": suspend.run,
    "history_growth": history.run,
    "stops": stops.run,
    "burst": burst.run,
    "queue_growth": desk.run,
    "texts": texts.run,
}
