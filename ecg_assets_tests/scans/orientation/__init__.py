"""Tests of ecg_assets.scans.orientation."""
