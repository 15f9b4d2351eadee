"""Assigns a record to a shard and a split by a stable hash of its id.

A new record therefore changes one shard only, and a record is never in two splits.
"""

import hashlib
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

VALIDATION_SHARE = 0.15
TEST_SHARE = 0.15


def _unit_hash(record_id: str, purpose: str) -> float:
    """A number in [0, 1) that depends only on the id and the purpose."""
    digest = hashlib.sha256(f"{purpose}:{record_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def shard_of(record_id: str, shards: int) -> int:
    """The shard, 0 to `shards` - 1, of a record's pages and samples."""
    return int(_unit_hash(record_id, "shard") * shards)


def split_of(record_id: str) -> Split:
    """train (70 %), validation (15 %) or test (15 %)."""
    position = _unit_hash(record_id, "split")
    if position < TEST_SHARE:
        return "test"
    return "validation" if position < TEST_SHARE + VALIDATION_SHARE else "train"
