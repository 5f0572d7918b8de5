"""The clients that ``fanout.py`` measures: each runs in a process of its own, and imports little.

    fanout_clients.py gnt|gnt-warm|fabric|fabric-warm|pssh HOME HOSTS
"""

from __future__ import annotations

import os
import sys
import time

FACTS = "cat /proc/meminfo /proc/loadavg; uname -r"


def address(number: int) -> str:
    """Of a node of the lab (``gnt.lab.layout``, which other tools' Pythons need not load)."""
    return f"10.77.{number // 200}.{number % 200 + 10}"


def host_keys(home: str) -> dict[str, str]:
    with open(f"{home}/known_hosts") as file:
        lines = [line.split(maxsplit=1) for line in file]
    return {name: key.strip() for names, key in lines for name in names.split(",")}


def gnt_transport(home: str, hosts: int):
    from gnt.model.objects import Node
    from gnt.ssh.identity import Identities
    from gnt.ssh.transport import SshTransport

    keys = host_keys(home)
    transport = SshTransport(Identities(files=(f"{home}/login",)), connect=30)
    names = [f"node{n}" for n in range(1, hosts + 1)]
    transport.know(
        [Node(uuid=name, name=name, primary_ip=address(n), secondary_ip=address(n), group="g",
              host_keys=(keys[address(n)],)) for n, name in enumerate(names, 1)],
        1,
    )
    return transport, names


def gnt_tasks():
    from gnt.plan import node_task, script, text

    @node_task(deadline=60)
    def facts():
        return script(FACTS, parse=text)

    @node_task(deadline=60)
    def nothing():
        return script("true", parse=text)

    return facts, nothing


def client_gnt(home: str, hosts: int) -> None:
    transport, names = gnt_transport(home, hosts)
    facts, _ = gnt_tasks()
    answers = transport.ask([facts.on(name) for name in names])
    good = sum(isinstance(answer, str) and "MemTotal" in answer for answer in answers.values())
    transport.close()
    finish(good == hosts)


def client_gnt_warm(home: str, hosts: int) -> None:
    transport, names = gnt_transport(home, hosts)
    _, nothing = gnt_tasks()
    calls = [nothing.on(name) for name in names]
    transport.ask(calls)
    warm(lambda: all(answer == "" for answer in transport.ask(calls).values()))


def client_fabric(home: str, hosts: int) -> None:
    group = fabric_group(home, hosts)
    results = group.run(FACTS, hide=True)
    finish(all(result.ok for result in results.values()))


def client_fabric_warm(home: str, hosts: int) -> None:
    group = fabric_group(home, hosts)
    group.run("true", hide=True)
    warm(lambda: all(result.ok for result in group.run("true", hide=True).values()))


def fabric_group(home: str, hosts: int):
    import fabric

    return fabric.ThreadingGroup(
        *(f"root@{address(n)}" for n in range(1, hosts + 1)),
        connect_kwargs={"key_filename": f"{home}/login", "allow_agent": False,
                        "look_for_keys": False},
    )


def client_pssh(home: str, hosts: int) -> None:
    from pssh.clients import ParallelSSHClient

    client = ParallelSSHClient([address(n) for n in range(1, hosts + 1)], user="root",
                               pkey=f"{home}/login", pool_size=50, allow_agent=False)
    outputs = client.run_command(FACTS)
    client.join()
    finish(all("MemTotal" in "\n".join(output.stdout) for output in outputs))


def warm(step) -> None:
    """Time further steps; prints ms of wall and of CPU per step."""
    good, walls, before = True, [], time.process_time()
    for _ in range(10):
        began = time.perf_counter()
        good = step() and good
        walls.append(time.perf_counter() - began)
    cpu = (time.process_time() - before) / 10
    print(f'{{"wall": {sorted(walls)[5] * 1e3}, "cpu": {cpu * 1e3}}}')
    finish(good)


def finish(good: bool) -> None:
    """As a command ends: nothing is torn down that the kernel takes down anyway."""
    sys.stdout.flush()
    os._exit(0 if good else 1)


if __name__ == "__main__":
    globals()["client_" + sys.argv[1].replace("-", "_")](sys.argv[2], int(sys.argv[3]))
