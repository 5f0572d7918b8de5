"""Writing a disk image onto the first disk of a new instance."""

from __future__ import annotations

from gnt.errors import Invalid, NotYet
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gnt.hypervisor.base import Guest
    from gnt.model.objects import Instance
    from gnt.plan import Step
    from gnt.storage.base import DiskSpec


class Image(Record):
    """An image and how it is known to be the right one."""

    source: str
    sha256: str


def read(parameters: Mapping[str, str]) -> Image | None:
    """The image that the OS parameters name, if they do."""
    source = parameters.get("image")
    if source is None:
        return None
    raise NotYet("-O image=… is not there yet", hint="leave it out, and boot by other means")


def require_disk(image: Image | None, specs: Sequence[DiskSpec]) -> None:
    """Raise Invalid when there is nothing to write an image on."""
    if image is not None and not specs:
        raise Invalid("-O image", "the instance has no disk to write it on",
                      hint="--disk 0:size=10g")


def steps(image: Image, guest: Guest, inst: Instance) -> Iterator[Step]:
    yield from ()
