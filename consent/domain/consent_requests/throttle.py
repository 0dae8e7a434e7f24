"""How often a partner may ask for statuses: so that nobody tries all numbers, or watches one."""

from django.core.cache import cache

from accounts.primitives.sealing import number_hash

# (how many, in how many seconds)
PER_CLIENT = (1200, 60)
PER_NUMBER = (20, 3600)


def seconds_to_wait(*, client_id: str, msisdn: str) -> int:
    """Count one more question of this client about this number. Returns 0, or how long it must wait.

    Counted per client: what one partner does says nothing to another. With Redis away all may pass.
    """
    limits = (
        (f"consent-info:{client_id}", PER_CLIENT),
        (f"consent-info:{client_id}:{number_hash(msisdn).hex()}", PER_NUMBER),
    )
    return max(span if _count(key, span) > most else 0 for key, (most, span) in limits)


def _count(key: str, span: int) -> int:
    cache.add(key, 0, timeout=span)
    try:
        return cache.incr(key)
    except ValueError:  # it ended between the two
        return 1
