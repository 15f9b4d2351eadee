"""ECG recordings to printed pages with exact masks, training data, networks and readings of real paper."""
