"""Serves Dagster's UI to the user of this machine only, and refuses requests of other sites."""
