"""Which folders each stage fills, and what lies in them that no manifest names."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.atomic import TEMPORARY_PREFIX
from ecg_assets.store.manifest import MANIFESTS, Manifest, manifest_paths, read_manifest
from ecg_assets.store.root import DataRoot

_LOCK = ".lock"


@dataclass(frozen=True)
class Stage:
    """One stage's place in a data root.

    Attributes:
        name: its assets.
        folder: holds its manifests; whoever writes in the stage holds this folder's lock.
        others: further folders that it fills.
        unlisted: names of files in `folder` that belong to it and that no manifest lists.
    """

    name: str
    folder: Path
    others: tuple[Path, ...] = ()
    unlisted: tuple[str, ...] = ()

    def manifests(self) -> Iterator[Manifest]:
        """All of them.

        Raises:
            ManifestError: one cannot be read; the message names it.
        """
        for path in manifest_paths(self.folder):
            manifest = read_manifest(path)
            if manifest is not None:
                yield manifest

    def files(self) -> Iterator[Path]:
        """All files that lie in its folders, but for manifests, the lock, and what is `unlisted`.

        Rests of interrupted writes are among them, those of manifests too.
        """
        for folder in (self.folder, *self.others):
            for path in sorted(folder.rglob("*")):
                own = path.parent == self.folder and path.name in (_LOCK, *self.unlisted)
                rest = path.name.startswith(TEMPORARY_PREFIX)
                if path.is_file() and not own and (rest or not path.is_relative_to(self.folder / MANIFESTS)):
                    yield path


def stages_of(root: DataRoot) -> tuple[Stage, ...]:
    """In the order of the graph."""
    return (
        Stage("raw_csvs", root.ori_csv, unlisted=(root.index.name,)),
        Stage("clean_grid, grid_mask", root.grids),
        Stage("rendered_waves, wave_masks", root.wave_images, (root.wave_masks,)),
        Stage("mixed_dataset", root.dataset, unlisted=("dataset.json",)),
        Stage("scan_segmentations", root.scans / "segmentations"),
        Stage("digitized_signals", root.scans / "digitized"),
        Stage("digitization_report", root.scans / "digitization", unlisted=("index.html", "scores.json")),
    )
