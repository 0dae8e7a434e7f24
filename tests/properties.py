"""How long a property test looks for a story that breaks its rule."""

import os

from hypothesis import HealthCheck, settings

# A second pass on other servers looks at a part of the stories that the first looks at.
PART = int(os.environ.get("PROPERTIES_PART", "1"))


def stories(number: int) -> settings:
    """Look at so many, however long each takes, with the fixtures of the test around all of them."""
    return settings(max_examples=max(number // PART, 5), deadline=None, suppress_health_check=list(HealthCheck))
