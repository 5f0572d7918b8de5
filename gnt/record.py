"""Frozen values with named, typed fields, cheap to define and to import.

The standard library's ``dataclasses`` costs 16 ms of CPU to import and 0.4 ms per class, twice a
bare interpreter's start; every ``gnt-*`` command would pay it (see ``man/adr/0004-records.md``).
A :class:`Record` gives what the model needs: keyword construction, defaults, equality, ``replace``
and the list of its fields.  Type checkers treat it as a frozen dataclass.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

    from gnt.values import Kind

    T = TypeVar("T")
else:

    def dataclass_transform(**_: object) -> Callable[[type], type]:
        return lambda cls: cls


class Missing:
    """The default of a field that has none."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = Missing()


class Field:
    """What is known about one field besides its type: how to read it, its default, its meaning."""

    name: str = ""

    def __init__(self, kind: Kind[Any], help: str, default: Any = MISSING) -> None:
        self.kind = kind
        self.help = help
        self.default = default

    @property
    def required(self) -> bool:
        return self.default is MISSING


def field(kind: Kind[T], help: str, *, default: T = MISSING) -> T:
    """Declare a field that is read from text: ``kind`` parses it, ``help`` explains it."""
    return Field(kind, help, default)  # type: ignore[return-value]  # dataclass_transform specifier


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Record:
    """Base of all values.  Subclasses list ``name: type`` or ``name: type = default``."""

    NAMES: ClassVar[tuple[str, ...]] = ()
    DEFAULTS: ClassVar[Mapping[str, Any]] = {}
    FIELDS: ClassVar[Mapping[str, Field]] = {}
    TYPES: ClassVar[Mapping[str, tuple[str, str]]] = {}  # name -> (annotation, defining module)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        types, defaults, fields = dict(cls.TYPES), dict(cls.DEFAULTS), dict(cls.FIELDS)
        for base in cls.__bases__[1:]:
            for mine, theirs in ((types, "TYPES"), (defaults, "DEFAULTS"), (fields, "FIELDS")):
                for name, value in getattr(base, theirs, {}).items():
                    mine.setdefault(name, value)
        own = cls.__dict__.get("__annotations__", {})  # noqa: RUF063 - inspect is slow to import
        for name, annotation in own.items():
            if not isinstance(annotation, str):
                raise TypeError(f"{cls.__module__} needs: from __future__ import annotations")
            if annotation.startswith("ClassVar"):
                continue
            types[name] = (annotation, cls.__module__)
            value = cls.__dict__.get(name, MISSING)
            defaults.pop(name, None)
            if isinstance(value, Field):
                value.name = name
                fields[name] = value
                delattr(cls, name)
                value = value.default
            if value is not MISSING:
                defaults[name] = value
        cls.TYPES, cls.DEFAULTS, cls.FIELDS = types, defaults, fields
        cls.NAMES = tuple(types)

    def __init__(self, **values: Any) -> None:
        attributes = self.__dict__
        attributes.update(self.DEFAULTS)
        attributes.update(values)
        if len(attributes) != len(self.NAMES) or attributes.keys() != self.TYPES.keys():
            unknown = [n for n in values if n not in self.TYPES]
            missing = [n for n in self.NAMES if n not in attributes]
            raise TypeError(f"{type(self).__name__}: unknown {unknown}, missing {missing}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot set {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot delete {name}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __repr__(self) -> str:
        inside = ", ".join(f"{n}={self.__dict__[n]!r}" for n in self.NAMES)
        return f"{type(self).__name__}({inside})"

    def items(self) -> Iterator[tuple[str, Any]]:
        """Field names and values, in the order of declaration."""
        for name in self.NAMES:
            yield name, self.__dict__[name]

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return type(self)(**{**self.__dict__, **changes})
