"""The champion: the checkpoint that reads real images."""

import dagster as dg

from ecg_assets.assets.metadata import told
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.training.evaluation.champion import decide, scorer
from ecg_assets.training.evaluation.champion_store import champion_checkpoint, read_previous
from ecg_assets.training.evaluation.scorecard import read_scorecard, score_run, scorecard_path
from ecg_assets.training.runs.published import read_published


@dg.asset(deps=["evaluation_report", "trained_checkpoint", "mixed_dataset"], group_name="training", kinds={"torch"})
def champion(context: dg.AssetExecutionContext, data_root: DataRootResource) -> dg.MaterializeResult[None]:
    """The best checkpoint so far. Promotion needs a better wave Dice and no other class worse by over 0.005."""
    root, log = data_root.open(), context.log.info
    published = read_published(root)
    if not scorecard_path(published.run).exists():
        score_run(root, published.run, published.checkpoint, log)  # its scores were lost after the evaluation
    card = read_scorecard(published.run)
    if card.sha256 != published.sha256:
        raise dg.Failure(
            f"the scores in {published.run.path / 'report'} belong to another checkpoint than the published one: "
            "materialise evaluation_report first"
        )
    with data_root.writing(root.champion, log):
        decision = decide(root, card, published.checkpoint, scorer(root, card.dataset_digest, log), log)
        previous = read_previous(root)
    return dg.MaterializeResult(
        metadata=told(
            decision.reason,
            champion_checkpoint(root),
            promoted=decision.promoted,
            experiment=decision.champion.experiment,
            score=decision.champion.score,
            challenger=card.experiment,
            challenger_score=card.score,
            previous="none" if previous is None else previous.experiment,
            sha256=decision.champion.sha256,
        ),
        data_version=dg.DataVersion(decision.champion.sha256),
    )
