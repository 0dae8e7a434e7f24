"""Every mutant. A module of this package lists those of one subject as `MUTANTS`; here they are put together."""

from tests.mutants.listed import (
    addresses,
    doors,
    exact_ends,
    exact_guards,
    exact_moments,
    from_outside,
    hosts,
    let_through,
    limits,
    locks,
    once_alive,
    promises,
    queries,
    state_machine,
    whole_pages,
    words_company,
    words_console,
    words_subscriber,
)
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *addresses.MUTANTS,
    *doors.MUTANTS,
    *exact_ends.MUTANTS,
    *exact_guards.MUTANTS,
    *exact_moments.MUTANTS,
    *from_outside.MUTANTS,
    *hosts.MUTANTS,
    *let_through.MUTANTS,
    *limits.MUTANTS,
    *locks.MUTANTS,
    *once_alive.MUTANTS,
    *promises.MUTANTS,
    *queries.MUTANTS,
    *state_machine.MUTANTS,
    *whole_pages.MUTANTS,
    *words_company.MUTANTS,
    *words_console.MUTANTS,
    *words_subscriber.MUTANTS,
)
