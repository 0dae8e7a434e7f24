from tests.partners.fixtures import outside
from tests.walks.conftest import everyone

__all__ = ["everyone", "outside"]
