"""Commands of `ecg-assets`, one per file; heavy imports are inside the functions."""
