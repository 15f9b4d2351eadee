"""Posts failed runs to a webhook."""

import dagster as dg

from ecg_assets.resources.webhook import Alert, WebhookResource


@dg.run_failure_sensor(
    name="alert_on_failure",
    monitor_all_code_locations=False,
    default_status=dg.DefaultSensorStatus.STOPPED,
    minimum_interval_seconds=15,
    description="Posts each failed run as JSON to the URL in the environment variable ECG_ALERT_WEBHOOK.",
)
def alert_on_failure(context: dg.RunFailureSensorContext, alerts: WebhookResource) -> None:
    """A failing webhook is a warning in the tick's log, because the UI shows the failed run anyway."""
    problem = alerts.post(alert_of(context))
    if problem is None:
        context.log.info(f"posted run {context.dagster_run.run_id} to the webhook")
    else:
        context.log.warning(f"could not post run {context.dagster_run.run_id}: {problem}")


def alert_of(context: dg.RunFailureSensorContext) -> Alert:
    """Alert for a run: job, run id, failed steps, and the first line of each innermost error."""
    run, steps = context.dagster_run, context.get_step_failure_events()
    said = [_first_line(step) for step in steps] or [_line(context.failure_event.message or "the run failed")]
    return Alert(
        text=f"{run.job_name} failed: {said[0]}",
        job=run.job_name,
        run_id=run.run_id,
        steps=[str(step.step_key) for step in steps],
        errors=said,
    )


def _first_line(step: dg.DagsterEvent) -> str:
    error = step.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return _line(error.message if error is not None else step.message or "no message")


def _line(text: str) -> str:
    return text.strip().partition("\n")[0]
