"""Advice on replacing an unusable checkpoint, by its location."""

from pathlib import Path

from ecg_assets.weights import FOLDER, how_to_restore


def remedy(path: Path) -> str:
    """How to replace a checkpoint that is damaged or missing: the end of a sentence.

    Args:
        path: of the checkpoint, anywhere.
    """
    gone = not path.exists()
    if path.parent == FOLDER:
        return how_to_restore(path)
    if path.parent.name == "champion":
        how = "materialise champion"
    elif path.name == "published.safetensors":
        how = "materialise trained_checkpoint"
    elif path.parent.name == "checkpoints":
        how = f"train {path.parent.parent.name} again"
    elif gone:
        return "name the file of a checkpoint, such as runs/demo/checkpoints/best.safetensors"
    else:
        return "copy it again from where it came, or name the file of another checkpoint"
    return how if gone else f"delete it and {how}"
