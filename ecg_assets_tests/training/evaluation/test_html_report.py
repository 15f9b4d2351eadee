"""The report is one file: facts, scores with four digits, shaded matrix, pictures inside; text in it is no markup."""

from pathlib import Path

from ecg_assets.training.evaluation.html_report import Picture, Row, Section, write_report
from ecg_assets.training.evaluation.report_sections import class_rows, dice_rows, key_numbers, near_rows, sections
from ecg_assets.training.evaluation.scorecard import Shown
from ecg_assets_tests.training.evaluation.cards import counted_card, shifted_cells


def test_the_report_holds_facts_scores_and_pictures(tmp_path: Path) -> None:
    path = tmp_path / "report" / "index.html"
    rows: list[Row] = [
        {"class": "wave", "dice": 0.987654, "samples": 3},
        {"class": "<grid>", "dice": None, "samples": 3},
    ]
    matrix = Section("Confusion", rows=[{"true": "wave", "wave": "75.00%"}], shares=[[0.75]])
    pictures = Section("Training", "A note.", pictures=[Picture("Loss", b"png")])
    write_report(path, "Evaluation of demo", {"split": "test"}, [Section("Scores", rows=rows), matrix, pictures])
    html = path.read_text("utf-8")
    assert "<h1>Evaluation of demo</h1>" in html
    assert "<td>0.9877</td><td>3</td>" in html
    assert "<td>&lt;grid&gt;</td><td>-</td>" in html
    assert 'style="background: rgba(0, 140, 60, 0.45)">75.00%</td>' in html
    assert "data:image/png;base64,cG5n" in html
    assert "://" not in html


def test_rows_and_key_numbers_follow_from_the_counts() -> None:
    card = counted_card("run", shifted_cells())
    wave = {row["class"]: row for row in class_rows(card)}["wave"]
    assert wave["F at 1 px"] == 1.0
    assert wave["Dice"] == card.dice["wave"] == 0.5
    assert [(row["recipe"], row["samples"], row["wave"]) for row in dice_rows(card, "recipe")] == [
        ("clean", 2, 1.0),
        ("photo", 2, 0.0),
    ]
    assert [row["layout"] for row in near_rows(card, "layout")] == ["3x4+1", "6x2", "unknown"]
    numbers = key_numbers(card)
    assert numbers["dice_clean_wave"] == 1.0
    assert numbers["dice_wave"] == 0.5
    assert numbers["f_1px_wave"] == numbers["wave_f_1px_photo"] == 1.0
    assert numbers["intersection_f_3px"] == 1.0


def test_the_report_compares_with_the_champion_and_shows_best_and_worst(tmp_path: Path) -> None:
    cells = shifted_cells()
    champion, card = counted_card("old", cells), counted_card("new", cells[:2])
    (tmp_path / "worst.png").write_bytes(b"png")
    shown = Shown(sample="7-1", recipe="photo", agreement=0.25, wave_f=None, picture="worst.png")
    parts = {one.title: one for one in sections(card.model_copy(update={"worst": [shown]}), champion, tmp_path)}
    against = parts["Compared with the champion"]
    assert "It may take the champion's place: better on the wave (wave 1.0000 against 0.5000)" in against.note
    assert {"Dice": "wave", "new": 1.0, "champion (old)": 0.5} in against.rows
    assert [picture.title for picture in parts["The worst samples"].pictures] == ["1. 7-1, photo: agreement 0.250"]
    assert parts["Confusion matrix"].rows[-1]["wave"] == "100.00%"
    assert "no champion yet" in {one.title: one for one in sections(card, None, tmp_path)}[against.title].note
    turned = {one.title: one for one in sections(champion, card, tmp_path)}[against.title].note
    assert "The champion stays: old is not better on the wave" in turned
