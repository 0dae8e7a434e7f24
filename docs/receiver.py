#!/usr/bin/env python3
"""Receives orders by push: standard library and joserfc. CARRIER, ME, DB and PORT come from the environment."""

import json
import os
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from time import monotonic
from urllib.request import build_opener

from joserfc import errors, jwk, jwt

CARRIER, ME = os.environ["CARRIER"], os.environ["ME"]
OUR, SSF = f"{CARRIER}/schemas/secevent/consent/event-type/", "https://schemas.openid.net/secevent/ssf/event-type/"
KINDS = f"{OUR}consent-change {OUR}cohort-revoked {OUR}evidence-request {SSF}verification {SSF}stream-updated".split()
KEEP = """INSERT INTO newest VALUES (:sub, :agreement, :kind, :epoch, :version, :event) ON CONFLICT DO UPDATE
    SET epoch = :epoch, version = :version, event = :event WHERE (:epoch, :version) > (epoch, version)"""
db = sqlite3.connect(os.environ["DB"], isolation_level=None, check_same_thread=False)  # a statement's end is on disk
db.execute("CREATE TABLE IF NOT EXISTS newest (sub, place, kind, epoch, version, event, UNIQUE (sub, place, kind))")
known, turn = {"keys": {}, "fetched": -3600.0, "lost": False}, Lock()


def key_of(kid: str) -> jwk.Key:  # of a set that is an hour old at most, for a name not seen before 3 s
    if monotonic() - known["fetched"] > (3600 if kid in known["keys"] else 3):
        known.update(keys={}, fetched=monotonic(), lost=True)  # until they are read
        answer = build_opener().open(f"{CARRIER}/.well-known/jwks.json", timeout=5)
        known.update(keys={key.kid: key for key in jwk.KeySet.import_key_set(json.load(answer)).keys}, lost=False)
    return known["keys"][kid]


def take(token: bytes) -> str:  # keeps one event; or says why not, in RFC 8935's codes
    claims = (opened := jwt.decode(token, lambda seen: key_of(seen.headers()["kid"]), algorithms=["ES256"])).claims
    if (claims.get("iss"), claims.get("aud")) != (CARRIER, ME):
        return "invalid_audience" if claims.get("iss") == CARRIER else "invalid_issuer"
    ((kind, event),) = dict(claims.get("events", ())).items()
    if kind not in KINDS or opened.header.get("typ") != "secevent+jwt" or claims.keys() & {"sub", "exp"}:
        return "invalid_request"
    if kind.startswith(OUR):  # what event["state"] lacks is denied; a list is fetched, and proof shown, afterwards
        told = {"kind": kind, "sub": claims["jti"], "epoch": 0, "version": claims["iat"], **claims["sub_id"], **event}
        db.execute(KEEP, {**told, "event": json.dumps(event)})
    return ""


class Receiver(BaseHTTPRequestHandler):
    timeout = 10  # for who sends half of it and waits

    def do_POST(self) -> None:  # what fails in another way ends without an answer, and the event comes again
        try:
            token = self.rfile.read(min(int(self.headers["Content-Length"]), 200_000))
            with turn:
                err = take(token)
        except (OSError, errors.JoseError, KeyError, TypeError, ValueError, sqlite3.ProgrammingError) as why:
            err = "invalid_key" if isinstance(why, (errors.JoseError, KeyError)) else "invalid_request"
        self.send_response((503 if known["lost"] else 400) if err else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Language", "en")
        self.end_headers()
        self.wfile.write(json.dumps({"err": err, "description": "Not taken."}).encode() if err else b"")


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
