"""What a trial found, for people and for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

GUIDE = "docs/guides/partners.md"


class Verdict(StrEnum):
    PASSED = "pass"
    FAILED = "FAIL"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Case:
    """One thing that the guide asks for. `rule`: its number in the guide. `fix`: what to look at where it fails."""

    name: str
    rule: int
    expected: str
    fix: str


@dataclass(frozen=True)
class Finding:
    """What was seen of a case."""

    case: Case
    verdict: Verdict
    seen: str

    def as_json(self) -> dict[str, object]:
        return {
            "case": self.case.name,
            "expected": self.case.expected,
            "seen": self.seen,
            "verdict": self.verdict.value,
            "fix": self.case.fix if self.verdict is Verdict.FAILED else "",
            "guide": f"{GUIDE}#rule-{self.case.rule}",
        }


@dataclass(frozen=True)
class Report:
    """All findings about one partner's end."""

    partner: str
    url: str
    findings: Sequence[Finding]

    @property
    def has_passed(self) -> bool:
        return not any(finding.verdict is Verdict.FAILED for finding in self.findings)

    def verdicts(self) -> Mapping[str, str]:
        return {finding.case.name: finding.verdict.value for finding in self.findings}

    def as_json(self) -> dict[str, object]:
        return {
            "partner": self.partner,
            "url": self.url,
            "passed": self.has_passed,
            "findings": [finding.as_json() for finding in self.findings],
        }

    def as_text(self) -> str:
        """One line for each case, and under each failure what to fix."""
        width = max(len(finding.case.name) for finding in self.findings)
        lines = [f"{self.partner} at {self.url}", ""]
        for finding in self.findings:
            case = finding.case
            lines.append(f"{finding.verdict.value:<8}{case.name:<{width}}  {finding.seen}")
            if finding.verdict is Verdict.FAILED:
                lines.append(f"{'':8}{'':{width}}  expected: {case.expected}")
                lines.append(f"{'':8}{'':{width}}  to fix: {case.fix} ({GUIDE}, rule {case.rule})")
        counts = {verdict: sum(one.verdict is verdict for one in self.findings) for verdict in Verdict}
        lines += ["", ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items())]
        return "\n".join(lines)
