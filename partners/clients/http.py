"""Open every connection to a partner, and end an exchange when its time is over.

https only, to hosts on a list where the caller has one, to addresses that are public after resolution (a service of our
own may be where INTERNAL_HOSTS says), and to the address that was looked at; no redirects, no proxies, 10 s in all with
the look-up of the name, 20 kB read at most. What comes back is hostile text. Connections are kept for the next; one
that is kept was looked at when it was opened. Demo and tests may speak http to loopback.
"""

import errno
import ipaddress
import os
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address
from queue import Empty, SimpleQueue
from threading import Condition, Event, Thread, local
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from django.conf import settings
from requests.exceptions import RequestException
from requests_hardened.ip_filter import InvalidIPAddress, filter_host
from urllib3 import PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse

from partners.policies.identifiers import first_address, is_listed, is_public, literal, on_list

if TYPE_CHECKING:
    from urllib3._base_connection import BaseHTTPConnection

# Where an address may be: in public; where INTERNAL_HOSTS names it; or in any network of the operator's.
type Reach = Literal["public", "listed", "inside"]


class Watch:
    """What one exchange is doing, for the thread that ends it: no answer may drip on beyond its time."""

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.connection: BaseHTTPConnection | None = None
        # `wrote`: all of the request is out, so that the other side may have taken it.
        self.wrote = self.ours = False
        self.reach: Reach = "public"

    @property
    def over(self) -> bool:
        """Whether its time is over. A socket may notice before the thread that ends it does."""
        return self.ends_at <= time.monotonic()

    def get_remaining_seconds(self) -> float:
        """Seconds that are left, never none: to a socket 0 would mean not to wait at all, and to fail otherwise."""
        return max(0.001, self.ends_at - time.monotonic())

    def end(self) -> None:
        sock = getattr(self.connection, "sock", None)
        if isinstance(sock, socket.socket):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class Deadlines:
    """One thread that ends every exchange whose time is over."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._running: set[Watch] = set()
        self._next = float("inf")
        Thread(target=self._look, daemon=True).start()

    def add(self, watch: Watch) -> None:
        with self._changed:
            self._running.add(watch)
            if watch.ends_at < self._next:
                self._next = watch.ends_at
                self._changed.notify()

    def remove(self, watch: Watch) -> None:
        with self._changed:
            self._running.discard(watch)

    def _look(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for watch in [one for one in self._running if one.ends_at <= now]:
                    self._running.discard(watch)
                    watch.end()
                self._next = min((one.ends_at for one in self._running), default=float("inf"))
                self._changed.wait(min(self._next - now, 3600.0))


class CurrentExchange(local):
    """The exchange that this thread is in."""

    watch = Watch(float("inf"))


current = CurrentExchange()


@contextmanager
def deadline(seconds: float) -> Iterator[Watch]:
    """Close what this thread's exchange uses when so many seconds are over, whatever it waits for."""
    current.watch = watch = Watch(time.monotonic() + seconds)
    deadlines = deadlines_of(os.getpid())
    deadlines.add(watch)
    try:
        yield watch
    finally:
        deadlines.remove(watch)


@cache
def deadlines_of(_pid: int) -> Deadlines:
    """A thread does not live on in a forked process: each has its own."""
    return Deadlines()


if TYPE_CHECKING:
    from urllib3._base_connection import BaseHTTPConnection

SECONDS = 10.0
LARGEST_ANSWER = 20_000
# Of a store of our own operator's: what we put there comes back.
STORE_SECONDS, LARGEST_OBJECT = 30.0, 16_000_000
# Of the time for looking up a name, the part for the other side's; the rest is for our own, to tell whose fault it is.
FOR_THEIR_NAME = 0.8
# No network, no more files, sockets, ports or room for them.
OUR_FAULTS = {errno.ENETDOWN, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
KEPT_CONNECTIONS, KEPT_HOSTS = 32, 256
LOOK_UPS_AT_ONCE = 16
# For looking up all addresses that one file or page names, however many those are.
LOOK_UPS_S = 30.0
HTTPS = 443
NOT_PUBLIC = "the address is not a public one"


class NotPublic(HTTPError):
    """The name leads to an address that is not a public one."""


@dataclass(frozen=True)
class Reply:
    """What came back. `status` None: nothing did; then `taken` tells a server that took all and kept silent.

    `slow`: the whole time was spent waiting. `ours`: it failed in our own house, not on the way or at the other side.
    """

    status: int | None
    body: bytes = b""
    detail: str = ""
    taken: bool = False
    slow: bool = False
    ours: bool = False
    retry_after: str = ""
    content_type: str = ""
    content_language: str = ""
    location: str = ""
    cookies: tuple[str, ...] = ()


def post(
    *,
    url: str,
    body: bytes,
    content_type: str,
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    hosts: Collection[str] | None = None,
    is_ours: bool = False,
) -> Reply:
    """Send a body and read the short answer. Never raises for what the other side does. Never inside a transaction.

    `hosts`: where given, the only hosts ("name", or "name:port" where it is not 443) that may be spoken to. `is_ours`:
    it is a service of our own operator's, which INTERNAL_HOSTS may name; never a partner's.
    """
    sent = {"Content-Type": content_type, "Accept": "application/json", **(headers or {})}
    return _exchange("POST", url, sent, body, seconds, hosts, reach="listed" if is_ours else "public")


def get(
    *,
    url: str,
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    hosts: Collection[str] | None = None,
    is_ours: bool = False,
) -> Reply:
    """Fetch a short document, JSON if no header says otherwise. Otherwise as `post`."""
    sent = {"Accept": "application/json", **(headers or {})}
    return _exchange("GET", url, sent, None, seconds, hosts, reach="listed" if is_ours else "public")


def store(*, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
    """Speak to the store of objects that the operator named: it may stand in a network of theirs, and answer at length.

    What is longer than LARGEST_OBJECT comes with `detail`: half an object is none. Otherwise as `post`.
    """
    return _exchange(method, url, headers, body, STORE_SECONDS, None, most=LARGEST_OBJECT, reach="inside")


def readable(text: str, *, length: int = 300) -> str:
    """Cut a stranger's text short and drop control characters. It is still to be escaped where it is shown."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:length])


def find_url_refusal(*, url: str, hosts: Collection[str] | None = None) -> str:
    """Say why a partner's URL is not one to open, before any name is looked up; "" if it may be tried.

    `hosts`: as for `post`.
    """
    return _unfit(url, hosts) or _not_public(url)


def find_resolved_url_refusals(*, urls: Collection[str], seconds: float) -> dict[str, str]:
    """Say why each of a partner's URLs is not one to open, also where its name leads to an address that isn't public.

    "" where it may be tried, and for "" itself; a name that leads nowhere may lead somewhere later. Looks up several at
    once, each for so many seconds, and all within LOOK_UPS_S: those that this left out are not in the answer. Call
    outside a transaction.
    """
    wanted, ends_at = sorted({url for url in urls if url}), time.monotonic() + LOOK_UPS_S
    with ThreadPoolExecutor(LOOK_UPS_AT_ONCE, thread_name_prefix="look-up") as pool:
        found = zip(wanted, pool.map(partial(_find_resolved_refusal, seconds, ends_at), wanted), strict=True)
        return {"": "", **{url: reason for url, reason in found if reason is not None}}


def _find_resolved_refusal(seconds: float, ends_at: float, url: str) -> str | None:
    reason = find_url_refusal(url=url)
    if reason:
        return reason
    if time.monotonic() + seconds > ends_at:
        return None
    parts = urlsplit(url)
    with deadline(seconds):
        try:
            _public_address(str(parts.hostname), parts.port or HTTPS)
        except NotPublic:
            return NOT_PUBLIC
        except (HTTPError, OSError):
            return ""
    return ""


def _unfit(url: str, hosts: Collection[str] | None) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "the address is not a URL"
    if not host or parts.username or parts.password:
        return "the address is not a plain URL"
    if not _is_safe_scheme(parts.scheme, host):
        return "the address is not https"
    return "" if hosts is None or on_list(url=url, hosts=hosts) else "the address is not on the contract's list"


def _is_safe_scheme(scheme: str, host: str) -> bool:
    return scheme == "https" or (scheme == "http" and loopback_allowed() and is_loopback(host))


def _not_public(url: str) -> str:
    """Why a URL whose host is an address itself is none to open."""
    address = literal(urlsplit(url).hostname or "")
    if address is None or is_public(address) or (loopback_allowed() and address.is_loopback):
        return ""
    return NOT_PUBLIC


def loopback_allowed() -> bool:
    """Only in the demo and in tests (DOOR_OUT_LOOPBACK, which `check --deploy` refuses)."""
    return bool(settings.DOOR_OUT_LOOPBACK)


def is_loopback(host: str) -> bool:
    """Return whether a URL's host names this machine in one of the plain ways."""
    return host in {"localhost", "127.0.0.1", "::1"}


def _exchange(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float,
    hosts: Collection[str] | None, *, most: int = LARGEST_ANSWER, reach: Reach = "public",
) -> Reply:  # fmt: skip
    reason = _unfit(url, hosts)
    if reason:
        return Reply(None, detail=reason)
    with deadline(seconds) as watch:
        try:
            watch.reach = reach
            response = _pools(os.getpid(), loopback=loopback_allowed(), reach=reach).urlopen(
                method, url, body=body, headers={**headers, "User-Agent": "whereabouts"}, redirect=False, retries=False,
                timeout=Timeout(total=seconds), preload_content=False,
            )  # fmt: skip
            return _read(response, most, whole=reach == "inside")
        except NotPublic:
            return Reply(None, detail=NOT_PUBLIC)
        except (HTTPError, OSError, ValueError) as error:
            return _build_failure(error, watch)


def _build_failure(error: HTTPError | OSError | ValueError, watch: Watch) -> Reply:
    slow = watch.over or isinstance(error, ReadTimeoutError) or _was_slow_to_connect(error)
    ours = watch.ours or _is_ours(error)
    detail = "no answer in time" if slow else _get_error_name(error)
    return Reply(None, detail=detail, taken=watch.wrote and slow, slow=slow, ours=ours)


def _was_slow_to_connect(error: Exception) -> bool:
    late = isinstance(error, (ConnectTimeoutError, TimeoutError))
    return late and not isinstance(error, NewConnectionError)


def _is_ours(error: BaseException | None) -> bool:
    """Whether what failed is this machine: nothing that the other side, or its choice of address, could bring about."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in OUR_FAULTS:
            return True
        error = error.__cause__ or error.__context__
    return False


def _get_error_name(error: Exception) -> str:
    """In one word what went wrong on the way."""
    lost = isinstance(error, (NewConnectionError, ProtocolError, OSError))
    return "ConnectionError" if lost else type(error).__name__


def _read(response: BaseHTTPResponse, most: int, *, whole: bool) -> Reply:
    try:
        body, detail = response.read(most + 1, decode_content=False), ""
    except HTTPError:
        body, detail = b"", "the answer broke off"
    if detail or len(body) > most:
        # The connection is not fit to be used again with the rest of the body still on it.
        response.close()
        detail = detail or ("the answer is too long" if whole else "")
    else:
        response.release_conn()
    return Reply(
        response.status,
        body[:most],
        detail=detail,
        retry_after=readable(response.headers.get("Retry-After", ""), length=40),
        content_type=readable(response.headers.get("Content-Type", ""), length=100),
        content_language=readable(response.headers.get("Content-Language", ""), length=100),
        location=readable(response.headers.get("Location", ""), length=1000),
        cookies=tuple(response.headers.getlist("Set-Cookie")),
    )


def _public_address(host: str, port: int) -> str:
    """The one address that this name leads to now and that may be spoken to. Raises NotPublic.

    The look-up is given what is left of the exchange's time: a resolver that hangs must not hold a worker.
    """
    found: SimpleQueue[str | Exception] = SimpleQueue()
    loopback, reach = loopback_allowed(), current.watch.reach

    def look_up() -> None:
        try:
            found.put(_resolve_host(host, port, reach, loopback=loopback))
        except (RequestException, OSError, ValueError) as error:
            found.put(error)

    Thread(target=look_up, daemon=True).start()
    left = current.watch.get_remaining_seconds()
    try:
        answer = found.get(timeout=left * FOR_THEIR_NAME)
    except Empty:
        current.watch.ours = not _own_name_is_found(seconds=left * (1 - FOR_THEIR_NAME))
        raise ConnectTimeoutError("the name was not looked up in time") from None
    if isinstance(answer, InvalidIPAddress):
        raise NotPublic
    if isinstance(answer, Exception):
        current.watch.ours = not _own_name_is_found(seconds=left * (1 - FOR_THEIR_NAME))
        raise OSError("the name leads nowhere") from answer
    address = ipaddress.ip_address(answer.strip("[]"))
    if not _may_be_spoken_to(host, address, reach, loopback=loopback):
        raise NotPublic
    return str(address)


def _resolve_host(host: str, port: int, reach: Reach, *, loopback: bool) -> str:
    if reach == "public":
        return filter_host(host, port, allow_loopback=loopback)
    return first_address(host, port)


def _may_be_spoken_to(host: str, address: IPv4Address | IPv6Address, reach: Reach, *, loopback: bool) -> bool:
    if reach == "inside" or is_public(address) or (loopback and address.is_loopback):
        return True
    return reach == "listed" and is_listed(host=host, address=address, internal=settings.INTERNAL_HOSTS)


def _own_name_is_found(*, seconds: float) -> bool:
    """Whether our own name can be looked up: if not even that, it is not the other side's names that are wrong."""
    host = urlsplit(settings.BASE_URL).hostname
    found = Event()

    def look_up() -> None:
        with suppress(OSError, ValueError):
            socket.getaddrinfo(host, None)
            found.set()

    looking = Thread(target=look_up, daemon=True)
    looking.start()
    looking.join(timeout=seconds)
    return found.is_set()


class _OneWrite(HTTPConnection):
    """Sends a request's head together with its body: one packet and one waking of the other side, not two."""

    _holds, _head = False, b""

    def request(self, method: str, url: str, body: Any = None, *args: Any, **options: Any) -> None:
        self._holds, self._head = bool(body), b""
        super().request(method, url, body, *args, **options)

    def send(self, data: Any) -> None:
        if self._holds:
            self._holds, self._head = False, data
            return
        whole, self._head = self._head + data, b""
        super().send(whole)
        current.watch.wrote = True


class _Connection(_OneWrite):
    """Connects to the address that was looked at, whatever the name says a moment later.

    What the look-up took is no longer there for connecting, nor what that took for the handshake: the thread that ends
    exchanges can't reach a socket that is just becoming one of TLS.
    """

    def _new_conn(self) -> socket.socket:
        name, self._dns_host = self._dns_host, _public_address(self.host, self.port)
        self.timeout = current.watch.get_remaining_seconds()
        try:
            connected = super()._new_conn()
        finally:
            # Its certificate must be the name's, its `Host` is the name, and the next look-up is of the name.
            self._dns_host = name
        connected.settimeout(current.watch.get_remaining_seconds())
        return connected


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS; the certificate must be the name's."""


class _Pool(HTTPConnectionPool):
    """Tells the watch which connection is in use."""

    ConnectionCls = _Connection

    def _get_conn(self, timeout: float | None = None) -> "BaseHTTPConnection":
        connection = super()._get_conn(timeout)
        current.watch.connection = connection
        return connection


class _TlsPool(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = _TlsConnection

    def _get_conn(self, timeout: float | None = None) -> "BaseHTTPConnection":
        connection = super()._get_conn(timeout)
        current.watch.connection = connection
        return connection


@cache
def _pools(_pid: int, *, loopback: bool, reach: Reach) -> PoolManager:
    """Kept connections. Not shared over a fork: two processes must not speak on one socket.

    A connection opened while loopback or a network of the operator's was allowed is not there for anybody to whom it
    is not.
    """
    del loopback, reach
    pools = PoolManager(num_pools=KEPT_HOSTS, maxsize=KEPT_CONNECTIONS, block=False)
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return pools
