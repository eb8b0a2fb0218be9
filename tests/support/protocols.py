"""What a fake and the part that it stands for have in common; the strict type check holds both to it.

The names are those of boto3, so that its own clients, as mypy_boto3 types them, satisfy the protocols. The reconciler
has protocols of its own: partner_orders.reconciler.ports.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import requests


class SqsCalls(Protocol):
    """The calls to SQS that the functions make."""

    def send_message(self, *, QueueUrl: str, MessageBody: str, MessageGroupId: str = ...) -> Any: ...  # noqa: N803

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any: ...  # noqa: N803

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any: ...  # noqa: N803

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[Any]) -> Any: ...  # noqa: N803


class BusCalls(Protocol):
    """The call to EventBridge that the publisher makes."""

    def put_events(self, *, Entries: list[Any]) -> Any: ...  # noqa: N803


class SecretsCalls(Protocol):
    """The call to Secrets Manager that the functions make."""

    @property
    def exceptions(self) -> Any: ...

    def get_secret_value(self, *, SecretId: str, VersionStage: str = ...) -> Any: ...  # noqa: N803


class HttpSession(Protocol):
    """What the Partner API client asks of a requests session."""

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        timeout: Any,
        allow_redirects: bool,
        stream: bool,
    ) -> requests.Response: ...


class Waiting(Protocol):
    """Time that passes: the ``time`` module, or a clock that tests move."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...
