"""The result as one HTML file, its plots drawn as SVG by a template."""

from __future__ import annotations

import math
from typing import Any

from augsafe.ablation.analysis import HARMS, HELPS, Row
from augsafe.ablation.result import Result, points

MARK = {HELPS: "helps", HARMS: "harms"}


def page(result: Result) -> str:
    """The page as text; names are escaped, nothing is loaded from elsewhere."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("augsafe.ablation"), autoescape=True, trim_blocks=True)
    environment.filters["points"] = points
    final = result.final
    return environment.get_template("page.html").render(
        result=result,
        rows=result.rows,
        forest=forest(result.rows),
        final=final,
        final_forest=None if final is None else forest(final.rows),
        heat=heat(result.rows, result.data.classes),
        grid=grid(result.rows),
        curves=curves(result.rows),
    )


def forest(rows: tuple[Row, ...]) -> dict[str, Any]:
    """Bars of a forest plot, x in percent of the plot's width."""
    ends = [abs(v) for r in rows for v in (*r.interval, r.effect) if math.isfinite(v)]
    reach = min(max(ends, default=0.01) * 1.05, 1.0) or 0.01
    step = _step(reach)

    def x(value: float) -> float:
        return round(50 + 50 * max(-1.0, min(1.0, value / reach)), 3)

    bars = [
        {
            "name": r.name, "low": x(r.interval[0]), "high": x(r.interval[1]),
            "at": x(r.effect) if math.isfinite(r.effect) else None, "mark": MARK.get(r.verdict, "open"), "row": r,
        }
        for r in rows
    ]  # fmt: skip
    count = int(reach / step)
    ticks = [(x(k * step), f"{100 * k * step:+.3g}" if k else "0") for k in range(-count, count + 1)]
    return {"bars": bars, "ticks": ticks}


def _step(reach: float) -> float:
    raw = reach / 3
    unit = 10.0 ** math.floor(math.log10(raw))
    return next(unit * m for m in (1, 2, 5, 10) if unit * m >= raw)


def heat(rows: tuple[Row, ...], classes: tuple[str, ...]) -> dict[str, Any]:
    """Effects by row and class; strength from 0 to 1 of the largest."""
    shown = [c for c in classes if any(c in r.per_class for r in rows)]
    most = max((abs(v[0]) for r in rows for v in r.per_class.values()), default=0.0) or 1.0
    lines = []
    for r in rows:
        worst = next((c for c, value in r.per_class.items() if value[0] < 0), None)  # the worst comes first
        cells = []
        for c in shown:
            value = r.per_class.get(c, (math.nan,) * 3)
            strong = 0.0 if math.isnan(value[0]) else round(abs(value[0]) / most, 3)
            cells.append(
                {"value": value, "sign": "good" if value[0] > 0 else "bad", "strong": strong, "worst": c == worst}
            )
        lines.append((r.name, cells))
    return {"classes": shown, "lines": lines}


def grid(rows: tuple[Row, ...]) -> dict[str, Any] | None:
    """Interactions of two steps as a square; None where the design has none."""
    found = {r.question.steps: r for r in rows if r.question.kind == "interaction"}
    if not found:
        return None
    names = list(dict.fromkeys(n for pair in found for n in pair))
    most = max(abs(r.effect) for r in found.values() if math.isfinite(r.effect)) or 1.0
    lines = []
    for a in names:
        cells: list[dict[str, Any] | None] = []
        for b in names:
            r = found.get((a, b)) or found.get((b, a))
            cells.append(
                None
                if r is None or not math.isfinite(r.effect)
                else {"row": r, "strong": round(abs(r.effect) / most, 3), "sign": "good" if r.effect > 0 else "bad"}
            )
        lines.append((a, cells))
    return {"names": names, "lines": lines}


def curves(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    """Effect against strength, one small plot for each step; x and y in percent of the plot."""
    found = [r for r in rows if r.question.kind == "strength" and math.isfinite(r.effect)]
    reach = max((abs(v) for r in found for v in r.interval), default=0.0) or 1.0
    out = []
    for name in dict.fromkeys(r.question.steps[0] for r in found):
        mine = [r for r in found if r.question.steps[0] == name]
        dots = [
            {
                "x": round(100 * (r.question.strength or 0), 2), "y": round(50 - 50 * r.effect / reach, 2),
                "low": round(50 - 50 * r.interval[0] / reach, 2), "high": round(50 - 50 * r.interval[1] / reach, 2),
                "mark": MARK.get(r.verdict, "open"), "row": r,
            }
            for r in mine
        ]  # fmt: skip
        out.append(
            {"name": name, "dots": dots, "reach": points(reach), "line": " ".join(f"{d['x']},{d['y']}" for d in dots)}
        )
    return out
