"""A store of objects that speaks as much S3 as the archive needs, as a program of its own: `python -m tests.store KEY`.

It checks signatures and checksums by what Amazon wrote of them, never overwrites (each PUT is a version more), lists in
pages of two, and fails when it was told to: a POST to /_faults with names, one for each request to come. A POST to
/_objects/KEY is somebody else who may do anything. It prints its port.
"""

import base64
import hashlib
import hmac
import json
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

REGION, KEY_ID, PAGE = "eu-north-7", "AKIDARCHIVE", 2


class Store(BaseHTTPRequestHandler):
    """One bucket, `stops`."""

    protocol_version = "HTTP/1.1"
    # Else each answer waits for the other side to say that its head came.
    disable_nagle_algorithm = True
    secret: ClassVar[str]
    objects: ClassVar[dict[str, list[bytes]]] = defaultdict(list)
    faults: ClassVar[list[str]] = []
    asked: ClassVar[list[str]] = []
    told: ClassVar[threading.Condition] = threading.Condition()

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_POST(self) -> None:
        """What the test says and asks of the store itself."""
        body = self.body()
        if self.path == "/_faults":
            with self.told:
                self.faults[:] = json.loads(body)
                self.told.notify_all()
        elif body:
            self.objects[self.path.removeprefix("/_objects/")] = [body]
        else:
            self.objects.pop(self.path.removeprefix("/_objects/"))
        said = {"objects": {key: len(all_) for key, all_ in self.objects.items()}, "asked": self.asked[:]}
        self.asked.clear()
        self.answer(200, json.dumps(said).encode())

    def do_PUT(self) -> None:
        """PutObject."""
        body = self.body()
        if self.refused(body):
            return
        fault, key = self.fault(), self.key()
        if fault:
            return
        if self.headers["If-None-Match"] == "*" and key in self.objects:
            self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            return
        if base64.b64decode(self.headers["x-amz-checksum-sha256"]) != hashlib.sha256(body).digest():
            self.answer(400, b"<Error><Code>BadDigest</Code></Error>")
            return
        self.objects[key].append(body)
        if self.silent:
            self.close_connection = True
            return
        self.answer(200, b"")

    def do_GET(self) -> None:
        """GetObject and ListObjectsV2."""
        if self.refused(b"") or self.fault():
            return
        if "list-type=2" in self.path:
            self.answer(200, self.listed().encode())
        elif self.key() in self.objects:
            self.answer(200, self.objects[self.key()][-1])
        else:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def listed(self) -> str:
        """A page of keys, or of what stands before the delimiter."""
        asked = dict(parse_qsl(urlsplit(self.path).query))
        prefix, after = asked.get("prefix", ""), asked.get("continuation-token", "").removesuffix("&+=/")
        after = max(asked.get("start-after", ""), after)
        names = sorted(key for key in self.objects if key.startswith(prefix))
        tag = "<Contents><Key>%s</Key></Contents>"
        if asked.get("delimiter"):
            heads = {prefix + name[len(prefix) :].split("/")[0] + "/" for name in names if "/" in name[len(prefix) :]}
            names, tag = sorted(heads), "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>"
        names = [name for name in names if name > after]
        page, rest = names[:PAGE], names[PAGE:]
        more = f"<NextContinuationToken>{escape(page[-1] + '&+=/')}</NextContinuationToken>" if rest else ""
        return "<ListBucketResult>" + "".join(tag % escape(name) for name in page) + more + "</ListBucketResult>"

    def fault(self) -> str:
        """What goes wrong this time; "" where the request goes on.

        `silent`: it is done, and nobody hears of it. `hangs`: no answer until something else is told.
        """
        self.asked.append(f"{self.command} {self.path.partition('?')[0]}")
        fault = self.faults.pop(0) if self.faults else ""
        self.silent = fault == "silent"
        if fault.isdecimal():
            self.answer(int(fault), b"<Error><Code>SlowDown</Code></Error>")
            return fault
        if fault == "hangs":
            with self.told:
                self.told.wait()
        if fault in {"hangs", "reset"}:
            self.close_connection = True
            return fault
        return ""

    def refused(self, body: bytes) -> bool:
        """Whether the signature (version 4) is not that of our key over this very request."""
        said = dict(
            part.strip().partition("=")[::2] for part in self.headers["Authorization"].partition(" ")[2].split(",")
        )
        key_id, day, region, service, last = said["Credential"].split("/")
        path, _, query = self.path.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        canonical_query = "&".join(sorted(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in pairs))
        names = said["SignedHeaders"].split(";")
        canonical = "\n".join(
            [
                self.command, quote(unquote(path), safe="/-_.~"), canonical_query,
                *(f"{name}:{' '.join(self.headers[name].split())}" for name in names), "",
                ";".join(names), hashlib.sha256(body).hexdigest(),
            ]
        )  # fmt: skip
        text = "\n".join(
            ["AWS4-HMAC-SHA256", self.headers["x-amz-date"], f"{day}/{region}/{service}/{last}",
             hashlib.sha256(canonical.encode()).hexdigest()]
        )  # fmt: skip
        key = ("AWS4" + self.secret).encode()
        for part in (day, REGION, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        fits = hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), said["Signature"])
        must_be_signed = {"host", "x-amz-content-sha256", "x-amz-date"} <= {*names}
        if fits and must_be_signed and (key_id, region) == (KEY_ID, REGION):
            return False
        self.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        return True

    def key(self) -> str:
        """The object's name in the bucket."""
        return unquote(self.path.partition("?")[0]).removeprefix("/stops/")

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Store.secret = sys.argv[1]
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()
