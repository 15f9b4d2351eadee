"""Selects the config fields of fingerprints, under stable names, so that renaming a field makes nothing stale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class InFingerprint:
    """How a field enters fingerprints, if not always and under its own name; part of its `Annotated` type.

    Attributes:
        name: the field's original name; a renamed field keeps it here.
        added: whether the field was added later; at its default it is left out, so older configs stay equal.
        never: whether the field affects how something is computed but not the result; it is left out.
    """

    name: str | None = None
    added: bool = False
    never: bool = False


def fingerprint_fields(config: BaseModel) -> dict[str, Any]:
    """The config as JSON values, each field under its original name.

    It equals `config.model_dump(mode="json")` as long as no field was renamed or added.
    """
    fields: dict[str, Any] = _named(config, config.model_dump(mode="json"))
    return fields


def _named(value: Any, dumped: Any) -> Any:
    """Pydantic's dump of a value, with the fields' names for fingerprints."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        how = {name: _how(field) for name, field in fields.items()}
        return {
            how[name].name or name: _named(getattr(value, name), dumped[name])
            for name, field in fields.items()
            if not (how[name].never or (how[name].added and dumped[name] == _dumped_default(value, name, field)))
        }
    if isinstance(value, Mapping):
        # Keys that are not text were converted to text, in the same order.
        pairs = zip(value.values(), dumped.items(), strict=True)
        return {key: _named(one, said) for one, (key, said) in pairs}
    if isinstance(value, list | tuple):
        return [_named(one, said) for one, said in zip(value, dumped, strict=True)]
    return dumped


def _how(field: FieldInfo) -> InFingerprint:
    return next((one for one in field.metadata if isinstance(one, InFingerprint)), InFingerprint())


def _dumped_default(config: BaseModel, name: str, field: FieldInfo) -> Any:
    default = config.model_copy(update={name: field.get_default(call_default_factory=True)})
    return default.model_dump(mode="json", include={name})[name]
