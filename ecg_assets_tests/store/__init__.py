"""Tests of ecg_assets.store."""
