"""Line icons, drawn inside the page so that they take its colour and cost no request."""

from markupsafe import Markup

_PATHS = {
    "arrow": "M5 12h13M13 6l6 6-6 6",
    "bolt": "M13 3L5 14h6l-1 7 8-11h-6z",
    "box": "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
    "chat": "M4 5h16v11H10l-5 4v-4H4z",
    "check": "M5 12.5l4.2 4.2L19 7",
    "clock": "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2",
    "cloud": "M7 18a4 4 0 0 1-.5-8A6 6 0 0 1 18 9a4.5 4.5 0 0 1-.5 9z",
    "cross": "M6 6l12 12M18 6L6 18",
    "differs": "M5 9.5h14M5 14.5h14M15.5 5l-7 14",
    "doc": "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
    "down": "M12 4v11M7 11l5 5 5-5M5 20h14",
    "eye": "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
    "globe": "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM4 10h16M4 14.5h16M12 3.5c-5 5-5 12 0 17M12 3.5c5 5 5 12 0 17",
    "info": "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5M12 8v.01",
    "lock": "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
    "logo": "M12 4l7.5 15M12 4L4.5 19M7.6 13h8.8",
    "menu": "M5 8h14M5 12h14M5 16h14",
    "moon": "M19 14.5A8 8 0 0 1 9.5 5 8 8 0 1 0 19 14.5z",
    "pen": "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
    "plug": "M9 3v5M15 3v5M6 8h12v4a6 6 0 0 1-12 0zM12 18v3",
    "question": "M8.3 8.7a3.7 3.7 0 1 1 5.4 3.3c-1.1.6-1.7 1.2-1.7 2.3M12 18.4v.01",
    "search": "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.3 15.3L20 20",
    "stop": "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16v.01",
    "table": "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
    "trash": "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
    "undo": "M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
    "up": "M12 20V9M7 13l5-5 5 5M5 4h14",
    "warn": "M12 4l9 16H3zM12 10v4M12 17v.01",
    "why": "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM9.6 9.6a2.5 2.5 0 1 1 3.4 2.3c-.7.3-1 .8-1 1.5M12 16.5v.01",
}


def icon(name: str, size: int = 18) -> Markup:
    """An icon as inline SVG, hidden from screen readers: the word beside it says the same."""
    return Markup(
        '<svg class="i" width="{0}" height="{0}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8"'
        ' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="{1}"/></svg>'
    ).format(size, _PATHS[name])
