"""Random numbers that depend on what they are for, never on the order in which they are drawn."""

import hashlib

import numpy as np


def rng_for(seed: int, record_id: str, purpose: str) -> np.random.Generator:
    """A generator of its own for each (seed, record id, purpose).

    The three are hashed with SHA-256, so that it is the same in every process, whatever `PYTHONHASHSEED` says, and
    any number of workers, in any order, draw the same numbers for a record.

    Args:
        seed: the stage's seed, from its config.
        record_id: the record (or page, or sample) that the numbers are for.
        purpose: what they are for, e.g. "synthetic.noise"; two purposes share no numbers.
    """
    # Lengths go in first: ("1", "2:x") and ("1:2", "x") are not to be one stream.
    key = f"{int(seed)}|{len(record_id)}:{record_id}|{len(purpose)}:{purpose}"
    digest = hashlib.sha256(key.encode("utf-8")).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
