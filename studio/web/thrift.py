"""What Gradio (6.31) does at a start for nobody, left out: more than half of the CPU-seconds that a studio takes to start.

`without_stubs`, before it is imported: it writes the type stubs of its components anew, into its own folder, for people who
program with it (`component_meta.py`; 1.9 of the 3.1 seconds of its import). `half_made`, while pages are built: after each
of them it makes the whole web application and the description of all pages anew (`blocks.py`, `Blocks.__exit__`), and
`queue` and `mount_gradio_app` make those that count.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

MODULE = "gradio.component_meta"


def without_stubs() -> None:
    """Costs nothing when Gradio is never imported."""
    if MODULE not in sys.modules:
        sys.meta_path.insert(0, _Finder())


@contextmanager
def half_made() -> Iterator[None]:
    from gradio.blocks import Blocks
    from gradio.routes import App

    left_out = ((App, "create_app"), (Blocks, "get_config_file"))
    own = [(owner, name, owner.__dict__[name]) for owner, name in left_out]
    App.create_app = staticmethod(lambda *_, **__: None)
    Blocks.get_config_file = lambda *_, **__: {}
    try:
        yield
    finally:
        for owner, name, does in own:
            setattr(owner, name, does)


def no_stub(component: type, name: str, events: object) -> None:
    """Stands in for `create_or_modify_pyi`."""


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Silenced(spec.loader)
        return spec


class _Silenced(Loader):
    def __init__(self, own: Loader) -> None:
        self.own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.own.exec_module(module)
        module.__dict__["create_or_modify_pyi"] = no_stub
