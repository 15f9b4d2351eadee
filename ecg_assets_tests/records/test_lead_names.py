"""Which lead a name means, and which way up it says that it stands."""

import pytest

from ecg_assets.records.lead_names import lead_named


@pytest.mark.parametrize(
    "name",
    [
        *(
            "-aVR",
            "aVR-",
            "- aVR",
            "aVR -",
            "(-)aVR",
            "aVR(-)",
            "\u2212aVR",
            "aVR\u2013",
            "lead -aVR",
            "ECG aVR-",
            "-AVR",
        ),
        *("neg aVR", "aVR_inv", "aVR (inverted)", "minus aVR"),
    ],
)
def test_a_sign_before_or_behind_a_name_says_that_the_lead_is_upside_down(name: str) -> None:
    assert lead_named(name) == ("aVR", -1)


@pytest.mark.parametrize(
    "name", ["aVR", "+aVR", "lead-aVR", "ECG_aVR", "ECG lead aVR", "a-VR", "aV R", "avr", "Lead: aVR"]
)
def test_what_joins_words_and_letters_is_no_sign(name: str) -> None:
    assert lead_named(name) == ("aVR", 1)


@pytest.mark.parametrize(
    "name", ["--aVR", "-aVR-", "-neg aVR", "~aVR", "!aVR", "\u00b1aVR", "I-II", "I II", "V1-V2", "", "-", "V7"]
)
def test_what_may_mean_either_is_no_lead(name: str) -> None:
    assert lead_named(name) is None
