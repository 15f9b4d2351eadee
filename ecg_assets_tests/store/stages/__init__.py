"""Tests of ecg_assets.store.stages."""
