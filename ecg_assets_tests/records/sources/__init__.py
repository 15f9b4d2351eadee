"""Tests of ecg_assets.records.sources."""
