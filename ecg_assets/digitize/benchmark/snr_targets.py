"""The signal-to-noise ratios that reading is to reach: below them the check of `digitization_report` warns."""

# Of each degradation recipe, in dB, as the competition scores.
TARGETS_DB: dict[str, float] = {"clean": 24.5, "scan": 23.0, "photo": 19.0, "screen": 17.0, "damaged": 15.0}
