"""Every code of the reference's verify, and each of its 30 questions to nodes: who finds it here,
and the test that shows it; or the driver that would have to be there first."""

from __future__ import annotations

import inspect

import pytest

from gnt import found
from gnt.checks.base import CODES
from gnt.commands.cluster.verify import every
from tests.checks import test_findings as findings
from tests.checks import test_mirrors as mirrors
from tests.commands import test_verify as verify

TESTS = {
    "ECLUSTERCERT": findings.test_signers,
    "ECLUSTERCFG": verify.test_the_same_mac_twice,
    "ECLUSTERFILECHECK": findings.test_programs,
    "EINSTANCEBADNODE": verify.test_configurations_that_make_no_sense,
    "EINSTANCEDOWN": verify.test_guests_that_are_not_where_they_belong,
    "EINSTANCEFAULTYDISK": verify.test_disks,
    "EINSTANCELAYOUT": findings.test_disks_spread_over_groups,
    "EINSTANCEMISSINGCFGPARAMETER": findings.test_parameters_of_hypervisors,
    "EINSTANCEMISSINGDISK": verify.test_disks,
    "EINSTANCEPOLICY": verify.test_configurations_that_make_no_sense,
    "EINSTANCESPLITGROUPS": findings.test_disks_spread_over_groups,
    "EINSTANCEUNSUITABLENODE": verify.test_configurations_that_make_no_sense,
    "EINSTANCEWRONGNODE": verify.test_guests_that_are_not_where_they_belong,
    "ECLUSTERDANGLINGINST": verify.test_configurations_that_make_no_sense,
    "ECLUSTERDANGLINGNODES": verify.test_configurations_that_make_no_sense,
    "EGROUPDIFFERENTPVSIZE": mirrors.test_physical_volumes_of_exclusive_storage,
    "ENODEDRBD": mirrors.test_devices_of_no_disk,
    "ENODEDRBDHELPER": mirrors.test_kernels,
    "ENODEDRBDVERSION": mirrors.test_kernels,
    "ENODELVM": mirrors.test_volume_groups,
    "ENODEFILECHECK": verify.test_a_change_that_was_staged_and_left,
    "ENODEFILESTORAGEPATHS": findings.test_folders_where_no_disk_may_be,
    "ENODEFILESTORAGEPATHUNUSABLE": findings.test_folders_for_disks,
    "ENODEHOOKS": findings.test_hooks_of_verify,
    "ENODEHV": findings.test_hypervisors,
    "ENODEN1": findings.test_the_loss_of_a_node,
    "ENODENET": findings.test_neighbours,
    "ENODEOOBPATH": findings.test_programs,
    "ENODEORPHANINSTANCE": verify.test_strangers_and_remains,
    "ENODEORPHANLV": verify.test_disks,
    "ENODERPC": verify.test_hosts,
    "ENODESETUP": findings.test_what_jobs_left,
    "ENODESHAREDFILESTORAGEPATHUNUSABLE": findings.test_folders_for_disks,
    "ENODESSH": findings.test_keys_that_are_let_in,
    "ENODETIME": verify.test_hosts,
    "ENODEUSERSCRIPTS": findings.test_programs,
    "ENODEVERSION": verify.test_hosts,
}

#: Codes of what is not there: (package, driver), or why nothing of the kind can be wrong here.
ABSENT = {
    "ENODEGLUSTERSTORAGEPATHUNUSABLE": ("gnt.storage", "gluster"),
    "ENODEOS": "there are no operating system definitions on nodes: images are given by file",
}

#: The 30 questions of the reference's node_verify, and the check here that asks them.
QUESTIONS = {
    "allowed-file-storage-paths": "paths", "bridges": "hosts", "client-cert": "keys",
    "file-storage-path": "paths", "filelist": "copies", "hvinfo": "spare", "hvparms": "hypervisors",
    "hypervisor": "hypervisors", "instancelist": "guests", "lvlist": "disks",
    "master-ip": "addresses", "node-net-test": "neighbours", "nodelist": "neighbours",
    "nodesetup": "hosts", "nonvmnodes": "consistency", "oob-paths": "programs",
    "shared-file-storage-path": "paths", "ssh-clutter": "clutter", "ssh-setup": "keys",
    "time": "hosts", "user-scripts": "programs", "version": "hosts",
    "drbd-helper": "mirrors", "drbd-list": "mirrors", "drbd-version": "mirrors",
    "exclusive-pvs": "volumes", "pvlist": "volumes", "vglist": "volumes",
}
WITHOUT_DRIVER = {
    "gluster-storage-path": "gluster",
}
NEVER = {"oslist"}  # as ENODEOS


def test_every_code_has_a_test_or_no_driver():
    assert TESTS.keys() | ABSENT.keys() == CODES.keys() and len(CODES) == 39
    assert not TESTS.keys() & ABSENT.keys()
    assert {code for check in every() for code in check.codes} == TESTS.keys()


@pytest.mark.parametrize("code", TESTS)
def test_the_named_test_is_about_the_code(code):
    """Also where the code is a parameter of the test."""
    marks = getattr(TESTS[code], "pytestmark", [])
    told = inspect.getsource(TESTS[code]) + repr([mark.args for mark in marks])
    assert f"{code}'" in told or f'{code}"' in told


@pytest.mark.parametrize("code", [c for c, why in ABSENT.items() if isinstance(why, tuple)])
def test_what_is_absent_is_absent(code):
    package, name = ABSENT[code]
    assert name not in found.names(package), f"{code} can be found now: write its check"


def test_all_thirty_questions_are_asked_or_have_no_driver():
    asked = {type(check).__module__.rpartition(".")[2].lstrip("_") for check in every()}
    assert set(QUESTIONS.values()) <= asked
    assert len(QUESTIONS) + len(WITHOUT_DRIVER) + len(NEVER) == 30
    assert not set(WITHOUT_DRIVER.values()) & set(found.names("gnt.storage"))
