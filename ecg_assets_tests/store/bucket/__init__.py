"""Tests of ecg_assets.store.bucket."""
