"""Commands of `ecg-assets`, one a file; heavy imports stay inside of them."""
