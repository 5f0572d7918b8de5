"""Colours and style of the report: one page for light and dark, screens of any width, and paper.

How full something is goes by brightness alone, so that it is seen by everybody and in grey, too:
the fuller, the farther from the background.  What is bad has an edge and a mark, not only a colour.
"""

from __future__ import annotations

STEPS = 11  # of a scale: 0 %, 10 %, … 100 %
LIGHT = ("#fbf8dc", "#bfe3b4", "#52b9c3", "#2166ac", "#0a2259")
DARK = ("#24303c", "#22587d", "#2f939c", "#a6c76a", "#fff3b0")
PAGE = {
    "ink": ("#1d2329", "#e4e8ec"), "soft": ("#5b6670", "#9aa6b1"), "paper": ("#ffffff", "#14181c"),
    "card": ("#f4f6f8", "#1d2329"), "line": ("#d5dbe0", "#39434c"), "bad": ("#b3261e", "#ff8a73"),
    "off": ("#e3e6e9", "#2c343b"), "mark": ("#2166ac", "#7cc0e8"), "over": ("#7a1f5c", "#f7a8d8"),
}
RULES = """
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;margin:0 auto;
max-width:78rem;padding:1.5rem 1.25rem 4rem;color:var(--ink);background:var(--paper)}
h1{font-size:1.6rem;line-height:1.2;margin:.2rem 0 .3rem}
h2{font-size:1.2rem;margin:2.6rem 0 .3rem;padding-top:.9rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
p{margin:.2rem 0 .8rem;max-width:46rem}
.soft,figcaption,.tile span{color:var(--soft);font-size:.86rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.7rem;
margin:1.2rem 0}
.tile{background:var(--card);border-radius:.5rem;padding:.65rem .85rem}
.tile b{display:block;font-size:1.15rem;font-weight:600;font-variant-numeric:tabular-nums}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));
gap:.6rem 1.6rem}
figure{margin:0;min-width:0}
figcaption{margin:.1rem 0 .35rem}
svg{display:block;width:100%;height:auto;font-family:inherit}
svg text{fill:var(--ink)}
svg .name{fill:var(--soft)}
svg .edge{fill:none;stroke:var(--bad);stroke-width:1.1}
svg .flag{fill:var(--bad)}
svg .frame{fill:var(--card)}
svg .rule{fill:none;stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
svg .curve{fill:none;stroke:var(--mark);stroke-width:2;vector-effect:non-scaling-stroke;
stroke-linejoin:round}
.key{display:flex;flex-wrap:wrap;gap:.3rem 1rem;align-items:center;margin:.5rem 0 1rem}
.scale{display:flex;border:1px solid var(--line);border-radius:.25rem;overflow:hidden}
.scale span{padding:.05rem .4rem;font-size:.78rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.4rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.88rem}
th{font-weight:600;text-align:right;background:var(--card);white-space:nowrap}
td,th{padding:.16rem .55rem;text-align:right}
td{border-top:1px solid var(--line);white-space:nowrap}
.left{text-align:left}
th[colspan]{text-align:center}
td.name{max-width:24rem;overflow:hidden;text-overflow:ellipsis}
.bad{color:var(--bad);font-weight:600}
details summary{cursor:pointer;margin:.9rem 0 .5rem;font-weight:600}
@media(max-width:40rem){body{padding:1rem .8rem 3rem}td,th{padding:.16rem .35rem}}
@media print{body{max-width:none}.scroll{overflow:visible}}
"""


def step(part: float) -> str:
    """The class of how full something is."""
    if part > 1:
        return "ux"
    return f"u{round(part * (STEPS - 1))}" if part > 0 else "u0"


def between(anchors: tuple[str, ...], part: float) -> tuple[int, ...]:
    """The colour at a part of the way along the anchors."""
    at = part * (len(anchors) - 1)
    first = min(int(at), len(anchors) - 2)
    ends = [[int(anchors[k][n:n + 2], 16) for n in (1, 3, 5)] for k in (first, first + 1)]
    return tuple(round(a + (b - a) * (at - first)) for a, b in zip(*ends, strict=True))


def luminance(colour: tuple[int, ...]) -> float:
    """As the guidelines for readable pages (WCAG 2) have it."""
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def words_on(colour: tuple[int, ...]) -> str:
    """Black or white, whichever is read better."""
    return "#000" if contrast(colour, (0, 0, 0)) > contrast(colour, (255, 255, 255)) else "#fff"


def variables(dark: bool) -> str:
    """The colours of one theme."""
    found = [f"--{name}:{pair[dark]}" for name, pair in PAGE.items()]
    for k in range(STEPS):
        colour = between(DARK if dark else LIGHT, k / (STEPS - 1))
        found += [f"--u{k}:rgb{colour}".replace(" ", ""), f"--t{k}:{words_on(colour)}"]
    return ";".join([*found, f"--ux:{PAGE['over'][dark]}", f"--tx:{'#000' if dark else '#fff'}"])


def style() -> str:
    """The whole style sheet."""
    steps = "".join(
        f".u{k}{{background:var(--u{k});color:var(--t{k})}}svg .u{k}{{fill:var(--u{k})}}"
        f"svg .t{k}{{fill:var(--t{k})}}" for k in [*range(STEPS), "x"])
    return (f":root{{color-scheme:light dark;{variables(False)}}}"
            f"@media(prefers-color-scheme:dark){{:root{{{variables(True)}}}}}"
            f"{RULES}{steps}svg .uo{{fill:var(--off)}}.uo{{background:var(--off)}}\n")
