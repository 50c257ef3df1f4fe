"""Named datasets, for users: what `framework.data.store.catalog` offers, under the name that users know."""

from framework.data.store.catalog import (
    check,
    describe,
    has,
    import_recording,
    is_embedded,
    load,
    manifest,
    names,
    open,
    remove,
    versions,
)

__all__ = ["check", "describe", "has", "import_recording", "is_embedded", "load", "manifest", "names", "open", "remove", "versions"]
