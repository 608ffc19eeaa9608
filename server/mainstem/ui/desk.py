"""What every page function reaches through its request: renderer, live streams, services."""

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from mainstem.clock import Clock
from mainstem.ui.assets import Assets
from mainstem.ui.live import Live
from mainstem.ui.render import Renderer


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of one mounted dashboard."""

    renderer: Renderer
    assets: Assets
    live: Live
    clock: Clock


def desk(request: Request) -> Desk:
    """The dashboard that answers this request."""
    return cast("Desk", request.app.state.desk)
