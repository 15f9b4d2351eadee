"""Middleware that refuses requests of other sites' pages to the UI.

The UI has no accounts, so anyone who can send a request can start a run. It therefore answers only to the names of this
machine (against DNS rebinding: a page that binds its own name to 127.0.0.1 sends that name in Host) and only to its own
page (by Origin and Fetch Metadata, https://www.w3.org/TR/fetch-metadata/, which browsers send and pages cannot forge).
Programs that are not browsers send neither and pass.
"""

import re
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOCAL = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?")
_HTTP_PORT, _LAST_PORT = 80, 65535
# `none`: opened by the user, by typing the address or from a bookmark.
_OWN_SITES = {"same-origin", "none"}
_WORDS_SHOWN = 80


class RefuseForeignRequests:
    """ASGI middleware that answers 403 to requests and WebSockets of other sites and passes the others on.

    Args:
        app: the application behind it.
        is_page: whether a request, by its scope, is answered with the UI's page only. Links on other sites may open it.
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
    """Why a request is refused and how to reach the UI instead; None for a request of the UI's own user."""
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
                f"Refused: Origin is {_shown(origin)}, which is not the UI at {_shown(hosts[0])}. Only the UI's "
                "own page and programs other than browsers may send requests"
            )
    sites = set(_values(scope, b"sec-fetch-site"))
    if sites <= _OWN_SITES or (_opens_in_a_tab(scope) and is_page(scope)):
        return None
    return (
        f"Refused: Sec-Fetch-Site is {' and '.join(map(_shown, sorted(sites)))}, so the request comes from another "
        "site. Only the UI's own page and programs other than browsers may send requests"
    )


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _local_address(host: str) -> tuple[str, int] | None:
    """Name and port of a Host header that names this machine."""
    match = _LOCAL.fullmatch(host.lower())
    if match is None:
        return None
    port = int(match[2] or _HTTP_PORT)
    return (match[1], port) if 0 < port <= _LAST_PORT else None


def _origin_address(origin: str) -> tuple[str, int] | None:
    scheme, _, rest = origin.lower().partition("://")
    return _local_address(rest) if scheme == "http" else None


def _opens_in_a_tab(scope: Scope) -> bool:
    """Whether a link opens the page in a tab, where the linking page cannot read it; frames do not count."""
    wanted = {b"sec-fetch-mode": ["navigate"], b"sec-fetch-dest": ["document"]}
    return scope.get("method") == "GET" and all(_values(scope, name) == value for name, value in wanted.items())


def _shown(value: str) -> str:
    return ascii(value[:_WORDS_SHOWN])
