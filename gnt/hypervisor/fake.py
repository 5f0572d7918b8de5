"""Guests that are only files: the whole life cycle without a hypervisor, for scale and speed.

``/run/gnt/fake/<uuid>`` holds one line: state, memory, virtual CPUs, name.  The scripts start no
further process, once the folder is there.
"""

from __future__ import annotations

from gnt.hypervisor.base import Capabilities, Guest, Migratable, Running
from gnt.plan import Script, Step, node_task, script
from gnt.record import Record, field
from gnt.values import choice, natural, show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from gnt.plan import Call

_PUT = r"""
file=/run/gnt/fake/$1 state=$2 memory=$3 vcpus=$4 name=$5 from=$6
old=; [ -f "$file" ] && read -r old _ <"$file"
[ "$old" = "$state" ] && exit 0
case " $from " in
    *" ${old:-absent} "*) ;;
    *" always "*) exit 0 ;;
    *) echo "$name is ${old:-absent} on this node, cannot become $state" >&2; exit 1 ;;
esac
[ -d /run/gnt/fake ] || mkdir -p /run/gnt/fake || exit 1
echo "$state $memory $vcpus $name" >"$file"
"""

_DROP = r"""
file=/run/gnt/fake/$1 unless=$2
[ -f "$file" ] || exit 0
read -r old _ <"$file"
[ -n "$unless" ] && [ "$old" = "$unless" ] && {
    echo "the guest has moved here already; resume the job instead" >&2; exit 113; }
rm -f "$file"
"""

_FOUND = r"""
for file in /run/gnt/fake/*; do
    [ -f "$file" ] && read -r line <"$file" && echo "${file##*/} $line"
done
exit 0
"""


@node_task(deadline=20)
def put(
    uuid: str,
    state: str,
    memory: int,
    vcpus: int,
    name: str,
    come_from: tuple[str, ...],
) -> Script[None]:
    """Bring a guest into a state, from one of those it may come from.

    From any other it is an error, or nothing at all when ``always`` is among them (to undo).
    """
    return script(_PUT, uuid, state, memory, vcpus, name, " ".join(come_from))


@node_task(deadline=20)
def drop(uuid: str, unless: str = "") -> Script[None]:
    """End a guest, if it is there; refused in the state ``unless``."""
    return script(_DROP, uuid, unless)


@node_task(deadline=20)
def found() -> Script[tuple[Running, ...]]:
    """All guests on the node."""
    return script(_FOUND, parse=parse_found)


@node_task(deadline=20)
def version() -> Script[Capabilities]:
    """Every node can do this."""
    return script("echo 1", parse=lambda output: Capabilities(version=output.strip()))


def parse_found(output: str) -> tuple[Running, ...]:
    """The guests in what ``found`` printed: uuid, state, memory, virtual CPUs, name."""
    guests = []
    for line in output.splitlines():
        uuid, state, memory, vcpus, name = line.split(" ", 4)
        guests.append(
            Running(name=name, uuid=uuid, memory=natural(memory), vcpus=natural(vcpus), state=state)
        )
    return tuple(guests)


class Params(Record):
    migration_mode: str = field(
        choice("live", "non-live"), "how instances migrate unless asked otherwise", default="live"
    )


class Fake(Migratable):
    name = "fake"
    params: ClassVar[type[Record]] = Params
    global_params = ("migration_mode",)

    def check(self, params: Record, where: str) -> None:
        """Nothing can contradict itself."""

    def capabilities(self, node: str, params: Record) -> Call[Capabilities]:
        return version.on(node)

    def start(self, guest: Guest) -> Iterator[Step]:
        state = "paused" if guest.paused else "running"
        yield Step(
            do=_put(guest, state, "absent", "running", "paused"),
            undo=drop.on(guest.node, guest.uuid),
            title=f"start {guest.name}",
        )

    def stop(self, guest: Guest, timeout: int) -> Iterator[Step]:
        yield Step(do=drop.on(guest.node, guest.uuid), title=f"end {guest.name}")

    def reboot(self, guest: Guest) -> Iterator[Step]:
        yield Step(
            do=_put(guest, "running", "running", "paused"), title=f"reset {guest.name}"
        )

    def found(self, node: str) -> Call[tuple[Running, ...]]:
        return found.on(node)

    def console(self, guest: Guest) -> tuple[str, ...]:
        return ("cat", f"/run/gnt/fake/{guest.uuid}")

    def migrate(
        self,
        guest: Guest,
        target: Guest,
        *,
        live: bool,
    ) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        state = "paused" if guest.paused else "running"
        abandon = drop.on(target.node, target.uuid, state)
        attempt = (
            Step(
                do=_put(target, "incoming", "absent", state),
                undo=abandon,
                title=f"wait for {guest.name} on {target.node}",
            ),
            Step(
                do=_put(guest, "migrated", state),
                undo=_put(guest, state, "migrated", "always"),
                title=f"migrate {guest.name} to {target.node}",
            ),
            Step(
                do=_put(target, state, "incoming"),
                undo=_put(target, "incoming", state, "always"),
                title=f"see that {guest.name} runs on {target.node}",
            ),
        )
        end = Step(
            do=drop.on(guest.node, guest.uuid), title=f"end {guest.name} on {guest.node}"
        )
        return attempt, (end,)

    def balloon(self, guest: Guest, memory: int) -> Iterator[Step]:
        yield Step(do=drop.on(guest.node, guest.uuid), title=f"end {guest.name}")
        yield Step(
            do=_put(guest.replace(memory=memory), "running", "absent"),
            title=f"start {guest.name} with {show_size(memory)}",
        )


def _put(guest: Guest, state: str, *come_from: str) -> Call[None]:
    return put.on(guest.node, guest.uuid, state, guest.memory, guest.vcpus, guest.name, come_from)


DRIVER = Fake()
