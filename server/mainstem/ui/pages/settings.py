"""The reader's own settings: theme, density, time zone, keys; and the licences of what we carry."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from mainstem.ui import preferences
from mainstem.ui.desk import desk
from mainstem.ui.render import Frame
from mainstem.ui.security import PostedForm

router = APIRouter()


@router.get("/settings")
def page_settings(request: Request) -> Response:
    """The form, and what this server is."""
    context = {"zones": preferences.zones(), "saved": "saved" in request.query_params}
    return desk(request).renderer.page(request, "settings", Frame("settings", "Settings"), context)


@router.post("/settings")
def save(request: Request, form: PostedForm) -> Response:
    """Keep the choices in the browser's cookie."""
    wanted = {key: value for key, value in form.items() if isinstance(value, str)}
    wanted["keys"] = wanted.get("keys", "off")
    chosen = preferences.update(preferences.read(request), wanted)
    response = RedirectResponse("/ui/settings?saved", status_code=303)
    response.set_cookie(
        preferences.COOKIE, chosen.cookie(), max_age=31_536_000, path="/ui", samesite="strict"
    )
    return response
