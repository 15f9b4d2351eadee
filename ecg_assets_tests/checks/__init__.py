"""Tests of ecg_assets.checks."""
