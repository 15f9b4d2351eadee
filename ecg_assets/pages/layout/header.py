"""Headers of fictitious persons: name, date, measurements and interpretation."""

from dataclasses import dataclass

import numpy as np

from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.store.rng import rng_for

_SURNAMES = ("Adler", "Berg", "Costa", "Duval", "Eriksen", "Fischer", "Grant", "Haas", "Ivanova", "Jansen", "Keller")
_CLINICS = ("City Hospital, Cardiology", "Heart Centre North", "Outpatient Clinic 3", "St. Anna Infirmary", "Ward 12B")
_RHYTHMS = ("Sinus rhythm", "Normal sinus rhythm", "Sinus bradycardia", "Sinus tachycardia", "Atrial fibrillation")
_FINDINGS = (
    "Left axis deviation",
    "Right bundle branch block",
    "Nonspecific T wave abnormality",
    "Possible left atrial enlargement",
    "Borderline prolonged QT interval",
    "Premature ventricular complexes",
    "Voltage criteria for left ventricular hypertrophy",
    "Early repolarization",
)
_VERDICTS = ("Normal ECG", "Borderline ECG", "Abnormal ECG", "Unconfirmed report")


@dataclass(frozen=True)
class Text:
    """A printed text.

    Attributes:
        x_mm, baseline_mm: its left end and baseline on the paper.
        text: its characters.
        kind: `name` of a lead, `header`, `footer` or `interpretation`.
    """

    x_mm: float
    baseline_mm: float
    text: str
    kind: str


@dataclass(frozen=True)
class Person:
    """A fictitious person and examination."""

    record_id: str
    surname: str
    female: bool
    age: int
    height_cm: int
    weight_kg: int
    date: str
    time: str


def person_of(record_id: str, seed: int) -> Person:
    """The person of a record, drawn from the id and the seed only."""
    rng = rng_for(seed, record_id, "header")
    female = bool(rng.integers(2))
    height_cm = int(rng.normal(164 if female else 177, 7))
    return Person(
        record_id=record_id,
        surname=_one(_SURNAMES, rng),
        female=female,
        age=int(rng.integers(18, 95)),
        height_cm=height_cm,
        weight_kg=round((height_cm - 100) * rng.uniform(0.85, 1.3)),
        date=f"{int(rng.integers(1, 29)):02d}.{int(rng.integers(1, 13)):02d}.{int(rng.integers(1990, 2025))}",
        time=f"{int(rng.integers(24)):02d}:{int(rng.integers(60)):02d}",
    )


def header_of(record_id: str, style: PageStyle, seed: int) -> list[Text]:
    """The header's texts in the style's kind of header."""
    person = person_of(record_id, seed)
    match style.header:
        case "kaggle":
            return _kaggle(person)
        case "clinic":
            return _clinic(person, style, rng_for(seed, record_id, "header.clinic"))
        case "machine":
            return _machine(person, style, rng_for(seed, record_id, "header.machine"))
        case "none":
            return []


def _kaggle(person: Person) -> list[Text]:
    """Three columns; the competition's page has them at x of about 10, 600 and 1190 px of 200 dpi."""
    columns = (
        (f"ID: {person.record_id}", f"Age: {person.age}", f"Sex: {'F' if person.female else 'M'}"),
        (f"Name: {person.surname}", f"Height: {person.height_cm} cm"),
        (f"Date: {person.date}", f"Weight: {person.weight_kg} kg"),
    )
    return _columns(columns, (1.27, 76.2, 151.13), 5.334, 5.334)


def _clinic(person: Person, style: PageStyle, rng: np.random.Generator) -> list[Text]:
    columns = (
        (_one(_CLINICS, rng), f"{person.surname}, {'Ms' if person.female else 'Mr'}", f"born {2024 - person.age}"),
        (f"No. {person.record_id}", f"{person.height_cm} cm / {person.weight_kg} kg"),
        (f"{person.date}  {person.time}", f"Requested by: Dr. {_one(_SURNAMES, rng)}"),
    )
    return _columns(columns, _thirds(style), style.text_mm * 1.6 + 2, style.text_mm * 1.35)


def _machine(person: Person, style: PageStyle, rng: np.random.Generator) -> list[Text]:
    """As printed by electrocardiographs: intervals within normal adult ranges, then lines of interpretation."""
    rate, pr_ms, qrs_ms = (int(rng.integers(low, high)) for low, high in ((50, 101), (120, 201), (70, 111)))
    qtc_ms = int(rng.integers(350, 451))
    qt_ms = round(qtc_ms * (60 / rate) ** 0.5)  # Bazett
    axes = " ".join(str(int(rng.integers(-30, 91))) for _ in range(3))
    said = [_one(_RHYTHMS, rng), *(str(one) for one in rng.choice(_FINDINGS, int(rng.integers(3)), replace=False))]
    columns = (
        (person.surname, f"ID {person.record_id}", f"{person.date} {person.time}", f"{person.age} yr"),
        (
            f"Rate {rate} bpm",
            f"PR {pr_ms} ms",
            f"QRS {qrs_ms} ms",
            f"QT/QTc {qt_ms}/{qtc_ms} ms",
            f"P-R-T {axes}",
        ),
    )
    left, middle, right = _thirds(style)
    top_mm, line_mm = style.text_mm * 1.6, style.text_mm * 1.3
    lines = _columns(columns, (left, middle), top_mm, line_mm)
    return lines + [
        Text(right - 20, top_mm + row * line_mm, line, "interpretation")
        for row, line in enumerate((*said, _one(_VERDICTS, rng)))
    ]


def _thirds(style: PageStyle) -> tuple[float, float, float]:
    width_mm = style.paper_mm[0]
    return 8.0, 8.0 + width_mm * 0.33, 8.0 + width_mm * 0.64


def _columns(
    columns: tuple[tuple[str, ...], ...], left_mm: tuple[float, ...], top_mm: float, line_mm: float
) -> list[Text]:
    return [
        Text(x_mm, top_mm + row * line_mm, text, "header")
        for x_mm, lines in zip(left_mm, columns, strict=True)
        for row, text in enumerate(lines)
    ]


def _one(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
