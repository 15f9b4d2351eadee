"""Tests of ecg_assets.training.export."""
