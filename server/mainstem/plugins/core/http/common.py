"""What the HTTP tasks share: options, authentication, the guarded client."""

import codecs
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final, Literal

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.sdk.addresses import check_uri, hooks
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Duration, Property, Text, as_text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import RunnableTask

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]


LARGEST_BODY: Final = 10_000_000


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


class Proxy(Properties):
    """What stands between; SOCKS means version 5."""

    type: Literal["DIRECT", "HTTP", "SOCKS"] = "DIRECT"
    address: Property[Text] | None = None
    port: Property[int] | None = None
    username: Property[Text] | None = None
    password: Property[Text] | None = None

    def address_of(self, ctx: RunContext) -> Any:
        """For the client; None to ask the address itself."""
        import httpx

        if self.type == "DIRECT" or self.address is None or self.port is None:
            return None
        scheme = "socks5" if self.type == "SOCKS" else "http"
        url = f"{scheme}://{ctx.render(self.address)}:{ctx.render(self.port)}"
        if self.username is None:
            return httpx.Proxy(url)
        password = ctx.render(self.password) if self.password is not None else ""
        ctx.mask(password)
        return httpx.Proxy(url, auth=(ctx.render(self.username), password))


class Ssl(Properties):
    insecure_trust_all_certificates: Property[bool] | None = None


class HttpOptions(Properties):
    """How requests are made."""

    timeout: Timeouts | None = None
    connect_timeout: Property[Duration] | None = None
    read_timeout: Property[Duration] | None = None
    read_idle_timeout: Property[Duration] | None = None
    connection_pool_idle_timeout: Property[Duration] | None = None
    max_content_length: Property[int] | None = Field(
        default=None, description="Of an answer that becomes an output; 10 MB without."
    )
    default_charset: Property[Text] | None = Field(
        default=None, description="Of text whose charset the answer does not tell; UTF-8 without."
    )
    proxy: Proxy | None = None
    proxy_type: Literal["DIRECT", "HTTP", "SOCKS"] | None = None
    proxy_address: Property[Text] | None = None
    proxy_port: Property[int] | None = None
    proxy_username: Property[Text] | None = None
    proxy_password: Property[Text] | None = None
    log_level: Text | None = Field(default=None, description="Accepted, without effect here.")
    logs: object = Field(default=None, description="Accepted, without effect here.")
    follow_redirects: Property[bool] = Property(True, bool)
    allow_failed: Property[bool] = Property(False, bool)
    allowed_response_codes: Property[list[int]] | None = None
    auth: Auth | None = None
    basic_auth_user: Property[Text] | None = None
    basic_auth_password: Property[Text] | None = None
    ssl: Ssl | None = None

    def proxied(self) -> Proxy:
        """The proxy, from the group of properties or from the older ones beside it."""
        return self.proxy or Proxy.model_construct(
            type=self.proxy_type or "DIRECT",
            address=self.proxy_address,
            port=self.proxy_port,
            username=self.proxy_username,
            password=self.proxy_password,
        )


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
            proxy=options.proxied().address_of(ctx),
            default_encoding=self._charset(ctx),
            event_hooks=hooks(),
        )

    def largest(self, ctx: RunContext) -> int:
        """How many bytes an answer may have that becomes an output."""
        wanted = self.options.max_content_length
        return ctx.render(wanted) if wanted is not None else LARGEST_BODY

    def _charset(self, ctx: RunContext) -> str:
        wanted = self.options.default_charset
        name = ctx.render(wanted) if wanted is not None else "utf-8"
        try:
            return codecs.lookup(name).name
        except LookupError as error:
            raise InvalidInput(f"there is no charset `{name}`") from error

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
                fields[name] = _field(value)
        is_multipart = "multipart" in headers.get("Content-Type", "")
        if files or is_multipart:
            return {"data": fields, "files": files or None}
        return {"data": fields}


def _field(value: object) -> str:
    """The text of one form field: maps and lists as JSON."""
    text = as_text(value)
    return text if isinstance(text, str) else json.dumps(text, default=str)


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
