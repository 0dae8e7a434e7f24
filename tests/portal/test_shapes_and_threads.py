"""Requests that come first, and at once, to a web server that has just started."""

import json
import sys

from tests import forks
from tests.portal.processes import PROJECT, clean_environment

# What may only be written is refused at each reading, so that nothing is kept ready, and nobody reads it.
ONLY_WRITTEN = ["Response", "Responses"]
# Each thread reads the same shape at the same moment, and each of its fields; turns are taken as often as can be.
SCRIPT = """
import contextlib, json, sys, threading
import portal.wsgi
import msgspec

sys.setswitchinterval(1e-6)
shapes = [msgspec.Struct]
for shape in shapes:
    shapes.extend(shape.__subclasses__())

def read(shape):
    barrier.wait()
    with contextlib.suppress(msgspec.ValidationError, TypeError):
        msgspec.convert(dict.fromkeys(shape.__struct_encode_fields__, 1), shape)

def is_refused(shape):
    try:
        msgspec.json.Decoder(shape)
    except TypeError:
        return True

for shape in shapes[1:]:
    if shape.__name__ in sys.argv:
        continue
    barrier = threading.Barrier(24)
    threads = [threading.Thread(target=read, args=[shape]) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(json.dumps([len(shapes), [shape.__name__ for shape in shapes[1:] if is_refused(shape)]]))
"""


def test_what_threads_read_first_and_at_once_ends_no_process() -> None:
    environment = clean_environment(
        SECRET_KEY="for-tests-only-" * 5, FIELD_ENCRYPTION_KEYS="", BASE_URL="http://localhost:8000"
    )
    done = forks.run([sys.executable, "-c", SCRIPT, *ONLY_WRITTEN], cwd=PROJECT, env=environment)
    assert done.returncode == 0, done.stderr
    shapes, refused = json.loads(done.stdout)
    assert shapes > 100
    assert refused == ONLY_WRITTEN
