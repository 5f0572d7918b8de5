"""Where things are kept: nodes that are their own context, columns, directories and their locks."""

from __future__ import annotations

import fcntl
import os
import pathlib
import threading

import pytest
from chains import CLUSTER, KEY, make_base
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from gnt.config import columns, context, place
from gnt.config.disk import Disk, numbers
from gnt.errors import Conflict, NoCluster


@pytest.fixture(autouse=True)
def own_home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "GNT_CLUSTER", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_node_is_a_context_without_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / "keys/signer.pub").write_text(f"{KEY.public} gnt@node1\n")
    without = context._of_node(str(tmp_path))
    assert (without.cluster, without.signers) == ("", ())
    (tmp_path / "config/base-1.toml").write_bytes(make_base(serial=1).replace(b"6e8c", b"0000"))
    (tmp_path / "config/base-12.toml").write_bytes(make_base(serial=12))
    (tmp_path / "config/base-x.toml").write_bytes(b"")
    (tmp_path / "config/base-2.toml.new").write_bytes(b"")
    made = context._of_node(str(tmp_path))
    assert (made.name, made.here, made.cluster, made.signers) == ("", "node1", CLUSTER,
                                                                  (KEY.public,))
    assert made.login == (f"{tmp_path}/keys/login",)
    assert made.signer == f"{tmp_path}/keys/signer" and not made.agent
    (tmp_path / "keys/signer.pub").write_text(KEY.public)
    assert context._of_node(str(tmp_path)).here == ""


def test_a_node_whose_keys_are_gone_says_what_to_do(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NoCluster, match=r"signer\.pub cannot be read: No such file") as caught:
        context._of_node(str(tmp_path))
    assert "--readd" in caught.value.hint


def test_an_own_key_with_a_passphrase_is_not_the_signing_key(own_home: pathlib.Path) -> None:
    (own_home / ".ssh").mkdir()
    (own_home / ".ssh/id_ed25519").write_bytes(Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"words")))
    assert context.fresh("a").signer == f"{own_home}/.config/gnt/keys/signer"
    assert os.path.exists(f"{own_home}/.config/gnt/keys/signer")


def test_what_did_not_change_is_not_written_again(own_home: pathlib.Path) -> None:
    made = context.Context(name="lab", cluster="c", signers=("k",))
    assert context.update(made, ["k"], [], "c") == made
    assert not os.path.exists(f"{own_home}/.config/gnt/contexts/lab.toml")
    context.forget(context.Context(name="lab"))  # nothing is there: no error
    assert context.names() == []


def test_a_node_s_own_context_has_no_file_to_forget(own_home: pathlib.Path) -> None:
    context.save(context.Context(name="lab"))
    context.forget(context.Context(name=""))
    assert context.names() == ["lab"]
    context.require_unknown("prod")
    with pytest.raises(Conflict, match="a context lab already"):
        context.require_unknown("lab")


def test_the_cache_to_use_is_known_without_reading_the_context(own_home: pathlib.Path) -> None:
    assert place.directory("") == ""
    context.save(context.Context(name="lab"))
    assert place.directory("") == context.Context(name="lab").directory == place.cache("lab")
    assert place.directory("other") == place.cache("other")
    context.save(context.Context(name="prod"))
    assert place.directory("") == ""


def test_public_halves(own_home: pathlib.Path) -> None:
    private = str(own_home / "key")
    assert context.public_half(private) == ""
    for content, half in ((b"ssh-ed25519 AAAA me@here\n", "ssh-ed25519 AAAA"),
                          (b"ssh-ed25519 AAAA", "ssh-ed25519 AAAA"),
                          (b"ssh-ed25519\n", ""), (b"ssh-rsa AAAA me\n", ""), (b"\xff", ""),
                          (b"", "")):
        (own_home / "key.pub").write_bytes(content)
        assert context.public_half(private) == half


def test_paths_of_a_context(own_home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert os.geteuid() == 0
    assert context.Context(name="", here="n1").seen == f"{place.HERE}/seen"
    assert context.Context(name="lab").seen == f"{own_home}/.config/gnt/contexts/lab.seen"
    assert context.Context(name="").directory == "/var/cache/gnt/node"
    assert context.Context(name="lab").directory == f"{own_home}/.cache/gnt/lab"
    assert place.runtime("") == context.Context(name="").runtime == "/run/gnt/node"
    assert place.runtime("lab") == f"{own_home}/.cache/gnt/lab/run"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/0")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    assert place.runtime("lab") == "/run/user/0/gnt/lab"
    assert (place.cache("lab"), place.home()) == ("/cache/gnt/lab", "/config/gnt")


def test_a_choice_that_is_gone_counts_for_nothing(own_home: pathlib.Path) -> None:
    context.save(context.Context(name="a"))
    context.save(context.Context(name="b"))
    context.use("b")
    assert context.current() == "b"
    (own_home / ".config/gnt/contexts/b.toml").unlink()
    assert context.current() == "a"
    context.save(context.Context(name="c"))
    assert context.current() == ""


def test_columns_of_no_copy(tmp_path: pathlib.Path) -> None:
    assert columns.head(str(tmp_path)) == ""
    assert columns.load_columns(str(tmp_path), "instance") is None
    (tmp_path / "config").mkdir()
    (tmp_path / "config/head").write_text("1 7 abc 1\n")
    columns.save_columns(str(tmp_path), "instance", "abd", {"name": ["x"]})
    assert columns.load_columns(str(tmp_path), "instance") is None
    columns.save_columns(str(tmp_path), "instance", "abc", {"name": ["x"]})
    assert columns.load_columns(str(tmp_path), "instance") == {"name": ["x"]}
    assert columns.load_columns(str(tmp_path), "instance", ["name"]) == {"name": ["x"]}
    assert columns.load_columns(str(tmp_path), "instance", ["other"]) is None
    assert os.stat(tmp_path / "columns/instance").st_mode & 0o777 == 0o600
    assert os.stat(tmp_path / "columns").st_mode & 0o777 == 0o700


def test_columns_that_cannot_be_kept_are_not(tmp_path: pathlib.Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/head").write_text("1 7 abc 1\n")
    (tmp_path / "columns").write_text("a file where a folder should be")
    columns.save_columns(str(tmp_path), "instance", "abc", {"name": ["x"]})
    assert columns.load_columns(str(tmp_path), "instance") is None
    assert (tmp_path / "columns").read_text().startswith("a file")


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_columns_that_others_could_have_written_are_not_read(
    tmp_path: pathlib.Path, mode: int,
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/head").write_text("1 7 abc 1\n")
    columns.save_columns(str(tmp_path), "instance", "abc", {"name": ["x"]})
    os.chmod(tmp_path / "columns/instance", mode)
    assert columns.load_columns(str(tmp_path), "instance") is None


def test_columns_of_another_state_or_form(tmp_path: pathlib.Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/head").write_text("1 7 abc 1\n")
    columns.save_columns(str(tmp_path), "instance", "abc", {"name": ["x"]})
    (tmp_path / "config/head").write_text("1 8 abd 1\n")
    assert columns.load_columns(str(tmp_path), "instance") is None
    (tmp_path / "config/head").write_text("1 7 abc 1\n")
    whole = (tmp_path / "columns/instance").read_bytes()
    for content in (b"", whole[:-1], b"N"):
        (tmp_path / "columns/instance").write_bytes(content)
        assert columns.load_columns(str(tmp_path), "instance") is None


def test_a_directory_that_is_not_there(tmp_path: pathlib.Path) -> None:
    disk = Disk(str(tmp_path / "none"))
    assert disk.names() == []
    assert disk.age("head") is None
    assert disk.read("head") is None and disk.size("head") == 0
    disk.prepare()
    disk.replace("head", b"x")
    assert disk.names() == ["head"] and disk.size("head") == 1
    age = disk.age("head")
    assert age is not None and -1 <= age < 3600
    assert disk.read("head", 0, 1) == b"x" and disk.read("head", 1) == b""
    assert os.stat(tmp_path / "none").st_mode & 0o777 == 0o700
    assert os.stat(tmp_path / "none/head").st_mode & 0o777 == 0o600


def test_the_lock_of_a_term_is_for_its_node_only(tmp_path: pathlib.Path) -> None:
    disk = Disk(str(tmp_path / "gnt/config"))
    disk.unlock(disk.lock_term())
    lock, folder = tmp_path / "gnt/config/term.lock", tmp_path / "gnt/config"
    assert lock.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o755
    taken = disk.lock_term()  # the file is there already
    with open(lock) as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    disk.unlock(taken)


def test_a_lock_is_waited_for(tmp_path: pathlib.Path) -> None:
    disk = Disk(str(tmp_path))
    taken = disk.lock(0)
    assert taken is not None
    later = threading.Timer(0.05, disk.unlock, [taken])
    later.start()
    again = Disk(str(tmp_path)).lock(60)
    later.join()
    assert again is not None
    disk.unlock(again)


def test_no_file_stays_open(tmp_path: pathlib.Path) -> None:
    disk = Disk(str(tmp_path))
    before = set(os.listdir("/proc/self/fd"))
    disk.replace("head", b"x")
    disk.append("head", 1, b"y")
    disk.sync("head")
    disk.sync_directory()
    taken = disk.lock(0)
    assert taken is not None and disk.lock(0) is None
    disk.unlock(taken)
    lease = disk.begin_lease(1, 60)
    assert disk.leased(1)
    disk.end_lease(1, lease)
    assert not disk.leased(1) and disk.names() == ["head", "lock"]
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_lock_that_somebody_has(tmp_path: pathlib.Path) -> None:
    disk = Disk(str(tmp_path))
    taken = disk.lock(0)
    assert taken is not None
    assert Disk(str(tmp_path)).lock(0) is None
    assert Disk(str(tmp_path)).lock(0.05) is None
    disk.unlock(taken)
    again = Disk(str(tmp_path)).lock(0)
    assert again is not None
    disk.unlock(again)


def test_who_has_a_head_is_a_node(tmp_path: pathlib.Path) -> None:
    assert not place.is_node(str(tmp_path))
    (tmp_path / "config").mkdir()
    (tmp_path / "config/head").write_text("")
    assert place.is_node(str(tmp_path))


def test_numbers_of_files() -> None:
    names = ["base-1.toml", "base-12.toml", "base-x.toml", "base-3.toml.new", "journal-4.toml",
             "base-.toml", "xbase-5.toml", "base-2.toml"]
    assert numbers(names, "base") == [1, 2, 12]
    assert numbers(names, "journal") == [4]
