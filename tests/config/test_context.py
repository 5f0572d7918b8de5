"""Contexts: files of this user, found by name, option, environment or being a node."""

import os
import subprocess

import pytest

from gnt.config import columns, context, place, signature
from gnt.errors import Conflict, Damaged, Invalid, NoCluster
from gnt.model.objects import Node


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "GNT_CLUSTER", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


NODE = Node(uuid="u1", name="n1", primary_ip="192.0.2.1", secondary_ip="192.0.2.1", group="g",
            host_keys=("ssh-ed25519 AAAA",), ndparams={"ssh_port": 2222})


def test_what_is_saved_is_loaded():
    made = context.fresh("lab").replace(cluster="c-1", signers=("ssh-ed25519 BBBB",), nodes=(NODE,))
    context.save(made)
    assert context.load("lab") == made
    assert context.names() == ["lab"]
    with pytest.raises(Conflict, match="lab already"):
        context.require_unknown("lab")


def test_a_signing_key_is_made_once(own_home):
    first = context.fresh("a").signer
    assert context.fresh("b").signer == first
    key = signature.read_key(first)
    assert signature.normal((own_home / ".config/gnt/keys/signer.pub").read_text()) == key.public
    assert (own_home / ".config/gnt/keys/signer").stat().st_mode & 0o077 == 0


def test_ones_own_key_signs_when_there_is_one(own_home):
    signature.make_key(str(own_home / ".ssh/id_ed25519"))
    made = context.fresh("lab")
    assert made.signer == str(own_home / ".ssh/id_ed25519")
    assert made.login == (made.signer,)


def test_a_key_with_a_passphrase_signs_by_the_agent(own_home, monkeypatch):
    own = own_home / ".ssh/id_ed25519"
    own.parent.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "words", "-f", own], check=True)
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    made = context.fresh("lab")
    assert made.signer == " ".join(own.with_suffix(".pub").read_text().split()[:2])
    assert made.login == (str(own),) and made.agent
    monkeypatch.delenv("SSH_AUTH_SOCK")
    assert context.fresh("lab").signer.endswith(".config/gnt/keys/signer")


def test_another_key_is_chosen_for_a_context():
    context.save(context.Context(name="lab", signer="/a"))
    context.use("lab", "ssh-ed25519 AAAA")
    assert context.load("lab").signer == "ssh-ed25519 AAAA"
    context.use("lab")
    assert context.load("lab").signer == "ssh-ed25519 AAAA"


def test_which_one_is_used(monkeypatch):
    with pytest.raises(NoCluster, match="no cluster here"):
        context.chosen("")
    context.save(context.Context(name="lab"))
    assert context.chosen("") == "lab"
    context.save(context.Context(name="prod"))
    with pytest.raises(NoCluster, match="several") as caught:
        context.chosen("")
    assert "lab, prod" in caught.value.hint
    context.use("prod")
    assert context.chosen("") == "prod"
    monkeypatch.setenv("GNT_CLUSTER", "lab")
    assert context.chosen("") == "lab"
    assert context.chosen("prod") == "prod"


def test_an_unknown_one_names_what_there_is():
    context.save(context.Context(name="lab"))
    with pytest.raises(NoCluster, match=r"known: lab\)"):
        context.find("lap")
    context.save(context.Context(name="a.b_c-1"))
    with pytest.raises(NoCluster, match=r"known: a\.b_c-1, lab\)"):
        context.find("lap")


def test_when_there_is_none_that_is_said():
    with pytest.raises(NoCluster, match=r"known: none\)"):
        context.find("lap")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "-x", "a~", "node", "é"])
def test_a_name_cannot_be_a_path(name):
    with pytest.raises(Invalid):
        context.save(context.Context(name=name))


def test_what_the_cluster_says_now_is_kept():
    before = context.Context(name="lab", signers=("ssh-ed25519 OLD",))
    context.save(before)
    after = context.update(before, ["ssh-ed25519 NEW"], [NODE], "c-1")
    assert context.load("lab") == after
    assert (after.signers, after.cluster) == (("ssh-ed25519 NEW",), "c-1")
    assert after.nodes[0] == NODE.replace(master_candidate=True)


def test_a_forgotten_one_is_gone(own_home):
    made = context.Context(name="lab")
    context.save(made)
    (own_home / ".cache/gnt/lab/config").mkdir(parents=True)
    context.forget(made)
    assert context.names() == []
    assert not (own_home / ".cache/gnt/lab").exists()


def test_the_root_of_trust_of_a_node_is_read_from_its_base():
    from chains import CLUSTER, KEY, make_base

    lines = make_base().decode().splitlines(keepends=True)
    assert context._scan(lines) == (CLUSTER, (KEY.public,))


def test_files_of_contexts_are_bounded(own_home):
    context.save(context.Context(name="lab", cluster="c-1"))
    file = own_home / ".config/gnt/contexts/lab.toml"
    content = file.read_bytes()
    file.write_bytes(content + b"#" * (context.MAX_FILE - len(content)))
    assert context.load("lab").cluster == "c-1"
    file.write_bytes(content + b"#" * (context.MAX_FILE - len(content) + 1))
    with pytest.raises(Damaged, match=r"lab\.toml: 1048577 bytes are more than"):
        context.load("lab")


def test_a_file_of_a_context_says_neither_its_name_nor_where_it_is(own_home):
    """So a context is renamed by renaming its file."""
    context.save(context.Context(name="lab", cluster="c-1", here="n1"))
    folder = own_home / ".config/gnt/contexts"
    (folder / "lab.toml").rename(folder / "other.toml")
    assert context.load("other") == context.Context(name="other", cluster="c-1")
    assert (folder / "other.toml").read_text() == 'cluster = "c-1"\n'


class TestColumns:
    def folder(self, own_home, head="1 7 " + "ab" * 32 + " 1"):
        (own_home / "c/config").mkdir(parents=True, exist_ok=True)
        (own_home / "c/config/head").write_text(head + "\n")
        return str(own_home / "c")

    def test_are_kept_for_one_head(self, own_home):
        folder = self.folder(own_home)
        columns.save_columns(folder, "instance", "ab" * 32, {"name": ["a", "b"]})
        assert columns.load_columns(folder, "instance") == {"name": ["a", "b"]}
        columns.save_columns(folder, "instance", "ab" * 32, {"name": ["c"]})
        assert columns.load_columns(folder, "instance") == {"name": ["c"]}
        assert columns.load_columns(folder, "node") is None
        self.folder(own_home, "1 8 " + "cd" * 32 + " 1")
        assert columns.load_columns(folder, "instance") is None

    def test_of_a_node_are_for_the_node_s_own_head(self, own_home):
        """A copy may be behind the files beside it; one of another user's is not compared."""
        own = own_home / "head"
        for content, at, overtaken in (("1 7 ab 1\n", "1 7 ab 1", False), ("1 8 ab 1\n", "1 7 ab 1",
                                       True), ("", "1 7 ab 1", False), ("\udcff", "x", True)):
            own.write_bytes(content.encode(errors="surrogateescape"))
            assert columns._overtaken("/var/cache/gnt/node", at, str(own)) is overtaken
            assert not columns._overtaken("/root/.cache/gnt/lab", at, str(own))
        own.unlink()
        assert not columns._overtaken("/var/cache/gnt/node", "1 7 ab 1", str(own))

    @pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
    def test_that_others_can_only_read_are_believed(self, own_home, mode):
        folder = self.folder(own_home)
        columns.save_columns(folder, "instance", "ab" * 32, {"name": ["a"]})
        (own_home / "c/columns/instance").chmod(mode)
        assert columns.load_columns(folder, "instance") == {"name": ["a"]}

    def test_of_an_older_state_are_not_kept(self, own_home):
        folder = self.folder(own_home)
        columns.save_columns(folder, "instance", "cd" * 32, {"name": []})
        assert columns.load_columns(folder, "instance") is None

    @pytest.mark.parametrize("data", [b"", b"x", b"\xe3" * 9])
    def test_that_are_damaged_are_not_there(self, own_home, data):
        folder = self.folder(own_home)
        columns.save_columns(folder, "instance", "ab" * 32, {"name": ["a"]})
        (own_home / "c/columns/instance").write_bytes(data)
        assert columns.load_columns(folder, "instance") is None

    def test_that_others_can_write_are_not_believed(self, own_home):
        folder = self.folder(own_home)
        columns.save_columns(folder, "instance", "ab" * 32, {"name": ["a"]})
        (own_home / "c/columns/instance").chmod(0o666)
        assert columns.load_columns(folder, "instance") is None


def test_folders_that_depend_on_where_one_stands_do_not_count(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, "relative")
    assert place.home() == f"{tmp_path}/.config/gnt"
    assert place.cache("prod") == f"{tmp_path}/.cache/gnt/prod"


@pytest.mark.parametrize("text", ["x = [", "master = 7"])
def test_a_broken_context_says_how_to_have_it_again(own_home, text) -> None:
    path = place.path("lab")
    os.makedirs(os.path.dirname(path))
    with open(path, "w") as file:
        file.write(text)
    with pytest.raises(Damaged) as caught:
        context.load("lab")
    assert path in str(caught.value)
    assert caught.value.hint.endswith("gnt-context join lab HOST")
