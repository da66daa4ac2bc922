"""The figures of ``benchmarks/bench_loop.py`` as Markdown tables and as a plot."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks._loop_settings import BASELINE, REGIMES, TARGETS

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
COLOURS = ("#6b7280", "#0072B2", "#B34A00", "#4A7C19", "#8A2F6B", "#7A4B00", "#00735C", "#A01C3F")


def render(summary: dict[str, Any], *, best: str, command: str) -> str:
    """Return all tables as Markdown."""
    parts = [f"`{command}`"]
    for name, regime in summary.items():
        parts += [f"### {name}: {REGIMES[name].title}", _world(regime["world"])]
        for target in TARGETS:
            parts += [f"At {target:.0%} of the ceiling, random by hand = 1:", _strategies(regime, f"{target:g}")]
        if regime["sweep"]:
            parts += [_sweep(regime["sweep"], best)]
        if regime["noise"]:
            parts += [_noise(regime["noise"], best)]
        if regime["label_errors"]:
            parts += [_errors(regime["label_errors"])]
    return "\n\n".join(parts)


def write_page(page: Path, figures: str) -> None:
    """Put the tables between the two marks of a page, which is made when there is none."""
    text = page.read_text(encoding="utf-8") if page.exists() else f"# What the loop saves\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}", encoding="utf-8")


def plot(summary: dict[str, Any], path: Path) -> None:
    """Draw the median learning curve of each strategy, a panel for each regime, as SVG."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "candleloop"
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(summary), figsize=(5 * len(summary), 4), squeeze=False, sharey=True)
    for panel, (name, regime) in zip(panels[0], summary.items(), strict=True):
        for colour, (strategy, curve) in zip(
            COLOURS, sorted(regime["curves"].items(), key=_random_first), strict=False
        ):
            width = 2.2 if strategy == BASELINE else 1.4
            panel.plot(curve["windows"], curve["share"], color=colour, linewidth=width, label=strategy)
        for target in TARGETS:
            panel.axhline(target, color="#d1d5db", linewidth=0.8, linestyle="--", zorder=0)
        panel.set_title(f"{name} ({regime['world']['seeds']} seeds)")
        panel.set_xlabel("windows reviewed")
        panel.legend(frameon=False, fontsize=8, loc="lower right")
    panels[0][0].set_ylabel("event macro-F1, share of the ceiling")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _random_first(item: tuple[str, Any]) -> tuple[bool, str]:
    return item[0] != BASELINE, item[0]


def _world(world: dict[str, Any]) -> str:
    labels = ", ".join(
        f"{name} {100 * world['prevalence'][name]:.2f} % of bars (F1 {f1:.2f}, "
        f"{world['test_spans'][name]:.0f} in the test)"
        for name, f1 in world["ceiling_by_label"].items()
    )
    mean, low, high = world["ceiling"]
    return (
        f"{world['seeds']} seeds. Pool of {world['pool_windows']} windows of {world['window_bars']} bars, "
        f"{world['spans_per_window']:.2f} spans per window, {world['empty_share']:.0%} of them empty; "
        f"{world['test_bars']} test bars. The ceiling, a model that learned the whole pool, has an event macro-F1 of "
        f"{mean:.3f} ({low:.3f} to {high:.3f} over seeds). Labels: {labels}."
    )


def _strategies(regime: dict[str, Any], at: str) -> str:
    rows = []
    alone = regime["suggestions_alone"][at]
    rows.append(
        [
            BASELINE,
            str(regime["world"]["seeds"]),
            f"{alone['windows_needed']:.0f}",
            "1",
            "",
            "1",
            _factor(alone["seconds_with_suggestions"]),
            _factor(alone["actions_with_suggestions"]),
            "",
        ]
    )
    for name, row in regime["strategies"].items():
        one = row[at]
        area = row["area"]
        rows.append(
            [
                name,
                str(one["windows"]["seeds"]),
                f"{one['windows_needed']:.0f}",
                _factor(one["windows"]),
                _won(one["windows"]),
                _factor(one["seconds"]),
                _factor(one["seconds_with_suggestions"]),
                _factor(one["actions_with_suggestions"]),
                f"{area['own'] - area['random']:+.3f}",
            ]
        )
    return _table(
        [
            "strategy",
            "seeds",
            "windows",
            "fewer windows",
            "won / even / lost, p (Holm)",
            "fewer seconds by hand",
            "fewer seconds with suggestions",
            "fewer acts with suggestions",
            "area under the curve",
        ],
        rows,
    )


def _factor(one: dict[str, Any]) -> str:
    interval = "" if one["interval"] is None else f" [{one['interval'][0]:.2f}, {one['interval'][1]:.2f}]"
    bound = f"{one['bound']} " if one["bound"] else ""
    short = one["strategy_censored"] + one["baseline_censored"]
    censored = f" ({one['strategy_censored']} and {one['baseline_censored']} fell short)" if short else ""
    return f"{bound}{one['factor']:.2f}x{interval}{censored}"


def _won(one: dict[str, Any]) -> str:
    p = one.get("p_holm")
    return f"{one['wins']} / {one['ties']} / {one['losses']}" + ("" if p is None else f", {p:.2g}")


def _sweep(sweep: dict[str, Any], best: str) -> str:
    rows = [[name, _factor(one)] for name, one in sweep.items()]
    return (
        f"Seconds of `{best}` with suggestions against random by hand at 90 %, one cost at a time otherwise:\n\n"
        + _table(["cost", "fewer seconds"], rows)
    )


def _noise(noise: dict[str, Any], best: str) -> str:
    rows = [
        [
            name,
            str(one["0.9"]["windows"]["seeds"]),
            _factor(one["0.9"]["windows"]),
            _factor(one["0.9"]["seconds_with_suggestions"]),
        ]
        for name, one in noise.items()
    ]
    return f"`{best}` against random at 90 %, annotators who err:\n\n" + _table(
        ["annotator", "seeds", "fewer windows", "fewer seconds with suggestions"], rows
    )


def _errors(errors: dict[str, Any]) -> str:
    heads = ", ".join(f"{share:.0%} of the first {count}" for count, share in errors["at"].items())
    return (
        f"Planted label errors ({errors['seeds']} seeds, {errors['errors']:.0f} errors each, out-of-fold predictions): "
        f"{heads} disagreements point at one; the whole list of {errors['listed']:.0f} finds "
        f"{errors['recall']:.0%} of them. "
        f"Of annotated spans drawn at random {errors['chance']:.1%} are wrong."
    )


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
