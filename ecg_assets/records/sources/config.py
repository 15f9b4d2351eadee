"""Config of record sources."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ecg_assets.records.provenance import NAME_PATTERN
from ecg_assets.records.sources.base import SourceError
from ecg_assets.store.safe_yaml import YamlFileError, first_problem, read_yaml

Kind = Literal["auto", "kaggle", "wfdb", "synthetic"]


class SourceSpec(BaseModel):
    """One source of records."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Kind = Field(
        default="auto",
        description="kaggle (train.csv and CSVs), wfdb (.hea headers at any depth), synthetic (generated "
        "records), or auto: kaggle if there is a train.csv, wfdb if there are .hea headers.",
    )
    path: str = Field(default="", description="Folder or gs://bucket/prefix; empty for kind synthetic.")
    name: str | None = Field(
        default=None,
        pattern=f"^{NAME_PATTERN}$",
        description="Name of the source in the index, and prefix of its record ids. By default the folder's name for "
        "wfdb, else `kaggle` or `synthetic`.",
    )
    licence: str | None = Field(
        default=None,
        min_length=1,
        description="Licence, stored with each record and its samples. By default the licence of a known collection "
        "with this folder name, else `unknown`.",
    )
    records: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of records, drawn with the seed; for kind synthetic the number generated (24).",
    )
    mix: str | None = Field(
        default=None,
        min_length=1,
        description="synthetic: frequencies of rhythms and morphologies: a mix in "
        "records/synthetic/tables/synthetic.yaml (default, normal), or own.yaml#name for a file that extends that "
        "table.",
    )
    window_start_s: float = Field(
        default=0.0, ge=0, description="wfdb: start of the 10 s that are read from a longer recording, in seconds."
    )
    checksums: bool = Field(
        default=True,
        description="wfdb: quarantine a 10-s recording whose samples do not match the checksums in its header.",
    )

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "SourceSpec":
        if (self.kind == "synthetic") == bool(self.path):
            said = "has no path" if self.path else "needs a path, a folder or gs://bucket/prefix"
            raise ValueError(f"a source of kind {self.kind} {said}; it is {self.path!r}")
        if self.mix is not None and self.kind != "synthetic":
            raise ValueError(f"mix is for kind synthetic; this source is of kind {self.kind}")
        return self


class SourceConfig(BaseModel):
    """The sources of records: one `source`, or several `sources`; without either, synthetic records."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        default="",
        description="Folder or gs://bucket/prefix that holds train.csv and either train-csvs.tar.gz or "
        "train/<id>/<id>.csv, or WFDB recordings (.hea); or a YAML file with a list `sources`. Empty: synthetic "
        "records are generated.",
    )
    sources: tuple[SourceSpec, ...] = Field(default=(), description="Several sources, instead of `source`.")
    records: int | None = Field(
        default=None, ge=1, description="Maximum number of records, drawn with the seed; by default all."
    )
    synthetic_records: int = Field(
        default=24, ge=1, le=100_000, description="Number of synthetic records to generate when there is no source."
    )
    seed: int = Field(default=0, ge=0, description="Seed of the random draw and of synthetic records.")

    @model_validator(mode="after")
    def _names_sources_once(self) -> "SourceConfig":
        if self.source and self.sources:
            raise ValueError(f"both `source` ({self.source}) and `sources` are set; move it into the list")
        if sum(spec.kind == "synthetic" for spec in self.sources) > 1:
            raise ValueError("`sources` has kind synthetic more than once; raise `records` of one of them")
        return self

    def specs(self) -> tuple[SourceSpec, ...]:
        """All sources, including those of a YAML file.

        Raises:
            SourceError: the YAML file cannot be read or has a wrong field.
        """
        if self.sources:
            return self.sources
        if not self.source:
            return (SourceSpec(kind="synthetic", records=self.synthetic_records),)
        if Path(self.source).suffix.lower() in (".yaml", ".yml"):
            return _specs_in(Path(self.source).expanduser().absolute())
        return (SourceSpec(path=self.source),)


class _SourcesFile(BaseModel):
    """A YAML file of sources."""

    model_config = ConfigDict(extra="forbid")

    sources: tuple[SourceSpec, ...] = Field(min_length=1)


def _specs_in(path: Path) -> tuple[SourceSpec, ...]:
    """The sources of a YAML file; relative paths in it are relative to its folder."""
    try:
        held: Any = read_yaml(path)
        specs = _SourcesFile.model_validate(held).sources
    except (YamlFileError, ValidationError) as error:
        raise SourceError(
            f"{path} is not a list of sources ({_in_one_line(error)}); expected sources: [{{kind: ..., path: ...}}, "
            "...]"
        ) from error
    return tuple(spec.model_copy(update={"path": _beside(path, spec.path)}) for spec in specs)


def _beside(table: Path, address: str) -> str:
    return address if not address or "://" in address else str(table.parent / Path(address).expanduser())


def _in_one_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return first_problem(error)
    return " ".join(str(error).split())
