"""Remedies for damaged files, by their path in the data root; a test carries out each one."""

import re

_AGAIN = "delete it and materialise {}"
_CHAMPION = (
    "delete it and materialise champion: it is copied again from its run folder; if that is missing too, the "
    "published checkpoint replaces it"
)
# The first pattern that matches the start of the file's path relative to the data root applies.
_ADVICE = (
    (r"store\.json$", "put a copy of the file that it links to in its place"),
    (r"source_listing\.json$", "delete it: the sensor new_records reads every file of the source again"),
    (r"\.bucket/", "delete it: the next run reads the bucket again"),
    (r"pictures/", "delete it: it is drawn again when it is shown"),
    (r"ori_csv/", _AGAIN.format("raw_csvs")),
    (r"grids/", _AGAIN.format("clean_grid and grid_mask")),
    (r"data/", _AGAIN.format("rendered_waves and wave_masks")),
    (r"dataset_grid_wave_mix/", _AGAIN.format("mixed_dataset")),
    (r"scans/segmentations/", _AGAIN.format("scan_segmentations")),
    (r"scans/digitized/", _AGAIN.format("digitized_signals")),
    (r"scans/digitization/", _AGAIN.format("digitization_report")),
    (r"scans/inbox/", "delete it and materialise kaggle_subset: it is downloaded again"),
    (r"runs/\.(?:archive|previous)/", "delete it: it belongs to an earlier training and is not needed"),
    (r"runs/[^/]+/process\.json$", "delete it when no training is running in that folder"),
    (r"runs/[^/]+/stamp\.json$", "delete it: the next training writes it again"),
    (r"runs/[^/]+/report/", _AGAIN.format("evaluation_report")),
    (r"runs/[^/]+$", _AGAIN.format("trained_checkpoint")),
    (
        r"runs/(?P<experiment>[^/]+)/",
        "delete it and materialise trained_checkpoint with experiment {experiment}: it continues from intact "
        "files; a training that cannot be continued is kept in runs/.archive and starts again",
    ),
    (r"champion/champion\.safetensors$", _CHAMPION),
    (
        r"champion/previous\.",
        "delete it and the other file named previous beside it: only `ecg-assets demote` uses them",
    ),
    (
        r"champion/champion\.json$",
        "delete it and materialise champion: history.jsonl names the training of champion.safetensors, which is "
        "scored again",
    ),
    (
        r"champion/history\.jsonl$",
        "leave it: unreadable lines are skipped, and the next decision moves them to history.torn.jsonl",
    ),
    (r"synthetic_source/", _AGAIN.format("raw_csvs")),
)


def advice_for(name: str) -> str:
    """The remedy for a damaged file.

    Args:
        name: path relative to the data root, with `/`.
    """
    for pattern, advice in _ADVICE:
        match = re.match(pattern, name)
        if match is not None:
            return advice.format(**match.groupdict())
    return "move it away: no asset makes it"
