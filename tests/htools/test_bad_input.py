"""Whatever stands in a file or an answer: understood, or one line that names the place.

Every value of a good document is exchanged for every bad one.  Under the sanitizers
(``make sanitize``) the same shows that the native code stays inside its arrays.
"""

from __future__ import annotations

import json

import pytest

from gnt.errors import GntError
from gnt.htools import answer, arrays, iallocator, monitored, rapi
from gnt.htools import text as texts
from gnt.htools.allocate import NoRoom
from gnt.htools.world import LONGEST, BadData
from tests.fuzz.of_files import MOND, POLICY, RAPI, REQUESTS, TEXT
from tests.htools import bad
from tests.htools.reference import ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gnt.htools.world import World

PARAMS = {"spindle_count": 1, "exclusive_storage": True, "cpu_speed": 1.0}
FULL = json.loads(json.dumps(RAPI))
FULL["nodes"][0] |= {"vm_capable": True, "cnos": 1, "spfree": 0, "ndparams": PARAMS}
FULL["instances"][0] |= {"disk.sizes": [1024], "disk.spindles": [1], "forthcoming": False,
                         "snodes": [], "tags": ["a"], "oper_ram": 512}
FULL["info"] |= {"ipolicy": POLICY, "default_hypervisor": "kvm"}
FULL["groups"][0]["ipolicy"] = POLICY
WORLD = texts.parse(TEXT)


def computed(world: World) -> None:
    """What every program does first with a cluster."""
    arrays.state(world).score()
    texts.parse(texts.write(world))


def tried(inputs: Iterable[tuple[str, str]], read: Callable[[str], object], word: str) -> int:
    """How many inputs were refused; each by one line with ``word`` in."""
    refused = 0
    for what, data in inputs:
        try:
            read(data)
        except GntError as error:
            refused += 1
            assert error.exit_code in (1, 2, NoRoom.exit_code), what
            assert 0 < len(error.message) <= LONGEST + 20, what
            assert error.message.isprintable(), what
            if not isinstance(error, NoRoom):
                places = ("data:", "instance ", *([word] if "cannot be written" not in error.message
                                                  else ["text format"]))
                assert any(place in error.message for place in places), (what, error.message)
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}") from error
    return refused


def test_text():
    def read(data: str) -> None:
        computed(texts.parse(data, "c.data"))

    assert tried(bad.lines(TEXT), read, "c.data") > 900


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda text: json.loads(text)["request"]["type"])
def test_requests(request_):
    def read(data: str) -> None:
        request = iallocator.parse(data, "request")
        text, _ = iallocator.run(request, iallocator.Options())
        assert set(json.loads(text)) == {"success", "info", "result"}
        computed(request.world)

    whole = json.loads(request_)
    if whole["request"]["type"] != "allocate":  # the cluster is tried once
        def inside(data: str) -> None:
            read(bad.text(whole).replace(bad.text(whole["request"]), data))

        assert tried(bad.documents(whole["request"]), inside, "request") > 50
    else:
        assert tried(bad.documents(whole), read, "request") > 2000


def test_answers_of_servers():
    def read(data: str) -> None:
        answers = rapi.parse_json(data, "rapi")
        if isinstance(answers, dict) and answers.keys() == FULL.keys():
            computed(rapi.parse(answers, "rapi"))

    assert tried(bad.documents(FULL), read, "rapi") > 1000


def test_reports_of_monitoring(tmp_path):
    path = tmp_path / "mond"

    def read(data: str) -> None:
        path.write_text(data)
        reports = monitored.read(str(path))
        assert all(0 <= load < 1e13 for xen in (False, True)
                   for load in monitored.found(WORLD, reports, xen) or ())

    assert tried(bad.documents(MOND), read, str(path)) > 100


OPCODE = {"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web", "target_node": "node2"}
ANSWERS = {
    "allocate": (["node1", "node2"], lambda r: answer.nodes(r, "x", {"node1", "node2"}, 2)),
    "multi": ([[["web", ["node1"]]], [["db", "full"]]],
              lambda r: answer.placed(r, "x", {"node1", "node2"}, {"web": 1, "db": 2})),
    "evacuate": ([[["web", "default", ["node2"]]], [["db", "full"]], [[OPCODE]]],
                 lambda r: answer.evacuated(r, "x", {"node1", "node2"}, {"web", "db"})),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_of_allocators(kind):
    result, understood = ANSWERS[kind]
    good = {"success": True, "info": "fine", "result": result}
    assert tried(bad.documents(good), lambda data: understood(answer.result(data, "x")),
                 "allocator x") > 100


def test_policies_allow_only_templates_that_there_are():
    """What is accepted can be saved, and read again."""
    policy = {**POLICY, "disk-templates": ["drbd", "drdb"]}
    with pytest.raises(BadData, match=r"info\.ipolicy\.disk-templates: 'drdb' is none of disk"):
        rapi.parse({**FULL, "info": {**FULL["info"], "ipolicy": policy}}, "rapi")


@pytest.mark.parametrize(("first", "second", "problem"), [
    ("uuid", "uuid", r"groups\[1\]: the uuid 'u1' comes twice"),
    ("name", "name", r"groups\[1\]: the name 'default' comes twice"),
])
def test_groups_that_come_twice(first, second, problem):
    other = {**FULL["groups"][0], "uuid": "u2", "name": "other"}
    other[first] = FULL["groups"][0][second]
    with pytest.raises(BadData, match=problem):
        rapi.parse({**FULL, "groups": [FULL["groups"][0], other]}, "rapi")


def test_names_that_come_twice_and_a_node_that_mirrors_itself():
    for what in ("nodes", "instances"):
        with pytest.raises(BadData, match=rf"rapi: {what}\[\d\]: the name '\w+' comes twice"):
            rapi.parse({**FULL, what: [*FULL[what], FULL[what][0]]}, "rapi")
    both = {**FULL["instances"][0], "snodes": ["node1"]}
    with pytest.raises(BadData, match="the same node, node1"):
        rapi.parse({**FULL, "instances": [both]}, "rapi")
    request = json.loads(REQUESTS[0])
    request["nodegroups"]["u2"] = request["nodegroups"]["u1"]
    with pytest.raises(BadData, match="the name 'default' comes twice"):
        iallocator.parse(json.dumps(request))


def test_what_the_text_format_cannot_hold_is_not_written():
    for name in ("a|b", "a\nb"):
        world = WORLD.replace(nodes=(WORLD.nodes[0].replace(name=name), *WORLD.nodes[1:]))
        with pytest.raises(BadData, match="cannot be written in the text format"):
            texts.write(world)


@pytest.mark.parametrize(("words", "data"), [
    (("hinfo", "-t"), b"\xff\xfe"), (("hinfo", "-t"), b"g|u|preferred||\n\nn|1"),
    (("hail",), b"{"), (("hail",), b"[" * 100_000), (("hail",), b'{"a": ' + b"9" * 5000 + b"}"),
    (("hinfo", "-I"), b'{"request": NaN}'), (("hbal", "-U"), b"web 1 2 3 nan\n"),
    (("hbal", "--mond", "--mond-data"), b"[{}]"), (("hinfo", "-t"), b"\0" * 4096),
])
def test_programs_say_it_in_one_line_and_end_with_1(words, data, tmp_path):
    good, path = tmp_path / "good", tmp_path / "bad"
    good.write_text(TEXT)
    path.write_bytes(data)
    source = ("-t", str(good)) if words[0] == "hbal" else ()
    *rest, last = (*words[1:], str(path))
    option = f"{rest.pop()}={last}" if rest else last
    done = ours(words[0], *source, *rest, option)
    assert (done.code, done.out) == (1, "")
    said = [line for line in done.err.splitlines() if not line.startswith(("Warning", "  - "))]
    assert len([line for line in said if line]) == 1
    assert str(path) in done.err


@pytest.mark.parametrize("count", [20_001, 50_000])
def test_more_nodes_than_can_be_counted_are_refused(count, tmp_path):
    """Tables of pairs of nodes grow with the square."""
    path = tmp_path / "c.data"
    path.write_text("g|u|preferred||\n\n" + "".join(
        f"n{k}|65536|1024|60000|1000000|900000|16|N|u|1\n" for k in range(count)) + "\n\n")
    done = ours("hinfo", "-t", str(path))
    assert done.code == 1
    assert f"{count} nodes" in done.err and "mistake" not in done.err
    done = ours("hspace", f"--simulate=p,{count},1g,1g,1")
    assert done.code == 1 and "20000" in done.err


def test_tags_and_locations_that_are_too_many_are_refused():
    node = WORLD.nodes[0].replace(tags=tuple(f"rack:{k}" for k in range(3000)))
    inst = WORLD.instances[0].replace(tags=tuple(f"x:{k}" for k in range(900_000)))
    world = WORLD.replace(nodes=(node, *WORLD.nodes[1:]), instances=(inst,), exclusion=("x:",),
                          tags=("htools:nlocation:rack",))
    with pytest.raises(BadData, match="tags"):
        arrays.state(world)
