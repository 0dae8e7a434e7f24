from tests.faults.fixtures import own_archive, server, web_server, world
from tests.partners.fixtures import outside

__all__ = ["outside", "own_archive", "server", "web_server", "world"]
