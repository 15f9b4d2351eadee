"""Checks of real images."""

import dagster as dg
import numpy as np

from ecg_assets.assets.metadata import table
from ecg_assets.checks.result import failed
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.samples.reader import DatasetError, EmptySplitError
from ecg_assets.store.root import DataRoot

_IMAGES_LOOKED_AT = 60
_SHOWN = 10


@dg.asset_check(asset="scan_segmentations")
def scans_look_like_samples(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Real images (up to 60) have colours and gradients like the training samples. A warning if they differ."""
    try:
        names, far, rows, left_out = _compared(data_root.open())
    except (DatasetError, EmptySplitError) as error:
        return failed(f"nothing to compare real images with: {error}", dg.AssetCheckSeverity.WARN)
    metadata = {"images": len(names)} | ({"drift": table(rows)} if rows else {})
    metadata |= {"not_compared": table(left_out)} if left_out else {}
    if not far:
        return dg.AssetCheckResult(passed=True, metadata=metadata)
    reason = (
        f"{len(far)} of {len(names)} images are unlike the training samples: {'; '.join(far[:_SHOWN])}. Increase the "
        "weights of similar styles (clean_grid, rendered_waves) and recipes (mixed_dataset), and materialise these"
    )
    return dg.AssetCheckResult(
        passed=False, severity=dg.AssetCheckSeverity.WARN, description=reason, metadata=metadata | {"reason": reason}
    )


def _compared(root: DataRoot) -> tuple[list[str], list[str], list[dict[str, object]], list[dict[str, str]]]:
    """Names of compared images, outliers with their distances, a row per image, and images that cannot be read."""
    from ecg_assets.scans.drift import drift_of, reference_of
    from ecg_assets.scans.inbox import images_in, inbox
    from ecg_assets.scans.refusal import refusal_text

    images = images_in(root)
    if not images:
        return [], [], [], []
    reference, drifts, left_out = reference_of(root.dataset), [], []
    for place in np.linspace(0, len(images) - 1, min(len(images), _IMAGES_LOOKED_AT)).round().astype(int):
        name = images[place].relative_to(inbox(root)).as_posix()
        try:
            drifts.append(drift_of(images[place], name, reference))
        except Exception as error:  # one failing image must not stop the comparison of the others
            left_out.append({"image": name, "why": refusal_text(error, name)})
    rows: list[dict[str, object]] = [
        {"image": one.name, "far in": ", ".join(one.far) or "-", **one.distances, **limits}
        for limits in [{f"{kind} limit": limit for kind, limit in reference.limits.items()}]
        for one in drifts
    ]
    return [one.name for one in drifts], [str(one) for one in drifts if one.far], rows, left_out
