"""Images for comparing an exported network with torch: from the dataset, or synthetic."""

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.stage import build_papers, render_pages
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import ingest
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.records.synthetic.folder import write_synthetic_source
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.labelled_page import read_paper, style_name_of
from ecg_assets.samples.reader import SampleReader
from ecg_assets.samples.sampling import draw_samples
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot, open_root

_RECORDS, _SEED = 3, 0


def images_to_compare_on(root: DataRoot, count: int, log: Log) -> list[npt.NDArray[np.uint8]]:
    """`count` images (512, 512, 3) uint8, evenly from the dataset; synthetic ones without a dataset of that size."""
    if any(root.dataset.glob("shard-*.arrow")):
        reader = SampleReader(root.dataset, None)
        if reader[0].mask_hw.shape[0] == SamplesConfig().crop_px:
            log(f"comparing on samples of {root.dataset}")
            return _evenly(reader, count)
    log("comparing on synthetic pages: the data root holds no dataset of such samples")
    with tempfile.TemporaryDirectory() as folder:
        return _synthetic(Path(folder))[:count]


def _evenly(reader: SampleReader, count: int) -> list[npt.NDArray[np.uint8]]:
    numbers = np.unique(np.linspace(0, len(reader) - 1, count).round().astype(int))
    return [reader[int(number)].image_hwc.copy() for number in numbers]


def _synthetic(folder: Path) -> list[npt.NDArray[np.uint8]]:
    """Samples of all recipes, made as the assets make them; too few for three splits."""

    def quiet(_: str) -> None:
        return None

    source, root, pages = folder / "source", open_root(folder / "data"), PagesConfig()
    write_synthetic_source(source, _RECORDS, _SEED, quiet)
    ingest(root, SourceConfig(source=str(source)), quiet)
    build_papers(root, pages, quiet)
    render_pages(root, pages, 1, quiet)
    drawn = [
        draw_samples(root, record_id, read_paper(root, style_name_of(root, record_id)), SamplesConfig(positives=4))
        for record_id in map(str, accepted_records(root)["id"])
    ]
    return [sample.crop.image_hwc for samples in zip(*drawn, strict=True) for sample in samples]
