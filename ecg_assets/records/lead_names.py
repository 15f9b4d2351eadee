"""Which of the 12 leads a name means, however it is written, and whether it says that the lead is upside down."""

import re
import unicodedata

from ecg_assets.records.record import LEADS

_LEAD_OF = {lead.casefold(): lead for lead in LEADS} | {"mli": "I", "mlii": "II", "mliii": "III"}
_MINUS = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_UPSIDE_DOWN = re.compile(r"(?<![a-z0-9])(neg|negative|minus|inv|inverted|inverse|reversed|flipped)(?![a-z0-9])")
# Marks that programs and people use for "not" or "either": what they mean here cannot be told.
_UNCLEAR = re.compile(r"[~!\u00ac\u00b1]")
# Between the letters of one lead's name a hyphen is no sign ("aV-R", "V-1"); between numerals it joins two leads.
_LEAD = re.compile(r"(?:ml)?(i{1,3})|(a[\W_]*v[\W_]*[rlf])|(v[\W_]*[1-6])")


def lead_named(name: str) -> tuple[str, int] | None:
    """The lead that a name means and 1, or -1 where the name says that it is upside down; None for anything else.

    Names are known in any case, with or without "lead" or "ECG" in front, MLI to MLIII as I to III. A minus before or
    behind the whole name, or behind a space or bracket that follows "lead" or "ECG", is a sign ("-aVR", "aVR-",
    "lead -aVR"); one that joins such a word to the lead is none ("lead-aVR"). Words such as "inverted" are signs too.
    """
    text = _MINUS.sub("-", unicodedata.normalize("NFKC", name).casefold()).strip()
    if _UNCLEAR.search(text):
        return None
    text, signs = _UPSIDE_DOWN.subn(" ", text)
    for pattern in (r"^[\s(\[]*-", r"-[\s)\]]*$", r"(?<=[\s(\[])-(?=[^\s-])"):
        text, count = re.subn(pattern, " ", text, count=1)
        signs += count
    if signs > 1:
        return None
    found = re.fullmatch(r"(?:ecg)?[\W_]*(?:lead)?[\W_]*(.*?)[\W_]*", text)
    word = found.group(1) if found else ""
    if not _LEAD.fullmatch(word):
        return None
    return _LEAD_OF[re.sub(r"[\W_]", "", word)], -1 if signs else 1
