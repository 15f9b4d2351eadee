"""What the TPU compiler says of too little memory, in the words of its versions."""

import pytest

from ecg_assets.training.plan.compiling import exhausted


@pytest.mark.parametrize(
    "error",
    [
        "RESOURCE_EXHAUSTED: Ran out of memory in memory space hbm. Used 200.00G of 15.48G hbm.",
        "RESOURCE_EXHAUSTED: E1000: CompileTimeHbmOom: Ran out of memory on HBM, the total memory required for HLO "
        "temporaries (200.00G) exceeds available HBM (15.48G). HLO module: too_large.",
    ],
    ids=["libtpu 0.0.21", "libtpu 0.0.52"],
)
def test_the_memory_that_is_needed_and_the_memory_of_a_core_are_read_from_the_error(error: str) -> None:
    assert exhausted(error) == {"needed_gib": 200.0, "limit_gib": 15.48}


def test_units_are_read() -> None:
    assert exhausted("Used 512.00M of 1.00G hbm") == {"needed_gib": 0.5, "limit_gib": 1.0}


def test_other_errors_say_nothing_of_memory() -> None:
    assert exhausted("INTERNAL: something else") == {}
