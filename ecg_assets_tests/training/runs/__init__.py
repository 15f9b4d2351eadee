"""Tests of ecg_assets.training.runs."""
