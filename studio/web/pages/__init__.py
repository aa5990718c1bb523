"""One module a page, each with `build(shell)`. A handler reads its form, calls one verb of a room and returns a view."""

from types import ModuleType

from studio.web.pages import advice, build, compare, data, export, goal, improve, projects

PAGES: dict[str, ModuleType] = {
    "projects": projects,
    "goal": goal,
    "data": data,
    "advice": advice,
    "build": build,
    "compare": compare,
    "improve": improve,
    "export": export,
}
