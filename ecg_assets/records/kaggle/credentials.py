"""Checks the credentials of the `kaggle` client (2.x) before it runs, because it ignores those that it cannot read.

In its order: an API token in KAGGLE_API_TOKEN (itself or its file), in ~/.kaggle/access_token or access_token.txt; a
user's name and key in KAGGLE_USERNAME and KAGGLE_KEY or in kaggle.json; the credentials of `kaggle auth login`.
"""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecg_assets.records.kaggle.errors import HOW_TO_GET_CREDENTIALS, KaggleUnavailableError
from ecg_assets.store.regular_files import is_regular, what_else

TOKEN_VARIABLE = "KAGGLE_API_TOKEN"
_TOKEN_FILES = ("~/.kaggle/access_token", "~/.kaggle/access_token.txt")
_PRINTABLE = re.compile(r"[!-~]+")
_API_TOKEN = "KGAT_"
_MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class Credentials:
    """The credentials that the client will use.

    Attributes:
        where: the variable or file that holds them; empty if none were found.
        key_file: fields of kaggle.json, as the client expects them.
        secrets: never to be shown.
        is_token: whether they are an API token.
    """

    where: str
    key_file: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    is_token: bool = False


def find_credentials(key_path: Path) -> Credentials:
    """The first credentials found.

    Args:
        key_path: the client's path of kaggle.json.

    Raises:
        KaggleUnavailableError: the first credentials found cannot be used; the message names them.
    """
    where, token = _token()
    if where:
        if not _PRINTABLE.fullmatch(token):
            raise KaggleUnavailableError(
                f"{where} holds no Kaggle API token but {'nothing' if not token else 'other letters, too'}; expected "
                "one word such as KGAT_..., as plain text without a mark of UTF-8: copy the token there again"
            )
        return Credentials(where, secrets=(token,), is_token=True)
    fields = _key_file(key_path)
    found = fields | {
        name: os.environ[f"KAGGLE_{name.upper()}"]
        for name in ("username", "key")
        if f"KAGGLE_{name.upper()}" in os.environ
    }
    missing = [name for name in ("username", "key") if not found.get(name)]
    if found and missing:
        raise KaggleUnavailableError(
            f"{' and '.join(missing)} of the Kaggle credentials is missing: set KAGGLE_USERNAME and KAGGLE_KEY both, "
            f"or neither, and then {HOW_TO_GET_CREDENTIALS}"
        )
    where = "KAGGLE_KEY" if "KAGGLE_KEY" in os.environ else str(key_path)
    if found and found["key"].startswith(_API_TOKEN):
        raise KaggleUnavailableError(
            f"{where} holds an API token ({_API_TOKEN}...) where the client expects an older key: put the token alone "
            f"into {_TOKEN_FILES[0]} (permissions 600), or into {TOKEN_VARIABLE}"
        )
    return Credentials(where if found else "", fields, tuple(found.get(name, "") for name in ("key",)))


def _token() -> tuple[str, str]:
    """The place of the client's API token, and the token; two empty texts if there is none."""
    named = os.environ.get(TOKEN_VARIABLE, "")
    if named and not _is_there(Path(named)):
        return TOKEN_VARIABLE, named.strip()
    paths = [Path(named)] if named else [Path(name).expanduser() for name in _TOKEN_FILES]
    for path in paths:
        text = _text(path) if _is_there(path) else ""
        if text.strip() or (named and _is_there(path)):
            return str(path), text.strip()
    return "", ""


def _key_file(path: Path) -> dict[str, str]:
    if not _is_there(path):
        return {}
    text = _text(path).removeprefix("\ufeff")  # the byte order mark of Windows editors
    try:
        fields: Any = json.loads(text or "null")
    except ValueError as error:
        raise KaggleUnavailableError(
            f'{path} is no JSON ({str(error)[:80]}); expected {{"username": ..., "key": ...}} as Kaggle gives it: '
            f"delete it, and {HOW_TO_GET_CREDENTIALS}"
        ) from None
    wanted = {name: fields.get(name) for name in ("username", "key")} if isinstance(fields, dict) else {}
    if not wanted or not all(isinstance(value, str) and _PRINTABLE.fullmatch(value) for value in wanted.values()):
        raise KaggleUnavailableError(
            f'{path} holds {_kind(fields)}, expected {{"username": ..., "key": ...}} as Kaggle gives it: delete it, '
            f"and {HOW_TO_GET_CREDENTIALS}"
        )
    return {name: str(value) for name, value in fields.items() if isinstance(value, str)}


def _kind(fields: Any) -> str:
    if isinstance(fields, dict):
        return "no username and key in plain letters"
    return {list: "a list", type(None): "nothing"}.get(type(fields), "something else")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a token may not be a valid file name
        return False


def _text(path: Path) -> str:
    """A file's text, including a UTF-8 byte order mark.

    Raises:
        KaggleUnavailableError: it cannot be read as UTF-8.
    """
    try:
        if not is_regular(path):
            raise KaggleUnavailableError(
                f"{path} is {what_else(path) or 'no file'}, expected a file of credentials: delete it, and "
                f"{HOW_TO_GET_CREDENTIALS}"
            )
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8")
    except OSError as error:
        raise KaggleUnavailableError(
            f"{path} cannot be read ({error.strerror}): make it yours, with permissions 600"
        ) from error
    except UnicodeDecodeError:
        raise KaggleUnavailableError(
            f"{path} is no text in UTF-8; expected Kaggle credentials: delete it, and {HOW_TO_GET_CREDENTIALS}"
        ) from None
