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
    help="What Dagster loads.",
)
def ui(port: int, workspace: Path) -> None:
    """Serve Dagster's UI and run its daemon, which works off schedules and sensors, until Ctrl-C.

    It answers on this machine only, under localhost, 127.0.0.1 and [::1], and refuses requests of other sites' pages.
    DAGSTER_HOME says whose runs. From another machine, forward its port.

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
            f"Port {port} of {host} cannot be had ({problem.strerror}); name another: ecg-assets ui --port {other}"
        )


def _bind_error(host: str, port: int) -> OSError | None:
    """Why nothing can listen there; None where something can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None
