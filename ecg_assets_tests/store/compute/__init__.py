"""Tests of `ecg_assets.store.compute`."""
