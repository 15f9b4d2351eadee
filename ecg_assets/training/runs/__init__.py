"""Run folders: their files, state, events, and what is published."""
