"""Tests of ecg_assets.digitize.submission."""
