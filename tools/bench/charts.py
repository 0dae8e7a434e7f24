"""Results as pictures: each value beside its ceiling, as an SVG file that needs nothing else, in light and dark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import Any

from tools.bench.measure import BenchmarkFailed

WIDTH, HEIGHT, LEFT, RIGHT, BAR = 640, 168, 168, 24, 34
LONGEST_NAME = 40


@dataclass(frozen=True)
class Reading:
    """How a benchmark's two bars are read: what each is, and what ratio of the one to the other is aimed at."""

    title: str
    value: str
    ceiling: str
    aim: str = ""


READINGS: Mapping[str, Reading] = {
    "gate": Reading("Questions that the gate answers", "the gate", "one row read", "0.5 or more"),
    "gate_p99": Reading("The slowest answer of a hundred", "the gate", "one row read", "2 or less"),
    "gate_batch": Reading("Questions of one caller", "1,000 in one", "one by one", "20 or more"),
    "ingest": Reading("Releases taken in", "import", "bare COPY", "0.5 or more"),
    "ingest_growth": Reading("Releases taken in, as the ledger grows", "all stored", "few stored", "0.8 or more"),
    "choices": Reading("Choices taken in, of fresh lines", "import", "wanted", "1 or more"),
    "choices_with_partners": Reading("Choices taken in, partners told", "import", "wanted", "1 or more"),
    "ledger_size": Reading("Bytes that a release takes", "all in", "in 1.0", ""),
    "orders": Reading("Orders handed to partners", "orders", "bare requests", "0.5 or more"),
    "fairness": Reading("Orders beside a partner that hangs", "beside it", "without it", "1.1 or less"),
    "suspend_growth": Reading("To suspend a company, as lines grow", "all lines", "1,000 lines", "1.5 or less"),
    "queue_growth": Reading("A page of the desk's queue, as tickets grow", "a million", "10,000", "1.5 or less"),
    "history_growth": Reading("A page of history, as the ledger grows", "all stored", "few stored", "1.3 or less"),
    "stops": Reading("Pages while 100,000 an hour stop", "all pages", "wanted", "1 or less"),
    "texts": Reading("Texts taken by a gateway that needs 50 ms", "texts", "5 million in 12 hours", "1 or more"),
    "burst": Reading("Stops of a burst taken in", "stops", "one row written", "300 stops/s"),
}
STYLE = """
    .back { fill: #fffefb; stroke: #ddd8cc } text { fill: #182026 } .soft { fill: #525b62 }
    .value { fill: #0a5c57 } .ceiling { fill: #868b89 }
    @media (prefers-color-scheme: dark) {
      .back { fill: #1a2025; stroke: #2f383f } text { fill: #edf0ee } .soft { fill: #a9b3b8 }
      .value { fill: #74d5c9 } .ceiling { fill: #77838a }
    }
  """


def charts_of(*, report: Mapping[str, Any]) -> dict[str, str]:
    """By file name: a picture of each result of a report, as `bench --json` writes it. Raises BenchmarkFailed."""
    try:
        results: Sequence[Mapping[str, Any]] = report["results"]
        return {f"{one['name']}.svg": _chart(one, _sizes(one)) for one in results if _check_name(str(one["name"]))}
    except (KeyError, TypeError, ValueError) as error:
        raise BenchmarkFailed(f"this is no report of benchmarks: {error!r}") from error


def _check_name(name: str) -> bool:
    if not name.replace("_", "").isalnum() or len(name) > LONGEST_NAME:
        raise ValueError(name)
    return True


def _sizes(result: Mapping[str, Any]) -> str:
    return ", ".join(f"{int(n):,} {name}" for name, n in result["sizes"].items())


def _chart(result: Mapping[str, Any], sizes: str) -> str:
    name = str(result["name"])
    reading = READINGS.get(name, Reading(name, "value", "ceiling"))
    value, ceiling, ratio = (float(result[key]) for key in ("value", "ceiling", "ratio"))
    if not _are_drawable(value, ceiling, ratio):
        raise ValueError(name)
    unit, most = str(result["unit"]), max(value, ceiling) or 1.0
    aim = f"Aimed at: {reading.aim}." if reading.aim else ""
    said = (
        f"{reading.value}: {_short(value)} {unit}; {reading.ceiling}: {_short(ceiling)} {unit}."
        f" The one is {ratio:.2f} times the other. {aim}"
    ).strip()
    bars = [
        _bar(48 + place * (BAR + 12), words, kind, amount / most, f"{_short(amount)} {unit}")
        for place, (words, kind, amount) in enumerate(
            ((reading.value, "value", value), (reading.ceiling, "ceiling", ceiling))
        )
    ]
    foot = " ".join(filter(None, (f"Ratio {ratio:.2f}.", aim, f"{sizes}." if sizes else "")))
    head = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {head} font-size="14">',
            f'  <title id="t">{escape(reading.title)}</title>',
            f'  <desc id="d">{escape(said)}</desc>',
            f"  <style>{STYLE}</style>",
            f'  <rect class="back" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="12"/>',
            f'  <text x="20" y="30" font-weight="600">{escape(reading.title)}</text>',
            *bars,
            f'  <text class="soft" x="20" y="{HEIGHT - 14}" font-size="12.5">{escape(foot)}</text>',
            "</svg>",
            "",
        )
    )


def _are_drawable(*values: float) -> bool:
    return all(isfinite(one) and one >= 0 for one in values)


def _bar(y: int, words: str, kind: str, part: float, amount: str) -> str:
    """Return one bar with its words before it; its amount stands in the bar's row, after it where there is room."""
    width = max(2, round((WIDTH - LEFT - RIGHT - 150) * part))
    return (
        f'  <text x="20" y="{y + 22}">{escape(words)}</text>'
        f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{width}" height="{BAR}" rx="5"/>'
        f'<text x="{LEFT + width + 10}" y="{y + 22}">{escape(amount)}</text>'
    )


def _short(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.1f}"
