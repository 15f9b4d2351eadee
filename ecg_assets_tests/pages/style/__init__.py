"""Tests of ecg_assets.pages.style."""
