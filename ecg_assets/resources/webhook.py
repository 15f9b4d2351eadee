"""A webhook that is told of failures."""

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
        job, run_id: which run.
        steps: those that failed.
        errors: a line for each of them.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    job: str
    run_id: str
    steps: list[str]
    errors: list[str]


class WebhookResource(dg.ConfigurableResource[Any]):
    """Posts JSON. The address is a secret, for whoever has it can post: it stands in no log and no error."""

    url: str = Field(description=f"http:// or https:// address; from the environment variable {WEBHOOK_VARIABLE}.")
    timeout_s: float = Field(default=10.0, gt=0, description="How long to wait for an answer, in seconds.")

    def post(self, alert: Alert) -> str | None:
        """Posts once; returns what went wrong, without the address, or None."""
        if not self.url.startswith(("http://", "https://")):
            return f"{WEBHOOK_VARIABLE} is no http:// or https:// address; set it to the webhook's"
        try:
            body = json.dumps(alert.model_dump()).encode("utf-8")
            request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"}, method="POST")
            with _opener().open(request, timeout=self.timeout_s):
                return None
        except urllib.error.HTTPError as error:
            error.close()
            return f"the webhook answered {error.code}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            # Messages of these name the address, or parts of it: only their kind is told.
            reason = getattr(error, "reason", error)
            return f"the webhook cannot be reached ({type(reason).__name__})"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET, which tells nobody anything."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)
