"""`report`: a finished run as one HTML page."""

from __future__ import annotations

from molmix_bench.cards.page import render_page
from molmix_bench.extras import require_cards
from molmix_bench.mix import Mix
from molmix_bench.reports.read import ReportedRun, check_mix


def report_page(run: ReportedRun, mix: Mix) -> str:
    """Returns a run as one HTML page that loads nothing; the same run and mix give the same text.

    Args:
        run: of `read.read_run`.
        mix: the one it was trained on, for labels and molecules.

    Raises:
        MissingExtraError: the extra `cards` is not installed.
        RunError: the mix is not the run's, or predictions are missing.
        SubmissionError: predictions are not what their dataset asks for.
    """
    require_cards()
    check_mix(run, mix)
    # matplotlib comes with an extra, so it is imported only once that is known to be there.
    from molmix_bench.reports.content import report_blocks
    from molmix_bench.reports.panels import Figures

    figures = Figures()
    blocks = report_blocks(run, mix, figures)
    return render_page(f"{run.result.name} on {mix.name} {mix.version}", blocks, figures.drawn)
