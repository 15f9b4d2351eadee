"""The content of a data root and whether it is current, for `status` and `verify`."""
