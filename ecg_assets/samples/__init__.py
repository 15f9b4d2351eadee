"""Makes and reads training samples: crops of pages, classes, mixing, shards and the reader."""
