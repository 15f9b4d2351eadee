"""Posts failures to a webhook."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field

WEBHOOK_VARIABLE = "ECG_ALERT_WEBHOOK"


class Alert(BaseModel):
    """What is posted, as JSON; chat services show `text`.

    Attributes:
        text: a sentence for people.
        job, run_id: the failed run.
        steps: the failed steps.
        errors: one line per failed step.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    job: str
    run_id: str
    steps: list[str]
    errors: list[str]


class WebhookResource(dg.ConfigurableResource[Any]):
    """Posts failed runs as JSON. The URL is a secret, because anyone who has it can post; it is never logged."""

    url: str = Field(description=f"http:// or https:// URL, from the environment variable {WEBHOOK_VARIABLE}.")
    timeout_s: float = Field(default=10.0, gt=0, description="Seconds to wait for an answer.")

    def post(self, alert: Alert) -> str | None:
        """Posts once; returns an error text without the URL, or None."""
        if not self.url.startswith(("http://", "https://")):
            return f"{WEBHOOK_VARIABLE} is not an http:// or https:// URL; set it to the webhook's"
        try:
            body = json.dumps(alert.model_dump()).encode("utf-8")
            request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"}, method="POST")
            with _opener().open(request, timeout=self.timeout_s):
                return None
        except urllib.error.HTTPError as error:
            error.close()
            return f"the webhook answered {error.code}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            # Their messages may hold parts of the URL, so only their type is shown.
            reason = getattr(error, "reason", error)
            return f"the webhook cannot be reached ({type(reason).__name__})"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects, because a redirected POST would become a GET without the alert."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)
