"""Loading fabric without what is not needed, and getting it back when it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = ("asyncio", "unittest.mock", "invoke.vendor.yaml", "importlib.metadata", "email",
            "tempfile")


def in_new_python(text: str):
    """What a program printed as JSON that has loaded fabric as we do."""
    program = f"import json, sys\nfrom gnt.ssh.lean import load_fabric\nload_fabric()\n{text}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return json.loads(done.stdout)


def test_nothing_of_it_is_loaded():
    loaded = in_new_python("import fabric\nprint(json.dumps(sorted(sys.modules)))")
    assert "fabric.connection" in loaded and "paramiko.transport" in loaded
    assert not set(LEFT_OUT) & set(loaded)


def test_whoever_uses_it_gets_the_real_thing():
    found = in_new_python(
        "import importlib, unittest.mock, invoke, paramiko, wrapt\n"
        "context = invoke.MockContext(run={'a': invoke.Result('said')}, repeat=True)\n"
        "real = importlib.metadata.version('paramiko')\n"
        "print(json.dumps([context.run('a').stdout, invoke.util.yaml.safe_load('a: 1'),\n"
        "                  paramiko.__version__ == real, unittest.mock.__file__[-7:]]))")
    assert found == ["said", {"a": 1}, True, "mock.py"]


def test_programs_that_have_loaded_them_before_keep_theirs():
    found = in_new_python("import unittest.mock as one\nload_fabric()\n"
                          "import unittest.mock as two\nprint(json.dumps(one is two))")
    assert found is True
