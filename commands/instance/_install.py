"""Writing a disk image onto the first disk of a new instance."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.guest import image as images
from gnt.model import inherit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gnt.guest.image import Image
    from gnt.hypervisor.base import Guest
    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.plan import Step
    from gnt.storage.base import DiskSpec


def with_file(parameters: Mapping[str, str], where: str = "-O") -> Mapping[str, str]:
    """The OS parameters with ``user_data=@FILE`` replaced by what the file holds."""
    data = parameters.get("user_data", "")
    if not data.startswith("@"):
        return parameters
    try:
        with open(data[1:], encoding="utf-8") as stream:
            return {**parameters, "user_data": stream.read()}
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{where}.user_data", f"{data[1:]} cannot be read: {error}") from None


def chosen(cfg: Config, inst: Instance) -> Image | None:
    """The image that an instance's OS parameters name: its own, its OS's, the cluster's."""
    params: dict[str, str] = {}
    for level in inherit.os_levels(cfg.cluster, inst):
        if "image" in level:  # a sum belongs to the image of its level
            params.pop("sha256", None)
        params.update({key: str(value) for key, value in level.items() if value is not None})
    return images.read(params)


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
