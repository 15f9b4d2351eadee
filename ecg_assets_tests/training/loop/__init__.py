"""Tests of ecg_assets.training.loop."""
