"""Tests of ecg_assets.pages.paper."""
