"""Reads the rhythms and morphologies of synthetic records and their frequencies from `tables/synthetic.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ecg_assets.store.registry import look_up
from ecg_assets.store.safe_yaml import YamlFileError, read_yaml

TABLE = Path(__file__).parent / "tables" / "synthetic.yaml"

Conduction = Literal["normal", "left_bundle", "right_bundle"]
Territory = Literal["anterior", "inferior", "lateral", "apical"]
Beats = Literal["sinus", "wenckebach", "escape", "fibrillation", "flutter", "conducted", "ventricular", "paced"]
Range = tuple[float, float]


class SyntheticTableError(ValueError):
    """A table or a mix cannot be used; the message names the file and what was expected."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(_Frozen):
    """A truncated normal distribution."""

    median: float
    spread: float = Field(ge=0)
    low: float
    high: float

    @model_validator(mode="after")
    def _is_in_order(self) -> "Spread":
        if not self.low <= self.median <= self.high:
            raise ValueError(f"median {self.median} is not between low {self.low} and high {self.high}")
        return self

    def draw(self, rng: np.random.Generator) -> float:
        """One number; values outside the limits are drawn again, so that they do not accumulate at the limits."""
        for _ in range(50):
            value = float(rng.normal(self.median, self.spread))
            if self.low <= value <= self.high:
                return value
        return self.median


class Rhythm(_Frozen):
    """Times and origins of beats.

    Attributes:
        beats: kind of generator; `ventricular`, `escape` and `paced` beats come from the ventricles.
        rate_per_min: of the ventricles; for `flutter` and `wenckebach` of the atria.
        respiratory: share by which breathing changes sinus intervals.
        pr_ms: PR instead of the heart's own.
        early: kind of premature beats.
        every: every n-th beat is premature; without it a few of them are.
        own_ventricles: whether the rhythm defines QRS and T, so that no morphology is drawn.
    """

    beats: Beats
    rate_per_min: Spread
    respiratory: Range = (0.004, 0.04)
    pr_ms: Range | None = None
    early: Literal["atrial", "ventricular"] | None = None
    every: int | None = Field(default=None, ge=2)
    own_ventricles: bool = False


class Injury(_Frozen):
    """An ST deviation: elevation in the territory's leads, or depression if `size_mv` is negative."""

    territory: Territory
    size_mv: Range


class TFactor(_Frozen):
    """Factors of T's dipole along x (left), y (feet) and z (back); a negative factor inverts it."""

    x: Range = (1.0, 1.0)
    y: Range = (1.0, 1.0)
    z: Range = (1.0, 1.0)


class Morphology(_Frozen):
    """The shape of a conducted beat.

    Attributes:
        conduction: the blocked bundle branch.
        axis_degrees: of QRS in the frontal plane.
        height_mv: R in V5.
        limits: whether voltages stay below the limits of hypertrophy and above low voltage.
        limb_peak_to_peak_mv: upper limit of the limb leads' QRS.
        scar: territory in which an old infarction has left Q waves.
        injury: an ST deviation.
        t_factor: factors of T's dipole.
        qtc_ms: QT at 60 /min, Fridericia.
        j_wave_mv: a notch at the end of QRS.
    """

    conduction: Conduction = "normal"
    axis_degrees: Spread = Spread(median=28, spread=28, low=-27, high=85)
    height_mv: Spread = Spread(median=1.27, spread=0.42, low=0.5, high=2.1)
    limits: bool = True
    limb_peak_to_peak_mv: float | None = Field(default=None, gt=0)
    scar: Literal["anterior", "inferior"] | None = None
    injury: Injury | None = None
    t_factor: TFactor = TFactor()
    qtc_ms: Range = (362.0, 418.0)
    j_wave_mv: Range | None = None


class Mix(_Frozen):
    """Weights by name."""

    rhythms: dict[str, float] = Field(min_length=1)
    morphologies: dict[str, float] = Field(min_length=1)


class Table(_Frozen):
    """A file of rhythms, morphologies and mixes."""

    rhythms: dict[str, Rhythm] = {}
    morphologies: dict[str, Morphology] = {}
    mixes: dict[str, Mix] = {}

    @model_validator(mode="after")
    def _mixes_name_what_is_there(self) -> "Table":
        for name, mix in self.mixes.items():
            _check(f"mix {name!r}: rhythms", mix.rhythms, self.rhythms)
            _check(f"mix {name!r}: morphologies", mix.morphologies, self.morphologies)
        return self


@dataclass(frozen=True)
class Chosen:
    """A record's rhythm and morphology, by name and as described; no morphology if the rhythm defines the QRS."""

    rhythm_name: str
    rhythm: Rhythm
    morphology_name: str | None
    morphology: Morphology


def choose(
    rng: np.random.Generator, mix: str = "default", rhythm: str | None = None, morphology: str | None = None
) -> Chosen:
    """Draws a rhythm and a morphology by the mix's weights, except those that are named.

    Args:
        rng: two numbers are always drawn from it.
        mix: a name in the project's table, or `<path>.yaml#name`: a file whose rhythms and morphologies are added to
            the project's.
        rhythm, morphology: instead of drawn ones.

    Raises:
        SyntheticTableError: the name does not exist, or the file cannot be read.
    """
    path, _, name = mix.rpartition("#")
    table = read_table(Path(path) if path else None)
    weights = look_up(table.mixes, name, "mix of synthetic records", SyntheticTableError)
    drawn = _draw(rng, weights.rhythms), _draw(rng, weights.morphologies)
    rhythm_name, form_name = rhythm or drawn[0], morphology or drawn[1]
    described = look_up(table.rhythms, rhythm_name, "rhythm", SyntheticTableError)
    form = look_up(table.morphologies, form_name, "morphology", SyntheticTableError)
    if described.own_ventricles:
        return Chosen(rhythm_name, described, None, Morphology())
    return Chosen(rhythm_name, described, form_name, form)


@cache
def read_table(path: Path | None = None) -> Table:
    """The project's table, with the additions of a file.

    Raises:
        SyntheticTableError: the file cannot be read or a field is wrong.
    """
    held: dict[str, Any] = yaml.safe_load(TABLE.read_text("utf-8"))
    try:
        if path is not None:
            added = read_yaml(path)
            held = {part: {**values, **added.get(part, {})} for part, values in held.items()}
        return Table.model_validate(held)
    except (YamlFileError, AttributeError, TypeError, ValidationError) as error:
        raise SyntheticTableError(f"{path or TABLE} is no table of rhythms, morphologies and mixes: {error}") from error


def _draw(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    shares = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(shares), p=shares / shares.sum()))]


def _check(what: str, weights: Mapping[str, float], known: Mapping[str, object]) -> None:
    unknown = sorted(set(weights) - set(known))
    if unknown:
        raise ValueError(f"{what} name {', '.join(unknown)}, which the table does not describe")
    if min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise ValueError(f"{what} need weights of 0 or more, one of them positive")
