"""Draws one shard's pages; pages with unchanged record and style are kept."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.layout.panels import NO_BASELINES
from ecg_assets.pages.layout.plan import plan_page
from ecg_assets.pages.page_notes import Drawn, as_columns, drawn_before
from ecg_assets.pages.paper.papers import StyledPaper, StyledPapers
from ecg_assets.pages.paths import layout_path, mask_path, page_path
from ecg_assets.pages.raster.png import encode
from ecg_assets.pages.upright.page import render_page
from ecg_assets.records.baseline import offsets_mv
from ecg_assets.records.ingest import load_record
from ecg_assets.store.atomic import json_bytes, write_bytes
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.manifest import BY_RECORD, Manifest, read_manifest
from ecg_assets.store.plain_file import is_plain
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.provenance import MadeFrom
from ecg_assets.store.stages.runner import manifest_path

STAGE = "rendered_waves"
PROVENANCE = ("source", "licence", "labels")
OFF_ROW = "off_row_panels"
_FIRST_NOTES = ("empty_panels", "partial_panels", "flat_panels", "off_page_panels")
NOTES = (*_FIRST_NOTES, OFF_ROW, "baselines_mv")
# Part of the fingerprint of some records' pages only.
OFF_ZERO = "offsets are taken off"

Row = dict[str, Any]


@dataclass(frozen=True)
class PageShard:
    """A shard's work, as `run_stage` asks for it.

    Attributes:
        root: the data root.
        shard: the shard's number.
        made_from: the parts of the fingerprint.
        columns: of the index, for this shard's records: `id`, `fs_hz`, `sha256` and `PROVENANCE`.
        config: the styles.
        looks: by paper, the hash of all that determines its pages' look.
        off_zero: ids of records whose leads' offsets are subtracted, as noted in the index.
    """

    root: DataRoot
    shard: int
    made_from: MadeFrom
    columns: dict[str, list[Any]]
    config: PagesConfig
    looks: dict[str, str]
    off_zero: frozenset[str] = frozenset()

    @property
    def fingerprint(self) -> str:
        """Fingerprint of code version, styles and records."""
        return self.made_from.fingerprint(STAGE)

    @property
    def records(self) -> list[Row]:
        """Rows of the index; built on demand, because plans of a million records do not need them."""
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Draws what is due; see `ShardTask`."""
        papers = StyledPapers(self.config)
        # Ordered by style, because papers and print are cached for a few styles only.
        planned = sorted(
            ((papers.name_for(row["id"]), row) for row in self.records), key=lambda pair: (pair[0], pair[1]["id"])
        )
        held = read_manifest(manifest_path(self.root.wave_images, self.shard)) or Manifest(stage=STAGE, fingerprint="")
        before, files, now = drawn_before(held), dict[str, str](), dict[str, Drawn]()
        drawn = 0
        for style, row in planned:
            told = [OFF_ZERO] if row["id"] in self.off_zero else []
            key = fingerprint(self.made_from.code_version, self.looks[style], row, *told)
            kept = _kept_files(self.root, row["id"], key, held.files, before)
            if kept is None:
                files |= self._draw(papers[style], row, key, now)
                drawn += 1
            else:
                files |= kept
                now[row["id"]] = before[row["id"]]
        return dict(sorted(files.items())), _told(now) | {"drawn": drawn} | self.made_from.as_info()

    def _draw(self, styled: StyledPaper, row: Row, key: str, now: dict[str, Drawn]) -> dict[str, str]:
        record_id = row["id"]
        record = load_record(self.root, record_id, row["fs_hz"])
        baselines_mv = offsets_mv(record.signal_mv) if record_id in self.off_zero else NO_BASELINES
        own = styled.own is not None
        plan = plan_page(record, styled.name, styled.style, self.config.seed, own, baselines_mv)
        page = render_page(plan, record, styled.paper)
        image, mask, layout = _places(self.root, record_id)
        wave = page.wave_hw
        contents = {
            image: encode(page.index_hw, page.palette, styled.style.dpi),
            mask: encode(wave.astype("uint8") * 255, dpi=styled.style.dpi),
            layout: json_bytes({**page.layout, "provenance": {name: row[name] for name in PROVENANCE}}, indent=None),
        }
        for path, content in contents.items():
            write_bytes(path, content, flushed=False)
        now[record_id] = Drawn(
            key=key,
            style=styled.name,
            wave_pixels=int(wave.sum()),
            pixels=page.layout["width_px"] * page.layout["height_px"],
            notes=tuple(note for note in NOTES if page.layout.get(note) or (note == OFF_ROW and page.off_row)),
        )
        return {self.root.relative(path): sha256_bytes(content) for path, content in contents.items()}


def _places(root: DataRoot, record_id: str) -> list[Path]:
    return [path(root, record_id) for path in (page_path, mask_path, layout_path)]


def _kept_files(
    root: DataRoot, record_id: str, key: str, held: dict[str, str], before: dict[str, Drawn]
) -> dict[str, str] | None:
    """The page's three files if its inputs and the files are unchanged; None otherwise."""
    if record_id not in before or before[record_id].key != key:
        return None
    files: dict[str, str] = {}
    for path in _places(root, record_id):
        name = root.relative(path)
        # A killed run may have redrawn files whose old hashes are still in the manifest.
        if name not in held or not is_plain(path) or sha256_file(path) != held[name]:
            return None
        files[name] = held[name]
    return files


def _told(now: dict[str, Drawn]) -> dict[str, Any]:
    pages = [now[record_id] for record_id in sorted(now)]
    noted = {note: sum(note in page.notes for page in pages) for note in NOTES}
    return {
        "pages": len(pages),
        "styles": dict(sorted(Counter(page.style for page in pages).items())),
        "wave_pixels": sum(page.wave_pixels for page in pages),
        "pixels": sum(page.pixels for page in pages),
        # The manifests of shards that have none of the later notes stay as they were.
        **{note: count for note, count in noted.items() if count or note in _FIRST_NOTES},
        BY_RECORD: as_columns(now),
    }
