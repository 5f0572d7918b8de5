"""The options that set an instance policy, for the cluster and for groups."""

from __future__ import annotations

from gnt.commands._state import StateOptions
from gnt.errors import Invalid
from gnt.model import policy
from gnt.spec import opt
from gnt.values import PAIRS, TEXT, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


class PolicyOptions(StateOptions):
    """``--ipolicy-…``; a value of ``default`` takes a group's own setting back."""

    ipolicy_bounds_specs: str | None = opt(
        TEXT, "what instances may be: min:memory-size=…,cpu-count=…,disk-size=…,disk-count=…,"
        "nic-count=…,spindle-use=…/max:…, more pairs after //", default=None, metavar="BOUNDS")
    ipolicy_std_specs: Mapping[str, str] = opt(
        PAIRS, "the standard instance that capacity is counted in", default={})
    ipolicy_vcpu_ratio: str | None = opt(TEXT, "virtual CPUs per CPU at most", default=None,
                                         metavar="RATIO")
    ipolicy_spindle_ratio: str | None = opt(TEXT, "spindle uses per spindle at most", default=None,
                                            metavar="RATIO")
    ipolicy_disk_templates: tuple[str, ...] = opt(words_of(), "disk templates that are allowed",
                                                  default=())

    def policy(self, before: Mapping[str, Any], level: str) -> dict[str, Any] | None:
        """The level's own policy after the change; None when nothing was given."""
        given = dict(self._given(level))
        if not given:
            return None
        own = {**before, **given}
        own = {key: value for key, value in own.items() if value is not None}
        if level == "cluster":
            policy.check({**policy.DEFAULT, **own}, "--ipolicy-std-specs")
        return own

    def _given(self, level: str) -> Iterator[tuple[str, Any]]:
        bounds = self.ipolicy_bounds_specs
        if bounds is not None:
            yield "minmax", None if bounds == "default" else policy.read_bounds(
                bounds, "--ipolicy-bounds-specs")
        if self.ipolicy_std_specs:
            if level != "cluster":
                raise Invalid("--ipolicy-std-specs", "is set for the whole cluster only",
                              hint="gnt-cluster modify --ipolicy-std-specs …")
            spec = policy.read_spec(self.ipolicy_std_specs, "--ipolicy-std-specs")
            yield "std", {**policy.LOWEST, **spec}
        for name, text in (("vcpu-ratio", self.ipolicy_vcpu_ratio),
                           ("spindle-ratio", self.ipolicy_spindle_ratio)):
            if text is not None:
                yield name, None if text == "default" else policy.read_ratio(
                    text, f"--ipolicy-{name}")
        if self.ipolicy_disk_templates:
            names = self.ipolicy_disk_templates
            yield "disk-templates", None if names == ("default",) else policy.read_templates(
                names, "--ipolicy-disk-templates")
