from tests.faults.fixtures import world
from tests.partners.fixtures import outside

__all__ = ["outside", "world"]
