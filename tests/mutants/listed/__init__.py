"""Every mutant. A file of this folder lists those of one subject, as `tests.mutants.mutant.read_mutants` reads them."""

from pathlib import Path

from tests.mutants.mutant import Mutant, read_mutants

MUTANTS: tuple[Mutant, ...] = tuple(
    mutant for listed in sorted(Path(__file__).parent.glob("*.txt")) for mutant in read_mutants(listed.read_text())
)
