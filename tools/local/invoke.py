"""`make invoke EVENT=events/<function>/<case>.json`: call a function with the stack that `make up` started behind it.

Where Docker runs, the function runs in AWS's own image, by `sam local invoke`; else in the local AWS. Where the event
says PASTE-THE-WEBHOOK-SECRET-HERE, the stack's own secret is put in.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tools.local import docker
from tools.local.stack import ARCHITECTURE, BUILD, SAM, Stack, parameter_overrides, sam_environment

FUNCTIONS = {
    "webhook": "WebhookFunction",
    "consumer": "ConsumerFunction",
    "publisher": "PublisherFunction",
    "reconciler": "ReconcilerFunction",
}
IMAGE = f"public.ecr.aws/lambda/python:3.13-{ARCHITECTURE}"
PLACEHOLDER = "PASTE-THE-WEBHOOK-SECRET-HERE"


def main(event: Path) -> int:
    """Print the function's answer; gives 1 when it failed."""
    if not event.is_file():
        return _refuse(f"there is no file {event}")
    if event.parent.name not in FUNCTIONS:
        return _refuse(f"{event}: the folder names the function: {', '.join(FUNCTIONS)}")
    try:
        stack = Stack.load()
    except FileNotFoundError:
        return _refuse("no stack is up; start one with: make up")
    function, payload = read(event, stack)
    answer = in_docker(stack, function, payload) if docker.is_running() else in_the_local_aws(stack, function, payload)
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 1 if isinstance(answer, dict) and "errorType" in answer else 0


def read(event: Path, stack: Stack) -> tuple[str, str]:
    """The function that an event file is for, and the event with the stack's own secret, as it is now."""
    payload = event.read_text(encoding="utf-8")
    if PLACEHOLDER in payload:
        payload = payload.replace(PLACEHOLDER, json.dumps(stack.present_webhook_secret())[1:-1])
    return FUNCTIONS[event.parent.name], payload


def in_the_local_aws(stack: Stack, function: str, payload: str) -> object:
    """The deployed function's answer."""
    answer = stack.client("lambda").invoke(FunctionName=stack.outputs[f"{function}Name"], Payload=payload.encode())
    return json.load(answer["Payload"])


def in_docker(stack: Stack, function: str, payload: str) -> object:
    """By `sam local invoke`, with the deployed function's variables, and a way to the local AWS and platform."""
    with (
        docker.reachable(stack.endpoint_url) as endpoint_url,
        docker.reachable(stack.platform_url) as platform_url,
        # Beside the built one, since the paths in it are relative.
        tempfile.NamedTemporaryFile("w", dir=BUILD, suffix=".json") as template,
        tempfile.NamedTemporaryFile("w", suffix=".json") as event,
    ):
        json.dump(_template(stack, function, endpoint_url, platform_url), template)
        template.flush()
        event.write(payload)
        event.flush()
        done = subprocess.run(
            [
                *(SAM, "local", "invoke", function, "--template-file", template.name, "--event", event.name),
                *("--parameter-overrides", *parameter_overrides(stack.platform_url)),
                *(["--skip-pull-image"] if docker.has_image(IMAGE) else []),
            ],
            env=sam_environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    try:
        return json.loads(lines[-1])
    except (IndexError, ValueError):
        return {"errorType": "SamLocalInvokeFailed", "errorMessage": "\n".join(lines[-5:])}


def _template(stack: Stack, function: str, endpoint_url: str, platform_url: str) -> dict[str, Any]:
    configuration = stack.client("lambda").get_function_configuration(FunctionName=stack.outputs[f"{function}Name"])
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    if "PARTNER_API_BASE_URL" in variables:
        variables["PARTNER_API_BASE_URL"] = platform_url
    template: dict[str, Any] = yaml.safe_load((BUILD / "template.yaml").read_text(encoding="utf-8"))
    template["Resources"][function]["Properties"]["Environment"] = {
        "Variables": {**variables, "AWS_ENDPOINT_URL": endpoint_url}
    }
    return template


def _refuse(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
