"""Paths of pages, masks and papers below the data root."""

from pathlib import Path

from ecg_assets.store.root import DataRoot


def page_path(root: DataRoot, record_id: str) -> Path:
    """Path of a record's page."""
    return root.wave_images / f"{record_id}.png"


def layout_path(root: DataRoot, record_id: str) -> Path:
    """Path of a page's layout."""
    return root.wave_images / f"{record_id}.json"


def mask_path(root: DataRoot, record_id: str) -> Path:
    """Path of a record's wave mask, with values 0 and 255."""
    return root.wave_masks / f"{record_id}_mask.png"


def paper_path(root: DataRoot, style: str) -> Path:
    """Path of the empty paper of a style."""
    return root.grids / f"{style}.png"


def paper_mask_path(root: DataRoot, style: str) -> Path:
    """Path of the paper's mask, with classes 0 to 3 as grey values."""
    return root.grids / f"{style}_mask.png"
