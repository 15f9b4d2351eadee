"""Tests of ecg_assets.training.monitoring."""
