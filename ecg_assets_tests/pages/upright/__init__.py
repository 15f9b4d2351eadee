"""Tests of ecg_assets.pages.upright."""
