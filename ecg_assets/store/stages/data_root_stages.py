"""Lists the stages of a data root, their folders, and the files in them that are not in a manifest."""

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
        folder: of its manifests; a process that writes in the stage holds this folder's lock.
        others: further folders that it fills.
        unlisted: names of files in `folder` that belong to it but are not in a manifest.
    """

    name: str
    folder: Path
    others: tuple[Path, ...] = ()
    unlisted: tuple[str, ...] = ()

    def manifests(self) -> Iterator[Manifest]:
        """All manifests of the stage.

        Raises:
            ManifestError: one cannot be read; the message names it.
        """
        for path in manifest_paths(self.folder):
            manifest = read_manifest(path)
            if manifest is not None:
                yield manifest

    def files(self) -> Iterator[Path]:
        """All files in its folders except manifests, the lock, and `unlisted` files.

        They include temporary files of interrupted writes, also of manifests.
        """
        for folder in (self.folder, *self.others):
            for path in sorted(folder.rglob("*")):
                own = path.parent == self.folder and path.name in (_LOCK, *self.unlisted)
                rest = path.name.startswith(TEMPORARY_PREFIX)
                if path.is_file() and not own and (rest or not path.is_relative_to(self.folder / MANIFESTS)):
                    yield path


def stages_of(root: DataRoot) -> tuple[Stage, ...]:
    """The stages of a data root, in the order of the asset graph."""
    return (
        Stage("raw_csvs", root.ori_csv, unlisted=(root.index.name,)),
        Stage("clean_grid, grid_mask", root.grids),
        Stage("rendered_waves, wave_masks", root.wave_images, (root.wave_masks,)),
        Stage("mixed_dataset", root.dataset, unlisted=("dataset.json",)),
        Stage("scan_segmentations", root.scans / "segmentations"),
        Stage("digitized_signals", root.scans / "digitized"),
        Stage("digitization_report", root.scans / "digitization", unlisted=("index.html", "scores.json")),
    )
