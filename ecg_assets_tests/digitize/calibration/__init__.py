"""Tests of ecg_assets.digitize.calibration."""
