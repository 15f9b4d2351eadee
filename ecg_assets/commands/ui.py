"""`ecg-assets ui`."""

import socket
from pathlib import Path

import click


@click.command()
@click.option("-p", "--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port on 127.0.0.1.")
@click.option(
    "-w",
    "--workspace",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default="workspace.yaml",
    show_default=True,
    help="workspace.yaml with Dagster's code locations.",
)
def ui(port: int, workspace: Path) -> None:
    """Serve Dagster's UI and run its daemon, which handles schedules and sensors, until Ctrl-C.

    It listens on localhost only (localhost, 127.0.0.1 and [::1]) and refuses requests from pages of other sites.
    DAGSTER_HOME selects the Dagster instance. To use it from another machine, forward the port.

    \b
    Examples:
      DAGSTER_HOME=$PWD/dagster_home ecg-assets ui
      ssh -L 8080:127.0.0.1:3000 machine       then http://localhost:8080
    """
    from ecg_assets.demo import dagster_home
    from ecg_assets.ui.services import HOST, serve

    dagster_home()
    _require_free(HOST, port)
    click.echo(f"The UI will be at http://{HOST}:{port} in a moment; Ctrl-C ends it")
    serve(workspace, port)


def _require_free(host: str, port: int) -> None:
    problem = _bind_error(host, port)
    if problem is not None:
        other = next((one for one in range(max(port, 1023) + 1, 65536) if _bind_error(host, one) is None), 3000)
        raise click.ClickException(
            f"Port {port} of {host} is not available ({problem.strerror}); name another: ecg-assets ui --port {other}"
        )


def _bind_error(host: str, port: int) -> OSError | None:
    """The error of listening on the port; None if it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None
