"""Tells a webhook of failed runs."""

import dagster as dg

from ecg_assets.resources.webhook import Alert, WebhookResource


@dg.run_failure_sensor(
    name="alert_on_failure",
    monitor_all_code_locations=False,
    default_status=dg.DefaultSensorStatus.STOPPED,
    minimum_interval_seconds=15,
    description="Posts each failed run as JSON to the address in the environment variable ECG_ALERT_WEBHOOK.",
)
def alert_on_failure(context: dg.RunFailureSensorContext, alerts: WebhookResource) -> None:
    """A webhook that fails is a warning in the tick's log: the run's failure stands in the UI all the same."""
    problem = alerts.post(alert_of(context))
    if problem is None:
        context.log.info(f"told of run {context.dagster_run.run_id}")
    else:
        context.log.warning(f"run {context.dagster_run.run_id} could not be told: {problem}")


def alert_of(context: dg.RunFailureSensorContext) -> Alert:
    """What is told of a run: which, when, which steps failed, and the innermost error's first line."""
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
