"""From a picture of a paper ECG to twelve leads in millivolts, and how good they are."""
