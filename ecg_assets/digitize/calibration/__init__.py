"""Paper speed, gain and the printed extent."""
