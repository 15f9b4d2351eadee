"""Tests of ecg_assets.assets."""
