"""`self` of compiled hooks: the record of a strategy's parameters and state, its rows as long as there are instruments."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaTypeError
from numba.core.imputils import lower_getattr_generic, lower_setattr_generic
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, models, register_model
from numba.np.arrayobj import populate_array

from framework.engine.declared_rows import COUNT_FIELD


class OwnType(types.Type):
    """numba type of `self`: the address of a record."""

    def __init__(self, record: types.Record) -> None:
        self.record = record
        super().__init__(name=f"onetape.Own({record.name})")

    def is_parameter(self, name: str) -> bool:
        """Whether a field is a parameter: they lie before the count of instruments, state behind it."""
        return name in self.record.fields and self.record.offset(name) < self.record.offset(COUNT_FIELD)

    def kind_of(self, name: str) -> types.Type | None:
        """The type of a field, of rows an array; None where there is no such field."""
        if name not in self.record.fields or name == COUNT_FIELD:
            return None
        kind = self.record.typeof(name)
        if not isinstance(kind, types.NestedArray):
            return kind
        return types.Array(types.boolean if kind.dtype == types.uint8 else kind.dtype, 1, "C")


@register_model(OwnType)
class _OwnModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.IntType(64))


@intrinsic
def make_own(typingctx: Any, record: Any) -> Any:
    """`self` of a record."""
    return OwnType(record)(record), lambda context, builder, signature, args: builder.ptrtoint(args[0], ir.IntType(64))


@infer_getattr
class _OwnAttributes(AttributeTemplate):
    key = OwnType

    def generic_resolve(self, own: OwnType, name: str) -> types.Type | None:
        """The type of a field."""
        return own.kind_of(name)


def _place(builder: Any, own: OwnType, address: Any, name: str, kind: Any) -> Any:
    at = builder.add(address, ir.Constant(ir.IntType(64), own.record.offset(name)))
    return builder.inttoptr(at, kind.as_pointer())


@lower_getattr_generic(OwnType)
def _read(context: Any, builder: Any, own: OwnType, address: Any, name: str) -> Any:
    kind = own.kind_of(name)
    if not isinstance(kind, types.Array):
        return context.unpack_value(builder, kind, _place(builder, own, address, name, context.get_data_type(kind)))
    word = ir.IntType(64)
    count = builder.load(_place(builder, own, address, COUNT_FIELD, word))
    size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    rows = context.make_array(kind)(context, builder)
    populate_array(
        rows,
        data=_place(builder, own, address, name, context.get_data_type(kind.dtype)),
        shape=cgutils.pack_array(builder, [count]),
        strides=cgutils.pack_array(builder, [ir.Constant(word, size)]),
        itemsize=ir.Constant(word, size),
        meminfo=None,
    )
    return rows._getvalue()


@lower_setattr_generic(OwnType)
def _write(context: Any, builder: Any, signature: Any, args: Any, name: str) -> None:
    own, given = signature.args
    kind = own.kind_of(name)
    if isinstance(kind, types.Array):
        raise NumbaTypeError(f"{name} has one value an instrument: set them one by one, {name}[i] = ...")
    value = context.cast(builder, args[1], given, kind)
    context.pack_value(builder, kind, value, _place(builder, own, args[0], name, context.get_data_type(kind)))
