"""Tests of ecg_assets.digitize.benchmark."""
