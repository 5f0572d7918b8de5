"""The shape of the code: rules that keep it readable, checked on the source itself.

Each rule was broken somewhere by good people under pressure; here breaking it fails the build.
"""

from __future__ import annotations

import ast
import functools
import importlib
import pathlib
import re
import subprocess
import tomllib

import pytest

from gnt import found

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRODUCT = ("gnt", "commands", "config", "ssh", "htools_ext")
LINKED = {"commands", "config", "ssh", "htools_ext"}  # in gnt/ as symbolic links
NAMELESS = {
    "utils", "util", "common", "helpers", "helper", "misc", "constants", "manager", "handler",
}
MOST_LINES, MOST_IN_FUNCTION = 400, 60


def _python(*folders: str) -> list[pathlib.Path]:
    files = (file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return sorted(file for file in files if not _linked(file.relative_to(ROOT)))


def _linked(path: pathlib.Path) -> bool:
    return path.parts[0] == "gnt" and path.parts[1] in LINKED


@functools.cache
def _tree(file: pathlib.Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


def _shown(file: pathlib.Path, node: ast.AST | None = None) -> str:
    line = f":{node.lineno}" if isinstance(node, ast.expr | ast.stmt) else ""
    return f"{file.relative_to(ROOT)}{line}"


def _functions(file: pathlib.Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(_tree(file)) if isinstance(node, ast.FunctionDef)]


def _tracked() -> list[pathlib.Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().splitlines()]


PRODUCT_FILES = _python(*PRODUCT)
TEST_FILES = _python("tests")


def test_no_module_has_a_name_that_says_nothing() -> None:
    files = PRODUCT_FILES + TEST_FILES
    nameless = [_shown(f) for f in files if NAMELESS & {f.stem, *f.relative_to(ROOT).parts[:-1]}]
    assert nameless == []


def test_files_and_functions_stay_short() -> None:
    native = [f for f in (ROOT / "htools_ext").iterdir() if f.suffix in (".pyx", ".pxd", ".h")]
    files = sorted(((len(f.read_text().splitlines()), _shown(f)) for f in PRODUCT_FILES + native),
                   reverse=True)
    functions = sorted(
        (((node.end_lineno or 0) - node.lineno + 1, f"{_shown(f, node)} {node.name}")
         for f in PRODUCT_FILES for node in _functions(f)), reverse=True)
    print("longest files:", *(f"\n  {n} {name}" for n, name in files[:10]))
    print("longest functions:", *(f"\n  {n} {name}" for n, name in functions[:10]))
    assert [f"{name}: {n} lines" for n, name in files if n > MOST_LINES] == []
    assert [f"{name}: {n} lines" for n, name in functions if n > MOST_IN_FUNCTION] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [_shown(f) for f in PRODUCT_FILES if f.read_text().strip() and f.name != "__init__.py"
              and not ast.get_docstring(_tree(f))]
    assert silent == []


def test_tests_use_neither_mocks_nor_patches_nor_skips() -> None:
    banned = {"setattr", "setitem", "skip", "skipif", "xfail", "importorskip", "patch", "MagicMock"}
    owners = {"monkeypatch", "pytest", "mark", "mock", "mocker", "unittest"}
    used = []
    for file in TEST_FILES:
        for node in ast.walk(_tree(file)):
            if isinstance(node, ast.Attribute) and node.attr in banned:
                owner = ast.unparse(node.value).split(".")[-1]
                used += [f"{_shown(file, node)} {owner}.{node.attr}"] if owner in owners else []
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = {getattr(node, "module", "") or "", *(a.name for a in node.names)}
                used += [_shown(file, node)] if "mock" in " ".join(names).lower() else []
    assert used == []


@functools.cache
def _asserting(file: pathlib.Path) -> set[str]:
    """The functions of a file that assert by themselves."""
    return {node.name for node in _functions(file) if _asserts(node, set())}


def _asserts(function: ast.FunctionDef, helping: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("pytest.raises", "lab.ssh", "lab.run", "lab.on"):
                return True  # a Lab's commands check their exit status
            if called in helping:
                return True
            if re.match(r"_?(check|assert|expect|wait_for)", called.split(".")[-1]):
                return True
    return False


def test_every_test_can_fail() -> None:
    toothless = [
        f"{_shown(file, node)} {node.name}"
        for file in TEST_FILES if file.name.startswith("test_")
        for node in _functions(file)
        if node.name.startswith("test_") and not _asserts(node, _asserting(file))]
    assert toothless == []


def test_the_folder_packaging_never_becomes_a_package() -> None:
    assert not (ROOT / "packaging/__init__.py").exists()  # it would shadow pip's own dependency


def test_the_list_of_packages_is_the_tree() -> None:
    with open(ROOT / "pyproject.toml", "rb") as file:
        listed = tomllib.load(file)["tool"]["setuptools"]["packages"]
    tree = set()
    for file in PRODUCT_FILES:
        if file.name == "__init__.py":
            parts = file.relative_to(ROOT).parts[:-1]
            tree.add(".".join(parts if parts[0] == "gnt" else ("gnt", *parts)))
    assert sorted(listed) == sorted(tree)


def test_data_files_are_shipped() -> None:
    with open(ROOT / "pyproject.toml", "rb") as file:
        shipped = tomllib.load(file)["tool"]["setuptools"]["package-data"]
    lost = []
    for file in _tracked():
        parts = file.relative_to(ROOT).parts
        if parts[0] in PRODUCT and file.suffix not in (".py", ".pyx", ".pxd", ".h", ".c") and not (
                len(parts) > 1 and parts[1] in LINKED and parts[0] == "gnt"):
            package = ".".join(parts[:-1] if parts[0] == "gnt" else ("gnt", *parts[:-1]))
            patterns = shipped.get(package, [])
            lost += [] if any(file.match(pattern) for pattern in patterns) else [_shown(file)]
    assert lost == []


def test_imports_go_down_only() -> None:
    import sys

    done = subprocess.run(
        [pathlib.Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


DRIVER_PACKAGES = ("gnt.storage", "gnt.hypervisor", "gnt.net")
ABOUT_DRIVERS = re.compile(r"hypervisor|template|nic_?mode|\bmode\b|disk_type", re.I)

BY_DEFINITION = {  # file → why it may
    "gnt/query/tables/_nics.py": "the field bridge is defined by the mode; drivers lie above",
    "gnt/htools/iallocator.py": "the names are of Ganeti's format, and so is what follows of them",
    "gnt/htools/capacity.py": "likewise",
    "gnt/htools/config.py": "likewise",
    "gnt/htools/place.py": "likewise",
    "gnt/htools/text.py": "likewise",
    "gnt/htools/world.py": "likewise",
    "gnt/htools/load.py": "the option is defined for KVM; drivers lie beside",
}


def test_nobody_compares_with_a_driver_s_name() -> None:
    named = {name.replace("_", "-"): package.replace(".", "/") + "/" + name
             for package in DRIVER_PACKAGES for name in found.names(package)}
    compared = []
    for file in PRODUCT_FILES:
        for node in ast.walk(_tree(file)):
            if not isinstance(node, ast.Compare):
                continue
            words = {c.value for c in ast.walk(node) if isinstance(c, ast.Constant)} & named.keys()
            own = any(_shown(file).startswith(named[word]) for word in words)
            own = own or str(file.relative_to(ROOT)) in BY_DEFINITION
            if words and not own and ABOUT_DRIVERS.search(ast.unparse(node)):
                compared.append(f"{_shown(file, node)} {ast.unparse(node)}")
    # Give drivers a method or a subclass for it; a reason why not goes to BY_DEFINITION.
    assert compared == []


def _bodies(file: pathlib.Path) -> list[tuple[str, str]]:
    """(place, text) of every shell text handed to ``script``; it has to be a constant."""
    calls = [node for node in ast.walk(_tree(file)) if isinstance(node, ast.Call)
             and isinstance(node.func, ast.Name) and node.func.id in _scripts(file)]
    if not calls:
        return []
    parts = file.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts if parts[0] == "gnt" else ("gnt", *parts)).removesuffix(".__init__")
    module = importlib.import_module(name)
    return [(_shown(file, call), _constant(text, vars(module)))
            for call in calls for text in _choices(call.args[0])]


def _scripts(file: pathlib.Path) -> set[str]:
    """What a file calls the makers of scripts that it imports."""
    return {name.asname or name.name for node in ast.walk(_tree(file))
            if isinstance(node, ast.ImportFrom) and node.module == "gnt.plan"
            for name in node.names if name.name in ("script", "Script")}


def _choices(text: ast.expr) -> list[ast.expr]:
    """The texts among which a condition chooses."""
    return [text.body, text.orelse] if isinstance(text, ast.IfExp) else [text]


def _constant(text: ast.expr, names: dict[str, object]) -> str:
    assert not any(isinstance(n, ast.JoinedStr) for n in ast.walk(text)), ast.unparse(text)
    value = eval(compile(ast.Expression(text), "body", "eval"), names)
    assert isinstance(value, str)
    return value


@functools.cache
def _constant_scripts() -> tuple[list[tuple[str, str]], list[str]]:
    bodies, made = [], []
    for file in PRODUCT_FILES:
        try:
            bodies += _bodies(file)
        except (NameError, AssertionError) as error:
            made.append(f"{_shown(file)}: {error}")
    return bodies, made


def test_node_scripts_are_constant_texts() -> None:
    bodies, made = _constant_scripts()
    assert made == []
    assert len(bodies) > 10


def test_shell_is_clean(tmp_path: pathlib.Path) -> None:
    files = {str(f): f for f in _tracked() if f.suffix == ".sh" or f == ROOT / ".ci/run"}
    for number, (place, text) in enumerate(_constant_scripts()[0]):
        path = tmp_path / f"{number}.sh"
        path.write_text(f"# shellcheck shell=dash\n{text}")
        files[str(path)] = pathlib.Path(place)
    done = subprocess.run(["shellcheck", "-s", "dash", "-f", "gcc", *files],
                          capture_output=True, text=True, check=False)
    said = [f"{files[line.split(':')[0]]}:{line}" for line in done.stdout.splitlines()]
    assert said == []


WORKPLACE = re.compile("/" + r"work/(?:main|shared|\.library)|/" + "farm/|pypi-" + "more")


def test_nothing_names_the_place_where_it_was_written() -> None:
    named = []
    for file in _tracked():
        if file.is_file() and not file.is_symlink():
            text = file.read_text(errors="replace")
            named += [f"{_shown(file)}: {m.group()}" for m in WORKPLACE.finditer(text)]
    assert named == []


@pytest.mark.parametrize("words", [
    ("gnt-lab", "list"), ("gnt-instance", "--version"), ("gnt-instance", "list-fields", "name"),
])
def test_a_light_command_line_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    from tests.startup import HEAVY, imported_by

    assert imported_by(*words) & HEAVY == set()


def test_people_are_told_what_each_step_does() -> None:
    untitled = []
    sources = [f for f in _tracked() if f.suffix == ".py" and f.is_file()]
    for file in (f for f in sources if "tests" not in f.parts):
        for node in ast.walk(_tree(file)):
            if (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Step"
                    and not any(word.arg == "title" for word in node.keywords)):
                untitled += [f"{_shown(file)}:{node.lineno}"]
    assert untitled == []
