"""Which names of images can be kept: results and notes are named after them, and people read them in tables."""

import unicodedata

# Of bytes: results put up to 15 behind the name, an unfinished one 14 before it, and a name has at most 255.
MOST_BYTES = 220


class UnfitNameError(ValueError):
    """A file's name cannot be kept; the message tells it and says what to do."""


def shown_name(name: str) -> str:
    """A name as it can be written anywhere: bytes that are no UTF-8, and control characters, as escapes."""
    plain = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(one if unicodedata.category(one) != "Cc" else repr(one)[1:-1] for one in plain)


def name_problem(name: str) -> str | None:
    """Why results cannot be named after an image, and what to do; None where they can.

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
    """Lets a name pass after which results can be named.

    Raises:
        UnfitNameError: they cannot.
    """
    problem = name_problem(name)
    if problem is not None:
        raise UnfitNameError(f"{shown_name(name)}: {problem}")
