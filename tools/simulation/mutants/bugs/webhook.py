"""Planted bugs in the endpoint that the platform posts to."""

from tools.simulation.mutants.bugs.complaints import RAW
from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/webhook"
_WEBHOOK = f"{_PART}/endpoint.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "write-the-body-anew",
        "The webhook passes on what it parsed rather than what it got.",
        _WEBHOOK,
        "_body",
        '"RefusedNotAnObject")\n    return body',
        '"RefusedNotAnObject")\n    return json.dumps(json.loads(decoded)).encode()',
        RAW,
    ),
    one_edit(
        "base64-is-not-decoded",
        "A body that the gateway encoded is taken as it stands.",
        _WEBHOOK,
        "_body",
        'if request.get("isBase64Encoded"):',
        "if False:",
        RAW,
    ),
    one_edit(
        "acknowledge-before-the-queue-has-it",
        "The webhook answers 200 when the queue did not take the event.",
        _WEBHOOK,
        "Webhook.receive",
        "        except Exception as error:\n            return _unavailable(error)\n",
        "        except Exception:\n            return ACCEPTED\n",
    ),
    one_edit(
        "fail-open",
        "While the secret cannot be read, anybody is admitted.",
        _WEBHOOK,
        "Webhook.receive",
        "except SecretUnavailableError as error:\n            return _unavailable(error)",
        "except SecretUnavailableError:\n            pass",
        "a request without its signature is accepted: https://github.com/aws-samples/serverless-patterns",
    ),
]
