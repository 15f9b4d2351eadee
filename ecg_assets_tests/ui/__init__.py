"""Tests of what people see and do in the browser."""
