"""Where pages, masks and papers lie below the data root."""

from pathlib import Path

from ecg_assets.store.root import DataRoot


def page_path(root: DataRoot, record_id: str) -> Path:
    """Where a record's page lies."""
    return root.wave_images / f"{record_id}.png"


def layout_path(root: DataRoot, record_id: str) -> Path:
    """Where a page's layout lies."""
    return root.wave_images / f"{record_id}.json"


def mask_path(root: DataRoot, record_id: str) -> Path:
    """Where a record's wave mask lies: 0 and 255."""
    return root.wave_masks / f"{record_id}_mask.png"


def paper_path(root: DataRoot, style: str) -> Path:
    """Where the empty paper of a style lies."""
    return root.grids / f"{style}.png"


def paper_mask_path(root: DataRoot, style: str) -> Path:
    """Where the paper's mask lies: classes 0 to 3 as grey values."""
    return root.grids / f"{style}_mask.png"
