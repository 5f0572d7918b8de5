"""Becomes ``__main__.py`` of the archive; build_zipapp.py fills in @BUILD@ and @TAG@.

Unpacks once per build into a private cache and runs from there: importing from inside the archive
costs more on every start, and shared objects cannot be loaded from it at all.
"""

import os
import sys


def site():
    if sys.implementation.cache_tag != "@TAG@":
        raise SystemExit(
            "gnt: this archive was built for @TAG@, not " + sys.implementation.cache_tag
        )
    if os.geteuid() == 0:
        root = "/var/cache/gnt"
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        root = os.path.join(cache, "gnt")
    path = os.path.join(root, "@BUILD@-@TAG@")
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return unpacked(root, path)
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise SystemExit("gnt: others may write to " + path + "; remove it and try again")
    return path


def unpacked(root, path):
    import io
    import tempfile
    import zipfile

    os.makedirs(root, 0o700, exist_ok=True)
    new = tempfile.mkdtemp(prefix=".new-", dir=root)
    payload = __loader__.get_data(os.path.join(__loader__.archive, "payload.zip"))
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        archive.extractall(new)
    try:
        os.rename(new, path)
    except OSError:  # another process was first
        import shutil

        shutil.rmtree(new, ignore_errors=True)
    return path


sys.path[0] = site()
from gnt.cli.main import main  # noqa: E402 - only now is it importable

sys.exit(main())
