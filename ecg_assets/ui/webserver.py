"""Dagster's webserver with refusal of foreign requests: `python -m ecg_assets.ui.webserver`.

It takes the options of `dagster-webserver`.
"""

from typing import Any

import dagster_webserver.app
import dagster_webserver.cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from ecg_assets.ui.foreign_requests import RefuseForeignRequests


class GuardedWebserver(DagsterWebserver[Any, Any]):
    """A webserver for the user of this machine; other sites cannot query it, frame it or control its window."""

    def build_middleware(self) -> list[Middleware]:
        routes: list[BaseRoute] = self.build_routes()  # type: ignore[no-untyped-call]
        guard = Middleware(RefuseForeignRequests, is_page=lambda scope: self._is_page(routes, scope))
        return [guard, *super().build_middleware()]

    def make_security_headers(self) -> dict[str, str]:
        # For browsers without Fetch Metadata: do not show the UI in a frame, do not share its window.
        return super().make_security_headers() | {
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
        }

    def _is_page(self, routes: list[BaseRoute], scope: Scope) -> bool:
        answering = next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)
        return isinstance(answering, Route) and answering.endpoint == self.index_html_endpoint


def guard_webserver() -> None:
    """Guards every webserver that this process starts.

    Raises:
        RuntimeError: this version of Dagster starts its webserver in another way, which would stay unguarded.
    """
    if not issubclass(getattr(dagster_webserver.app, "DagsterWebserver", object), DagsterWebserver):
        raise RuntimeError("dagster_webserver.app.DagsterWebserver is gone: install dagster-webserver below 1.14")
    dagster_webserver.app.DagsterWebserver = GuardedWebserver  # type: ignore[attr-defined]


if __name__ == "__main__":
    guard_webserver()
    dagster_webserver.cli.main()  # type: ignore[no-untyped-call]
