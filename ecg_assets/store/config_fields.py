"""What of a config enters fingerprints: fields under names that stay, so that renaming one makes nothing stale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class InFingerprint:
    """How a field enters fingerprints, where that is not under its own name and always: part of its `Annotated` type.

    Attributes:
        name: the one under which it was introduced; a field that is renamed keeps it here.
        added: the field came later than the config; at its default, configs of before it are the same.
        never: the field says how something is computed, not what; it is left out.
    """

    name: str | None = None
    added: bool = False
    never: bool = False


def fingerprint_fields(config: BaseModel) -> dict[str, Any]:
    """The config as JSON can say it, each field under the name with which it was introduced.

    It is what `config.model_dump(mode="json")` gives while no field was renamed or added.
    """
    fields: dict[str, Any] = _named(config, config.model_dump(mode="json"))
    return fields


def _named(value: Any, dumped: Any) -> Any:
    """What pydantic has dumped of a value, with the fields' names for fingerprints."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        how = {name: _how(field) for name, field in fields.items()}
        return {
            how[name].name or name: _named(getattr(value, name), dumped[name])
            for name, field in fields.items()
            if not (how[name].never or (how[name].added and dumped[name] == _dumped_default(value, name, field)))
        }
    if isinstance(value, Mapping):
        # Keys that are no text have become text, in the same order.
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
