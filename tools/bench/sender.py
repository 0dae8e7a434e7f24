"""A worker of its own for a benchmark: `sender.py PARTY_ID`.

Says that it is ready, waits for a line, pushes what is due to that partner, and says how the pushes ended, as JSON.
"""

import json
import sys
from importlib import import_module

import django

if __name__ == "__main__":
    django.setup()
    delivery, clock = import_module("revocations.workers.delivery.delivery_rounds"), import_module("audit.queries")
    clock.database_clock()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    done = delivery.deliver_due(party_id=int(sys.argv[1]), now=clock.database_clock())
    sys.stdout.write(json.dumps(done) + "\n")
