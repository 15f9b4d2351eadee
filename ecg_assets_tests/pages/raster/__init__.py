"""Tests of ecg_assets.pages.raster."""
