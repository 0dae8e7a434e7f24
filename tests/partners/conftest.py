from tests.partners.fixtures import outside

__all__ = ["outside"]
