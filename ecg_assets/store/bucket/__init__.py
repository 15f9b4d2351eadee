"""A data root in a bucket: its working copy, units of files, and transfers."""
