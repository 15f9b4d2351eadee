"""Advice on damaged files by their place in the data root; a test carries out each sentence."""

import re

_AGAIN = "delete it and materialise {}"
_CHAMPION = (
    "delete it and materialise champion: it is copied again from its training; where that is gone too, the published "
    "checkpoint takes its place"
)
# The first pattern that matches the begin of a file's name, relative to the data root, applies.
_ADVICE = (
    (r"store\.json$", "put a copy of what it leads to in its place"),
    (r"source_listing\.json$", "delete it: the sensor new_records looks at every file of the source again"),
    (r"\.bucket/", "delete it: the next run looks into the bucket again"),
    (r"pictures/", "delete it: it is drawn again when it is shown"),
    (r"ori_csv/", _AGAIN.format("raw_csvs")),
    (r"grids/", _AGAIN.format("clean_grid and grid_mask")),
    (r"data/", _AGAIN.format("rendered_waves and wave_masks")),
    (r"dataset_grid_wave_mix/", _AGAIN.format("mixed_dataset")),
    (r"scans/segmentations/", _AGAIN.format("scan_segmentations")),
    (r"scans/digitized/", _AGAIN.format("digitized_signals")),
    (r"scans/digitization/", _AGAIN.format("digitization_report")),
    (r"scans/inbox/", "delete it and materialise kaggle_subset: it is fetched again"),
    (r"runs/\.(?:archive|previous)/", "delete it: of an earlier training, which nothing needs"),
    (r"runs/[^/]+/process\.json$", "delete it when no training runs in that folder"),
    (r"runs/[^/]+/stamp\.json$", "delete it: the next training writes it again"),
    (r"runs/[^/]+/report/", _AGAIN.format("evaluation_report")),
    (r"runs/[^/]+$", _AGAIN.format("trained_checkpoint")),
    (
        r"runs/(?P<experiment>[^/]+)/",
        "delete it and materialise trained_checkpoint with experiment {experiment}: it goes on from what is whole, and "
        "what cannot be gone on with is kept in runs/.archive and trained anew",
    ),
    (r"champion/champion\.safetensors$", _CHAMPION),
    (
        r"champion/previous\.",
        "delete it, and what else is called previous beside it: only `ecg-assets demote` would use it",
    ),
    (
        r"champion/champion\.json$",
        "delete it and materialise champion: history.jsonl tells whose champion.safetensors is, and it is scored again",
    ),
    (
        r"champion/history\.jsonl$",
        "leave it: lines that cannot be read are read past, and the next decision moves them to history.torn.jsonl",
    ),
    (r"synthetic_source/", _AGAIN.format("raw_csvs")),
)


def advice_for(name: str) -> str:
    """How to repair a damaged file.

    Args:
        name: relative to the data root, with `/`.
    """
    for pattern, advice in _ADVICE:
        match = re.match(pattern, name)
        if match is not None:
            return advice.format(**match.groupdict())
    return "move it away: no asset makes it"
