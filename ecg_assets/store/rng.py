"""Makes random generators that depend on their purpose, not on the order of drawing."""

import hashlib

import numpy as np


def rng_for(seed: int, record_id: str, purpose: str) -> np.random.Generator:
    """A separate generator for each (seed, record id, purpose).

    The three are hashed with SHA-256, so that the generator is the same in every process, independent of
    `PYTHONHASHSEED`, and any number of workers, in any order, draw the same numbers for a record.

    Args:
        seed: the stage's seed, from its config.
        record_id: the record (or page, or sample) that the numbers are for.
        purpose: for example "synthetic.noise"; two purposes share no numbers.
    """
    # Lengths are hashed first, so that ("1", "2:x") and ("1:2", "x") are different streams.
    key = f"{int(seed)}|{len(record_id)}:{record_id}|{len(purpose)}:{purpose}"
    digest = hashlib.sha256(key.encode("utf-8")).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
