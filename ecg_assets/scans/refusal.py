"""The sentence for a refused picture."""

from ecg_assets.scans.image_names import shown_name

_SHOWN = 200


def refusal_text(error: Exception, name: str) -> str:
    """One sentence that names the picture; an error of this package is quoted, because it says what to do.

    Args:
        error: the exception raised while the picture was read.
        name: the picture's name as given by the user.
    """
    said = shown_name(" ".join(str(error).split()))
    name = shown_name(name)
    if type(error).__module__.partition(".")[0] == "ecg_assets":
        return said if name.rpartition("/")[2] in said else f"{name}: {said}"
    shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."
    what = f": {shown}" if said else ""
    return (
        f"{name} cannot be read ({type(error).__name__}{what}{_place(error)}); crop it to the page, or "
        "scan the page again at 200 to 300 dpi"
    )


def _place(error: Exception) -> str:
    """The innermost line of this package in the traceback, for bug reports."""
    found, trace = "", error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] == "ecg_assets":
            found = f", in {module.removeprefix('ecg_assets.')}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found
