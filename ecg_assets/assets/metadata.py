"""Metadata that every asset shows: a summary, its path, a picture, and counts of made and skipped items."""

import base64
import inspect
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from PIL import Image

from ecg_assets.resources.image_metadata import MAX_BYTES, as_webp
from ecg_assets.store.cached_file import kept
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.runner import StageReport

# Pictures are kept in Dagster's database with every materialisation.
MAX_PICTURE_BYTES = MAX_BYTES


def picture(png: bytes, alt: str) -> dg.MarkdownMetadataValue:
    """A PNG as Markdown with a data URI; one above `MAX_PICTURE_BYTES` as WebP, as large and good as fits."""
    if len(png) > MAX_PICTURE_BYTES:
        return as_webp(Image.open(io.BytesIO(png)), alt)
    return dg.MetadataValue.md(f"![{alt}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})")


def drawn(
    root: DataRoot, name: str, alt: str, shows: object, draw: Callable[..., bytes], *arguments: object
) -> dg.MarkdownMetadataValue:
    """As `picture`, redrawn only when its content or the code that draws it has changed.

    Args:
        root: data root in which the picture is cached.
        name: unique name of the picture.
        alt: alternative text.
        shows: JSON that changes with the picture's content, such as a digest.
        draw: function that returns the PNG.
        arguments: arguments of `draw`.
    """
    code = sha256_file(Path(inspect.getfile(draw)))
    path = root.pictures / f"{name}.kept"
    text = kept(path, fingerprint(alt, shows, code), lambda: str(picture(draw(*arguments), alt).value).encode())
    return dg.MetadataValue.md(text.decode())


def told(summary: str, where: Path, **more: Any) -> dict[str, Any]:
    """The metadata that every asset has: `summary` (also the line in `ecg-assets demo`'s table) and `where`."""
    return {"summary": summary, "where": dg.MetadataValue.path(str(where)), **more}


def stage_counts(report: StageReport) -> dict[str, Any]:
    """`made` and `skipped`: numbers of shards made in this run and of shards that were current."""
    return {"made": len(report.made), "skipped": len(report.skipped)}


def table(rows: Sequence[Mapping[Any, Any]]) -> dg.MetadataValue:
    """A table for the UI, from dicts with equal keys and values that are text or numbers."""
    return dg.MetadataValue.table([dg.TableRecord({str(name): value for name, value in row.items()}) for row in rows])
