"""Tests of ecg_assets.digitize.signals."""
