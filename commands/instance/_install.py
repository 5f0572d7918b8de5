"""Writing a disk image onto the first disk of a new instance."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.guest import image as images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.guest.image import Image
    from gnt.hypervisor.base import Guest
    from gnt.plan import Step
    from gnt.storage.base import DiskSpec


def require_disk(image: Image | None, specs: Sequence[DiskSpec]) -> None:
    """Raise Invalid when there is nothing to write an image on."""
    if image is not None and not specs:
        raise Invalid("-O image", "the instance has no disk to write it on",
                      hint="--disk 0:size=10g")


def steps(image: Image | None, guest: Guest) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """(attempt, settle): the image is on the first disk."""
    if image is None:
        return (), ()
    disk = guest.disks[0]
    write, finish = images.install(image, guest.node, disk.uuid, disk.source, disk.size)
    return (write,), (finish,)
