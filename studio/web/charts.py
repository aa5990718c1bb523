"""The learning curve as server-made SVG: no script, coloured by the stylesheet, and text keeps its size at any width.

The SVG stretches with strokes that do not scale; the labels around it are HTML.
"""

from collections.abc import Sequence

from markupsafe import Markup

from studio.base.events import Loss
from studio.web.voice import Voice

WIDTH, HEIGHT = 1000, 200
_STEPS = (0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100)


def learning_curve(losses: Sequence[Loss], voice: Voice) -> Markup:
    """Training loss (raw and smoothed) and the loss on examples kept back, over the steps of the run."""
    train = [(loss.step, loss.train) for loss in losses if loss.train is not None]
    checks = [(loss.step, loss.validation) for loss in losses if loss.validation is not None]
    if not train and not checks:
        return Markup("")
    total = max(losses[-1].of, losses[-1].step, 1)
    ticks = _ticks(max(value for _, value in [*train, *checks]))
    smooth = _smoothed(train)

    def point(step: float, value: float) -> str:
        return f"{WIDTH * step / total:.1f},{HEIGHT * (1 - min(max(value, 0), ticks[-1]) / ticks[-1]):.1f}"

    def points(series: Sequence[tuple[int, float]]) -> str:
        return " ".join(point(step, value) for step, value in series)

    first, last = (train or checks)[0], (smooth or checks)[-1]
    return voice.html(
        "chart.html",
        width=WIDTH,
        height=HEIGHT,
        grid=[HEIGHT * (1 - tick / ticks[-1]) for tick in ticks],
        area=f"{point(smooth[0][0], 0)} {points(smooth)} {point(smooth[-1][0], 0)}" if smooth else "",
        raw=points(train),
        train=points(smooth),
        check=points(checks),
        dots=[point(*check).replace(",", " ") for check in checks],
        head=point(*last).replace(",", " ") if smooth else "",
        ys=[(100 - 100 * tick / ticks[-1], voice.number(tick)) for tick in ticks],
        xs=[voice.number(round(total * quarter / 4)) for quarter in range(5)],
        summary=voice.t("build.chart.summary", first=round(first[1], 2), last=round(last[1], 2)),
    )


def _ticks(high: float) -> list[float]:
    step = next((step for step in _STEPS if max(high, 0.1) / step <= 5), _STEPS[-1])
    return [round(count * step, 3) for count in range(int(max(high, 0.1) / step) + 2)]


def _smoothed(series: Sequence[tuple[int, float]], weight: float = 0.25) -> list[tuple[int, float]]:
    mean, smooth = (series[0][1] if series else 0.0), []
    for step, value in series:
        mean = mean * (1 - weight) + value * weight
        smooth.append((step, mean))
    return smooth
