"""Tests of ecg_assets.pages.camera.warps."""
