"""Pages read and scored: the tables, the worst pages, the page's own SNR, and the guard of the score."""

import re
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.digitize.benchmark.config import JudgeConfig
from ecg_assets.digitize.benchmark.html_report import (
    cross_rows,
    group_rows,
    lead_rows,
    sure_rows,
    write_digitization_report,
)
from ecg_assets.digitize.benchmark.page_score import PageScore, Sure, page_score
from ecg_assets.digitize.benchmark.rendered_pages import Trial, judged_records, trials
from ecg_assets.digitize.benchmark.scorecard import Card, CardError, layout_is_right, read_card, sure_of, write_card
from ecg_assets.digitize.benchmark.stage import Judged, judge
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.digitize.readers import KnownReader

CONFIG = JudgeConfig(records=2, recipes=["clean", "scan"], styles=["coarse-print"])
# A reading of 0.9 of the height: 1 % of the variance is noise, and what the mean adds to the signal is little.
HEIGHTS = {"clean": 1.0, "scan": 0.9}


@pytest.fixture(scope="module")
def root(made_root: DataRoot, tmp_path_factory: pytest.TempPathFactory) -> DataRoot:
    """The shared root's records, and a place of its own for scans."""
    root = open_root(tmp_path_factory.mktemp("judged") / "data")
    (root.path / "ori_csv").symlink_to(made_root.path / "ori_csv")
    return root


@pytest.fixture(scope="module")
def known(root: DataRoot) -> list[Trial]:
    return list(trials(judged_records(root, "coarse-print", 2), CONFIG.recipes, CONFIG.styles))


@pytest.fixture(scope="module")
def judged(root: DataRoot, known: list[Trial]) -> Judged:
    """The second record's scan is refused."""
    return judge(root, CONFIG, lambda: KnownReader(known[:3], HEIGHTS), "1", quiet)


@pytest.fixture(scope="module")
def card(judged: Judged) -> Card:
    return Card(version="1", pages=judged.pages)


def test_records_are_the_data_roots_and_synthetic_where_those_leave_panels_empty(root: DataRoot) -> None:
    own = judged_records(root, "kaggle", 1)[0]
    assert np.isnan(own.signal_mv).any()  # a record as the competition has it
    whole = judged_records(root, "grey-6x2", 1)[0]
    assert not np.isnan(whole.signal_mv).any()
    many = judged_records(root, "kaggle", 12)
    assert len({record.id for record in many}) == 12
    assert many[0].id == own.id


def test_each_page_is_scored(card: Card, known: list[Trial]) -> None:
    first, second = known[0].record.id, known[2].record.id
    assert list(card.pages) == [f"{one}-coarse-print-{recipe}" for one in (first, second) for recipe in CONFIG.recipes]
    perfect, low, _, refused = card.pages.values()
    assert perfect.ratio == 384
    assert 20 < low.db < 23
    assert len(low.leads) == 12
    assert (refused.ratio, refused.refused) == (0, "no grid was found; expected a paper ECG")
    assert card.worst[0] == f"{second}-coarse-print-scan"


def test_the_tables_hold_scores_by_degradation_layout_and_lead(card: Card) -> None:
    clean, scan = group_rows(card, "recipe")
    assert clean == {
        "recipe": "clean", "pages": 2, "refused": 0, "layout right": 2, "score, dB": "25.84",
        "median, dB": "no error", "lowest, dB": "no error",
    }  # fmt: skip
    assert (scan["refused"], scan["layout right"], scan["lowest, dB"]) == (1, 1, "no signal")
    low = next(page.ratio for page in card.pages.values() if page.recipe == "scan")
    assert float(scan["score, dB"]) == pytest.approx(10 * np.log10(low / 2), abs=0.006)
    assert [row["layout"] for row in group_rows(card, "layout")] == ["3x4+1"]
    assert cross_rows(card)[0] == {"recipe": "clean", "3x4+1": "25.84"}
    assert set(lead_rows(card)[1]) == {"recipe", *(next(iter(card.pages.values())).leads)}


def test_confidence_is_counted_against_a_tenth_of_a_millivolt(known: list[Trial]) -> None:
    """Every fourth sample is not sure: of those, half are 0.15 mV off, and the others 0.05 mV; sure ones are right."""
    trial = known[0]
    reading = KnownReader(known).digitize_image(trial.picture_hwc)
    reading.signal_mv[:, 0::16] += 0.15
    reading.signal_mv[:, 4::16] -= 0.15
    reading.signal_mv[:, 8::16] += 0.05
    reading.signal_mv[:, 12::16] -= 0.05
    counted = page_score(trial, reading).sure
    printed = int(np.isfinite(trial.truth_mv).sum())
    assert sum(one.samples for one in counted) == printed
    assert counted[0].samples == pytest.approx(printed / 4, rel=0.01)
    assert counted[0].right == pytest.approx(printed / 8, rel=0.01)
    assert counted[-1].right == counted[-1].samples


def test_the_table_of_confidence_holds_shares(card: Card) -> None:
    rows = sure_rows(card)
    assert [row["confidence"] for row in rows if row["recipe"] == "scan"] == ["0 to 0.5", "0.9 to 1"]
    assert all(0.9 < row["within 0.1 mV"] <= 1 for row in rows)


def test_the_guard_names_what_is_below_its_score(card: Card) -> None:
    targets = {"clean": 24.5, "scan": 23.0}
    assert set(card.below(targets)) == {"scan"}
    better = {name: page for name, page in card.pages.items() if page.recipe == "clean"}
    assert card.model_copy(update={"pages": better}).below(targets) == {}


def test_the_guard_names_what_is_called_sure_and_is_wrong() -> None:
    def page(name: str, recipe: str, samples: int, right: int) -> PageScore:
        sure = (Sure(50, 0), Sure(), Sure(), Sure(), Sure(samples, right))
        return PageScore(record_id=name, recipe=recipe, style="any", layout="6x2", sure=sure)

    scans = [page("1", "scan", 100, 99), page("2", "scan", 100, 82)]
    pages = [*scans, page("3", "photo", 100, 79), page("4", "clean", 0, 0)]
    card = Card(version="1", pages={one.record_id: one for one in pages})
    assert card.overconfident() == {"photo": 0.79}  # 181 of the scans' 200 are right


def test_pages_are_read_once_by_a_version_of_the_reader(root: DataRoot, judged: Judged, known: list[Trial]) -> None:
    assert len(judged.each.made) == 4
    again = judge(root, CONFIG, lambda: KnownReader([]), "1", quiet)
    assert again.each.made == []
    assert again.pages == judged.pages
    assert again.each.digest == judged.each.digest


def test_the_report_needs_nothing_else(card: Card, judged: Judged, tmp_path: Path) -> None:
    write_digitization_report(tmp_path / "index.html", card, judged.pictures)
    html = (tmp_path / "index.html").read_text("utf-8")
    assert "://" not in html
    assert html.count("data:image/png") == 4
    assert "no grid was found" in html
    titles = re.findall(r"<h2[^>]*>([^<]+)", html)
    assert titles == [
        "By degradation", "By layout", "Degradation and layout", "By lead", "Confidence", "The worst pages"
    ]  # fmt: skip


def test_scores_are_kept_and_read_again(card: Card, tmp_path: Path) -> None:
    write_card(tmp_path / "scores.json", card)
    assert read_card(tmp_path / "scores.json") == card
    with pytest.raises(CardError, match="materialise digitization_report"):
        read_card(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("printed", "read", "right"),
    [("kaggle", "3x4+1", True), ("kaggle", "3x4+0", False), ("6x2", "6x2", True), ("6x2", None, False)],
)
def test_a_layout_is_right_when_all_leads_stand_in_their_places(printed: str, read: str | None, right: bool) -> None:
    page = PageScore(record_id="1", recipe="clean", style="any", layout=printed, layout_read=read)
    assert layout_is_right(page) is right


def test_sums_of_confidence_start_at_nothing() -> None:
    assert sure_of([]) == [Sure()] * 5


@pytest.mark.parametrize("wrong", [{"recipes": ["fog"]}, {"styles": ["rococo"]}, {"records": 0}])
def test_settings_that_are_not_known_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        JudgeConfig.model_validate(wrong)
