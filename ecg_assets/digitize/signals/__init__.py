"""From traces to millivolts."""
