"""Tests of ecg_assets.samples."""
