"""Kinds read what people type and refuse the rest, naming text and range."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt import values
from gnt.errors import Invalid


@pytest.mark.parametrize(
    ("text", "mib"),
    [("512", 512), ("1g", 1024), ("1.5G", 1536), ("2t", 2097152), ("10", 12), ("1GiB", 1024),
     ("0", 0), ("3.1m", 4)],
)  # fmt: skip
def test_sizes_are_mib_rounded_up_to_four(text, mib):
    assert values.SIZE.read(text) == mib


@pytest.mark.parametrize("text", ["", "g", "-1", "1x", "nan", "inf", "1e30", "1,5", "ten"])
def test_bad_sizes_name_the_option_and_the_form(text):
    with pytest.raises(Invalid, match=r"^--size: .* is not a size"):
        values.SIZE.read(text, "--size")


@given(st.floats(0, 2**38))
def test_a_size_is_never_rounded_down(number):
    mib = values.read_size(repr(number) if "e" not in repr(number) else "0")
    assert mib % values.SIZE_STEP == 0
    assert mib >= (number if "e" not in repr(number) else 0)


def test_pairs():
    assert values.read_pairs(r"a=1,no_b,-c,d=x\,y,e") == {
        "a": "1", "b": "no", "c": "default", "d": "x,y", "e": "yes",
    }  # fmt: skip
    assert values.read_pairs("") == {}


@pytest.mark.parametrize("text", ["=1", "a=1,a=2", "a=1,,b=2"])
def test_bad_pairs(text):
    with pytest.raises(Invalid):
        values.PAIRS.read(text, "-B")


@given(st.dictionaries(st.text("abc", min_size=1), st.text(alphabet=r"xyz,\=:"), max_size=4))
def test_pairs_survive_escaping(pairs):
    text = ",".join(
        f"{k}={v.replace(chr(92), chr(92) * 2).replace(',', chr(92) + ',')}"
        for k, v in pairs.items()
    )
    assert values.read_pairs(text) == pairs


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (values.BOOL, "Yes", "maybe"),
        (values.TAG, "web/front:1", "a b"),
        (values.TAG, "a" * 128, "a" * 129),
        (values.HOSTNAME, "a-1.example.com", "-a"),
        (values.HOSTNAME, "web", "a..b"),
        (values.MAC, "AA:00:00:12:34:56", "aa:00:00:12:34"),
        (values.MAC, "02:00:00:00:00:01", "01:00:00:00:00:01"),
        (values.IP, "10.0.0.1", "10.0.0.256"),
        (values.IP, "fe80::1", "fe80:::1"),
        (values.PATH, "/srv/x", "/srv/../etc"),
        (values.DURATION, "2h", "2y"),
        (values.whole(1, 8), "8", "9"),
        (values.real(0, 1), "0.5", "inf"),
        (values.choice("a", "b"), "b", "c"),
    ],
)
def test_kinds_take_the_good_and_refuse_the_bad(kind, good, bad):
    kind.read(good)
    with pytest.raises(Invalid, match=r"^here: "):
        kind.read(bad, "here")


def test_shown_sizes():
    assert [values.show_size(n) for n in (512, 1536, 3 * 1024**2)] == ["512M", "1.5G", "3.0T"]
    assert values.show_size(1536, "m") == "1536"
    assert values.show_size(1536, "g") == "1.5"
