import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from clusters import Cluster
from places import place as place


@pytest.fixture(params=["local", "remote"])
def cluster(request, tmp_path):
    made = Cluster(tmp_path, kind=request.param)
    yield made
    made.close()


@pytest.fixture
def local(tmp_path):
    return Cluster(tmp_path)
