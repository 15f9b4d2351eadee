"""Tests of ecg_assets.records.synthetic."""
