"""Files to nodes, and node tasks as Invoke tasks."""

from __future__ import annotations

import io
import os

import fabric
import invoke
import paramiko
import pytest

from gnt.errors import Invalid, NodeFailed
from gnt.ssh import files, tasks
from gnt.ssh.peers import LocalPeer

from .conftest import run
from .test_dialogues import UPPER, chat

CONTENTS = ["", "line\n", "no newline", "ü\n", "it's $x\n", "x" * 60_000]


@pytest.mark.parametrize("content", CONTENTS)
def test_small_files_travel_in_the_frame(site, content):
    transport, node = site.transport(), site.nodes["node1"]
    call = files.put.on("node1", "/run/file", content, mode="640", owner="daemon:daemon")
    assert transport.perform([call], fence="61")[call.key] is None
    assert node.sh("cat /run/file") == content
    assert node.sh("stat -c %a:%U:%G /run/file") == "640:daemon:daemon\n"
    before = node.sh("stat -c %i /run/file")
    transport.perform([call], fence="61")
    assert node.sh("stat -c %i /run/file") == before
    assert node.sh("ls /run | grep -c gnt\\. || true") == "0\n"


def test_a_small_file_without_a_directory(site):
    call = files.put.on("node1", "/run/nowhere/file", "x")
    failure = site.transport().perform([call], fence="61")[call.key]
    assert failure.status == 1 and "/run/nowhere" in failure.stderr


@pytest.fixture(params=["local", "ssh"])
def peer(request, site):
    if request.param == "local":
        return LocalPeer("here", lambda _: None)
    return site.transport().peer("node1")


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_large_files(peer, site, tmp_path, size):
    data, told = os.urandom(size), []
    path = str(tmp_path / "large")
    files.push(peer, io.BytesIO(data), size, path, mode="600", tell=told.append)
    with open(path, "rb") as file:  # the nodes of these tests share /tmp with us
        assert file.read() == data
    assert os.stat(path).st_mode & 0o777 == 0o600 and os.listdir(tmp_path) == ["large"]
    assert not size or (told[-1].done, told[-1].total) == (size, size)


def test_a_large_file_that_breaks_off_leaves_the_old_one(peer, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"old")
    with pytest.raises(Invalid, match="ends after 10 of 20"):
        files.push(peer, io.BytesIO(b"x" * 10), 20, str(path))
    assert path.read_bytes() == b"old"


def test_a_large_file_that_does_not_fit(site):
    node = site.nodes["node2"]
    node.sh("mkdir -p /run/small && mount -t tmpfs -o size=1m none /run/small")
    with pytest.raises(NodeFailed) as caught:
        files.push(site.transport().peer("node2"), io.BytesIO(b"x" * 3_000_000), 3_000_000,
                   "/run/small/file")
    assert "No space left" in str(caught.value)
    assert node.sh("ls /run/small") == ""


@pytest.fixture(params=["local", "ssh"])
def context(request, site):
    """What an invoke or fabric user has in hand."""
    if request.param == "local":
        yield invoke.Context()
        return
    sshd = site.nodes["node1"]
    connection = fabric.Connection(
        "127.0.0.1", user="root", port=sshd.port,
        connect_kwargs={"key_filename": str(site.home / "login"), "allow_agent": False,
                        "look_for_keys": False},
    )
    connection.client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    yield connection
    connection.close()


def test_node_tasks_are_invoke_tasks(context):
    made = tasks.task(run)
    assert made.name == "run"
    assert made(context, "cat; echo $1", word="word", stdin="in\n") == "in\nword\n"


def test_dialogues_are_invoke_tasks(context):
    assert tasks.task(chat)(context, UPPER, ("banana",)) == ["bAnAnA"]


def test_failures_of_invoke_tasks(context):
    with pytest.raises(NodeFailed, match="because"):
        tasks.task(run)(context, "echo because >&2; exit 3")


def test_a_collection_has_every_task_of_a_module():
    made = tasks.collection("gnt.ssh.files")
    assert list(made.task_names) == ["ssh_files_put"]
