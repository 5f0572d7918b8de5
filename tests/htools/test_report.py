"""The page of ``hbal --report``: valid, whole by itself, readable by everybody, and right."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser

import pytest

from gnt.htools import arrays, balance, paint, pictures, report
from gnt.htools.balance import Rules
from tests.htools import clusters
from tests.htools.reference import ours, saved

VOID = {"meta", "br", "hr"}
ELEMENTS = VOID | {
    "html", "head", "title", "style", "body", "h1", "h2", "h3", "p", "div", "span", "b", "figure",
    "figcaption", "svg", "g", "rect", "path", "polyline", "text", "details", "summary", "table",
    "thead", "tbody", "tr", "th", "td",
}
OUTSIDE = {"src", "href", "data", "srcset", "action", "xlink:href", "style-src"}


class Page(HTMLParser):
    """Reads a page strictly: known elements, closed in order, attributes once and not handlers."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text, self.titles, self.rows, self.kinds = "", [], [], []
        self.html = html
        self.feed(html)
        self.close()
        assert self.open == []
        assert self.rawdata == ""

    def handle_starttag(self, tag, attrs):
        self.seen(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def seen(self, tag, attrs):
        assert tag in ELEMENTS, tag
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        assert not OUTSIDE & set(names)
        assert not any(name.startswith("on") for name in names)
        assert all(value is not None or name == "open" for name, value in attrs)
        given = dict(attrs)
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th"):
            assert self.open[-1] == "tr"
            self.rows[-1] += int(given.get("colspan", 1))
        if tag == "rect":
            self.kinds.append(given["class"])
        if tag == "title" and "svg" in self.open:
            self.titles.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_startendtag(self, tag, attrs):
        assert tag in ("rect", "path", "polyline")
        self.seen(tag, attrs)

    def handle_data(self, data):
        assert not data.strip() or self.open
        if self.open and self.open[-1] == "title" and "svg" in self.open:
            self.titles[-1] += data
        elif self.open[-1:] != ["style"]:
            self.text += data

    def handle_entityref(self, name):
        raise AssertionError(name)

    def unknown_decl(self, data):
        raise AssertionError(data)


def page(world):
    state = arrays.state(world)
    score = state.score()
    moves = list(balance.fast(world, state, Rules(limit=40)))
    return Page(report.html(world, state, moves, score)), moves, state


@pytest.mark.parametrize(("nodes", "per_node", "offline"), [
    (1, 2, 0), (3, 4, 0), (6, 3, 1), (7, 3, 0), (40, 5, 2), (61, 2, 0), (200, 2, 3),
])
def test_pages_of_all_sizes_are_valid_and_show_every_node(nodes, per_node, offline):
    world = clusters.make(nodes, nodes=nodes, per_node=per_node, offline=offline, shared=0.2)
    made, moves, state = page(world)
    heats = [t for t in made.titles if re.search(r": (memory|disk|vCPU) \d", t)]
    assert len(heats) == 6 * nodes
    for n, node in enumerate(world.nodes):
        assert node.name in made.text
        free = state.node(n)["u_mem"] / node.t_mem
        assert any(t.startswith(f"{node.name}: memory {(1 - free) * 100:.0f} % after")
                   for t in heats)
    assert made.text.count("off") >= 6 * offline * (nodes <= pictures.LEGIBLE)
    assert all(world.instances[m.inst].name in made.text for m in moves)
    gib = sum(world.instances[m.inst].dsk for m in moves if m.copies) / 1024
    assert f"{gib:,.0f} GiB" in made.text
    assert set(made.rows) <= {8, 11}  # moves and the second line of heads; nodes
    assert len(made.html) < 40_000 + 4000 * nodes


def test_a_thousand_nodes_share_squares_in_the_table_of_pairs():
    names = [f"n{k}" for k in range(1000)]
    cells = {(p, s): pictures.Square(0.2 + 0.8 * (s == 999), "x", bad=s == 999)
             for p in (0, 1, 2, 998) for s in (3, 4, 999)}
    picture = pictures.pairs("N+1", names, cells)
    made = Page(f"<html><body>{picture}</body></html>")
    assert made.html.count("h1v1h-1z") == 4  # two rows of squares, two columns
    assert made.html.count("h2v2h-2z") == 2
    assert "981" not in made.text and "901" in made.text  # names of every twentieth square
    few = pictures.pairs("N+1", names[:200], {k: v for k, v in cells.items() if max(k) < 200})
    assert few.count("h1v1h-1z") == 6


def test_a_cluster_without_moves_and_one_without_anything():
    world = clusters.make(1, nodes=2, per_node=1)
    state = arrays.state(world)
    assert "Nothing is moved" in Page(report.html(world, state, [], state.score())).text
    empty = world.replace(nodes=(), instances=())
    assert "no nodes" in Page(report.html(empty, arrays.state(empty), [], 0.0)).text


HOSTILE = ("<script>alert(1)</script>", "\"'><img src=x onerror=y>", "</style></title><b>",
           "a&amp;b", "-->", "\u202eabc", "x" * 300)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_only_ever_text(name):
    world = clusters.make(3, nodes=4, per_node=4)
    world = world.replace(
        nodes=(world.nodes[0].replace(name=name), *world.nodes[1:]),
        instances=tuple(i.replace(name=f"{name}{k}") for k, i in enumerate(world.instances)))
    made, moves, _ = page(world)
    assert moves and all(f"{name}{m.inst}" in made.text for m in moves)
    assert any(title.startswith(f"{name}: memory") for title in made.titles)


def test_nothing_comes_from_elsewhere():
    made, _, _ = page(clusters.make(5, nodes=5, per_node=4))
    for word in ("url(", "@import", "http:", "https:", "//", "<script", "javascript:"):
        assert word not in made.html


def test_who_fails_is_marked_by_more_than_a_colour():
    world = clusters.make(3, nodes=6, per_node=6)
    short = world.nodes[2].replace(f_mem=100)
    world = world.replace(nodes=(*world.nodes[:2], short, *world.nodes[3:]))
    state = arrays.state(world)
    assert state.failing() == [2]
    made = Page(report.html(world, state, [], state.score()))
    assert made.html.count('class="edge"') >= 6
    assert "1 of 6 nodes fail N+1: node03" in made.text
    assert "▲ fails" in made.text
    assert any("fails N+1" in title for title in made.titles)


@pytest.mark.parametrize("anchors", [paint.LIGHT, paint.DARK])
def test_scales_go_by_brightness_and_numbers_on_them_can_be_read(anchors):
    """Brightness is what every eye sees: colour-blind or not, on screen or on grey paper."""
    colours = [paint.between(anchors, k / (paint.STEPS - 1)) for k in range(paint.STEPS)]
    bright = [paint.luminance(c) for c in colours]
    assert bright in (sorted(bright), sorted(bright, reverse=True))
    assert all(paint.contrast(a, b) > 1.1 for a, b in itertools.pairwise(colours))
    black_or_white = {"#000": (0, 0, 0), "#fff": (255, 255, 255)}
    assert all(paint.contrast(c, black_or_white[paint.words_on(c)]) >= 4.5 for c in colours)


@pytest.mark.parametrize("dark", [False, True])
def test_words_can_be_read_on_their_page(dark):
    def of(name):
        return paint.between((paint.PAGE[name][dark],) * 2, 0)

    for ground in ("paper", "card"):
        assert paint.contrast(of("ink"), of(ground)) >= 7
        assert paint.contrast(of("soft"), of(ground)) >= 4.5
        assert paint.contrast(of("bad"), of(ground)) >= 4.5


@pytest.mark.parametrize(("part", "kind"), [
    (0, "u0"), (-3.0, "u0"), (0.04, "u0"), (0.26, "u3"), (1, "u10"), (1.001, "ux"), (1e300, "ux"),
    (float("inf"), "ux"),
])
def test_steps_of_the_scale(part, kind):
    assert paint.step(part) == kind


def test_hbal_writes_it_and_says_where_it_cannot(tmp_path):
    path = saved(clusters.make(3, nodes=4, per_node=4), tmp_path / "c.data")
    plain = ours("hbal", "-t", path)
    done = ours("hbal", "-t", path, f"--report={tmp_path / 'r.html'}")
    assert (done.code, done.out) == (0, plain.out)
    assert "node01.example.com" in Page((tmp_path / "r.html").read_text()).text
    assert "N+1" in (tmp_path / "r.html").read_text()
    done = ours("hbal", "-t", path, f"--report={tmp_path / 'none' / 'r.html'}")
    assert done.code == 1
    assert "r.html: No such file" in done.err


@pytest.mark.parametrize(("shape", "said"), [
    ({"nodes": 1, "per_node": 3}, "Nothing to do, exiting"),
    ({"nodes": 3, "per_node": 0}, "Cluster is empty, exiting."),
])
def test_hbal_writes_it_also_where_nothing_is_to_be_done(tmp_path, shape, said):
    data = saved(clusters.make(3, shared=1.0, **shape), tmp_path / "c.data")
    done = ours("hbal", "-t", data, "--report", str(tmp_path / "r.html"), "--bars")
    assert done.code == 0 and said in done.out and "node01" in done.out
    assert "Nothing is moved." in (tmp_path / "r.html").read_text()
    groups = saved(clusters.make(3, nodes=4, per_node=0, groups=2), tmp_path / "g.data")
    assert ours("hbal", "-t", groups).code == 0  # which group it is does not matter


def test_bars_show_every_node():
    world = clusters.make(11, nodes=5, per_node=5)
    state = arrays.state(world)
    balance.fast(world, state, Rules())
    lines = report.bars(world, state, [n.name for n in world.nodes]).splitlines()
    assert [line.split()[0] for line in lines[1:]] == [n.name for n in world.nodes]
    assert all(line.count("%") == 6 for line in lines[1:])
