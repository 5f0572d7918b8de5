"""Nodes that are not who they should be, and people whom nodes do not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from gnt.errors import GntError
from gnt.ssh.hostkeys import fingerprint
from gnt.ssh.identity import Identities
from gnt.ssh.transport import SshTransport

from .conftest import a_node, keygen, run
from .odd import (
    asked,
)


def test_a_changed_host_key(site, tmp_path):
    recorded = keygen(tmp_path / "recorded")
    real = site.nodes["node1"]
    failure = asked(site, real.port, recorded)
    assert failure.kind == "hostkey"
    assert fingerprint(recorded) in str(failure) and fingerprint(real.host_key) in str(failure)
    assert f"--ssh-host-key {fingerprint(real.host_key)} odd" in failure.hint


def test_a_host_key_of_another_type(site, tmp_path):
    failure = asked(site, site.nodes["node1"].port, keygen(tmp_path / "recorded", "ecdsa"))
    assert failure.kind == "hostkey" and "ecdsa-sha2-nistp256" in str(failure)


def test_a_node_without_a_recorded_key(site):
    failure = asked(site, site.nodes["node1"].port)
    assert failure.kind == "hostkey" and "--ssh-host-key" in failure.hint


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_types_of_host_key_are_pinned_too(own_site, tmp_path, kind):
    public = keygen(tmp_path / "other", kind)
    sshd = own_site.add("typed", more=f"HostKey {tmp_path}/other")
    transport = own_site.transport((a_node("other", public), sshd.port))
    call = run.on("other", "echo fine")
    assert transport.ask([call])[call.key] == "fine\n"


def test_a_key_that_the_node_does_not_know(own_site, tmp_path):
    own_site.add("strict")
    (own_site.home / "login").unlink()
    keygen(own_site.home / "login")
    call = run.on("strict", "true")
    failure = own_site.transport().ask([call])[call.key]
    assert failure.kind == "denied" and "authorized_keys" in failure.hint


def test_no_key_at_all(site):
    transport = SshTransport(Identities())
    site.tell(transport)
    with pytest.raises(GntError, match="no key") as caught:
        transport.ask([run.on("node1", "true")])
    assert caught.value.hint


def test_a_key_file_with_rubbish(site, tmp_path):
    (tmp_path / "key").write_text("rubbish\n")
    transport = SshTransport(Identities(files=(str(tmp_path / "key"),)))
    site.tell(transport)
    with pytest.raises(GntError, match="cannot be read"):
        transport.ask([run.on("node1", "true")])


def test_no_known_hosts_of_the_user_is_read_or_written(own_site, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "empty"))
    own_site.add("clean")
    call = run.on("clean", "echo fine")
    assert own_site.transport().ask([call])[call.key] == "fine\n"
    assert not Path(tmp_path / "empty").exists()
