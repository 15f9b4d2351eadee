"""Tests of what is known of a data root."""
