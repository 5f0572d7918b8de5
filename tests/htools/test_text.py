"""Ganeti's text format: what is written is read again; what is wrong is named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnt.htools import text
from gnt.htools.world import BadData
from tests.htools import clusters

GOOD = """group1|uuid-1|preferred|a,b|net1

node1|65536|1024|60000|1000000|900000|8|M|uuid-1|2|rack:1|N|0|1|1.0
node2|65536|1024|60000|1000000|900000|8|N|uuid-1

inst1|1024|2048|1|running|Y|node1|node2|drbd|x|1|-|N
inst2|1024|2048|1|ADMIN_down|N|node2||plain|

htools:iextags:x

|128,1,1024,1,1,1|128,1,1024,1,1,1;4096,8,99999,16,8,12|drbd,plain|4.0|32.0
group1|128,1,1024,1,1,1|128,1,1024,1,1,1;4096,8,99999,16,8,12|drbd|2.5|32.0
"""


@given(st.integers(0, 10**6), st.booleans(), st.booleans(), st.integers(1, 3))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_writing_and_reading_gives_the_same(seed, tags, exclusive, groups):
    world = clusters.make(seed, nodes=6, tags=tags, exclusive=exclusive, groups=groups, odd=0.4)
    written = text.write(world)
    again = text.parse(written)
    assert again == world
    assert text.write(again) == written


def test_missing_fields_have_the_references_defaults():
    world = text.parse(GOOD)
    node, inst = world.nodes[1], world.instances[1]
    assert (node.spindles, node.tags, node.exclusive_storage, node.n_cpu, node.cpu_speed) == (
        1, (), False, 1, 1.0)
    assert (inst.spindle_use, inst.spindles, inst.forthcoming, inst.sec) == (1, None, False, -1)
    assert world.groups[0].policy.vcpu_ratio == 2.5
    assert world.policy.templates == ("drbd", "plain")


def test_question_marks_make_a_node_offline():
    world = text.parse(GOOD.replace("node1|65536|1024|60000", "node1|65536|1024|?"))
    assert world.nodes[0].offline
    assert world.nodes[0].t_mem == 0


WRONG = (
    ("60000|1000000", "x|1000000", "data:3, field 4 (f_mem): 'x' is not a whole number"),
    ("|65536|1024|60000|1000000|900000|8|M", "|nan|1024|60000|1000000|900000|8|M",
     "data:3, field 2 (t_mem): 'nan' is not a number"),
    ("8|M|uuid-1", "8|M|uuid-9", "data:3, field 9 (group): there is no group with uuid 'uuid-9'"),
    ("node1|node2|drbd", "node1|node9|drbd", "data:6, field 8 (snode): there is no node 'node9'"),
    ("node1|node2|drbd", "node1|node1|drbd", "same node, node1"),
    ("node1|node2|drbd", "node1||drbd", "needs a secondary"),
    ("|running|", "|sleeping|", "field 5 (status): 'sleeping' is none of running"),
    ("|drbd|x|1|-|N", "|drdb|x|1|-|N", "field 9 (disk_template): 'drdb' is none of"),
    ("inst2|", "inst1|", "data:7, field 1 (name): the instance 'inst1' comes twice"),
    ("node2|65536", "node1|65536", "the node 'node1' comes twice"),
    ("inst1|1024|", "inst1|99999999999999999999999|", "is too large"),
    ("128,1,1024,1,1,1;4096,8,99999,16,8,12|drbd,plain", "128,1,1024,1,1,1|drbd,plain",
     "an odd number of specifications"),
    ("|preferred|", "|favourite|", "data:1, field 3 (alloc_policy)"),
    ("group1|128", "group7|128", "there is no group 'group7'"),
    ("inst2|1024|2048|1|ADMIN_down|N|node2||plain|", "inst2|1024", "data:7: 2 fields where"),
    ("\n\nhtools:iextags:x\n", "\n", "3 sections where 4 or 5 are needed"),
)


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_the_error_names_line_and_field(old, new, message):
    assert old in GOOD
    broken = GOOD.replace(old, new, 1)
    if "sections" in message:
        broken = broken[: broken.index("\n\n|128")] + "\n"
    with pytest.raises(BadData) as caught:
        text.parse(broken)
    assert message in caught.value.message


@given(st.integers(0, len(GOOD) - 1), st.characters(max_codepoint=255))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_one_changed_character_is_read_or_refused(at, char):
    try:
        text.parse(GOOD[:at] + char + GOOD[at + 1:])
    except BadData as error:
        assert error.message.startswith("data")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(BadData, match="No such file"):
        text.load(str(tmp_path / "none"))
    path = tmp_path / "latin"
    path.write_bytes(b"gr\xfcppe|u|preferred|\n")
    with pytest.raises(BadData, match="byte 2 is not UTF-8"):
        text.load(str(path))
