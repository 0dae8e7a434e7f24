"""The ASGI application: the gate's questions on its event loop, all else in threads, and whoever waits in neither.

The gate has processes of its own of the same application.
"""

import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from portal import wsgi

if TYPE_CHECKING:
    from consent.api.asgi import Application

# Between turns of Python's threads: the event loop waits so long at most for a thread that works at something else.
sys.setswitchinterval(0.0005)

# Of each process. A thread that has once looked into the database keeps its session.
THREADS = 32
# While one connection's rows are read, PostgreSQL looks for the other's.
FOR_BATCHES = 2

gate_api, pipeline, bridge = (
    import_module(name) for name in ("consent.api.asgi", "consent.gate.pipeline", "portal.wsgi_bridge")
)
application: "Application" = gate_api.build_gate_application(
    bridge.run_in_threads(wsgi.whole_product, threads=THREADS),
    pipeline.Pipelines(pipeline.Pipeline(), [pipeline.Pipeline() for _ in range(FOR_BATCHES)]),
)

# What was made so far stays: the collector of cycles need not look at it again and again while somebody waits.
gc.collect()
gc.freeze()
