"""What the HTTP tasks share: options, authentication, the guarded client."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

from pydantic import Field

from mainstem.sdk.addresses import check_uri, hooks
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import RunnableTask

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]


class Timeouts(Properties):
    """`connectTimeout` and `readIdleTimeout` as ISO durations."""

    connect_timeout: Property[Duration] | None = None
    read_idle_timeout: Property[Duration] | None = None


class Auth(Properties):
    """BASIC with username and password, or BEARER with token."""

    type: Literal["BASIC", "BEARER"] = "BASIC"
    username: Property[Text] | None = None
    password: Property[Text] | None = None
    token: Property[Text] | None = None


class Ssl(Properties):
    insecure_trust_all_certificates: Property[bool] | None = None


class HttpOptions(Properties):
    """How requests are made."""

    timeout: Timeouts | None = None
    connect_timeout: Property[Duration] | None = None
    read_timeout: Property[Duration] | None = None
    read_idle_timeout: Property[Duration] | None = None
    connection_pool_idle_timeout: Property[Duration] | None = None
    max_content_length: Property[int] | None = None
    default_charset: Property[Text] | None = None
    follow_redirects: Property[bool] = Property(True, bool)
    allow_failed: Property[bool] = Property(False, bool)
    allowed_response_codes: Property[list[int]] | None = None
    auth: Auth | None = None
    basic_auth_user: Property[Text] | None = None
    basic_auth_password: Property[Text] | None = None
    ssl: Ssl | None = None


class HttpCall(Properties):
    """Common properties of whatever sends a request."""

    uri: Property[Text]
    method: Property[Method] = Property("GET", str)
    headers: Property[dict[str, Text]] | None = None
    params: Property[dict[str, object]] | None = None
    body: Property[Text] | None = None
    form_data: Property[dict[str, object]] | None = None
    content_type: Property[Text] | None = None
    options: HttpOptions = Field(default_factory=HttpOptions)
    ssl_options: Ssl | None = None

    @contextmanager
    def response(self, ctx: RunContext) -> Iterator[Any]:
        """Send the request and stream the answer; raises TaskFailed when nobody answers."""
        import httpx

        uri = check_uri(ctx.render(self.uri))
        with ExitStack() as opened, self._client(ctx) as client:
            request = self._request(ctx, uri, opened)
            ctx.on_kill(client.close)
            try:
                with client.stream(**request) as answer:
                    yield answer
            except httpx.HTTPError as error:
                raise TaskFailed(
                    f"{uri} does not answer: {str(error) or type(error).__name__}"
                ) from error

    def _client(self, ctx: RunContext) -> Any:
        import httpx

        options = self.options
        limits = options.timeout or Timeouts()
        connect = limits.connect_timeout or options.connect_timeout
        read = limits.read_idle_timeout or options.read_idle_timeout or options.read_timeout
        timeout = httpx.Timeout(
            ctx.render(read).total_seconds() if read is not None else 300.0,
            connect=ctx.render(connect).total_seconds() if connect is not None else 30.0,
        )
        ssl = options.ssl or self.ssl_options or Ssl()
        trust_all = ssl.insecure_trust_all_certificates
        return httpx.Client(
            timeout=timeout,
            follow_redirects=ctx.render(options.follow_redirects),
            verify=not (trust_all is not None and ctx.render(trust_all)),
            auth=self._basic(ctx),
            event_hooks=hooks(),
        )

    def _basic(self, ctx: RunContext) -> tuple[str, str] | None:
        options = self.options
        user, password = options.basic_auth_user, options.basic_auth_password
        if options.auth is not None and options.auth.type == "BASIC":
            user, password = options.auth.username, options.auth.password
        if user is None:
            return None
        secret = ctx.render(password) if password is not None else ""
        ctx.mask(secret)
        return ctx.render(user), secret

    def _request(self, ctx: RunContext, uri: str, opened: ExitStack) -> dict[str, Any]:
        headers = dict(ctx.render(self.headers)) if self.headers is not None else {}
        if self.content_type is not None:
            headers["Content-Type"] = ctx.render(self.content_type)
        auth = self.options.auth
        if auth is not None and auth.type == "BEARER" and auth.token is not None:
            token = ctx.render(auth.token)
            ctx.mask(token)
            headers["Authorization"] = f"Bearer {token}"
        found: dict[str, Any] = {
            "method": ctx.render(self.method),
            "url": uri,
            "headers": headers,
        }
        if self.params is not None:
            found["params"] = ctx.render(self.params)
        if self.form_data is not None:
            found |= self._form(ctx, headers, opened)
        elif self.body is not None:
            found["content"] = ctx.render(self.body).encode()
            headers.setdefault("Content-Type", "application/json")
        return found

    def _form(
        self, ctx: RunContext, headers: Mapping[str, str], opened: ExitStack
    ) -> dict[str, Any]:
        """Fields as a form; with files (URIs of internal storage) as a multipart form."""
        assert self.form_data is not None
        fields: dict[str, str] = {}
        files: dict[str, Any] = {}
        for name, value in ctx.render(self.form_data).items():
            uri = value.get("content") if isinstance(value, dict) else value
            if isinstance(uri, str) and uri.startswith(("kestra://", "mainstem://")):
                given = value.get("name") if isinstance(value, dict) else None
                file = opened.enter_context(ctx.files.open(uri))
                files[name] = (str(given or uri.rpartition("/")[2]), file)
            else:
                fields[name] = str(value)
        is_multipart = "multipart" in headers.get("Content-Type", "")
        if files or is_multipart:
            return {"data": fields, "files": files or None}
        return {"data": fields}


class HttpTask(HttpCall, RunnableTask):
    """Common properties of HTTP tasks."""

    allow_failed: Property[bool] | None = None

    def accepts(self, ctx: RunContext, status: int) -> bool:
        """Whether an answer of this status is a success for the task."""
        options = self.options
        allowed = options.allowed_response_codes
        if allowed is not None and status in ctx.render(allowed):
            return True
        if self.allow_failed is not None and ctx.render(self.allow_failed):
            return True
        return status < 400 or ctx.render(options.allow_failed)
