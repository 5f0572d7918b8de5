"""What people type: values, options, disks and NICs, policies, filters, whole command lines."""

from __future__ import annotations

import contextlib
import itertools
import re

from gnt.cli import find, start
from gnt.commands.cluster import _signer, _uids
from gnt.commands.htools.hspace import SHAPE
from gnt.commands.instance import _alter, _disks, _nics
from gnt.commands.job._ids import JOB
from gnt.errors import UnknownField, UsageError
from gnt.hypervisor.base import hypervisor
from gnt.model import address, inherit, names, policy
from gnt.query import filter as filters
from gnt.query.order import nice_order
from gnt.spec import Opt
from gnt.values import (
    BOOL,
    DURATION,
    HOSTNAME,
    IP,
    MAC,
    NAMED_PAIRS,
    PAIRS,
    PATH,
    SIZE,
    TAG,
    choice,
    read_pairs,
    real,
    show_size,
    whole,
    words_of,
)
from tests.fuzz.target import target, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REAL = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?"  # a number as people write it
VALUES = "1 1.5 -1 g G t m GiB b h d w yes no default auto none 0x1 1e3 inf nan aa:00:00:00:00:01 "
UNITS = re.compile(r"\s*[0-9]*\.?[0-9]*\s*[mgt]?(i?b)?\s*", re.I)


@target(words=VALUES, seeds=("10g", "512", "1.5T", "4096MiB", "2.5 g", "0"))
def size(data: bytes) -> object:
    typed = text(data)
    mib = SIZE.read(typed, "--size")
    assert UNITS.fullmatch(typed) and typed.isascii(), typed
    assert 0 <= mib < 2**63 and mib % 4 == 0
    assert SIZE.read(show_size(mib, "m")) == SIZE.read(f"{mib}M") == mib
    return mib


@target(words=VALUES, seeds=("90", "5m", "2h", "1d", "3w"))
def duration(data: bytes) -> object:
    typed = text(data)
    seconds = DURATION.read(typed, "--timeout")
    assert re.fullmatch("[0-9]+[smhdw]?", typed, re.I), typed
    assert DURATION.read(str(seconds)) == seconds
    return seconds


@target(words=VALUES, seeds=("5", "-3", "65535", "1.25", "100"))
def numbers(data: bytes) -> object:
    typed, read = text(data), []
    for kind, pattern in ((whole(-5, 10**6), "-?[0-9]+"), (real(0.01), REAL), (JOB, "[0-9]+")):
        try:
            value = kind.read(typed, "--count")
        except UsageError:
            continue
        assert re.fullmatch(pattern, typed, re.I), (kind.expected, typed)
        assert kind.read(str(value)) == value
        read.append(value)
    return read or None


NAMED = (HOSTNAME, MAC, IP, TAG, PATH, _signer.SIGNER_NAME)


@target(words=VALUES + " example.com :: fe80::1%eth0 192.0.2.1 - _ .. /srv a+b", seeds=(
    "Node1.Example.COM", "AA:00:00:00:00:01", "192.0.2.1", "2001:db8::1", "env:prod", "/srv/a b",
    "me@host"))
def named(data: bytes) -> object:
    """Names are taken as they are or in their one normal form."""
    typed, read = text(data), []
    for kind in NAMED:
        try:
            value = kind.read(typed, "NAME")
        except UsageError:
            continue
        assert kind.read(value) == value
        assert kind is PATH or (value.isascii() and value.isprintable() and " " not in value), value
        assert value.isprintable(), value
        read.append(value)
    return read or None


@target(words="on off true false y n yes no 1 0 a b file drbd 4.0", seeds=("yes", "Off"))
def words(data: bytes) -> object:
    typed = text(data)
    assert words_of(separator="/").read(typed) == (
        tuple(part.strip() for part in typed.split("/")) if typed else ())
    read = []
    for take in (choice("a", "b").read, lambda typed: policy.read_templates([typed], "x")[0]):
        with contextlib.suppress(UsageError):
            read.append(take(typed))
    with contextlib.suppress(UsageError):
        assert policy.read_ratio(typed, "x") > 0
    assert all(one == typed for one in read)
    return read or str(BOOL.read(typed, "--flag"))


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace(",", "\\,")


@target(words="a=1 , \\, \\\\ = no_ - : size=", seeds=("a=1,b=2", "no_x,-y,z", "a=x\\,y,b=\\\\"))
def pairs(data: bytes) -> object:
    read = PAIRS.read(text(data), "-O")
    assert "" not in read
    written = ",".join(f"{_escaped(key)}={_escaped(value)}" for key, value in read.items())
    assert dict(read_pairs(written)) == dict(read)
    return read or None


@target(words="0: 1: -1: size= mode=ro name= spindles= adopt= provider= no_ - , \\ 10g 1.5t none",
        seeds=("0:size=10g", "0:size=1g,mode=ro\n1:size=2t,name=data,spindles=3", "0:adopt=lv1",
               "0:size=1g,provider=x"))
def disks(data: bytes) -> object:
    """``--disk`` once per line, as an instance is added."""
    typed = [NAMED_PAIRS.read(line, "--disk") for line in text(data).split("\n")]
    specs = _disks.read_specs(typed, None, "file")
    assert len(specs) == len(typed) <= _disks.AT_MOST
    for spec in specs:
        assert spec.adopt or 0 < spec.size < 2**63
        assert spec.mode in ("ro", "rw") and not set(spec.options) & set(_disks.OWN)
        assert spec.name is None or not spec.name.isnumeric(), spec.name
    return specs


@target(words="0: 1: -1: ip= mac= link= mode= network= name= auto none pool vlan= , add remove",
        seeds=("0:ip=192.0.2.1,mac=auto", "0:link=br0\n1:mode=bridged,vlan=.5", "-1:add,link=br1"))
def nics(data: bytes) -> object:
    """``--net``: as an instance is added, and as it is changed."""
    typed = [NAMED_PAIRS.read(line, "--net") for line in text(data).split("\n")]
    for _, given in typed:
        action, rest = _alter.split(given, "--net")
        assert action in _alter.ACTIONS or action == "modify"
        assert action != "remove" or not rest
    wishes = _nics.read(typed, False)
    assert len(wishes) == len(typed) <= _nics.AT_MOST
    return wishes


@target(words="maxmem= minmem= memory= vcpus= auto_balance= always_failover= no_ - default 1g = ,",
        seeds=("memory=1g,vcpus=2", "maxmem=2g,minmem=512m,no_auto_balance", "-vcpus"))
def backend(data: bytes) -> object:
    return inherit.parse_backend(PAIRS.read(text(data), "-B"), "-B") or None


def _kvm_words() -> str:
    return " ".join(f"{name}=" for name in hypervisor("kvm").params.FIELDS)


@target(words=_kvm_words() + " /boot/vmlinuz default 0-3 all 1g yes no 5900 : , / , no_",
        seeds=("kernel_path=/boot/vmlinuz,vnc_bind_address=0.0.0.0,cpu_mask=0-3:5",
               "acpi=no,boot_order=disk,security_model=pool,mem_path=/hugepages", "usb_devices=a"))
def kvm(data: bytes) -> object:
    """Hypervisor parameters: read, filled in with their defaults, checked against each other."""
    driver = hypervisor("kvm")
    typed = PAIRS.read(text(data), "-H")
    level = inherit.parse(driver.params, typed, "-H")
    driver.check(inherit.fill(driver.params, (level,), "-H"), "-H")
    for name, value in level.items():
        assert value is None or isinstance(value, (str, int, float, bool)), name
    return level or None


@target(words="- , 1 4294967294 1000-2000 0 -1 --", seeds=("1000-2000,3000", "5", "1-1"))
def uids(data: bytes) -> object:
    read = _uids.joined(_uids.RANGES.read(text(data), "--uid-pool"))
    assert all(0 < low <= high <= _uids.HIGHEST for low, high in read)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(read))
    assert not read or _uids.joined(_uids.RANGES.read(_uids.shown(read))) == read
    assert re.fullmatch(r"[0-9,-]*", text(data)), data
    return read or None


SPECS = ",".join(f"{name}=1" for name in policy.SPECS)


@target(words=f"min: max: / // , {SPECS} 1g = memory-size=128",
        seeds=(f"min:{SPECS}/max:{SPECS}", f"min:{SPECS}/max:{SPECS}//max:{SPECS}/min:{SPECS}"))
def bounds(data: bytes) -> object:
    read = policy.read_bounds(text(data), "--ipolicy-bounds-specs")
    assert all(set(pair) == {"min", "max"} for pair in read)
    assert policy.read_bounds(policy.show_bounds(read), "x") == read
    return read


@target(words="192.0.2.0/24 2001:db8::/64 / 16 30 32 .0 0/0 %eth0",
        seeds=("192.0.2.0/24", "2001:db8::/64", "10.0.0.0/16"))
def networks(data: bytes) -> object:
    typed, read = text(data), []
    for version in (4, 6):
        try:
            read.append(address.read_network(typed, "--network", version=version))
        except UsageError:
            continue
        assert address.read_network(read[-1], "x", version=version) == read[-1]
        assert "/" in read[-1] and address.size(read[-1]) > 0
    return read or None


@target(words="aa:00:00 :00 00 + 0x 1 ff", seeds=("aa:00:00", "AA:bb:01"))
def mac_prefix(data: bytes) -> object:
    try:
        prefix = names.read_prefix(text(data))
    except ValueError:
        return None  # documented: the Kind around it explains
    assert re.fullmatch("([0-9a-f]{2}:){2}[0-9a-f]{2}", prefix), prefix
    return prefix


@target(words="1g 512m , 1 4 drbd", seeds=("10g,1g,2", "100,128,1,1"))
def shape(data: bytes) -> object:
    read = SHAPE.read(text(data), "--standard-alloc")
    assert min(read.dsk, read.mem, read.cpu, read.spn) >= 0
    return read


FILTER = ('name tags be/vcpus == != < <= > >= =~ !~ =* !* and or not in ( ) "web1" \'x\' 5 -5 '
          'm/^web/i /x/ m#a#s "a\\"b" "*" pnode offline disk.size/0')


@target(name="filter", words=FILTER, seeds=(
    'name == "web1" and be/vcpus > 2', '"prod" in tags or not offline', "name =~ m/^w(e)b/i",
    'name =* "web*" and (offline or "x" not in tags)', "nic.mac/0 == 'x\\'y'"))
def filter_(data: bytes) -> object:
    """A filter is read to a tree; the tree, written out, is read as the same tree."""
    tree = filters.parse(text(data))
    assert filters.parse(_written(tree)) == tree
    test = filters.compiled(tree)
    for value in ("web1", 5, None, True, ("prod",), 1.5):
        assert test(lambda _, value=value: value) in (True, False)
    try:
        filters.checked(tree, "instance")
    except UnknownField as error:
        assert error.exit_code == 14
    return tree


def _written(tree: tuple[Any, ...]) -> str:
    sign, *rest = tree
    if sign in ("&", "|"):
        return f" {'and' if sign == '&' else 'or'} ".join(f"({_written(part)})" for part in rest)
    if sign == "!":
        return f"not ({_written(rest[0])})"
    if sign == "?":
        return str(rest[0])
    if sign == "=[]":
        return f"{_value(rest[1])} in {rest[0]}"
    if sign == "=~":
        return f"{rest[0]} =~ {_pattern(rest[1])}"
    return f"{rest[0]} {sign} {_value(rest[1])}"


def _value(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _pattern(whole: str) -> str:
    """The expression with flags inside, between signs that are not in it."""
    sign = next((sign for sign in "/#^|" if sign not in whole), "")
    if not sign:
        return "m/" + re.sub(r"(?<!\\)((?:\\\\)*)/", r"\1\\/", whole) + "/"
    return f"m{sign}{whole}{sign}"


@target(words="a B 1 10 02 . - web node", seeds=("web1\nweb10\nweb2", "a\n\nB"))
def order(data: bytes) -> object:
    """Nice sorting is a permutation, and does not depend on where things stood before."""
    lines = text(data).split("\n")
    done = nice_order(lines)
    assert sorted(done) == list(range(len(lines)))
    there = [lines[k] for k in done]
    assert [there[k] for k in nice_order(there)] == there
    return done


COMMANDS = [command for noun in find.nouns() for command in find.commands(noun)]
OPTIONS = " ".join(sorted({
    f"--{name.replace('_', '-')}" for command in COMMANDS
    for name, field in command.FIELDS.items() if isinstance(field, Opt)}))


def _line(command: Any, rest: str) -> str:
    return f"{command.noun}\x01{command.verb}\x01{rest}".replace(" ", "\x01")


@target(name="argv", words=OPTIONS + " -o -f -n1 -s --disk -- - = web1 0:size=1g yes 5", seeds=(
    *(_line(command, "x --help") for command in COMMANDS),
    *(_line(command, "x y --no-wait=yes -f --force") for command in COMMANDS)))
def argv(data: bytes) -> object:
    """A command line, its words separated by \\x01: every command, any words."""
    typed = [word for word in text(data).split("\x01") if word]
    if not typed:
        return None
    if len(typed) == 1 and find.package(typed[0]) is not None:
        return None  # help
    command, _, _ = start.understood("gnt", typed)
    assert command.verb in " ".join(typed) or typed[1] in find.aliases(typed[0])
    return str(command)[:200]
