"""What a training tells, as observations of its asset: the numbers of each epoch, and each picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from ecg_assets.resources.image_metadata import photo


def observe(
    context: dg.OpExecutionContext, session: dg.PipesSession, asset_key: dg.AssetKey, run_folder: Path, shown: int
) -> int:
    """Turns the epochs and pictures that came in since `shown` into observations; returns how many are seen now."""
    messages = session.get_custom_messages()
    for event in messages[shown:]:
        values = dict(event["values"])
        drawn = values.pop("picture", None)
        # A picture comes some seconds after its epoch, which is not to be plotted twice.
        metadata = (
            _of_epoch(values) if drawn is None else {"picture": _picture(run_folder / drawn, str(event["message"]))}
        )
        context.log_event(dg.AssetObservation(asset_key, description=str(event["message"]), metadata=metadata))
    return len(messages)


def _of_epoch(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers to be plotted over time, and the confusion matrix as a table: nobody plots 25 counts of pixels."""
    confusion = values.pop("confusion", None)
    metadata: dict[str, Any] = dict(_flat(values))
    if confusion:
        rows = [dg.TableRecord({"true \\ predicted": true, **pixels}) for true, pixels in confusion.items()]
        metadata["confusion"] = dg.MetadataValue.table(rows)
    return metadata


def _picture(path: Path, alt: str) -> dg.MarkdownMetadataValue | str:
    """The file as Markdown; a text when it is gone, as after the run folder was moved away."""
    return photo(path, alt) if path.exists() else f"{path} is not there any more"


def _flat(values: Mapping[str, Any]) -> dict[str, float | str]:
    """Numbers and texts, those of nested dicts as `<outer>_<inner>`: what the UI's plots can show."""
    flat: dict[str, float | str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}_{inner}": number for inner, number in _flat(value).items()}
        elif isinstance(value, int | float | str):
            flat[name] = value
    return flat
