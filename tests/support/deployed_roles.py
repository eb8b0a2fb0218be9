"""The rights of a deployed stack's functions, which a test can take away for a while."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tools.local.stack import Stack

# What services call with the role, rather than our code; the template's laws hold these to a list.
OF_SERVICES = {"WriteLogs", "ReceiveOrderEvents", "ReceiveWakeUps", "ReceiveUrgent", "ReadStream", "FindStream"}


class Roles:
    """The functions' inline policies."""

    def __init__(self, stack: Stack) -> None:
        self._iam = stack.client("iam")
        self._stack = stack
        resources = stack.client("cloudformation").describe_stack_resources(StackName=stack.stack_name)[
            "StackResources"
        ]
        self._names = {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in resources}

    def statements(self, role: str) -> list[str]:
        document, _ = self._policy(role)
        return [statement["Sid"] for statement in document["Statement"] if statement["Sid"] not in OF_SERVICES]

    @contextmanager
    def without(self, role: str, *sids: str) -> Iterator[None]:
        document, policy = self._policy(role)
        less = document | {"Statement": [one for one in document["Statement"] if one["Sid"] not in sids]}
        self._put(role, policy, less)
        try:
            yield
        finally:
            self._put(role, policy, document)

    def _policy(self, role: str) -> tuple[dict[str, Any], str]:
        [policy] = self._iam.list_role_policies(RoleName=self._names[role])["PolicyNames"]
        document = self._iam.get_role_policy(RoleName=self._names[role], PolicyName=policy)["PolicyDocument"]
        return document, policy

    def _put(self, role: str, policy: str, document: dict[str, Any]) -> None:
        self._iam.put_role_policy(RoleName=self._names[role], PolicyName=policy, PolicyDocument=json.dumps(document))
