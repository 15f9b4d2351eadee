"""Training samples: crops of pages, classes, mixing, shards and the reader."""
