"""Observations of the asset during training: the numbers of each epoch, and each picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from ecg_assets.resources.image_metadata import photo


def observe(
    context: dg.OpExecutionContext, session: dg.PipesSession, asset_key: dg.AssetKey, run_folder: Path, shown: int
) -> int:
    """Logs epochs and pictures received after `shown` as observations; returns the number received in all."""
    messages = session.get_custom_messages()
    for event in messages[shown:]:
        values = dict(event["values"])
        drawn = values.pop("picture", None)
        # A picture arrives seconds after its epoch; without the numbers, they are not plotted twice.
        metadata = (
            _of_epoch(values) if drawn is None else {"picture": _picture(run_folder / drawn, str(event["message"]))}
        )
        context.log_event(dg.AssetObservation(asset_key, description=str(event["message"]), metadata=metadata))
    return len(messages)


def _of_epoch(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers to plot over time, and the confusion matrix as a table."""
    confusion = values.pop("confusion", None)
    metadata: dict[str, Any] = dict(_flat(values))
    if confusion:
        rows = [dg.TableRecord({"true \\ predicted": true, **pixels}) for true, pixels in confusion.items()]
        metadata["confusion"] = dg.MetadataValue.table(rows)
    return metadata


def _picture(path: Path, alt: str) -> dg.MarkdownMetadataValue | str:
    """The file as Markdown, or a text if it is missing, for example after the run folder was moved."""
    return photo(path, alt) if path.exists() else f"{path} no longer exists"


def _flat(values: Mapping[str, Any]) -> dict[str, float | str]:
    """Numbers and texts for the UI's plots; those of nested dicts are named `<outer>_<inner>`."""
    flat: dict[str, float | str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}_{inner}": number for inner, number in _flat(value).items()}
        elif isinstance(value, int | float | str):
            flat[name] = value
    return flat
