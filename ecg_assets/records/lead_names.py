"""Recognises the 12 leads by their names in any usual spelling, including marks of an inverted lead."""

import re
import unicodedata

from ecg_assets.records.record import LEADS

_LEAD_OF = {lead.casefold(): lead for lead in LEADS} | {"mli": "I", "mlii": "II", "mliii": "III"}
_MINUS = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_UPSIDE_DOWN = re.compile(r"(?<![a-z0-9])(neg|negative|minus|inv|inverted|inverse|reversed|flipped)(?![a-z0-9])")
# Marks that mean "not" or "either" elsewhere and are ambiguous here.
_UNCLEAR = re.compile(r"[~!\u00ac\u00b1]")
# Inside one lead's name a hyphen is not a sign ("aV-R", "V-1"); between numerals it joins two leads.
_LEAD = re.compile(r"(?:ml)?(i{1,3})|(a[\W_]*v[\W_]*[rlf])|(v[\W_]*[1-6])")


def lead_named(name: str) -> tuple[str, int] | None:
    """The lead that a name means, with 1, or -1 if the name marks it as inverted; None for anything else.

    Names are recognised in upper and lower case, with or without a leading "lead" or "ECG", and MLI to MLIII as I to
    III. A minus before or after the whole name, or after a space or bracket that follows "lead" or "ECG", is a sign
    ("-aVR", "aVR-", "lead -aVR"); one that joins such a word to the lead is not ("lead-aVR"). Words such as "inverted"
    are signs too.
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
