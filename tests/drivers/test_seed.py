"""What a new guest is told: the texts, and the CD they are on as other tools see it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gnt.errors import Invalid
from gnt.guest import iso, seed
from gnt.guest.seed import Seed
from gnt.model.codec import to_data
from gnt.model.config import Config, MemoryState
from gnt.model.objects import Cluster, Instance, Network, Nic
from tests.drivers.nodes import nodes


def config(**osparams: object) -> Config:
    things = {
        "cluster": {"cluster": to_data(Cluster(uuid="c", cluster_name="c", osparams=osparams))},
        "networks": {
            "net": to_data(
                Network(
                    uuid="net",
                    name="net",
                    network="192.0.2.0/25",
                    gateway="192.0.2.1",
                    network6="2001:db8::/48",
                )
            ),
            "dark": to_data(Network(uuid="dark", name="dark", network="198.51.100.0/24")),
        },
    }
    return Config(MemoryState(things, 1, 1, "x"))


def instance(*nics: Nic, **osparams: str) -> Instance:
    return Instance(
        uuid="u-u",
        name="web.example",
        primary_node="n",
        os="img+tiny",
        osparams=osparams,
        nics=nics,
    )


def nic(**values: str) -> Nic:
    return Nic(uuid="n", mac="aa:00:00:00:00:01", **values)


def made(inst: Instance, **osparams: object) -> Seed:
    found = seed.of(config(**osparams), inst)
    assert found is not None
    return found


def test_static_address_from_the_network_and_dhcp_without_one() -> None:
    inst = instance(
        nic(ip="192.0.2.7", network="net"),
        nic(ip="198.51.100.7", network="dark"),
        nic(ip="2001:db8::7", network="net"),
        nic(ip="203.0.113.7"),
        nic(network="net"),
        image="/x",
        dns="192.0.2.53 2001:db8::53",
    )
    text = made(inst).network_config
    per_nic = text.split("  nic")[1:]
    assert '- "192.0.2.7/25"' in per_nic[0] and 'via: "192.0.2.1"' in per_nic[0]
    assert '- "198.51.100.7/24"' in per_nic[1] and "routes" not in per_nic[1]
    assert '- "2001:db8::7/48"' in per_nic[2] and "via" not in per_nic[2]
    assert "dhcp4: true" in per_nic[3] and "dhcp4: true" in per_nic[4]
    assert all('- "192.0.2.53"' in part for part in per_nic)
    assert all('macaddress: "aa:00:00:00:00:01"' in part for part in per_nic)


def test_yaml_is_yaml() -> None:
    import yaml

    inst = instance(
        nic(ip="192.0.2.7", network="net"), image="/x", ssh_keys="ssh-rsa A a;ssh-rsa B b"
    )
    text = made(inst)
    assert yaml.safe_load(text.network_config)["ethernets"]["nic0"] == {
        "match": {"macaddress": "aa:00:00:00:00:01"},
        "dhcp4": False,
        "addresses": ["192.0.2.7/25"],
        "routes": [{"to": "0.0.0.0/0", "via": "192.0.2.1"}],
    }
    assert yaml.safe_load(text.meta_data) == {
        "instance-id": "u-u",
        "local-hostname": "web.example",
        "public-keys": ["ssh-rsa A a", "ssh-rsa B b"],
    }
    assert yaml.safe_load(made(instance(image="/x")).network_config) == {"version": 2}


def test_parameters_are_inherited_from_os_and_variant() -> None:
    levels = {
        "img": {"hostname": "os", "user_data": "#!/bin/sh\n"},
        "img+tiny": {"hostname": "tiny"},
    }
    found = made(instance(), **levels)
    assert 'local-hostname: "tiny"' in found.meta_data and found.user_data == "#!/bin/sh\n"


def test_asked_for_or_not() -> None:
    assert seed.of(config(), instance()) is None
    assert seed.of(config(), instance(image="/x", seed="no")) is None
    assert made(instance(image="/x")).user_data.startswith("#cloud-config")
    assert made(instance(hostname="x"))


@pytest.mark.parametrize(("params", "problem"), [
    ({"user_data": "#" * 40000}, "more than 32 KiB"), ({"user_data": "hello"}, "does not begin"),
    ({"ssh_keys": "nonsense"}, "no OpenSSH public key"), ({"dns": "here"}, "is not an IPv4"),
])  # fmt: skip
def test_bad_parameters_are_named(params: dict[str, str], problem: str) -> None:
    with pytest.raises(Invalid, match=problem) as caught:
        seed.of(config(), instance(**params))
    assert caught.value.where == f"web.example.osparams.{next(iter(params))}"


def run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_other_tools_read_the_cd(tmp_path: Path) -> None:
    path = tmp_path / "seed.iso"
    long = "x" * 5000
    path.write_bytes(Seed(meta_data="a: 1\n", user_data=long, network_config="").image())
    assert 'LABEL="cidata"' in run("blkid", "-p", str(path))
    listing = run("isoinfo", "-R", "-l", "-i", str(path))
    assert all(name in listing for name in ("meta-data", "user-data", "network-config"))
    assert run("isoinfo", "-R", "-x", "/meta-data", "-i", str(path)) == "a: 1\n"
    assert run("isoinfo", "-R", "-x", "/user-data", "-i", str(path)) == long
    assert "Rock Ridge signatures version 1 found" in run("isoinfo", "-d", "-i", str(path))


def test_the_same_files_make_the_same_bytes_whole_sectors() -> None:
    first, second = (iso.image("cidata", {"b": b"2", "a": b"1"}) for _ in range(2))
    assert first == second and len(first) % iso.SECTOR == 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        iso.image("x", {"n" * 101: b""})
    with pytest.raises(ValueError, match="too many"):
        iso.image("x", {f"file-{number:03}": b"" for number in range(40)})


@pytest.mark.lab
def test_written_on_a_node_and_taken_away() -> None:
    text = made(instance(image="/x", user_data="#!/bin/sh\necho 'secret'\n"))
    step = seed.placing(text, "node1", "/run/gnt/kvm/u.seed")
    with nodes("node1") as one:
        for _ in range(2):
            one.do(step)
        kept = Path(f"/proc/{one['node1'].pid}/root/run/gnt/kvm/u.seed")
        data = kept.read_bytes()
        assert data.startswith(text.image()) and not any(data[len(text.image()) :])
        assert len(data) >= seed.SMALLEST and kept.stat().st_mode & 0o777 == 0o600
        one.undo(step)
        assert one["node1"].run("ls /run/gnt/kvm").stdout == ""
