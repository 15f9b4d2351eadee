"""Random numbers belong to (seed, record id, purpose), not to the order of drawing."""

import os
import subprocess
import sys

import numpy as np
import pytest

from ecg_assets.store.rng import rng_for

KEY = (7, "90000001", "synthetic.noise")


def test_same_key_gives_the_same_numbers_whatever_was_drawn_between() -> None:
    first = rng_for(*KEY).random(5)
    rng_for(7, "90000002", "synthetic.noise").random(1000)
    np.testing.assert_array_equal(first, rng_for(*KEY).random(5))


@pytest.mark.parametrize(
    "other",
    [(8, "90000001", "synthetic.noise"), (7, "90000002", "synthetic.noise"), (7, "90000001", "synthetic.rhythm")],
    ids=["seed", "record", "purpose"],
)
def test_seed_record_and_purpose_each_give_other_numbers(other: tuple[int, str, str]) -> None:
    assert not np.any(rng_for(*KEY).random(100) == rng_for(*other).random(100))


def test_parts_of_the_key_do_not_run_into_each_other() -> None:
    assert rng_for(1, "2|1:3", "4").random() != rng_for(1, "2", "3|1:4").random()
    assert rng_for(1, "23", "4").random() != rng_for(12, "3", "4").random()


def test_another_process_with_another_string_hash_seed_draws_the_same() -> None:
    code = f"from ecg_assets.store.rng import rng_for; print(rng_for(*{KEY!r}).integers(2**62))"
    environment = {**os.environ, "PYTHONHASHSEED": "4321"}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(out.stdout) == rng_for(*KEY).integers(2**62)
