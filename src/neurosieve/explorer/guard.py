"""What every request has to pass, and the headers of every answer."""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import SplitResult, parse_qs, parse_qsl, quote, urlencode, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

BODY = 64 * 2**10  # bytes of a request
ADDRESS = 2048  # characters of a path with its query
COOKIE = "neurosieve"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
Message = MutableMapping[str, Any]


class Guard:
    """An ASGI application in front of another one.

    It answers for names of this machine alone, or to who knows the token; it takes small bodies, and forms only from
    its own pages; it gives each answer the policy that lets a browser run this server's own files alone.

    Args:
        app: What is guarded.
        hosts: Names that a request may be for; any where there is a token.
        token: What a request has to bring, in the address once and in a cookie then; None on the loopback.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], token: str | None) -> None:
        self._app, self._hosts, self._token = app, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send) if scope["type"] == "lifespan" else None
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        answer = _answering(send)
        if (entry := self._entry(scope, headers)) is not None:
            return await _say(answer, *entry)
        if scope["method"] in ("POST", "PUT", "PATCH", "DELETE") and (wrong := _foreign(headers)):
            return await _say(answer, 403, wrong)
        body = await _body(receive)
        if body is None:
            return await _say(answer, 413, f"a request may have {BODY // 2**10} KiB; send less")
        return await self._app(scope, _replayed(body, receive), answer)

    def _entry(self, scope: Scope, headers: Mapping[str, str]) -> tuple[Any, ...] | None:
        """Why a request is not let in, as a status with a text; or where it is sent with its cookie."""
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > ADDRESS:
            return 414, f"an address may have {ADDRESS} characters"
        host = _split(f"//{headers.get('host', '')}").hostname or ""
        if self._token is None:
            return None if host in self._hosts else (403, "this server answers on this machine alone")
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if _same(given, self._token):
            cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            rest = [(k, v) for k, v in parse_qsl(scope["query_string"].decode("latin-1")) if k != "token"]
            place = "/" + quote(scope["path"].lstrip("/")) + (f"?{urlencode(rest)}" if rest else "")
            return 303, "", {"location": place, "set-cookie": cookie}
        if _same(_cookie(headers.get("cookie", "")), self._token):
            return None
        return 401, "open the address with the token that `neurosieve serve` printed"


def _split(address: str) -> SplitResult:
    """Its parts; none where it is no address."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode(), b.encode())


def _cookie(text: str) -> str:
    try:
        morsel = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _foreign(headers: Mapping[str, str]) -> str:
    """Why a form is none of this server's pages; empty where it is. A browser sends the page's origin with a form."""
    origin = _split(headers.get("origin", ""))
    own = origin.netloc and origin.netloc == headers.get("host") and origin.scheme in ("http", "https")
    same = headers.get("sec-fetch-site", "same-origin") == "same-origin"
    return "" if own and same else "forms are taken from this server's own pages alone"


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is too long."""
    parts, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size > BODY:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _answering(send: Send) -> Callable[[Message], Awaitable[None]]:
    """Add the headers that every answer has; a page's own policy stays."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message.get("headers", ())}
            more = _HEADERS | ({} if b"content-security-policy" in own else {"content-security-policy": POLICY})
            headers = [(k.encode(), v.encode()) for k, v in more.items() if k.encode() not in own]
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return answer


async def _say(
    send: Callable[[Message], Awaitable[None]], status: int, text: str, more: Mapping[str, str] | None = None
) -> None:
    headers = {"content-type": "text/plain; charset=utf-8"} | dict(more or {})
    start = {"type": "http.response.start", "status": status,
             "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}  # fmt: skip
    await send(start)
    await send({"type": "http.response.body", "body": f"{text}\n".encode()})


def error_json(text: str) -> str:
    """An error for a program."""
    return json.dumps({"error": text})
