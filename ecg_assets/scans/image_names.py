"""Checks names of images, because results are named after them and tables show them."""

import unicodedata

# Bytes: results append up to 15, temporary files prepend 14, and a file name has at most 255.
MOST_BYTES = 220


class UnfitNameError(ValueError):
    """A file's name cannot be used; the message names it and says what to do."""


def shown_name(name: str) -> str:
    """A printable form of a name, with bytes that are not UTF-8, and control characters, as escapes."""
    plain = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(one if unicodedata.category(one) != "Cc" else repr(one)[1:-1] for one in plain)


def name_problem(name: str) -> str | None:
    """Why results cannot be named after an image, and what to do; None if they can.

    Args:
        name: of the image, relative to its folder, with forward slashes.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is no UTF-8; rename it"
    if "\\" in name or any(unicodedata.category(one) == "Cc" for one in name):
        return "its name holds a backslash or a control character; rename it"
    longest = max(len(part.encode("utf-8")) for part in name.split("/"))
    if longest > MOST_BYTES:
        return f"its name has {longest} bytes, expected at most {MOST_BYTES}; rename it"
    return None


def refuse_unfit_name(name: str) -> None:
    """Checks that results can be named after an image.

    Raises:
        UnfitNameError: they cannot.
    """
    problem = name_problem(name)
    if problem is not None:
        raise UnfitNameError(f"{shown_name(name)}: {problem}")
