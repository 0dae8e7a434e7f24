"""Requests that come first, and at once, to a web server that has just started."""

import json
import sys

from tests import forks
from tests.portal.processes import PROJECT, clean_environment

# Two threads that read the same shape for the first time end the process, now and then. What is worked out then can be
# seen each time: msgspec asks once for a shape's annotations. What is only written it refuses, and never keeps ready.
SCRIPT = """
import contextlib, json, sys
import portal.wsgi
import msgspec

shapes = [msgspec.Struct]
for shape in shapes:
    shapes.extend(shape.__subclasses__())
asked = set()

def note(frame, event, argument):
    if frame.f_code.co_name == "get_class_annotations":
        asked.add(shape.__name__)

sys.setprofile(note)
for shape in shapes[1:]:
    with contextlib.suppress(msgspec.ValidationError, TypeError):
        msgspec.convert(dict.fromkeys(shape.__struct_encode_fields__, 1), shape)
sys.setprofile(None)
print(json.dumps([len(shapes), sorted(asked)]))
"""


def test_every_shape_that_is_read_is_worked_out_before_threads_read_it() -> None:
    environment = clean_environment(
        SECRET_KEY="for-tests-only-" * 5, FIELD_ENCRYPTION_KEYS="", BASE_URL="http://localhost:8000"
    )
    done = forks.run([sys.executable, "-c", SCRIPT], cwd=PROJECT, env=environment)
    assert done.returncode == 0, done.stderr
    shapes, asked = json.loads(done.stdout)
    assert shapes > 100
    assert asked == ["Response", "Responses"]
