"""The scripts that make hosts nodes, run by real shells in a folder that stands for a host."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import pytest

from gnt.checks.hosts import standing
from gnt.commands.cluster import _run
from gnt.commands.node import _setup

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


@pytest.fixture(params=SHELLS)
def host(request, tmp_path):
    """Runs a task's script on a host whose /var, /run and /etc are in ``tmp_path``."""
    words = [request.param] + (["sh"] if request.param == "busybox" else [])

    def run(call_or_script, **environment):
        script = call_or_script
        text = script.shell
        for folder in ("/var/lib/gnt", "/run/gnt", "/etc/gnt"):
            text = text.replace(folder, f"{tmp_path}{folder}")
        done = subprocess.run(
            [*words, "-c", text], input=script.stdin, capture_output=True, check=False,
            env={**os.environ, "HOME": str(tmp_path / "root"), **environment})
        if done.returncode:
            raise OSError(done.stderr.decode())
        return script.answer(done.stdout.decode())

    run.root = tmp_path
    return run


def keys_of(host):
    return (host.root / "root/.ssh/authorized_keys").read_text()


def test_a_prepared_host_has_its_own_keys_and_keeps_them(host):
    host(_setup.prepare.body("node1", 1))
    made = host(_setup.keys.body())
    assert made.login.endswith("gnt@node1") and made.signer.endswith("gnt@node1")
    assert made.login != made.signer and made.login.startswith("ssh-ed25519 ")
    host(_setup.prepare.body("node1", 1))
    assert host(_setup.keys.body()) == made
    private = host.root / "var/lib/gnt/keys/login"
    assert private.stat().st_mode & 0o077 == 0


def test_half_made_keys_are_made_again(host):
    host(_setup.prepare.body("node1", 1))
    first = host(_setup.keys.body())
    (host.root / "var/lib/gnt/keys/login").unlink()
    (host.root / "var/lib/gnt/keys/signer.new").write_text("cut off")
    host(_setup.prepare.body("node1", 1))
    second = host(_setup.keys.body())
    assert second.login != first.login and second.signer == first.signer


def test_the_term_only_rises(host):
    term = host.root / "var/lib/gnt/term"
    host(_setup.prepare.body("node1", 0))
    assert not term.exists()
    for given, known in ((3, 3), (2, 3), (4, 4)):
        host(_setup.prepare.body("node1", given))
        assert term.read_text() == f"{known}\n"


def test_only_a_prepared_host_is_a_member(host):
    found = host(_setup.inspect.body())
    assert not found.member and found.hostname == os.uname().nodename
    host(_setup.prepare.body("node1", 1))
    assert host(_setup.inspect.body()).member


def test_missing_programs_are_named(tmp_path):
    for name in ("uname", "awk", "mkdir", "sync"):
        (tmp_path / name).symlink_to(shutil.which(name))
    script = _setup.inspect.body()
    done = subprocess.run([shutil.which("sh"), "-c", script.shell], capture_output=True,
                          check=True, text=True, env={"PATH": str(tmp_path)})
    missing = script.answer(done.stdout).missing
    assert "flock" in missing and "awk" not in missing


def test_the_cluster_s_keys_stand_in_a_block_beside_those_of_people(host):
    folder = host.root / "root/.ssh"
    folder.mkdir(parents=True)
    (folder / "authorized_keys").write_text("ssh-rsa AAAA mine")
    lines = ('restrict,from="192.0.2.1" ssh-ed25519 AAA1 gnt@node1', "restrict ssh-ed25519 'x' $y")
    host(_setup.authorize.body(lines))
    assert keys_of(host).splitlines() == [
        "ssh-rsa AAAA mine", _setup.BEGIN, *lines, _setup.END]
    before = os.stat(folder / "authorized_keys").st_ino
    host(_setup.authorize.body(lines))
    assert os.stat(folder / "authorized_keys").st_ino == before
    host(_setup.authorize.body(lines[1:]))
    assert keys_of(host).splitlines() == ["ssh-rsa AAAA mine", _setup.BEGIN, lines[1], _setup.END]
    assert os.stat(folder / "authorized_keys").st_mode & 0o077 == 0


def test_a_block_without_its_end_does_not_swallow_what_follows(host):
    folder = host.root / "root/.ssh"
    folder.mkdir(parents=True)
    (folder / "authorized_keys").write_text(f"{_setup.BEGIN}\nold\nssh-rsa AAAA mine\n")
    host(_setup.authorize.body(("new",)))
    assert "ssh-rsa AAAA mine" in keys_of(host).splitlines()


def test_forgetting_leaves_what_people_put_there(host):
    host(_setup.prepare.body("node1", 1))
    host(_setup.authorize.body(("theirs",)))
    with open(host.root / "root/.ssh/authorized_keys", "a") as file:
        file.write("mine\n")
    host(_setup.forget.body())
    host(_setup.forget.body())
    assert keys_of(host) == "mine\n"
    assert not (host.root / "var/lib/gnt/keys").exists()
    assert not host(_setup.inspect.body()).member


def test_a_standing_says_clock_term_and_keys(host):
    found = host(standing.body())
    assert abs(found.clock - time.time()) < 60 and (found.term, found.keys) == (0, False)
    host(_setup.prepare.body("node1", 7))
    found = host(standing.body())
    assert (found.term, found.keys, found.missing) == (7, True, ())


@pytest.mark.parametrize(("words", "status", "output"), [
    ("echo hello; echo oops >&2", 0, "hello\noops\n"), ("exit 7", 7, ""),
    ("printf 'no end'", 0, "no end"), ("cat", 0, ""), ("echo 'gnt-status:9'", 0, "gnt-status:9\n"),
])
def test_commands_say_what_they_print_and_how_they_end(host, words, status, output):
    ran = host(_run.command.body(words))
    assert (ran.status, ran.output) == (status, output)


def test_files_arrive_whole_with_their_mode_or_not_at_all(host):
    import hashlib

    target = host.root / "file"
    content = bytes(range(256)) * 50
    total = hashlib.sha256(content).hexdigest()
    host(_run.put.body(str(target), "640", content, total))
    assert target.read_bytes() == content and target.stat().st_mode & 0o777 == 0o640
    with pytest.raises(OSError, match="did not arrive whole"):
        host(_run.put.body(str(target), "640", content[:-1], total))
    assert target.read_bytes() == content
    with pytest.raises(OSError, match="there is no folder"):
        host(_run.put.body(str(host.root / "none/file"), "640", content, total))
    assert sorted(os.listdir(host.root)) == ["file"]
