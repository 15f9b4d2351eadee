"""Run folders: their files, state, events and published checkpoints."""
