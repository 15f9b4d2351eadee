"""Tests of ecg_assets.training.data."""
