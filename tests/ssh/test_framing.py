"""The frame protocol, over an SSH channel and over the pipes of a local shell."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnt.errors import Invalid
from gnt.plan import script, text
from gnt.ssh import dialogues, fences, files, framing
from gnt.ssh.framing import Batch, Item, Stream
from gnt.ssh.local import PipeLink
from gnt.ssh.peers import LocalPeer

from .conftest import until


class Talk:
    """Sends batches to one kept shell and returns what came of them."""

    def __init__(self, peer) -> None:
        self.queue = queue.SimpleQueue()
        self.shell = peer.shell(self.queue.put)

    def batches(self, *batches, seconds=10.0):
        pending = [self.shell.submit(batch) for batch in batches]

        def settled():
            with contextlib.suppress(queue.Empty):
                self.queue.get(timeout=0.2).feed()
            return all(one.complete for one in pending)

        until(settled, seconds=seconds)
        return pending

    def items(self, *items, **options):
        return self.batches(Batch(scripts=items), **options)[0].replies

    def run(self, body, stdin=b"", **options):
        (reply,) = self.items(Item(text=body, stdin=stdin, **options))
        return reply.status, reply.out, reply.err


@pytest.fixture(params=["local", "ssh", "gate"])
def talk(request, site, here, gated):
    """A shell here, one behind sshd, and one behind sshd and a gate: all behave alike."""
    peer = LocalPeer("here", lambda _: None, here)
    if request.param == "ssh":
        peer = site.transport().peer("node1")
    elif request.param == "gate":
        peer = gated.transport(connect=20.0, orders=gated.alice.orders_in(0)).peer("node1")
    talk = Talk(peer)
    yield talk
    talk.shell.close()


@pytest.mark.parametrize(("body", "reply"), [
    ("true", (0, b"", b"")),
    ("echo out; echo err >&2; exit 7", (7, b"out\n", b"err\n")),
    ("printf 'no newline'", (0, b"no newline", b"")),
    (r"printf '\000\001\377\r\n'", (0, b"\0\1\xff\r\n", b"")),
    ("echo 'ü — 漢字'", (0, "ü — 漢字\n".encode(), b"")),
    ("""echo "it's" '$HOME' \\\\ '`x`'""", (0, b"it's $HOME \\ `x`\n", b"")),
    ("kill -9 $$_ 2>/dev/null; echo on", (0, b"on\n", b"")),
    ("set -e; false; echo never", (1, b"", b"")),
    ("exec true", (0, b"", b"")),
    ("cat", (0, b"", b"")),
    ("# only a comment", (0, b"", b"")),
    ("cat <<'E'\nwords\nE\n", (0, b"words\n", b"")),
])
def test_scripts(talk, body, reply):
    assert talk.run(body) == reply


@pytest.mark.parametrize("body", ["if", "'", "echo $(", "done", "a(", "case x in", "<<E"])
def test_syntax_errors_stay_where_they_are(talk, body):
    talk.run(body)
    assert talk.run("echo fine") == (0, b"fine\n", b"")


@pytest.mark.parametrize("body", ["if", "done", "false", "cd /nowhere"])
def test_errors_of_kept_scripts_do_not_end_the_shell(talk, body):
    assert talk.run(body, keep=True)[0] != 0
    assert talk.run("echo fine", keep=True) == (0, b"fine\n", b"")


def test_scripts_are_isolated(talk):
    assert talk.run("cd /; x=1; umask 0; set -f; f() { echo f; }; exec 7>/dev/null")[0] == 0
    body = "pwd; echo ${x-unset}; umask; echo $-; f; test -e /proc/self/fd/7"
    status, out, _ = talk.run(body)
    assert status == 1 and b"unset\n" in out and b"0000" not in out and b"\nf\n" not in out


def test_kept_scripts_leave_descriptors_and_functions(talk):
    assert talk.run("exec 7>/run/seven; f() { echo from f; }", keep=True)[0] == 0
    assert talk.run("f; echo seven >&7; cat /run/seven") == (0, b"from f\nseven\n", b"")


def test_a_kept_script_that_exits_ends_the_shell(talk):
    (pending,) = talk.batches(Batch(scripts=(Item(text="exit 3", keep=True),)))
    assert pending.outcome == "lost" and talk.shell.lost


@pytest.mark.parametrize("size", [1, 1000, 70_000, 3_000_000])
def test_large_outputs(talk, size):
    body = f"head -c {size} /dev/zero; head -c {size} /dev/zero | tr '\\0' x >&2"
    assert talk.run(body) == (0, b"\0" * size, b"x" * size)


@pytest.mark.parametrize("stdin", [
    b"line\n", b"no newline", b"\0\1\2\xff", b"it's \\ $x `y`\n", b"gnt_stdin\n", b"\r\n",
    "ü\n".encode(), b"x" * 100_000 + b"\n", bytes(range(256)) * 4000,
])
def test_standard_input(talk, stdin):
    assert talk.run("cat", stdin) == (0, stdin, b"")


def test_kept_scripts_read_lines(talk):
    assert talk.run("read -r a; read -r b", b"one\ntwo\n", keep=True)[0] == 0
    assert talk.run('echo "$b $a"') == (0, b"two one\n", b"")


def test_input_that_nobody_reads(talk):
    assert talk.run("echo fine", b"x" * 300_000) == (0, b"fine\n", b"")
    assert talk.run("echo more") == (0, b"more\n", b"")


def test_background_children_may_keep_the_output_open(talk):
    assert talk.run("sleep 20 & echo started") == (0, b"started\n", b"")
    assert talk.run("(sleep 0.1; echo noise; echo noise >&2) & true") == (0, b"", b"")
    assert talk.run("sleep 0.3; true")[0] == 0
    assert talk.run("echo clean") == (0, b"clean\n", b"")


def test_what_login_scripts_print_is_not_an_answer(site):
    noisy = ("sh", "-c", "echo welcome; echo welcome >&2; exec /bin/sh")
    talk = Talk(LocalPeer("here", lambda _: None, noisy))
    assert talk.run("echo fine") == (0, b"fine\n", b"")
    talk.shell.close()


def test_many_batches_may_be_on_their_way(talk):
    batches = [Batch(scripts=(Item(text=f"echo {n}"), Item(text=f"exit {n}"))) for n in range(50)]
    for n, pending in enumerate(talk.batches(*batches)):
        assert [reply.status for reply in pending.replies] == [0, n]
        assert pending.replies[0].out == b"%d\n" % n


def test_under_a_fence_the_first_failure_is_the_last_script(talk):
    scripts = tuple(Item(text=body) for body in ("echo a", "exit 4", "echo never"))
    (pending,) = talk.batches(Batch(scripts=scripts, fence="12"))
    assert [reply.status for reply in pending.replies] == [0, 4] and pending.outcome == "ok"


@pytest.mark.parametrize("fence", ["", "13"])
def test_scripts_end_at_their_first_error_when_they_ask_for_it(talk, fence):
    scripts = (Item(text="set -e; false; echo never"),)
    (pending,) = talk.batches(Batch(scripts=scripts, fence=fence))
    (reply,) = pending.replies
    assert (reply.status, reply.out) == (1, b"")


def test_scripts_see_nothing_of_the_frame(site):
    talk = Talk(site.transport().peer("node1"))
    body = """echo "$#"; set >/run/variables; grep -E "[0-9a-f]{24}" /run/variables"""
    assert talk.run("true")[0] == 0
    for item in (Item(text=body), Item(text=body, stdin=b"\0binary")):
        (_, reply) = talk.items(Item(text="true"), item)
        assert (reply.status, reply.out) == (1, b"0\n")


@pytest.mark.parametrize("fence", ["", "14"])
@pytest.mark.parametrize("stdin", [b"line\n", b"no newline", b"\0\1\xff", b"gnt_stdin\n", b""])
def test_standard_input_is_given_as_it_is(talk, stdin, fence):
    items = (Item(text="cat; exit 3" if not fence else "cat", stdin=stdin), Item(text="cat"))
    (pending,) = talk.batches(Batch(scripts=items, fence=fence))
    first, second = pending.replies
    assert (first.status, first.out) == (0 if fence else 3, stdin)
    assert (second.status, second.out) == (0, b"")


def test_a_flood_is_cut_off(talk):
    (pending,) = talk.batches(Batch(scripts=(Item(text="yes"),)), seconds=60)
    assert pending.outcome == "flood" and talk.shell.lost


def test_a_flood_ends_when_nobody_reads_it(tmp_path):
    link = PipeLink()
    link.send(b"echo $$ >%s; exec yes\n" % os.fsencode(tmp_path / "pid"))
    while not link.take()[0]:
        time.sleep(0.01)
    link.close()
    pid = (tmp_path / "pid").read_text().strip()
    deadline = time.monotonic() + 30
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline, "it prints into our memory"
        time.sleep(0.01)


@pytest.mark.slow
def test_the_node_itself_ends_what_takes_too_long(talk):
    (pending,) = talk.batches(Batch(scripts=(Item(text="sleep 600", limit=1),)), seconds=30)
    assert pending.outcome == "lost"


def test_words_are_words(talk):
    words = ("it's", "", " ", "$HOME", "`id`", "a\nb", "ü", "-n", "*", "\\", '"')
    body = "for word do printf '<%s>' \"$word\"; done"
    wanted = "".join(f"<{word}>" for word in words).encode()
    assert talk.run(script(body, *words, parse=text).shell) == (0, wanted, b"")


def test_fence_names_are_checked():
    with pytest.raises(Invalid):
        framing.compose("n", 0, Batch(scripts=(Item(text="true"),), fence="../x"))


@settings(max_examples=300, deadline=None)
@given(
    outputs=st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 255)), max_size=6),
    noise=st.binary(max_size=20),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=30),
)
def test_streams_are_sorted_however_they_are_cut(outputs, noise, cuts):
    whole = noise + b"abcdef on\n"
    for n, (output, status) in enumerate(outputs):
        whole += output + b"abcdef.0.%d off %d\n" % (n, status)
    whole += b"abcdef.0 done ok\n"
    stream, found = Stream("abcdef"), []
    while whole:
        size = cuts[len(found) % len(cuts)]
        found += stream.feed(whole[:size])
        whole = whole[size:]
    assert found[-1][:3] == (0, None, "ok")
    assert [(int(words), output) for _, _, words, output in found[:-1]] == [
        (status, output) for output, status in outputs
    ]


@given(output=st.binary(max_size=60) | st.sampled_from([b"abcdef", b"abcdef.0.0 off 0\n"]))
def test_the_short_cut_says_the_same(output):
    end = b"abcdef.0.0 off 0\nabcdef.0 done ok\n"
    assert (Stream("abcdef").alone(output + end, end) == output) == (b"abcdef" not in output)
    for data in (output + end + end, output + end[:-1], end[9:]):
        assert Stream("abcdef").alone(data, end) is None
    begun = Stream("abcdef")
    assert list(begun.feed(b"before")) == [] and begun.alone(end, end) is None
    assert next(iter(begun.feed(end))) == (0, 0, "0", b"before")


BODIES = {
    "prelude": framing.PRELUDE,
    **{
        f"{module.__name__}.{name}": body
        for module in (dialogues, fences, files)
        for name, body in vars(module).items() if name.isupper() and isinstance(body, str)
    },
}


@pytest.mark.parametrize("name", BODIES)
def test_shellcheck(name, tmp_path):
    path = tmp_path / "body.sh"
    path.write_text("#!/bin/sh\n" + BODIES[name])
    # SC2034: read by the text around it; SC1083 and SC2086 stay on.
    done = subprocess.run(["shellcheck", "-s", "sh", "-e", "SC2034", path], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout
