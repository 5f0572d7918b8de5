"""OS parameters that are not for everybody's eyes (ADR 0080)."""

from __future__ import annotations

from gnt.commands.instance import _install
from gnt.errors import Invalid
from gnt.guest import seed
from gnt.model import private
from gnt.values import RESET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.objects import Params
    from gnt.spec import Session

PUBLIC = ("image", "sha256", *(key for key in seed.KEYS if key != "user_data"))


def sealed(
    session: Session, owner: str, values: Mapping[str, str], where: str,
) -> dict[str, str]:
    """The values as marks, which may be stored; ``default`` stays, it takes a parameter away."""
    checked = read(values, where)
    kept = {name: value for name, value in checked.items() if value != RESET}
    marks = session.seal(owner, kept) if kept else {}
    return {name: marks.get(name, RESET) for name in checked}


def read(values: Mapping[str, str], where: str) -> Mapping[str, str]:
    """The values as given, checked, ``@FILE`` replaced by what it holds."""
    for name in values:
        if name in PUBLIC:
            raise Invalid(f"{where}.{name}", "can only be a public OS parameter",
                          hint=f"-O {name}={values[name] if name == 'seed' else '…'}")
    full = _install.with_file(values, where)
    private.require_unmarked(full, where)
    seed.check({name: value for name, value in full.items() if value != RESET}, where)
    return full


def require_apart(public: Params, *others: Params) -> None:
    """Raise Invalid for a parameter that is given in two ways."""
    seen = set(public)
    for level in others:
        both = seen & set(level)
        if both:
            raise Invalid(f"OS parameter {min(both)}", "is given twice: as public, private or "
                          "secret, not as two of them", hint="leave one out")
        seen |= set(level)
