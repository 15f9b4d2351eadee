"""Tests of the warps."""
