"""What every widget is: frozen data that forbids what it does not know. No HTML and no I/O live here."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inlay.errors import InlayError
from inlay.widgets.action import Sends

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


@dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
class WidgetType(ModelMetaclass):
    """The type of widgets: lets type checkers see that fields marked `kw_only=False` go by position."""


class Widget(BaseModel, metaclass=WidgetType):
    """A piece of what a tool shows. Subclasses add fields; each has one template folder with the same stem."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True)

    kind: ClassVar[str] = "widget"
    """The stem of the widget's module, templates and CSS class, such as `task_board`."""
    _positional: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that go by position."""
    _offers: ClassVar[tuple[tuple[str, Sends], ...]] = ()
    """Names of the fields that offer an action, each with what it sends."""

    def __init__(self, *values: Any, **fields: Any) -> None:
        positional = self._positional
        if len(values) > len(positional):
            message = f"{type(self).__name__} takes {len(positional)} values by position, not {len(values)}."
            raise TypeError(message)
        try:
            super().__init__(**dict(zip(positional, values, strict=False)), **fields)
        except ValidationError as error:
            raise _own_error(error) or error from None
        # Not a validator: Pydantic would run it again for every widget inside another, and boards hold many.
        for name, sends in self._offers:
            action = getattr(self, name)
            if action is not None:
                sends.check(action, f"{type(self).__name__}.{name}")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.kind = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        fields = cls.model_fields.items()
        cls._positional = tuple(name for name, field in fields if field.kw_only is False)
        cls._offers = tuple(
            (name, mark) for name, field in fields for mark in field.metadata if isinstance(mark, Sends)
        )

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        """Return named examples. They drive the gallery, the docs, the snapshots and the accessibility tests."""
        return {}


def _own_error(error: ValidationError) -> InlayError | None:
    """Return the one error of ours that Pydantic wrapped, so that a developer reads our sentence alone."""
    causes = [item.get("ctx", {}).get("error") for item in error.errors()]
    return causes[0] if len(causes) == 1 and isinstance(causes[0], InlayError) else None
