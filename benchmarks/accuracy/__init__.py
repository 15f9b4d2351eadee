"""How well pages are read and segmented, and how like real ones synthetic records are."""
