from tests.faults.fixtures import server, web_server, world
from tests.partners.fixtures import outside

__all__ = ["outside", "server", "web_server", "world"]
