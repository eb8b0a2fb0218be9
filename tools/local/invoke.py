"""`make invoke EVENT=events/<function>/<case>.json`: call a function with the stack that `make up` started behind it.

If Docker runs, `sam local invoke` runs the function in AWS's own image; `DOCKER=0` does without. Else the deployed
function of the local AWS is called. PASTE-THE-WEBHOOK-SECRET-HERE in the event becomes the stack's own secret.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tools.local import docker
from tools.local.arrivals import FunctionLog
from tools.local.outcome import Tables, outcome_of
from tools.local.second_terminal import refuse, with_stack
from tools.local.stack import (
    ARCHITECTURE,
    BUILD,
    CATALOGUE_BUILD,
    SAM,
    Stack,
    parameter_overrides,
    sam_environment,
)

OF_CATALOGUE = {
    "loader": "LoaderFunction",
    "pusher": "PusherFunction",
    "uploader": "UploaderFunction",
    "urgent": "UrgentFunction",
    "catalogue_webhook": "CatalogueWebhookFunction",
}
FUNCTIONS = {
    "webhook": "WebhookFunction",
    "consumer": "ConsumerFunction",
    "publisher": "PublisherFunction",
    "reconciler": "ReconcilerFunction",
    "answers": "AnswersFunction",
    "sender": "SenderFunction",
    **OF_CATALOGUE,
}
IMAGE = f"public.ecr.aws/lambda/python:3.13-{ARCHITECTURE}"
PAUSES, PAUSE_SECONDS = 30, 2.0
PLACEHOLDER = "PASTE-THE-WEBHOOK-SECRET-HERE"


class Home(NamedTuple):
    """The stack of a function: its name and outputs, where it is built, and what its template calls its layers."""

    stack_name: str
    outputs: dict[str, str]
    build: Path
    layers: tuple[str, ...]


def home_of(function: str, stack: Stack) -> Home:
    """Where a function (its logical id) belongs. Without a catalogue, its functions' home has no outputs."""
    if function in OF_CATALOGUE.values():
        layers = ("CatalogueLayer", *(["SftpLayer"] if function == "UploaderFunction" else []))
        return Home(stack.catalogue_name, stack.catalogue_outputs, CATALOGUE_BUILD, layers)
    return Home(stack.stack_name, stack.outputs, BUILD, ("PartnerOrdersLayer",))


def main(event: Path) -> int:
    """Print the function's log lines, its response, and what became of the event. 1 if the function failed."""
    if not event.is_file():
        return refuse(f"there is no file {event}; see events/")
    if event.parent.name not in FUNCTIONS:
        return refuse(f"{event}: its folder should name the function: {', '.join(FUNCTIONS)}")
    try:
        json.loads(event.read_bytes())
    except (ValueError, RecursionError) as error:
        return refuse(f"{event} is not JSON ({type(error).__name__}); see events/{event.parent.name}/ for examples")
    return with_stack(lambda stack: _invoke(stack, event))


def _invoke(stack: Stack, event: Path) -> int:
    function, payload = read(event, stack)
    if f"{function}Name" not in home_of(function, stack).outputs:
        return refuse(f"the stack has no {function}; stop `make up`, and start it again")
    in_container = docker.is_wanted()
    print(f"{function} {'in Docker (DOCKER=0 does without)' if in_container else 'in the local AWS'}", flush=True)
    try:
        response = (in_docker if in_container else in_the_local_aws)(stack, function, payload)
    except docker.NoAddressError as error:
        return refuse(f"{error} Try without Docker: make invoke DOCKER=0 EVENT={event}")
    print(json.dumps(response, indent=2, ensure_ascii=False), flush=True)
    for line in outcome_of(function, payload, response, Tables(stack)):
        print(line)
    return 1 if isinstance(response, dict) and "errorType" in response else 0


def read(event: Path, stack: Stack) -> tuple[str, str]:
    """The function of an event file (its logical id), and the event with the stack's present webhook secret."""
    payload = event.read_text(encoding="utf-8")
    if PLACEHOLDER in payload:
        payload = payload.replace(PLACEHOLDER, json.dumps(stack.present_webhook_secret())[1:-1])
    return FUNCTIONS[event.parent.name], payload


def in_the_local_aws(stack: Stack, function: str, payload: str) -> object:
    """The deployed function's response. Its log lines are printed to the standard error, as `sam local invoke` does."""
    home = home_of(function, stack)
    log = FunctionLog(stack, function.replace("Function", "LogGroup"), home.stack_name)
    invoked = _once_free(stack.client("lambda"), home.outputs[f"{function}Name"], payload)
    for line in log.since_last_look():
        print(line.rstrip(), file=sys.stderr, flush=True)
    return json.load(invoked["Payload"])


def _once_free(client: Any, function_name: str, payload: str) -> Any:
    """Call a function; one that takes a single call at a time, and has it, is called again until it is free, for a
    minute at most."""
    for left in reversed(range(PAUSES + 1)):
        try:
            return client.invoke(FunctionName=function_name, Payload=payload.encode())
        except client.exceptions.TooManyRequestsException:
            if not left:
                raise
            time.sleep(PAUSE_SECONDS)
    raise AssertionError("the last try returns or raises")


def in_docker(stack: Stack, function: str, payload: str) -> object:
    """The response by `sam local invoke`, with the deployed function's variables, and the local AWS and platform.

    Raises docker.NoAddressError.
    """
    home = home_of(function, stack)
    with (
        docker.reachable(stack.endpoint_url) as endpoint_url,
        docker.reachable(stack.platform_url) as platform_url,
        # Beside the built one, since the paths in it are relative.
        tempfile.NamedTemporaryFile("w", dir=home.build, suffix=".json") as template,
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
    home = home_of(function, stack)
    configuration = stack.client("lambda").get_function_configuration(FunctionName=home.outputs[f"{function}Name"])
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    if "PARTNER_API_BASE_URL" in variables:
        variables["PARTNER_API_BASE_URL"] = platform_url
    template: dict[str, Any] = yaml.safe_load((home.build / "template.yaml").read_text(encoding="utf-8"))
    properties = template["Resources"][function]["Properties"]
    properties["Environment"] = {"Variables": {**variables, "AWS_ENDPOINT_URL": endpoint_url}}
    # SAM builds an image at every call of a function with a local layer. Without a layer it builds one, once.
    properties["CodeUri"] = str(with_its_layers(function, home.build, *home.layers))
    template["Globals"]["Function"].pop("Layers", None)
    return template


def with_its_layers(function: str, built: Path, *layers: str) -> Path:
    """A folder with the function's code and the packages of its layers; made anew after each build.

    The files are hard links, so that it takes no room and little time.
    """
    folder = built.with_name(f"{built.name}-in-docker") / function
    stamp, built_from = folder.with_suffix(".built-from"), (built / ".built-from").read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == built_from:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    for part in (*(built / layer / "python" for layer in layers), built / function):
        shutil.copytree(part, folder, copy_function=os.link, dirs_exist_ok=True)
    stamp.write_text(built_from, encoding="utf-8")
    return folder


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
