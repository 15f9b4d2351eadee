"""`ecg-assets`: the platform's command line."""

import io
import sys
from pathlib import Path
from typing import Any

import click

from ecg_assets.commands.bucket import bucket
from ecg_assets.commands.compare import compare
from ecg_assets.commands.demo import demo
from ecg_assets.commands.demote import demote
from ecg_assets.commands.digitize import digitize
from ecg_assets.commands.download_subset import download_subset_command
from ecg_assets.commands.export_dataset import export_dataset
from ecg_assets.commands.export_onnx import export_onnx
from ecg_assets.commands.predict import predict
from ecg_assets.commands.prune import prune
from ecg_assets.commands.reconcile import reconcile
from ecg_assets.commands.score import score
from ecg_assets.commands.status import status
from ecg_assets.commands.submission import submission
from ecg_assets.commands.tpu import tpu
from ecg_assets.commands.train import train
from ecg_assets.commands.ui import ui
from ecg_assets.commands.verify import verify
from ecg_assets.store.write_errors import write_refusal


class OneLineErrors(click.Group):
    """Shows errors of this package as one line without a traceback, because their messages say what to do."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # file names may not be UTF-8
        try:
            return super().invoke(ctx)
        except Exception as error:
            said = _write_refusal(error)
            if said is not None:
                raise click.ClickException(said) from error
            if not type(error).__module__.startswith("ecg_assets."):
                raise
            raise click.ClickException(str(error).partition("\n")[0]) from error


def _write_refusal(error: Exception) -> str | None:
    """The message for a file that the system does not allow to be written or removed."""
    if type(error).__module__ != "builtins" or not isinstance(error, OSError) or not isinstance(error.filename, str):
        return None
    return write_refusal(error, Path(error.filename))


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ecg-assets")
def main() -> None:
    """Renders 12-lead ECGs as printed pages with exact masks, and trains networks that read such pages.

    All files are in one folder, the data root: the environment variable ECG_ASSETS_DATA, or `data_root` in the working
    directory. Dagster's UI runs, shows and schedules the same work: `make ui`.

    \b
    First steps:
      ecg-assets demo                          everything once, on synthetic records
      ECG_SOURCE=/records ecg-assets demo      the same on real records
      ecg-assets status                        content of the data root
    """


main.add_command(bucket)
main.add_command(compare)
main.add_command(demo)
main.add_command(demote)
main.add_command(digitize)
main.add_command(download_subset_command)
main.add_command(export_dataset)
main.add_command(export_onnx)
main.add_command(predict)
main.add_command(prune)
main.add_command(reconcile)
main.add_command(score)
main.add_command(status)
main.add_command(submission)
main.add_command(tpu)
main.add_command(train)
main.add_command(ui)
main.add_command(verify)

if __name__ == "__main__":
    main()
