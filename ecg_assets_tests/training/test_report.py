"""The report is one file: facts, scores with four digits, pictures inside; text in it is no markup."""

from pathlib import Path

from ecg_assets.training.report import Picture, write_report


def test_the_report_holds_facts_scores_and_pictures(tmp_path: Path) -> None:
    path = tmp_path / "report" / "index.html"
    rows = [{"class": "wave", "dice": 0.987654, "samples": 3}, {"class": "<grid>", "dice": 1.0, "samples": 3}]
    write_report(
        path,
        "Evaluation of demo",
        {"split": "test"},
        rows,
        [{"recipe": "photo", "wave": 0.5}],
        [Picture("Loss", b"png")],
    )
    html = path.read_text("utf-8")
    assert "<h1>Evaluation of demo</h1>" in html
    assert "0.9877" in html
    assert "<td>3</td>" in html
    assert "<td>photo</td><td>0.5000</td>" in html
    assert "&lt;grid&gt;" in html
    assert "data:image/png;base64,cG5n" in html
    assert "http" not in html
