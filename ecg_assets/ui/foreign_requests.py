"""Which requests to the UI come from a page of another site, and the middleware that refuses them.

The UI has no accounts: whoever sends it a request can start a run. So it answers to the names of this machine only (a
page that binds its own name to 127.0.0.1, "DNS rebinding", is seen by its name in Host), and to no page but its own
(Origin and Fetch Metadata, https://www.w3.org/TR/fetch-metadata/, which browsers send and pages cannot forge). A
program that is no browser sends neither and passes.
"""

import re
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOCAL = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?")
_HTTP_PORT, _LAST_PORT = 80, 65535
# `none` is what the user did himself: an address typed, a bookmark.
_OWN_SITES = {"same-origin", "none"}
_WORDS_SHOWN = 80


class RefuseForeignRequests:
    """ASGI middleware: answers 403 to requests and WebSockets of other sites, and hands the others on.

    Args:
        app: what it stands before.
        is_page: whether a request, by its scope, is answered with the UI's page and nothing else. These may be opened
            by a link on another site.
    """

    def __init__(self, app: ASGIApp, is_page: Callable[[Scope], bool]) -> None:
        self._app = app
        self._is_page = is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = why_foreign(scope, self._is_page)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})  # before it is accepted: 403
        else:
            response = PlainTextResponse(refusal + "\n", 403, {"X-Content-Type-Options": "nosniff"})
            await response(scope, receive, send)


def why_foreign(scope: Scope, is_page: Callable[[Scope], bool]) -> str | None:
    """What is foreign about a request and how to reach the UI instead; None for a request that is its user's own."""
    hosts = _values(scope, b"host")
    host = _local_address(hosts[0]) if len(hosts) == 1 else None
    if host is None:
        told = " and ".join(map(_shown, hosts)) or "missing"
        return (
            f"Refused: Host is {told}, expected localhost, 127.0.0.1 or [::1]. Open the UI on the machine that it "
            "runs on; from another one, forward its port: ssh -L 3000:127.0.0.1:3000 <machine>, then "
            "http://localhost:3000"
        )
    for origin in _values(scope, b"origin"):
        if _origin_address(origin) != host:
            return (
                f"Refused: Origin is {_shown(origin)}, another page than the UI at {_shown(hosts[0])}. Only the UI's "
                "own page and programs that are no browsers can ask it"
            )
    sites = set(_values(scope, b"sec-fetch-site"))
    if sites <= _OWN_SITES or (_opens_in_a_tab(scope) and is_page(scope)):
        return None
    return (
        f"Refused: Sec-Fetch-Site is {' and '.join(map(_shown, sorted(sites)))}, so another site's page asks. Only the "
        "UI's own page and programs that are no browsers can ask it"
    )


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _local_address(host: str) -> tuple[str, int] | None:
    """Name and port of a Host that is this machine."""
    match = _LOCAL.fullmatch(host.lower())
    if match is None:
        return None
    port = int(match[2] or _HTTP_PORT)
    return (match[1], port) if 0 < port <= _LAST_PORT else None


def _origin_address(origin: str) -> tuple[str, int] | None:
    scheme, _, rest = origin.lower().partition("://")
    return _local_address(rest) if scheme == "http" else None


def _opens_in_a_tab(scope: Scope) -> bool:
    """A page opened by a link, which cannot be read by the one that holds the link; a frame is none."""
    wanted = {b"sec-fetch-mode": ["navigate"], b"sec-fetch-dest": ["document"]}
    return scope.get("method") == "GET" and all(_values(scope, name) == value for name, value in wanted.items())


def _shown(value: str) -> str:
    return ascii(value[:_WORDS_SHOWN])
