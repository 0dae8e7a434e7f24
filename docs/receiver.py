#!/usr/bin/env python3
"""Receives orders by push: standard library and joserfc. CARRIER, ME, DB and PORT come from the environment."""

import json
import os
import sqlite3
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from time import monotonic

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

CARRIER, ME = os.environ["CARRIER"], os.environ["ME"]
ORDERS = [f"{CARRIER}/schemas/secevent/consent/event-type/{name}" for name in ("consent-change", "cohort-revoked")]
STREAM = [f"https://schemas.openid.net/secevent/ssf/event-type/{name}" for name in ("verification", "stream-updated")]
keys, asked, turn = dict[str, Key](), [-3600.0], Lock()
db = sqlite3.connect(os.environ["DB"], isolation_level=None, check_same_thread=False)  # a statement's end is on disk
db.execute("CREATE TABLE IF NOT EXISTS newest (sub, agreement, epoch, version, event, PRIMARY KEY (sub, agreement))")
KEEP = """INSERT INTO newest VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch,
    version = excluded.version, event = excluded.event WHERE (excluded.epoch, excluded.version) > (epoch, version)"""


def key(kid: str) -> Key:  # of the set as it is now, an hour old at most; ConnectionError where it can't be had
    if (age := monotonic() - asked[0]) > 3600 or (kid not in keys and age > 3):
        asked[0] = monotonic()
        keys.clear()
        link = (HTTPSConnection if CARRIER.startswith("https") else HTTPConnection)(CARRIER.split("/")[2], timeout=5)
        with suppress(OSError, HTTPException, JoseError, KeyError, TypeError, ValueError):  # then there are none
            link.request("GET", "/.well-known/jwks.json")
            keys.update({str(one.kid): one for one in KeySet.import_key_set(json.load(link.getresponse())).keys})
    if not keys:
        raise ConnectionError
    return keys[kid]


def take(token: str) -> str:  # keeps one event on disk; says why not, in RFC 8935's codes, or ""
    try:
        opened = jwt.decode(token, lambda seen: key(seen.headers()["kid"]), algorithms=["ES256"])
    except (JoseError, KeyError):
        return "invalid_key"
    if opened.claims["iss"] != CARRIER or opened.claims["aud"] != ME:
        return "invalid_issuer" if opened.claims["iss"] != CARRIER else "invalid_audience"
    ((kind, event),) = opened.claims["events"].items()
    foreign = kind not in ORDERS + STREAM or opened.claims.keys() & {"sub", "exp"}
    if foreign or opened.header.get("typ") != "secevent+jwt":
        return "invalid_request"
    if kind in ORDERS:  # what event["state"] lacks is denied; a cohort's list is fetched afterwards
        about = opened.claims["sub_id"].get("sub", opened.claims["jti"]), event["agreement"], event["epoch"]
        db.execute(KEEP, (*about, event.get("version", 0), json.dumps(event)))
    return ""


class Receiver(BaseHTTPRequestHandler):
    timeout = 10  # for who sends half of it and waits

    def do_POST(self) -> None:  # what fails in another way ends without an answer, and the event comes again
        status, err = 202, ""
        try:
            token = self.rfile.read(min(int(self.headers["Content-Length"]), 200_000)).decode()
            with turn:
                err = take(token)
        except OSError:
            status = 503
        except (KeyError, TypeError, ValueError, AttributeError):
            err = "invalid_request"
        self.send_response(400 if err else status)
        for name, value in {"Content-Type": "application/json", "Content-Language": "en"}.items() if err else ():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps({"err": err, "description": "Not taken."}).encode() if err else b"")


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
